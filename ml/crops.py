"""The close-up of a face: which part of the image it shows, and cutting it out. Imports no torch."""

from typing import Literal

import numpy as np
from PIL import Image

MARGIN = 1.15
"""A close-up's side as a multiple of the longer side of the face's box."""


def cut_closeup(
    image: Image.Image, box: np.ndarray, size: int, *, border: Literal["symmetric", "edge"] = "symmetric"
) -> np.ndarray:
    """The square around a face of an RGB image, uint8 [size, size, 3].

    `box` [4] is x1, y1, x2, y2 in fractions. What lies outside the image mirrors it, or repeats its edge as
    detectors were trained with before `hamster-3`.
    """
    x1, y1, x2, y2 = (float(edge) * side for edge, side in zip(box, image.size * 2, strict=True))
    side = max(x2 - x1, y2 - y1, 1.0) * MARGIN
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    edges = (
        min(max(left, 0.0), image.width - 1.0),
        min(max(top, 0.0), image.height - 1.0),
        max(min(left + side, image.width), 1.0),
        max(min(top + side, image.height), 1.0),
    )
    columns = _span((edges[0] - left) / side, (edges[2] - left) / side, size)
    rows = _span((edges[1] - top) / side, (edges[3] - top) / side, size)
    shape = size - sum(columns), size - sum(rows)
    piece = image.resize(shape, Image.Resampling.BILINEAR, box=edges, reducing_gap=2.0)
    return np.pad(np.asarray(piece), (rows, columns, (0, 0)), mode=border)


def _span(start: float, end: float, size: int) -> tuple[int, int]:
    """Pixels before and after what lies between two fractions of `size`, which is at least one pixel."""
    first = min(max(round(start * size), 0), size - 1)
    last = min(max(round(end * size), first + 1), size)
    return first, size - last
