"""The close-up of a face: which part of the image it shows, and cutting it out. Imports no torch."""

import numpy as np
from PIL import Image

MARGIN = 1.15
"""A close-up's side as a multiple of the longer side of the face's box."""


def cut_closeup(image: Image.Image, box: np.ndarray, size: int) -> np.ndarray:
    """The square around a face of an RGB image, uint8 [size, size, 3].

    `box` [4] is x1, y1, x2, y2 in fractions. What lies outside the image repeats its border.
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
    first_column, last_column = (round((x - left) / side * size) for x in (edges[0], edges[2]))
    first_row, last_row = (round((y - top) / side * size) for y in (edges[1], edges[3]))
    shape = max(1, last_column - first_column), max(1, last_row - first_row)
    piece = image.resize(shape, Image.Resampling.BILINEAR, box=edges, reducing_gap=2.0)
    rows, columns = (first_row, size - first_row - shape[1]), (first_column, size - first_column - shape[0])
    return np.pad(np.asarray(piece), (rows, columns, (0, 0)), mode="edge")
