"""Making scores mean what they say, on validation images: temperature, objectness, default threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from ml.metrics import MATCH_IOU, FrameResult, boxes_of_faces
from ml.nms import pairwise_iou
from ml.predictor import DEFAULT_MIN_SCORE

MIN_FACES = 50
"""With fewer faces or boxes nothing can be fitted: scores stay as they are."""
F1_TOLERANCE = 0.005
"""Among thresholds as good as this the highest is taken: a face shown where there is none is worse than one
that is missed for a frame."""


def fit_temperature(results: Sequence[FrameResult]) -> float:
    """The temperature, 0.25 to 4, under which softmax(log p / temperature) fits the known expressions best.

    p are the shares of the expressions in the scores of the faces' boxes, measured at temperature 1; their
    logarithms are the logits but for a constant (Guo et al. 2017, "On calibration of modern neural
    networks").
    """
    shares, labels = [np.ones((0, 1))], [np.zeros(0, np.int64)]
    for result in results:
        known = result.true_labels >= 0
        if known.any() and len(result.boxes):
            best, found = boxes_of_faces(result, known)
            scores = result.scores[best[found]]
            shares.append(scores / scores.sum(axis=1, keepdims=True))
            labels.append(result.true_labels[known][found])
    truth = torch.from_numpy(np.concatenate(labels))
    if len(truth) < MIN_FACES:
        return 1.0
    logits = torch.from_numpy(np.concatenate(shares[1:])).clamp(min=1e-9).log()
    candidates = torch.logspace(-2, 2, 81, base=2.0)
    losses = torch.stack([F.cross_entropy(logits / value, truth) for value in candidates])
    return round(float(candidates[losses.argmin()]), 3)


def fit_objectness(results: Sequence[FrameResult], *, steps: int = 25) -> float:
    """The bias, -5 to 5, with which the sigmoid of the objectness logit says how many of the boxes are faces.

    What is measured has been multiplied by a power of the second look's p(face), which is near 1 for faces:
    the bias comes out a little too low.

    Logistic regression by Newton's method with the scale kept at 1: a free scale (Platt 1999) is steeper, and
    presses faces that are hard to see below every threshold.
    """
    objectness, is_face = _boxes_and_faces(results, [result.scores.sum(axis=1) for result in results])
    if min(is_face.sum(), len(is_face) - is_face.sum()) < MIN_FACES:
        return 0.0
    clipped = np.clip(objectness, 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    bias = 0.0
    for _ in range(steps):
        p = 1 / (1 + np.exp(-logits - bias))
        bias -= ((p - is_face).sum() + bias) / ((p * (1 - p)).sum() + 1)
        bias = float(np.clip(bias, -5, 5))
    return round(bias, 4)


def choose_min_score(results: Sequence[FrameResult]) -> float:
    """The highest score, 0.2 to 0.6, from which showing boxes gives an F1 of faces within F1_TOLERANCE of the
    best one, as a mean over the sources.

    DEFAULT_MIN_SCORE where there are too few faces to tell.
    """
    if sum(len(result.true_boxes) for result in results) < MIN_FACES:
        return DEFAULT_MIN_SCORE
    thresholds = np.arange(DEFAULT_MIN_SCORE, 0.6, 0.01)
    figures = []
    for source in sorted({result.source for result in results}):
        chosen = [result for result in results if result.source == source]
        faces = sum(len(result.true_boxes) for result in chosen)
        if faces:
            score, is_face = _boxes_and_faces(chosen, [_best(result) for result in chosen])
            shown = score >= thresholds[:, None]
            figures.append(2 * (shown & is_face).sum(axis=1) / (shown.sum(axis=1) + faces))
    mean = np.mean(figures, axis=0)
    return round(float(thresholds[mean >= mean.max() - F1_TOLERANCE].max()), 2)


def _best(result: FrameResult) -> np.ndarray:
    return result.scores.max(axis=1, initial=0.0)


def _boxes_and_faces(
    results: Sequence[FrameResult], values: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """All boxes' values [n], and whether each is a face's best box [n]; a second box on a face is none."""
    found = [np.zeros(0)]
    faces = [np.zeros(0, bool)]
    for result, value in zip(results, values, strict=True):
        overlap = pairwise_iou(result.boxes, result.true_boxes)
        is_face = np.zeros(len(result.boxes), bool)
        if overlap.size:
            best = overlap.argmax(axis=0)
            is_face[best] = overlap.max(axis=0) >= MATCH_IOU
        found.append(value)
        faces.append(is_face)
    return np.concatenate(found), np.concatenate(faces)
