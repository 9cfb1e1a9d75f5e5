"""How good a detector is: average precision (by pycocotools), expression accuracy, confusion. No torch."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ml.config import EMOTIONS
from ml.nms import pairwise_iou

MATCH_IOU = 0.4
"""A face counts as found for expression accuracy if a box overlaps it this much."""

MISSED = len(EMOTIONS)
"""The confusion matrix's last column: faces that no box found."""

WIDE_FACE = 0.04
"""Share of the image's width."""

_MAX_BOXES = 100
_FACE = (1,)


@dataclass
class FrameResult:
    """One validation image: what the detector found in it and what is there.

    boxes [n, 4] x1, y1, x2, y2 as fractions; scores [n, 9] as in `ml.predictor.Detection`, after suppression,
    down to a score of about 0.01; true_boxes [m, 4] fractions; true_labels [m], -1 for a face of unknown
    expression; width and height in pixels; `source` groups images in the report.
    """

    boxes: np.ndarray
    scores: np.ndarray
    true_boxes: np.ndarray
    true_labels: np.ndarray
    width: int
    height: int
    source: str
    name: str


def summarize(
    results: Sequence[FrameResult],
    *,
    fast: bool = False,
    curves: bool = False,
    min_score: float | None = None,
) -> dict[str, Any]:
    """Every figure of a validation, ready for JSON; a figure without any face to measure it on is None.

    mAP50 and mAP50_95 score every box for all nine classes; a face of unknown expression is a region where
    they don't count. face_AP50 takes all faces and ranks by objectness. Accuracy, the confusion matrix (rows:
    truth, columns: prediction, the last one "missed") and what follows from it are over faces of known
    expression. face_AP50_wide is over faces at least 4 % of the image's width; narrower ones don't count.
    false_faces is how many boxes of at least `min_score` an image without a face shows, None without it.
    `fast` leaves out mAP50_95 and the average precisions of single sources; `curves` adds "precision_curves":
    {class or "face": precision at recall 0, 0.01 ... 1} at IoU 0.5.
    """
    thresholds = (0.5,) if fast else tuple(np.linspace(0.5, 0.95, 10).round(2))
    by_class = _class_precision(results, thresholds)
    by_face = _face_precision(results)
    class_ap = [_mean(by_class[0, :, index]) for index in range(len(EMOTIONS))]
    confusion = confusion_matrix(results)
    summary: dict[str, Any] = {
        "frames": len(results),
        "faces": sum(len(result.true_labels) for result in results),
        "boxes": sum(len(result.boxes) for result in results),
        "mAP50": _mean([value for value in class_ap if value is not None]),
        "mAP50_95": None if fast else _mean(by_class),
        "face_AP50": _mean(by_face),
        "face_AP50_wide": None if fast else _mean(_face_precision(results, narrowest=WIDE_FACE)),
        "false_faces": None if min_score is None else false_faces(results, min_score),
        **expression_figures(confusion),
        "calibration_error": calibration_error(results),
        "per_class": _per_class(confusion, class_ap),
        "confusion": confusion.tolist(),
        "per_source": {
            source: _source_figures([result for result in results if result.source == source], fast)
            for source in sorted({result.source for result in results})
        },
    }
    if curves:
        found = {name: by_class[0, :, index] for index, name in enumerate(EMOTIONS)} | {
            "face": by_face[0, :, 0]
        }
        summary["precision_curves"] = {
            name: curve.round(4).tolist() for name, curve in found.items() if curve.min() >= 0
        }
    return summary


def calibration_error(results: Sequence[FrameResult], *, bins: int = 15) -> float | None:
    """Expected calibration error over the boxes of faces of known expression, None where there is none.

    The mean distance, in bins of equal width, between the score of a box's top class and the share of such
    boxes whose top class is right (Guo et al. 2017, "On calibration of modern neural networks").
    """
    scores, right = [np.zeros(0)], [np.zeros(0, bool)]
    for result in results:
        known = result.true_labels >= 0
        if known.any() and len(result.boxes):
            best, found = boxes_of_faces(result, known)
            scores.append(result.scores[best[found]].max(axis=1))
            right.append(result.scores[best[found]].argmax(axis=1) == result.true_labels[known][found])
    score, correct = np.concatenate(scores), np.concatenate(right)
    if not len(score):
        return None
    place = np.minimum((score * bins).astype(int), bins - 1)
    gaps = np.bincount(place, correct, bins) - np.bincount(place, score, bins)
    return float(np.abs(gaps).sum() / len(score))


