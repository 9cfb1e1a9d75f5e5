import json

import pytest
import torch

from ml.config import ModelConfig
from ml.model import GridDetector, ServedDetector, cell_centers, decode_boxes


def test_the_grid_has_one_cell_for_every_16_pixels():
    with torch.inference_mode():
        assert GridDetector()(torch.rand(2, 3, 96, 160)).shape == (2, 6, 10, 14)


def test_boxes_decode_around_their_cells():
    centers = cell_centers(2, 3, 16)
    assert centers[4].tolist() == [24, 24]
    raw = torch.zeros(1, 6, 4)
    raw[0, 4, 0] = 0.5
    assert decode_boxes(raw, centers, 16)[0, 4].tolist() == [24, 16, 40, 32]


def test_scores_are_probabilities_whose_sum_is_the_objectness():
    served = ServedDetector(GridDetector()).eval()
    with torch.inference_mode():
        boxes, scores = served(torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8))
    assert boxes.shape == (1, 16, 4)
    assert scores.shape == (1, 16, 9)
    assert (scores.sum(-1) <= 1).all()
    assert (scores >= 0).all()


def test_a_config_survives_json():
    config = ModelConfig(depths=(1, 1, 1, 1))
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_changes_certainty_but_not_the_order(temperature):
    model = GridDetector().eval()
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        plain = ServedDetector(model)(images)[1]
        tempered = ServedDetector(model, temperature=temperature)(images)[1]
    assert torch.equal(plain.argmax(-1), tempered.argmax(-1))
    assert (tempered.max() > plain.max()) == (temperature < 1)
