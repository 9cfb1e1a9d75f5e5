"""How the detector's reading of a face changes with the face's size, light, sharpness and turn."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageFilter

from ml.dataset import Sample
from ml.images import decode_image
from ml.metrics import FrameResult, confusion_matrix
from ml.predictor import Predictor

FRAME = (320, 240)
"""A camera's frame, on which faces are shown at a given size."""

Change = Callable[[Image.Image, np.ndarray], tuple[Image.Image, np.ndarray]]
"""An image and its face's box [4] in fractions -> the changed image and where the face is in it."""


@dataclass(frozen=True)
class Series:
    """One plot: what is varied, in which unit, and the changes by value."""

    name: str
    unit: str
    changes: dict[float, Change]


def shrink(height: float, image: Image.Image, box: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """The face `height` pixels high in the middle of a frame; what is not in the image is grey."""
    scale = height / max((box[3] - box[1]) * image.height, 1)
    reach = np.array(FRAME) / scale / 2
    middle = (box[:2] + box[2:]) / 2 * image.size
    left, top = np.floor(middle - reach).astype(int)
    right, bottom = np.ceil(middle + reach).astype(int)
    seen = (max(left, 0), max(top, 0), min(right, image.width), min(bottom, image.height))
    frame = Image.new("RGB", FRAME, (114, 114, 114))
    place = (np.array(seen) - [left, top, left, top]) * scale
    size = tuple(int(side) for side in (place[2:] - place[:2]).round().clip(min=1))
    part = image.resize(size, Image.Resampling.BILINEAR, box=seen, reducing_gap=3.0)
    frame.paste(part, tuple(int(side) for side in place[:2].round()))
    edges = (box * np.array(image.size * 2) - [left, top, left, top]) * scale / np.array(FRAME * 2)
    return frame, edges.clip(0, 1)


def grey(share: float, image: Image.Image, box: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """`share` of the colour taken away."""
    return Image.blend(image, image.convert("L").convert("RGB"), share), box


def light(factor: float, image: Image.Image, box: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """Every pixel `factor` times as bright, clipped at white."""
    return image.point(lambda value: min(255, round(value * factor))), box


def blur(share: float, image: Image.Image, box: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """Gaussian blur whose sigma is `share` percent of the face's height."""
    sigma = share / 100 * float(box[3] - box[1]) * image.height
    return image.filter(ImageFilter.GaussianBlur(sigma)), box


def turn(degrees: float, image: Image.Image, box: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """Turned around the face's middle, counter-clockwise; the corners left empty are grey."""
    middle = ((box[0] + box[2]) / 2 * image.width, (box[1] + box[3]) / 2 * image.height)
    return image.rotate(degrees, Image.Resampling.BILINEAR, center=middle, fillcolor=(114, 114, 114)), box


def _series(name: str, unit: str, change: Callable, values: Sequence[float]) -> Series:
    return Series(name, unit, {value: partial(change, value) for value in values})


SERIES = (
    _series(
        "size", "height of the face in a 320x240 frame, pixels", shrink, (12, 16, 24, 32, 48, 72, 110, 160)
    ),
    _series("grey", "share of the colour taken away", grey, (0.0, 0.5, 1.0)),
    _series("light", "brightness, times the original's", light, (0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)),
    _series("blur", "sigma in percent of the face's height", blur, (0.0, 1.0, 2.0, 3.0, 5.0, 8.0)),
    _series("rotation", "degrees, counter-clockwise", turn, (-60, -45, -30, -15, 0, 15, 30, 45, 60)),
)


def measure_series(predictor: Predictor, samples: Sequence[Sample], series: Series) -> dict[float, float]:
    """Value -> expression accuracy over `samples`, images of one face of known expression each."""

    def accuracy(change: Change) -> float:
        def look(sample: Sample) -> FrameResult:
            image, box = change(decode_image(sample.path.read_bytes()), sample.boxes[0])
            boxes, scores = predictor.predict_arrays(image, min_score=0.01)
            return FrameResult(boxes, scores, box[None], sample.labels, *image.size, sample.source, "")

        with ThreadPoolExecutor(2) as pool:
            matrix = confusion_matrix(list(pool.map(look, samples)))
        return float(np.trace(matrix) / matrix.sum())

    return {value: accuracy(change) for value, change in series.changes.items()}
