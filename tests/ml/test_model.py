import json

import pytest
import torch

from ml.config import CloseupConfig, GridConfig, ModelConfig
from ml.model import CloseupNet, GridDetector, ServedCloseup, ServedGrid, cell_centers, decode_boxes


def test_the_grid_has_one_cell_for_every_8_pixels():
    with torch.inference_mode():
        assert GridDetector()(torch.rand(2, 3, 96, 160)).shape == (2, 12, 20, 14)


def test_boxes_decode_around_their_cells():
    centers = cell_centers(2, 3, 16)
    assert centers[4].tolist() == [24, 24]
    raw = torch.zeros(1, 6, 4)
    raw[0, 4, 0] = 0.5
    assert decode_boxes(raw, centers, 16)[0, 4].tolist() == [24, 16, 40, 32]


def test_scores_are_probabilities_whose_sum_is_the_objectness():
    served = ServedGrid(GridDetector()).eval()
    with torch.inference_mode():
        boxes, scores = served(torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8))
    assert boxes.shape == (1, 64, 4)
    assert scores.shape == (1, 64, 9)
    assert (scores.sum(-1) <= 1).all()
    assert (scores >= 0).all()


def test_a_config_survives_json():
    config = ModelConfig(GridConfig(depths=(1, 1, 1, 1)), CloseupConfig(size=64))
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_changes_certainty_but_not_the_order(temperature):
    net = CloseupNet().eval()
    images = torch.randint(0, 256, (2, 80, 80, 3), dtype=torch.uint8)
    with torch.inference_mode():
        plain = ServedCloseup(net)(images)[1]
        tempered = ServedCloseup(net, temperature=temperature)(images)[1]
    assert plain.shape == (2, 1, 9)
    assert torch.allclose(plain.sum(-1), torch.ones(2, 1))
    assert torch.equal(plain.argmax(-1), tempered.argmax(-1))
    assert (tempered.max() > plain.max()) == (temperature < 1)


def test_the_scale_of_objectness_changes_scores_and_no_box():
    grid = GridDetector().eval()
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        boxes, scores = ServedGrid(grid)(images)
        same, raised = ServedGrid(grid, objectness_scale=0.5, objectness_bias=2.0)(images)
    assert torch.equal(boxes, same)
    odds = [torch.logit(values.sum(-1)) for values in (scores, raised)]
    assert torch.allclose(odds[0] * 0.5 + 2.0, odds[1], atol=1e-3)


def test_colour_and_exposure_do_not_change_what_the_closeup_net_sees():
    net = CloseupNet().eval()
    picture = torch.rand(1, 1, 64, 64) * 0.5
    with torch.inference_mode():
        grey = net(picture.expand(1, 3, 64, 64))
        assert torch.allclose(net(picture), grey, atol=1e-4)
        assert torch.allclose(net(picture * 0.9 + 0.4), grey, atol=0.05)