def boxes_of_faces(result: FrameResult, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each face in `known`: its box of highest objectness with IoU >= 0.4, and whether there is one."""
    found = pairwise_iou(result.true_boxes[known], result.boxes) >= MATCH_IOU
    return np.where(found, result.scores.sum(axis=1), -1.0).argmax(axis=1), found.any(axis=1)


def false_faces(results: Sequence[FrameResult], min_score: float) -> float | None:
    """Boxes whose top class scores at least `min_score`, per image without a face; None without any."""
    shown = [
        (result.scores.max(axis=1, initial=0.0) >= min_score).sum()
        for result in results
        if not len(result.true_boxes)
    ]
    return float(np.mean(shown)) if shown else None


def confusion_matrix(results: Sequence[FrameResult]) -> np.ndarray:
    """Counts [9, 10] of faces of known expression: truth by row, top class of the face's box by column.

    The last column counts faces without a box. A face's box is the one of highest objectness among those with
    IoU >= 0.4.
    """
    matrix = np.zeros((len(EMOTIONS), len(EMOTIONS) + 1), dtype=np.int64)
    for result in results:
        known = result.true_labels >= 0
        if not known.any():
            continue
        truths = result.true_labels[known]
        if len(result.boxes) == 0:
            np.add.at(matrix, (truths, MISSED), 1)
            continue
        best, found = boxes_of_faces(result, known)
        named = np.where(found, result.scores[best].argmax(axis=1), MISSED)
        np.add.at(matrix, (truths, named), 1)
    return matrix


def expression_figures(confusion: np.ndarray) -> dict[str, float | None]:
    """What follows from a confusion matrix: accuracy, balanced accuracy, macro-F1, the share missed."""
    recall, _, f1 = _recall_precision_f1(confusion)
    present = confusion.sum(axis=1) > 0
    total = int(confusion.sum())
    return {
        "known_faces": total,
        "accuracy": float(np.trace(confusion)) / total if total else None,
        "balanced_accuracy": _mean(recall[present]),
        "macro_f1": _mean(f1[present]),
        "missed": float(confusion[:, MISSED].sum()) / total if total else None,
    }


def _recall_precision_f1(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    right = np.diagonal(confusion).astype(float)
    truths = confusion.sum(axis=1)
    named = confusion[:, :MISSED].sum(axis=0)
    return (
        right / np.maximum(truths, 1),
        right / np.maximum(named, 1),
        2 * right / np.maximum(truths + named, 1),
    )


def _per_class(confusion: np.ndarray, class_ap: list[float | None]) -> dict[str, dict[str, Any]]:
    columns = _recall_precision_f1(confusion)
    counts = confusion.sum(axis=1)
    report = {}
    for index, name in enumerate(EMOTIONS):
        recall, precision, f1 = (float(column[index]) if counts[index] else None for column in columns)
        report[name] = {
            "AP50": class_ap[index],
            "recall": recall,
            "precision": precision,
            "f1": f1,
            "count": int(counts[index]),
        }
    return report


def _source_figures(results: list[FrameResult], fast: bool) -> dict[str, Any]:
    confusion = confusion_matrix(results)
    recall, _, _ = _recall_precision_f1(confusion)
    counts = confusion.sum(axis=1)
    figures: dict[str, Any] = {
        "frames": len(results),
        "faces": sum(len(result.true_labels) for result in results),
        **expression_figures(confusion),
        "recall": {name: float(recall[index]) for index, name in enumerate(EMOTIONS) if counts[index]},
    }
    if not fast:
        by_class = _class_precision(results, (0.5,))
        figures["mAP50"] = _mean(by_class)
        figures["face_AP50"] = _mean(_face_precision(results))
        figures["face_AP50_wide"] = _mean(_face_precision(results, narrowest=WIDE_FACE))
    return figures


def _class_precision(results: Sequence[FrameResult], thresholds: Sequence[float]) -> np.ndarray:
    truths: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    every_class = range(1, len(EMOTIONS) + 1)
    for frame, result in enumerate(results, 1):
        for box, label in zip(
            _corner_and_size(result.true_boxes, result), result.true_labels.tolist(), strict=True
        ):
            for category in (label + 1,) if label >= 0 else every_class:
                truths.append(_annotation(len(truths), frame, category, box, crowd=label < 0))
        for box, row in zip(_corner_and_size(result.boxes, result), result.scores.tolist(), strict=True):
            for category, score in enumerate(row, 1):
                found.append(_annotation(len(found), frame, category, box, score=score))
    return _coco_precision(truths, found, len(results), every_class, thresholds)


def _face_precision(results: Sequence[FrameResult], *, narrowest: float = 0.0) -> np.ndarray:
    truths: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for frame, result in enumerate(results, 1):
        for box in _corner_and_size(result.true_boxes, result):
            narrow = box[2] < narrowest * result.width
            truths.append(_annotation(len(truths), frame, 1, box, crowd=narrow))
        objectness = result.scores.sum(axis=1).tolist()
        for box, score in zip(_corner_and_size(result.boxes, result), objectness, strict=True):
            found.append(_annotation(len(found), frame, 1, box, score=score))
    return _coco_precision(truths, found, len(results), _FACE, (0.5,))


def _corner_and_size(boxes: np.ndarray, result: FrameResult) -> list[list[float]]:
    pixels = boxes.astype(np.float64) * [result.width, result.height, result.width, result.height]
    pixels[:, 2:] -= pixels[:, :2]
    return pixels.tolist()


def _annotation(
    index: int,
    frame: int,
    category: int,
    box: list[float],
    *,
    crowd: bool = False,
    score: float | None = None,
) -> dict[str, Any]:
    return {
        "id": index + 1,
        "image_id": frame,
        "category_id": category,
        "bbox": box,
        "area": box[2] * box[3],
        "iscrowd": int(crowd),
        "score": score,
    }


def _coco_precision(
    truths: list[dict[str, Any]],
    found: list[dict[str, Any]],
    frames: int,
    categories: Sequence[int],
    thresholds: Sequence[float],
) -> np.ndarray:
    """Precision [thresholds, 101 recalls, categories], -1 for a category without a face, as in COCO."""
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress there
        evaluation = COCOeval(_index(truths, frames, categories), _index(found, frames, categories), "bbox")
        evaluation.params.iouThrs = np.array(thresholds)
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [_MAX_BOXES]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, :, 0, 0]


def _index(annotations: list[dict[str, Any]], frames: int, categories: Sequence[int]) -> COCO:
    index = COCO()
    index.dataset = {
        "images": [{"id": frame} for frame in range(1, frames + 1)],
        "annotations": annotations,
        "categories": [{"id": category} for category in categories],
    }
    index.createIndex()
    return index


def _mean(values: np.ndarray | list[float]) -> float | None:
    """The mean of the values that are defined (COCO marks the others with -1), None if there is none."""
    defined = np.asarray(values, dtype=float)
    defined = defined[defined >= 0]
    return float(defined.mean()) if defined.size else None
