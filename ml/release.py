"""From trained nets to a detector that can be served: calibrated, exported, measured, with its card."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.calibration import choose_min_score, fit_objectness, fit_temperature
from ml.checkpoint import replace_file, save_weights
from ml.config import FACE_POWER, PRIOR_RATIOS
from ml.dataset import Sample
from ml.evaluate import measure
from ml.export import export_onnx, recalibrate_onnx, write_card
from ml.metrics import FrameResult, calibration_error, summarize
from ml.model import Detector
from ml.nms import NMS_IOU

RESULTS = ("calibration", "thresholds", "metrics", "test_metrics")
"""What `release` adds to a card."""


def release(
    model: Detector,
    weights: Path,
    *,
    card: dict[str, Any],
    samples: Sequence[Sample],
    test_samples: Sequence[Sample] = (),
) -> tuple[dict[str, Any], list[FrameResult]]:
    """Write `weights` (.pt), the .onnx beside it and card.json; returns the full card and what the detector
    finds in `samples`.

    `samples` are validation images: they choose the temperature of the close-up net, the bias of objectness
    and the default threshold, and give the figures in the card; `test_samples`, which decide nothing, give
    its test_metrics. Raises ExportError and OSError.
    """
    card = {key: value for key, value in card.items() if key not in RESULTS}
    card["calibration"] = {"face_power": FACE_POWER}
    onnx = weights.with_suffix(".onnx")
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.onnx"
        export_onnx(model, draft, card=card)
        drafted, _ = measure(draft, samples, workers=os.cpu_count() or 1, progress=False)
        card["calibration"] |= {
            "temperature": fit_temperature(drafted),
            "prior_ratios": PRIOR_RATIOS,
            "objectness_bias": fit_objectness(drafted),
            "error_before": calibration_error(drafted),
        }
        recalibrate_onnx(draft, onnx, model, card=card)
    card, results = measure_and_write(onnx, card, samples, test_samples)
    save_weights(weights, model, card=card)
    return card, results


def measure_and_write(
    onnx: Path, card: dict[str, Any], samples: Sequence[Sample], test_samples: Sequence[Sample] = ()
) -> tuple[dict[str, Any], list[FrameResult]]:
    """Choose the default threshold of an exported detector, measure it, and put both into the card inside and
    the full one beside it, card.json; returns that and what the detector finds in `samples`. Raises OSError.
    """
    results, _ = measure(onnx, samples, workers=os.cpu_count() or 1, progress=False)
    min_score = choose_min_score(results)
    card = card | {
        "thresholds": {"min_score": min_score, "nms_iou": NMS_IOU},
        "metrics": summarize(results, min_score=min_score),
    }
    if test_samples:
        tested, _ = measure(onnx, test_samples, workers=os.cpu_count() or 1, progress=False)
        card["test_metrics"] = summarize(tested, min_score=min_score)
    write_card(onnx, card)
    text = json.dumps(card, indent=2) + "\n"
    replace_file(onnx.parent / "card.json", lambda beside: beside.write_text(text))
    return card, results
