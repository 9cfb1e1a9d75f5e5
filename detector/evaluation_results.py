"""What is kept of a picture that an evaluation has looked at, in a form for JSON, and the way back."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.config import EMOTIONS
from ml.dataset import Sample
from ml.images import ImageError, decode_image
from ml.inside import UnusableFile, read_inside
from ml.metrics import MISSED, FrameResult, boxes_of_faces
from ml.predictor import DECODE_SIDE, Predictor

MIN_SCORE = 0.01
"""Boxes are kept down to this score, so that the whole precision-recall curve is seen."""
_MAX_FACES = 100
_DIGITS = 4

Picture = dict[str, Any]


def look_at(predictor: Predictor, sample: Sample, folder: Path) -> Picture:
    """Look at one picture of a data set in `folder`.

    `path` is relative to the folder, `truth` are rows of class index (-1: unknown) and corners, `found` rows
    of corners and nine scores. A picture that can't be read is one where nothing is found, and says why.
    """
    boxes, scores, size, problem = np.empty((0, 4)), np.empty((0, len(EMOTIONS))), (1, 1), ""
    try:
        image = decode_image(read_inside(sample.path, folder.resolve()), target=DECODE_SIDE)
    except (ImageError, UnusableFile, OSError) as error:
        problem = str(error)
    else:
        boxes, scores = predictor.predict_arrays(image, min_score=MIN_SCORE, max_faces=_MAX_FACES)
        size = image.size
    truth = [[int(label), *_rounded(box)] for label, box in zip(sample.labels, sample.boxes, strict=True)]
    return {
        "path": str(sample.path.relative_to(folder)),
        "source": sample.source,
        "size": list(size),
        "truth": truth,
        "found": [_rounded(row) for row in np.hstack([boxes, scores])],
        "problem": problem,
    }


def frame_result(picture: Picture) -> FrameResult:
    """The picture as `ml.metrics` takes it."""
    truth = np.asarray(picture["truth"], np.float32).reshape(-1, 5)
    found = np.asarray(picture["found"], np.float32).reshape(-1, 4 + len(EMOTIONS))
    return FrameResult(
        boxes=found[:, :4],
        scores=found[:, 4:],
        true_boxes=truth[:, 1:],
        true_labels=truth[:, 0].astype(np.int64),
        width=picture["size"][0],
        height=picture["size"][1],
        source=picture["source"],
        name=picture["path"],
    )


def readings(picture: Picture) -> list[tuple[int, int, int | None]]:
    """Each face of known expression: its class, the class read from its box (`MISSED` without one), and the
    number of that box among the found ones. The same pairs as in the confusion matrix."""
    result = frame_result(picture)
    known = result.true_labels >= 0
    if not known.any():
        return []
    labels = result.true_labels[known].tolist()
    if not len(result.boxes):
        return [(label, MISSED, None) for label in labels]
    best, found = boxes_of_faces(result, known)
    named = result.scores[best].argmax(axis=1)
    return [
        (label, int(name), int(box)) if there else (label, MISSED, None)
        for label, name, box, there in zip(labels, named, best, found, strict=True)
    ]


def frame_results(pictures: Iterable[Picture]) -> Sequence[FrameResult]:
    """All pictures as `ml.metrics` takes them."""
    return [frame_result(picture) for picture in pictures]


def _rounded(numbers: Iterable[float]) -> list[float]:
    return [round(float(number), _DIGITS) for number in numbers]
