from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml.dataset import DatasetError, Sample, load_split
from ml.image_cache import Pool, build_cache, class_weights
from tests.ml.drawn_faces import make_dataset


def sample(*labels: int) -> Sample:
    return Sample(Path("x.jpg"), np.zeros((len(labels), 4), np.float32), np.array(labels, np.int64))


HAPPY_FOUR_TIMES_AS_OFTEN = [sample(4)] * 40 + [sample(0)] * 10 + [sample(-1)] * 5


def test_rare_expressions_are_drawn_more_often_than_their_share_and_unknown_faces_sometimes():
    weights = class_weights(HAPPY_FOUR_TIMES_AS_OFTEN)
    assert weights[40] == pytest.approx(2 * weights[0])
    assert 0 < weights[-1] < weights[0]


def test_an_image_that_does_not_decode_is_named_and_left_out(tmp_path, caplog):
    root = make_dataset(tmp_path, train=9, valid=1, size=128)
    broken = sorted((root / "train/images").iterdir())[3]
    broken.write_bytes(broken.read_bytes()[:200])
    cache = build_cache(load_split(root, "train").samples, memory_bytes=1e9, progress=False)
    assert len(cache) == 8
    assert broken.name in caplog.text
    assert list(cache.to("cpu").broken) == [broken]


def test_images_are_kept_smaller_where_memory_is_short_and_refused_where_it_is_too_short(tmp_path):
    root = make_dataset(tmp_path, train=9, valid=1, size=300)
    samples = load_split(root, "train").samples
    roomy = build_cache(samples, memory_bytes=1e9, progress=False)
    tight = build_cache(samples, memory_bytes=9 * 3 * 170**2, progress=False)
    assert roomy.large.images.shape[-1] == 320
    assert tight.large.images.shape[-1] == 160
    with pytest.raises(DatasetError, match="--cache-gb"):
        build_cache(samples, memory_bytes=1e4, progress=False)


def test_patches_for_backgrounds_show_no_face(tmp_path):
    """The face is red all over its box; no patch may hold that red."""
    for name in ("images", "labels"):
        (tmp_path / "train" / name).mkdir(parents=True)
    image = Image.new("RGB", (320, 240), "blue")
    image.paste("red", (10, 60, 70, 160))
    image.save(tmp_path / "train/images/a.png")
    (tmp_path / "train/labels/a.txt").write_text(f"-1 {40 / 320} {110 / 240} {60 / 320} {100 / 240}\n")
    cache = build_cache(load_split(tmp_path, "train").samples, memory_bytes=1e9, progress=False)
    assert len(cache.patches) > 0
    assert cache.patches[:, 2].min() > 200  # blue is there ...
    assert cache.patches[:, 0].max() < 60  # ... and red is not


@pytest.mark.parametrize(
    ("faceless", "wanted"), [(0, 0.0), (50, 0.3 + 0.7 * 0.05), (1, 20 / 1000 + 0.98 / 1000)]
)
def test_pictures_without_a_face_come_more_often_but_not_endlessly(faceless, wanted):
    torch.manual_seed(0)
    blank = torch.zeros(1000, 1)
    pool = Pool(blank, blank, blank, blank, torch.arange(1000)[:, None] >= faceless, blank, blank)
    drawn = pool.draw(20_000, faceless_share=0.3)
    assert (drawn < faceless).float().mean() == pytest.approx(wanted, abs=0.015)
