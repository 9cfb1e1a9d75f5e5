"""python -m ml.export: a checkpoint -> the ONNX file that the site serves, checked against torch."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from ml.checkpoint import CheckpointError, load_model, replace_file
from ml.config import EMOTIONS
from ml.model import GridDetector, ServedDetector

TOLERANCE = 2e-3
"""Largest difference between torch and ONNX Runtime that still counts as the same: of a class's
probability, of a tenth of the log of the objectness (+ 1e-4), of a box's edge as a share of the image."""


class ExportError(Exception):
    """The exported graph does not give what torch gives."""


def served_card(card: dict[str, Any]) -> dict[str, Any]:
    """What travels inside the ONNX file: enough to serve it. `card` may hold more."""
    defaults = {
        "name": "grid-detector",
        "version": "unnamed",
        "input_size": 256,
        "temperature": 1.0,
        "class_bias": None,
    }
    served = {key: card.get(key, value) for key, value in defaults.items()}
    served["emotions"] = list(EMOTIONS)
    served["thresholds"] = {"min_score": 0.2, "nms_iou": 0.5} | card.get("thresholds", {})
    return served


def export_onnx(model: GridDetector, path: Path, *, card: dict[str, Any]) -> float:
    """Write `model` with decoding inside, its card as metadata, and compare it with torch at two shapes.

    Returns the largest difference. Raises ExportError where it exceeds TOLERANCE, and OSError.
    """
    served_values = served_card(card)
    served = ServedDetector(
        model.float().cpu().eval(),
        temperature=served_values["temperature"],
        class_bias=served_values["class_bias"],
    ).eval()
    batch, height, width = (torch.export.Dim(name) for name in ("batch", "h", "w"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            served,
            (torch.zeros(2, 128, 192, 3, dtype=torch.uint8),),
            input_names=["images"],
            output_names=["boxes", "scores"],
            dynamic_shapes={"images": {0: batch, 1: 32 * height, 2: 32 * width}},
            dynamo=True,
            verbose=False,
        )
    proto = program.model_proto
    onnx.helper.set_model_props(proto, {"card": json.dumps(served_values)})
    difference = _largest_difference(served, proto.SerializeToString())
    if difference > TOLERANCE:
        raise ExportError(
            f"ONNX Runtime differs from torch by {difference:.4f} (at most {TOLERANCE} is allowed)"
        )
    replace_file(path, lambda beside: onnx.save(proto, str(beside)))
    return difference


def _largest_difference(served: ServedDetector, serialized: bytes) -> float:
    session = onnxruntime.InferenceSession(serialized, providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(0)
    worst = 0.0
    for shape in ((1, 256, 192, 3), (3, 64, 96, 3)):
        images = generator.integers(0, 256, shape, dtype=np.uint8)
        boxes, scores = session.run(None, {"images": images})
        with torch.inference_mode():
            torch_boxes, torch_scores = (output.numpy() for output in served(torch.from_numpy(images)))
        objectness, torch_objectness = (s.sum(-1, keepdims=True) for s in (scores, torch_scores))
        pairs = (
            (scores / objectness, torch_scores / torch_objectness),  # on noise objectness is about 0, so
            (
                np.log(objectness + 1e-4) / 10,
                np.log(torch_objectness + 1e-4) / 10,
            ),  # each factor is compared by itself
            (boxes / max(shape[1:3]), torch_boxes / max(shape[1:3])),
        )
        worst = max(worst, *(float(np.abs(got - wanted).max()) for got, wanted in pairs))
    return worst


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.export", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint (.pt) to export")
    parser.add_argument("--out", type=Path, help="ONNX file to write (default: beside the checkpoint)")
    parser.add_argument("--name", help="version name to write into the card")
    parser.add_argument("--input-size", type=int, help="longer side that frames are scaled to, in pixels")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON line")
    options = parser.parse_args(arguments)
    out = options.out or options.weights.with_suffix(".onnx")
    try:
        model, card = load_model(options.weights)
        if options.name:
            card["version"] = options.name
        if options.input_size:
            card["input_size"] = options.input_size
        difference = export_onnx(model, out, card=card)
    except (CheckpointError, ExportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    result = {"onnx": str(out), "bytes": out.stat().st_size, "largest_difference": difference}
    print(
        json.dumps(result)
        if options.json
        else f"{out}: {result['bytes']:,} bytes, differs by {difference:.1e}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
