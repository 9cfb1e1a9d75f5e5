"""python -m ml.quantize: a detector's ONNX file in int8, twice as fast and half as large, measured anew."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ml.checkpoint import CheckpointError, load_trained, replace_file
from ml.config import PARTS
from ml.crops import cut_closeup
from ml.dataset import DatasetError, Sample
from ml.evaluate import format_figures, read_samples
from ml.export import assemble, served_nets, trace_closeup, trace_grid
from ml.images import ImageError, decode_image
from ml.model import SIZE_MULTIPLE
from ml.options import onnx_file, positive
from ml.predictor import DECODE_SIDE, DetectorFileError, fit_to_grid
from ml.release import measure_and_write


class _Inputs(CalibrationDataReader):
    """Inputs of one net, one at a time."""

    def __init__(self, inputs: Iterator[np.ndarray]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        found = next(self._inputs, None)
        return None if found is None else {"images": found}


def quantize(proto: onnx.ModelProto, inputs: Sequence[np.ndarray], *, skip: Sequence[int]) -> onnx.ModelProto:
    """Convolutions with int8 weights, a scale a channel, and uint8 inputs, whose ranges are seen on `inputs`.

    The convolutions at the places `skip` stay as they are. Weights use 7 of the 8 bits: with all of them,
    processors without VNNI instructions overflow.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (
            str(Path(folder) / f"{name}.onnx") for name in ("plain", "prepared", "int8")
        )
        onnx.save(proto, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Conv"]
        quantize_static(
            prepared,
            small,
            _Inputs(iter(inputs)),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[convolutions[place] for place in skip],
        )
        return onnx.load(small)


def read_inputs(
    samples: Sequence[Sample], *, input_size: int, closeup_size: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What the grid net and the close-up net see of images: uint8 [1, H, W, 3] each."""
    frames, closeups = [], []
    for sample in samples:
        try:
            image = decode_image(sample.path.read_bytes(), target=DECODE_SIDE)
        except (ImageError, OSError) as error:
            print(f"{sample.path} is left out: {error}", file=sys.stderr)
            continue
        frames.append(fit_to_grid(image, input_size, SIZE_MULTIPLE)[0])
        closeups += [cut_closeup(image, box, closeup_size)[None] for box in sample.boxes[:1]]
    return frames, closeups


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.quantize", allow_abbrev=False, description=__doc__)
    add = parser.add_argument
    add("--weights", type=Path, required=True, help="checkpoint (.pt) of a whole detector")
    add(
        "--data-dir",
        type=Path,
        action="append",
        required=True,
        help="a data set; train/ (or valid/) shows the ranges of numbers, valid/ measures; again for more",
    )
    add("--out", type=onnx_file, help=".onnx to write (default: beside the checkpoint), card.json beside it")
    add("--images", type=positive, default=400, help="images to see ranges on (default: 400)")
    options = parser.parse_args(arguments)
    out = options.out or options.weights.with_suffix(".onnx")
    try:
        model, card = load_trained(options.weights, *PARTS)
        training = [folder for folder in options.data_dir if (folder / "train").is_dir()]
        samples = read_samples(training, "train") or read_samples(options.data_dir, "valid")
        valid = read_samples(options.data_dir, "valid")
        chosen = random.Random(0).sample(samples, min(options.images, len(samples)))
        size = model.config.closeup.size
        frames, closeups = read_inputs(chosen, input_size=card["input_size"], closeup_size=size)
        if not closeups:
            raise DatasetError("none of the images can be decoded, or none shows a face")
        closeup, grid = served_nets(model, card)
        proto = assemble(
            quantize(trace_closeup(closeup), closeups, skip=[0]),
            quantize(trace_grid(grid), frames, skip=[0, -2, -1]),  # boxes are read from what the last two say
            closeup_size=size,
            card=card,
        )
        replace_file(out, lambda beside: onnx.save(proto, str(beside)))
        card = measure_and_write(out, card | {"quantized": "int8"}, valid)[0]
    except (CheckpointError, DatasetError, DetectorFileError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(format_figures(card["metrics"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
