"""Non-maximum suppression in numpy: which of a grid's many boxes to keep."""

import numpy as np

MAX_CANDIDATES = 300
NMS_IOU = 0.4
"""Boxes that overlap a surer one by more are of the same face; 0.5 leaves more faces with two boxes."""
MIN_VOTE = 0.005
"""Objectness from which a box has a say in where its neighbours' face is."""


def pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes `a` [n, 4] and `b` [m, 4] (x1, y1, x2, y2): [n, m] in 0..1."""
    corner_low = np.maximum(a[:, None, :2], b[None, :, :2])
    corner_high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(corner_high - corner_low, 0, None)
    overlap = sides[..., 0] * sides[..., 1]
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    union = area_a[:, None] + area_b[None, :] - overlap
    return overlap / np.maximum(union, 1e-9)


def select_boxes(
    boxes: np.ndarray, scores: np.ndarray, *, min_score: float, iou: float = NMS_IOU, limit: int = 20
) -> np.ndarray:
    """Indices of the boxes to keep, best objectness first, at most `limit`.

    `boxes` [n, 4], `scores` [n, classes] = objectness x p(class), so that a row's sum is its objectness.
    Suppression is class-agnostic and goes by objectness: one face is one box. Boxes whose objectness is below
    `min_score` are left out; what is kept at a high `min_score` is therefore among what is kept at a lower
    one.
    """
    objectness = scores.sum(axis=1)
    candidates = np.flatnonzero(objectness >= min_score)
    candidates = candidates[np.argsort(-objectness[candidates], kind="stable")[:MAX_CANDIDATES]]
    if len(candidates) > 1:
        overlaps = pairwise_iou(boxes[candidates], boxes[candidates]) > iou
        alive = np.ones(len(candidates), dtype=bool)
        for row in range(len(candidates)):
            if alive[row]:
                alive[row + 1 :] &= ~overlaps[row, row + 1 :]
        candidates = candidates[alive]
    return candidates[:limit]


def vote_boxes(boxes: np.ndarray, scores: np.ndarray, kept: np.ndarray, *, iou: float = 0.5) -> np.ndarray:
    """The boxes `kept` [k], each averaged with all that overlap it by `iou`, weighted by objectness: [k, 4].

    Several cells see each face, and their mean is nearer to it than the surest of them (Gidaris & Komodakis
    2015, "Object detection via a multi-region and semantic segmentation-aware CNN model", box voting).
    """
    objectness = scores.sum(axis=1)
    voters = np.flatnonzero(objectness >= MIN_VOTE)
    weights = (pairwise_iou(boxes[kept], boxes[voters]) >= iou) * objectness[voters]
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0, weights @ boxes[voters] / np.maximum(total, 1e-9), boxes[kept])
