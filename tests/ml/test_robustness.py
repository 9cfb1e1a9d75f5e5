import numpy as np
import pytest
from PIL import Image

from ml.dataset import Sample
from ml.predictor import Predictor
from ml.robustness import SERIES, Series, blur, grey, light, measure_series, shrink, turn

BOX = np.array([0.25, 0.25, 0.75, 0.75])


def red_face(size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A red square in the box of a grey picture."""
    image = Image.new("RGB", size, (114, 114, 114))
    width, height = size
    image.paste("red", (width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    return image


def red_share(image: Image.Image, box: np.ndarray) -> float:
    pixels = np.asarray(image).astype(int)
    x1, y1, x2, y2 = (box * np.array(image.size * 2)).round().astype(int)
    return float((pixels[y1:y2, x1:x2, 0] - pixels[y1:y2, x1:x2, 1] > 100).mean())


@pytest.mark.parametrize("height", [12, 48, 160])
def test_a_shrunk_face_has_the_height_and_its_box_follows(height):
    image, box = shrink(height, red_face((128, 128)), BOX)
    assert image.size == (320, 240)
    assert (box[3] - box[1]) * 240 == pytest.approx(height, abs=1.5)
    assert red_share(image, box) > 0.8


def test_a_turned_face_stays_in_the_middle_of_its_box():
    image, box = turn(45, red_face(), BOX)
    assert image.getpixel((32, 32)) == (255, 0, 0)
    assert image.getpixel((18, 18)) != (255, 0, 0)  # the square's corner has left
    assert np.array_equal(box, BOX)


def test_light_grey_and_blur_change_what_they_say():
    face = red_face()
    assert light(0.5, face, BOX)[0].getpixel((32, 32)) == (128, 0, 0)
    assert len(set(grey(1.0, face, BOX)[0].getpixel((32, 32)))) == 1
    assert blur(0.0, face, BOX)[0].tobytes() == face.tobytes()
    assert blur(8.0, face, BOX)[0].getpixel((16, 32)) != face.getpixel((16, 32))


def test_accuracy_falls_where_the_detector_sees_less(tmp_path, red_cells):
    image = Image.new("RGB", (128, 128), (114, 114, 114))
    image.paste("red", (32, 32, 64, 64))
    image.save(tmp_path / "a.png")
    box = np.array([[32, 32, 64, 64]], np.float32) / 128
    samples = [Sample(tmp_path / "a.png", box, np.array([4]))]  # red cells are always happy
    series = next(series for series in SERIES if series.name == "grey")
    points = measure_series(Predictor(red_cells), samples, Series("grey", "", series.changes))
    assert points[0.0] == 1.0
    assert points[1.0] == 0.0
