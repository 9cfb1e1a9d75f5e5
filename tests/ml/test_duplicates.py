"""Pictures that look alike are found, others are not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from ml.duplicates import find_twins, group_alike, signature, stack
from tests.ml.drawn_faces import draw_scene

COUNT = 60


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(5)
    return [draw_scene(rng, index % 9, 128)[0] for index in range(2 * COUNT)]


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def signatures(pictures: list[Image.Image]) -> np.ndarray:
    return stack([signature(picture) for picture in pictures])


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: as_jpeg(picture.resize((200, 200)), 60),
        lambda picture: as_jpeg(picture.resize((80, 80)), 40),
        lambda picture: as_jpeg(picture.convert("L"), 90),
        lambda picture: ImageEnhance.Brightness(picture).enhance(0.95),
    ],
    ids=["larger", "smaller", "grey", "darker"],
)
def test_copies_find_their_original(pictures, change):
    originals = pictures[:COUNT]
    twins = find_twins(signatures([change(picture) for picture in originals]), signatures(originals))
    assert [(twin.first, twin.second) for twin in twins] == [(index, index) for index in range(COUNT)]


def test_other_pictures_have_no_twin(pictures):
    assert find_twins(signatures(pictures[:COUNT]), signatures(pictures[COUNT:])) == []


def test_plain_pictures_of_other_patterns_are_told_apart():
    flat = Image.new("L", (64, 64), 120)
    dot = flat.copy()
    dot.paste(160, (24, 24, 44, 44))
    assert find_twins(signatures([flat]), signatures([dot])) == []
    assert len(find_twins(signatures([flat]), signatures([dot, flat]))) == 1


def test_groups_hold_what_is_alike_by_others_in_between_whatever_comes_first():
    cells = np.arange(20, 200, 20) + np.zeros((8, 1))
    shift = np.repeat([1, -1], 4)[:, None]
    near, far, between = (stack([cells + levels * shift]) for levels in (0, 6, 3))
    other = 255 - near
    assert group_alike(np.concatenate([near, far])) == [0, 1]
    assert group_alike(np.concatenate([near, other, far, between, other])) == [0, 1, 0, 0, 1]
    assert group_alike(np.concatenate([between, far, near])) == [0, 0, 0]
    assert group_alike(stack([])) == []


def test_fifty_thousand_are_compared_while_one_waits():
    rng = np.random.default_rng(0)
    many = rng.integers(0, 256, (45_000, 72), dtype=np.uint8)
    few = rng.integers(0, 256, (5_000, 72), dtype=np.uint8)
    few[17] = many[30_001]
    steps: list[float] = []
    (twin,) = find_twins(few, many, on_step=steps.append)
    assert (twin.first, twin.second, twin.bits) == (17, 30_001, 0)
    assert steps == sorted(steps)
    assert steps[-1] == 1.0


def test_nothing_has_no_twins(pictures):
    assert find_twins(stack([]), signatures(pictures[:3])) == []
    assert find_twins(signatures(pictures[:3]), stack([])) == []
