import json

import pytest
import torch

from ml.checkpoint import load_model, save_weights
from ml.config import EMOTIONS, CloseupConfig, GridConfig, ModelConfig
from ml.model import CloseupNet, Detector, GridDetector, ServedCloseup, ServedGrid, cell_centers, decode_boxes


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
    grid = GridDetector().eval()
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        boxes, scores = ServedGrid(grid)(images)
        objectness = grid(images.permute(0, 3, 1, 2) / 255)[..., 4].sigmoid().flatten(1)
    assert boxes.shape == (1, 64, 4)
    assert scores.shape == (1, 64, 9)
    assert torch.allclose(scores.sum(-1), objectness, atol=1e-5)
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
    assert torch.allclose(plain.sum(-1), tempered.sum(-1))
    assert torch.equal(plain.argmax(-1), tempered.argmax(-1))
    assert (tempered.max() > plain.max()) == (temperature < 1)


def test_scores_sum_to_how_sure_the_net_is_of_a_face():
    net = CloseupNet().eval()
    net.classify.weight.data[9] = 0
    net.classify.bias.data[9] = -1.0
    images = torch.randint(0, 256, (2, 80, 80, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert net(images.permute(0, 3, 1, 2) / 255).shape == (2, 10)
        scores = ServedCloseup(net)(images)[1]
        root = ServedCloseup(net, face_power=0.5)(images)[1]
    sure = torch.tensor(-1.0).sigmoid()
    assert torch.allclose(scores.sum(-1), sure.expand(2, 1))
    assert torch.allclose(root.sum(-1), sure.sqrt().expand(2, 1))


def test_a_net_from_before_it_told_faces_is_always_sure(tmp_path):
    save_weights(
        tmp_path / "old.pt", Detector(ModelConfig(closeup=CloseupConfig(tells_faces=False))), card={}
    )
    content = torch.load(tmp_path / "old.pt", weights_only=True)
    del content["config"]["closeup"]["tells_faces"]
    torch.save(content, tmp_path / "old.pt")
    net = load_model(tmp_path / "old.pt")[0].closeup
    images = torch.randint(0, 256, (2, 80, 80, 3), dtype=torch.uint8)
    with torch.inference_mode():
        scores = ServedCloseup(net)(images)[1]
    assert torch.allclose(scores.sum(-1), torch.ones(2, 1))


def test_an_expression_that_is_twice_as_common_has_twice_the_odds():
    net = CloseupNet(CloseupConfig(tells_faces=False)).eval()
    images = torch.randint(0, 256, (2, 80, 80, 3), dtype=torch.uint8)
    with torch.inference_mode():
        plain = ServedCloseup(net)(images)[1]
        shifted = ServedCloseup(net, prior_ratios={"natural": 2.0})(images)[1]
    natural = EMOTIONS.index("natural")
    others = [index for index in range(9) if index != natural]
    odds = [p[..., natural] / (1 - p[..., natural]) for p in (plain, shifted)]
    assert torch.allclose(odds[1], 2 * odds[0], rtol=1e-4)
    ratios = (shifted / plain)[..., others]  # the others shrink alike
    assert torch.allclose(ratios, ratios[..., :1].expand_as(ratios), rtol=1e-4)
    assert torch.allclose(shifted.sum(-1), torch.ones(2, 1))


def test_the_bias_of_objectness_changes_scores_and_no_box():
    grid = GridDetector().eval()
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        boxes, scores = ServedGrid(grid)(images)
        same, raised = ServedGrid(grid, objectness_bias=2.0)(images)
    assert torch.equal(boxes, same)
    odds = [torch.logit(values.sum(-1)) for values in (scores, raised)]
    assert torch.allclose(odds[0] + 2.0, odds[1], atol=1e-3)


def test_neither_colour_nor_exposure_changes_what_the_closeup_net_sees():
    net = CloseupNet().eval()
    net.classify.weight.data *= 100  # so that pictures differ, untrained as the net is
    picture, other = torch.rand(1, 1, 64, 64) * 0.5, torch.linspace(0, 0.5, 64).expand(1, 1, 64, 64)
    green = torch.cat([picture * 0, picture / 0.587, picture * 0], 1)
    with torch.inference_mode():
        seen = net(picture)
        difference = (net(other) - seen).abs().max()
        for same in (picture.expand(1, 3, 64, 64), green, picture * 0.9 + 0.4):
            assert (net(same) - seen).abs().max() < 0.1 * difference


@pytest.mark.parametrize("size", [(8, 8), (240, 320), (72, 104), (8, 200)])
def test_the_grid_takes_any_size_in_whole_cells(size):
    with torch.inference_mode():
        grid = GridDetector().eval()(torch.rand(1, 3, *size))
    assert grid.shape == (1, size[0] // 8, size[1] // 8, 14)
