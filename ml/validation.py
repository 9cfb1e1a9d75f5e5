"""Validation images, decoded and scaled once as the predictor scales them, in batches of one shape."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ml.config import EMOTIONS
from ml.dataset import Sample
from ml.engine import ValidationBatch
from ml.images import ImageError, decode_image
from ml.metrics import FrameResult
from ml.predictor import fit_to_grid

log = logging.getLogger(__name__)


def prepare_validation(
    samples: Sequence[Sample], input_size: int, *, limit: int = 0, batch_size: int = 64
) -> list[ValidationBatch]:
    """Batches ready for `ml.engine.evaluate`. With `limit`, that many samples, spread evenly over the
    sequence.

    An image that does not decode is reported and left out.
    """
    if limit and limit < len(samples):
        samples = [samples[int(index)] for index in np.linspace(0, len(samples) - 1, limit)]
    by_shape: dict[tuple[int, int], list[tuple[np.ndarray, tuple[int, int], FrameResult]]] = defaultdict(list)
    for sample in samples:
        try:
            image: Image.Image = decode_image(sample.path.read_bytes())
        except (ImageError, OSError) as error:
            log.warning("%s is left out: %s", sample.path, error)
            continue
        pixels, content = fit_to_grid(image, input_size)
        nothing = np.zeros((0, 4), np.float32), np.zeros((0, len(EMOTIONS)), np.float32)
        truth = FrameResult(
            *nothing, sample.boxes, sample.labels, *image.size, sample.source, sample.path.name
        )
        by_shape[pixels.shape[1:3]].append((pixels[0], content, truth))
    batches = []
    for prepared in by_shape.values():
        for start in range(0, len(prepared), batch_size):
            images, contents, truths = zip(*prepared[start : start + batch_size], strict=True)
            batches.append(ValidationBatch(np.stack(images), list(contents), list(truths)))
    return batches
