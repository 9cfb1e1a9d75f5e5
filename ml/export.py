"""python -m ml.export: a checkpoint -> the ONNX file that the site serves, checked against torch."""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.compose
import onnxruntime
import torch

from ml.checkpoint import CheckpointError, load_trained, replace_file
from ml.config import EMOTIONS, NAME, PARTS
from ml.model import SIZE_MULTIPLE, Detector, ServedCloseup, ServedGrid
from ml.nms import NMS_IOU
from ml.options import onnx_file, side
from ml.predictor import DEFAULT_MIN_SCORE

TOLERANCE = 2e-3
"""Largest difference between torch and ONNX Runtime that still counts as the same: of a class's
probability, of a tenth of the log of the objectness (+ 1e-4), of a box's edge as a share of the image."""


_MIN_HALVED = 256
"""Smaller tensors (biases, shapes) are stored as they are."""


_TRACED = {
    "calibration": {
        "temperature": 1.61,
        "prior_ratios": {EMOTIONS[0]: 1.61},
        "face_power": 1.37,
        "objectness_bias": 1.61,
    }
}
"""The card that nets are traced with; its values are replaced afterwards. The exporter leaves out a division
by 1 or an addition of 0, and stores equal constants once; these are equal to none."""


class ExportError(Exception):
    """The exported graph does not give what torch gives."""


def served_card(card: dict[str, Any]) -> dict[str, Any]:
    """What travels inside the ONNX file: enough to serve it, and its figures but for tables. `card` may hold
    more."""
    defaults = {"name": NAME, "version": "unnamed", "input_size": 320}
    served = {key: card.get(key, value) for key, value in defaults.items()}
    served["emotions"] = list(EMOTIONS)
    served["thresholds"] = {"min_score": DEFAULT_MIN_SCORE, "nms_iou": NMS_IOU} | card.get("thresholds", {})
    figures = card.get("metrics", {}).items()
    served["metrics"] = {name: value for name, value in figures if isinstance(value, int | float)}
    return served


def export_onnx(model: Detector, path: Path, *, card: dict[str, Any]) -> float:
    """Write both nets of `model` into one graph with decoding and calibration inside, the card as metadata.

    The graph takes `images` and the flag `closeup`, which chooses the net; both give `boxes` and `scores`.
    It is compared with torch. Returns the largest difference. Raises ExportError where it exceeds TOLERANCE,
    and OSError.
    """
    size = model.config.closeup.size
    closeup, grid = served_nets(model, _TRACED)
    proto = assemble(trace_closeup(closeup), trace_grid(grid), closeup_size=size, card=card)
    return _save_calibrated(proto, path, model, card)


def recalibrate_onnx(exported: Path, path: Path, model: Detector, *, card: dict[str, Any]) -> float:
    """Write `exported`, a file that export_onnx made of `model`, as `path` with the calibration and the card
    of `card`: what export_onnx would write, without tracing the nets again, which takes most of its time.

    Returns and raises what export_onnx does.
    """
    proto = onnx.load(str(exported))
    _set_card(proto, card)
    return _save_calibrated(proto, path, model, card)


def _save_calibrated(proto: onnx.ModelProto, path: Path, model: Detector, card: dict[str, Any]) -> float:
    """Save a graph of `model` with the calibration of `card`, compared with torch; returns the largest
    difference."""
    closeup, grid = served_nets(model, card)
    for branch in proto.graph.node[0].attribute:
        served = {"then_branch": closeup, "else_branch": grid}[branch.name]
        values = {f"{branch.name}/{name}": value for name, value in served.named_buffers(recurse=False)}
        for tensor in branch.g.initializer:
            if tensor.name in values:
                value = values.pop(tensor.name).numpy()
                tensor.CopyFrom(onnx.numpy_helper.from_array(value, tensor.name))
        if values:
            raise ExportError(f"the traced graph lacks {', '.join(values)}")
    size = model.config.closeup.size
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    compared = (
        _largest_difference(session, grid, (1, 256, 192, 3), closeup=False),
        _largest_difference(session, grid, (3, 72, 104, 3), closeup=False),
        _largest_difference(session, closeup, (3, size, size, 3), closeup=True),
    )
    difference = float(np.max(compared))
    if not difference <= TOLERANCE:  # not a number is too far as well
        raise ExportError(
            f"ONNX Runtime differs from torch by {difference:.4f} (at most {TOLERANCE} is allowed)"
        )
    replace_file(path, lambda beside: onnx.save(proto, str(beside)))
    return difference


def served_nets(model: Detector, card: dict[str, Any]) -> tuple[ServedCloseup, ServedGrid]:
    """The second look and the first one, calibrated as the card says."""
    model = model.float().cpu().eval()
    calibration = card.get("calibration", {})
    closeup = ServedCloseup(
        model.closeup,
        temperature=calibration.get("temperature", 1.0),
        prior_ratios=calibration.get("prior_ratios"),
        face_power=calibration.get("face_power", 1.0),
    )
    grid = ServedGrid(model.grid, objectness_bias=calibration.get("objectness_bias", 0.0))
    return closeup.eval(), grid.eval()


def trace_closeup(closeup: ServedCloseup) -> onnx.ModelProto:
    """The second look as a graph of its own, for any number of close-ups."""
    size = closeup.closeup.config.size
    return _trace(closeup, (2, size, size, 3), {0: "B"})


def trace_grid(grid: ServedGrid) -> onnx.ModelProto:
    """The first look as a graph of its own, for any number of images of any size in whole cells."""
    return _trace(grid, (2, 128, 192, 3), {0: "B", 1: "H", 2: "W"})


