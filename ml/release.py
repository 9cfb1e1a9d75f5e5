"""From trained nets to a detector that can be served: calibrated, exported, measured, with its card."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ml.calibration import choose_min_score, fit_objectness, fit_temperature
from ml.checkpoint import replace_file, save_weights
from ml.dataset import Sample
from ml.evaluate import measure
from ml.export import export_onnx
from ml.metrics import FrameResult, summarize
from ml.model import Detector
from ml.precision import Precision
from ml.validation import closeup_logits, prepare_closeups


def release(
    model: Detector, weights: Path, *, card: dict[str, Any], samples: Sequence[Sample]
) -> list[FrameResult]:
    """Write `weights` (.pt), the .onnx beside it and card.json; returns what the detector finds in `samples`.

    `samples` are validation images: they choose the temperature of the close-up net, the scale of objectness
    and the default threshold, and give the figures in the card. Raises ExportError and OSError.
    """
    card = {key: value for key, value in card.items() if key not in ("calibration", "metrics")}
    closeups = prepare_closeups(samples, model.config.closeup.size)
    cpu = Precision(torch.device("cpu"), bf16=False)
    calibration = {
        "temperature": fit_temperature(closeup_logits(model.closeup, closeups, cpu), closeups.labels)
    }
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.onnx"
        export_onnx(model, draft, card=card)
        before = measure(draft, samples, progress=False)[0]
        scale, bias = fit_objectness(before)
        calibration |= {"objectness_scale": scale, "objectness_bias": bias}
        export_onnx(model, draft, card=card | {"calibration": calibration})
        results = measure(draft, samples, progress=False)[0]
    card["calibration"] = calibration
    card["thresholds"] = {"min_score": choose_min_score(results), "nms_iou": 0.5}
    card["calibration_error_before"] = summarize(before, fast=True)["calibration_error"]
    card["metrics"] = summarize(results)
    onnx = weights.with_suffix(".onnx")
    save_weights(weights, model, card=card)
    export_onnx(model, onnx, card=card)
    text = json.dumps(card, indent=2) + "\n"
    replace_file(weights.parent / "card.json", lambda beside: beside.write_text(text))
    return results
