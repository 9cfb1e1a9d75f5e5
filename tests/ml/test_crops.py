import numpy as np
import pytest
from PIL import Image

from ml.crops import MARGIN, cut_closeup


def picture(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards: a pixel's colour tells where it is."""
    right, down = np.meshgrid(np.arange(width), np.arange(height))
    return Image.fromarray(np.stack([right, down, right * 0], -1).astype(np.uint8))


def test_a_closeup_is_the_square_around_the_box_with_a_margin():
    closeup = cut_closeup(picture(200, 100), np.array([0.4, 0.3, 0.6, 0.7]), 64).astype(float)
    side = 40 * MARGIN
    assert closeup.shape == (64, 64, 3)
    assert closeup[:, 0, 0].mean() == pytest.approx(100 - side / 2, abs=1.0)
    assert closeup[:, -1, 0].mean() == pytest.approx(100 + side / 2, abs=1.5)
    assert closeup[0, :, 1].mean() == pytest.approx(50 - side / 2, abs=1.0)
    assert closeup[-1, :, 1].mean() == pytest.approx(50 + side / 2, abs=1.5)


def test_what_lies_outside_mirrors_the_picture():
    closeup = cut_closeup(picture(200, 100), np.array([-0.1, 0.0, 0.1, 0.4]), 64).astype(int)
    left, right = closeup[:, :32, 0], closeup[:, 32:, 0]  # the middle of the face is the picture's border
    assert right.max() > 15
    assert np.abs(left[:, ::-1] - right).max() <= 1


def test_for_older_detectors_it_repeats_the_edge():
    closeup = cut_closeup(picture(200, 100), np.array([-0.1, 0.0, 0.1, 0.4]), 64, border="edge")
    assert (closeup[:, :31, 0] <= 1).all()
    assert closeup[:, -1, 0].min() > 15


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0.5, 0.5, 0.5, 0.5), (0.9, 0.9, 1, 1), (0, 0, 1, 0.01)])
def test_any_box_of_any_image_gives_a_closeup(size, box):
    assert cut_closeup(Image.new("RGB", size, "red"), np.array(box), 80).shape == (80, 80, 3)
