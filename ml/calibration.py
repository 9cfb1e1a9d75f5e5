"""Making scores mean what they say, on validation images: temperature, objectness, default threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ml.metrics import MATCH_IOU, FrameResult
from ml.nms import pairwise_iou

MIN_FACES = 50
"""With fewer faces or boxes nothing can be fitted: scores stay as they are."""
FACE_PRECISION = 0.95
"""At the default threshold this share of the boxes are faces, over the images that have faces ..."""
FALSE_FACES = 0.01
"""... and this many boxes an image are shown where there is none."""


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature that makes labels [N] likeliest under softmax(logits [N, C] / temperature), 0.25 to 4.

    Guo et al. 2017, "On calibration of modern neural networks".
    """
    if len(labels) < MIN_FACES:
        return 1.0
    candidates = torch.logspace(-2, 2, 81, base=2.0)
    losses = torch.stack([F.cross_entropy(logits / value, labels) for value in candidates])
    return round(float(candidates[losses.argmin()]), 3)


def fit_objectness(results: Sequence[FrameResult], *, steps: int = 25) -> tuple[float, float]:
    """Scale and bias of the objectness logit that make its sigmoid the share of boxes that are faces.

    Platt 1999, "Probabilistic outputs for support vector machines": logistic regression by Newton's method.
    """
    objectness, is_face = _boxes_and_faces(results, [result.scores.sum(axis=1) for result in results])
    if min(is_face.sum(), len(is_face) - is_face.sum()) < MIN_FACES:
        return 1.0, 0.0
    inputs = np.stack([_logit(objectness), np.ones_like(objectness)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (p - is_face) + 1e-3 * (weights - [1.0, 0.0])
        curvature = (inputs * (p * (1 - p))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        weights -= np.linalg.solve(curvature, gradient)
    return round(float(weights[0]), 4), round(float(weights[1]), 4)


def rescale_objectness(results: Sequence[FrameResult], scale: float, bias: float) -> list[FrameResult]:
    """The same boxes with the scores that a detector calibrated by `fit_objectness` would give them."""
    rescaled = []
    for result in results:
        objectness = result.scores.sum(axis=1, keepdims=True)
        calibrated = 1 / (1 + np.exp(-(scale * _logit(objectness) + bias)))
        scores = result.scores / np.maximum(objectness, 1e-9) * calibrated
        rescaled.append(replace(result, scores=scores))
    return rescaled


def choose_min_score(results: Sequence[FrameResult]) -> float:
    """The lowest score, 0.05 to 0.6, from which boxes are trustworthy by FACE_PRECISION and FALSE_FACES."""
    with_faces = [result for result in results if len(result.true_boxes)]
    without = [result for result in results if not len(result.true_boxes)]
    score, is_face = _boxes_and_faces(with_faces, [_best(result) for result in with_faces])
    false = np.concatenate([_best(result) for result in without]) if without else np.zeros(0)
    for threshold in np.arange(0.05, 0.6, 0.01):
        shown = is_face[score >= threshold]
        wrong = (false >= threshold).sum()
        if shown.sum() >= FACE_PRECISION * len(shown) and wrong <= FALSE_FACES * len(without):
            return round(float(threshold), 2)
    return 0.6


def _logit(share: np.ndarray) -> np.ndarray:
    clipped = np.clip(share, 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def _best(result: FrameResult) -> np.ndarray:
    return result.scores.max(axis=1, initial=0.0)


def _boxes_and_faces(
    results: Sequence[FrameResult], values: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """All boxes' values [n], and whether each box is a face [n]."""
    found = [np.zeros(0)]
    faces = [np.zeros(0, bool)]
    for result, value in zip(results, values, strict=True):
        overlap = pairwise_iou(result.boxes, result.true_boxes).max(axis=1, initial=0.0)
        found.append(value)
        faces.append(overlap >= MATCH_IOU)
    return np.concatenate(found), np.concatenate(faces)
