import numpy as np
import pytest
import torch
from PIL import Image

from ml.closeups import CloseupSampler
from ml.config import EMOTIONS, CloseupConfig, ModelConfig
from ml.dataset import load_split
from ml.hard_negatives import MIN_PLACES, fit_row, mine, teach_faces
from ml.image_cache import ImageCache, build_cache
from ml.model import Detector
from ml.precision import Precision
from tests.ml.drawn_faces import make_dataset

CPU = Precision(torch.device("cpu"), bf16=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> ImageCache:
    """Drawn faces, and pictures of stripes that show none."""
    folder = make_dataset(tmp_path_factory.mktemp("drawn"), train=18, valid=1, size=128)
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::8] = 255
    for number in range(4):
        Image.fromarray(stripes).save(folder / f"train/images/stripes{number}.png")
        (folder / f"train/labels/stripes{number}.txt").write_text("")
    return build_cache(load_split(folder, "train").samples, memory_bytes=1e9, progress=False)


@pytest.fixture
def credulous() -> Detector:
    """A detector that takes every cell for a face."""
    torch.manual_seed(0)
    model = Detector(ModelConfig(closeup=CloseupConfig(size=32))).eval()
    torch.nn.init.constant_(model.grid.head.bias[4:5], 4.0)
    torch.nn.init.constant_(model.grid.head.bias[2:4], 1.0)  # boxes of 22 pixels
    return model


def test_what_is_mined_lies_in_the_picture_and_on_no_face(credulous, cache):
    index, boxes = mine(credulous.grid, cache.large, input_size=64, precision=CPU)
    assert len(index) == len(boxes) > MIN_PLACES
    faceless = ~cache.large.valid.any(1)
    assert faceless[index].any()
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    for number, middle in zip(index, middles, strict=True):
        for face in cache.large.boxes[number][cache.large.valid[number]]:
            inner = (face[2:] - face[:2]) / 4
            assert not ((middle > face[:2] + inner) & (middle < face[2:] - inner)).all()


def test_faces_are_told_from_what_the_grid_takes_for_them_and_expressions_are_read_as_before(
    credulous, cache
):
    before = credulous.closeup.classify.weight.detach().clone()
    places = teach_faces(credulous, cache, input_size=64, precision=CPU)
    after = credulous.closeup.classify.weight.detach()
    assert places > MIN_PLACES
    assert torch.equal(after[: len(EMOTIONS)], before[: len(EMOTIONS)])
    assert not torch.equal(after[len(EMOTIONS)], before[len(EMOTIONS)])
    sampler = CloseupSampler(cache, rare_share=0.05)
    sampler.strength = 0.0
    index, boxes = mine(credulous.grid, cache.large, input_size=64, precision=CPU)
    at, slot = cache.large.valid.nonzero().unbind(1)
    with torch.inference_mode():
        faces = credulous.closeup(sampler.cut_scenes(at, cache.large.boxes[at, slot], 32))[:, -1]
        others = credulous.closeup(sampler.cut_scenes(index, boxes, 32))[:, -1]
    assert faces.median() > 1.0 > -1.0 > others.median()


def test_a_grid_that_errs_nowhere_teaches_nothing(cache):
    model = Detector().eval()
    torch.nn.init.constant_(model.grid.head.bias[4:5], -20.0)
    before = model.closeup.classify.weight.detach().clone()
    assert teach_faces(model, cache, input_size=64, precision=CPU) == 0
    assert torch.equal(model.closeup.classify.weight, before)


def test_the_fitted_row_finds_the_feature_that_tells(cache):
    torch.manual_seed(0)
    is_face = (torch.arange(400) % 2).float()
    features = torch.randn(400, 5)
    features[:, 2] += 6 * is_face
    row = fit_row(features, is_face)
    said = features @ row[:-1] + row[-1]
    assert ((said > 0) == is_face.bool()).float().mean() > 0.98
    assert row[:-1].abs().argmax() == 2