def assemble(
    closeup: onnx.ModelProto, grid: onnx.ModelProto, *, closeup_size: int, card: dict[str, Any]
) -> onnx.ModelProto:
    """One file of the two graphs, the card inside."""
    proto = _choose_by_flag({"then_branch": closeup, "else_branch": grid})
    inside = served_card(card) | {
        "closeup_size": closeup_size,
        "closeup_border": "symmetric",
        "size_multiple": SIZE_MULTIPLE,
    }
    onnx.helper.set_model_props(proto, {"card": json.dumps(inside)})
    return proto


def _trace(served: torch.nn.Module, shape: tuple[int, ...], dynamic: dict[int, str]) -> onnx.ModelProto:
    """The graph of a net whose input has the given shape, with names for the sizes that may differ.

    torch calls the exporter that traces deprecated. The one that is to follow it needs 40 times as long for
    sizes that may differ, half a minute on one core, and both are held to the same comparison with torch.
    """
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (torch.zeros(shape, dtype=torch.uint8),),
            written,
            input_names=["images"],
            output_names=["boxes", "scores"],
            dynamic_axes={"images": dynamic},
            opset_version=18,
            dynamo=False,
        )
    return onnx.load_from_string(written.getvalue())


def _choose_by_flag(branches: dict[str, onnx.ModelProto]) -> onnx.ModelProto:
    """One model of several with the same interface: the flag `closeup` decides which of them runs."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graphs = {}
    for branch, model in branches.items():
        inner = onnx.compose.add_prefix(model, f"{branch}/", rename_functions=False).graph
        for node in inner.node:
            node.input[:] = ["images" if name == f"{branch}/images" else name for name in node.input]
        outputs = [
            helper.make_tensor_value_info(f"{branch}/{name}", floats, ["B", "N", last])
            for name, last in (("boxes", 4), ("scores", len(EMOTIONS)))
        ]
        casts, halves = _halve(inner.initializer)
        graphs[branch] = helper.make_graph([*casts, *inner.node], branch, [], outputs, initializer=halves)
    names = ("boxes", "scores")
    graph = helper.make_graph(
        [helper.make_node("If", ["closeup"], names, **graphs)],
        "detector",
        [
            helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["B", "H", "W", 3]),
            helper.make_tensor_value_info("closeup", onnx.TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info(name, floats, ["B", "N", None]) for name in names],
    )
    first = next(iter(branches.values()))
    model = helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)
    onnx.checker.check_model(model)
    return model


def _halve(
    initializers: Iterable[onnx.TensorProto],
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Large float32 weights as float16, which is half the file, and the casts that ONNX Runtime folds back to
    float32 when it loads the file."""
    casts, stored = [], []
    for tensor in initializers:
        if tensor.data_type == onnx.TensorProto.FLOAT and math.prod(tensor.dims) >= _MIN_HALVED:
            half = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            stored.append(onnx.numpy_helper.from_array(half, f"{tensor.name}/half"))
            casts.append(
                onnx.helper.make_node(
                    "Cast", [f"{tensor.name}/half"], [tensor.name], to=onnx.TensorProto.FLOAT
                )
            )
        else:
            stored.append(tensor)
    return casts, stored


def _largest_difference(
    session: onnxruntime.InferenceSession, served: torch.nn.Module, shape: tuple[int, ...], *, closeup: bool
) -> float:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    boxes, scores = session.run(None, {"images": images, "closeup": np.array(closeup)})
    with torch.inference_mode():
        torch_boxes, torch_scores = (output.numpy() for output in served(torch.from_numpy(images)))
    objectness, torch_objectness = (s.sum(-1, keepdims=True) for s in (scores, torch_scores))
    # On noise objectness is about 0, so each factor of the scores is compared by itself, and p(class) only
    # where ONNX Runtime's sigmoid has not come down to 0.
    told = torch_objectness > 1e-6
    pairs = (
        (
            scores / np.where(told, objectness, 1.0) * told,
            torch_scores / np.where(told, torch_objectness, 1.0) * told,
        ),
        (np.log(objectness + 1e-4) / 10, np.log(torch_objectness + 1e-4) / 10),
        (boxes / max(shape[1:3]), torch_boxes / max(shape[1:3])),
    )
    return float(np.max([np.abs(got - wanted).max() for got, wanted in pairs]))


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Put the card into an exported file in place of the one inside. Raises OSError."""
    proto = onnx.load(str(path))
    _set_card(proto, card)
    replace_file(path, lambda beside: onnx.save(proto, str(beside)))


def _set_card(proto: onnx.ModelProto, card: dict[str, Any]) -> None:
    inside = json.loads({entry.key: entry.value for entry in proto.metadata_props}["card"])
    onnx.helper.set_model_props(proto, {"card": json.dumps(inside | served_card(card))})


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.export", allow_abbrev=False, description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint (.pt) to export")
    parser.add_argument(
        "--out", type=onnx_file, help="to write, or replace (default: a new one beside --weights)"
    )
    parser.add_argument("--name", help="version name to write into the card")
    parser.add_argument(
        "--input-size", type=side, help="longer side that frames are scaled to, pixels, a multiple of 32"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON line")
    options = parser.parse_args(arguments)
    out = options.out or options.weights.with_suffix(".onnx")
    if out.exists() and not options.out:  # card.json beside it tells of that file
        parser.error(f"{out} exists; name the file to write with --out")
    try:
        model, card = load_trained(options.weights, *PARTS)
        if options.name:
            card["version"] = options.name
        if options.input_size:
            card["input_size"] = options.input_size
            card.pop("metrics", None)  # they are of another size
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
