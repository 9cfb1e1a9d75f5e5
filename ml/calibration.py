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
FACE_PRECISION = 0.95
"""At the default threshold this share of the boxes are faces, over the images that have faces ..."""
FALSE_FACES = 0.01
"""... and this many boxes an image are shown where there is none."""


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
    """The lowest score, 0.2 to 0.6, from which boxes are trustworthy by FACE_PRECISION and FALSE_FACES.

    DEFAULT_MIN_SCORE where there are too few faces to tell.
    """
    with_faces = [result for result in results if len(result.true_boxes)]
    without = [result for result in results if not len(result.true_boxes)]
    score, is_face = _boxes_and_faces(with_faces, [_best(result) for result in with_faces])
    if is_face.sum() < MIN_FACES:
        return DEFAULT_MIN_SCORE
    false = np.concatenate([_best(result) for result in without]) if without else np.zeros(0)
    for threshold in np.arange(DEFAULT_MIN_SCORE, 0.6, 0.01):
        shown = is_face[score >= threshold]
        wrong = (false >= threshold).sum()
        if shown.sum() >= FACE_PRECISION * len(shown) and wrong <= FALSE_FACES * len(without):
            return round(float(threshold), 2)
    return 0.6


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
