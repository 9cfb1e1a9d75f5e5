"""Make an int8 copy of a detector (ONNX Runtime's static quantisation), to measure with ml.evaluate and
tools/bench/predictor.py what it costs and gains."""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ml.checkpoint import CheckpointError, load_model
from ml.crops import cut_closeup
from ml.dataset import DatasetError, Sample, load_split
from ml.export import assemble, served_nets, trace_closeup, trace_grid
from ml.images import ImageError, decode_image
from ml.model import SIZE_MULTIPLE
from ml.predictor import DECODE_SIDE, fit_to_grid


class Inputs(CalibrationDataReader):
    """Inputs of one net, one at a time."""

    def __init__(self, inputs: Iterator[np.ndarray]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        found = next(self._inputs, None)
        return None if found is None else {"images": found}


def read_inputs(
    samples: Sequence[Sample], *, input_size: int, closeup_size: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What the grid net and the close-up net see of training images."""
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


def quantize(proto: onnx.ModelProto, inputs: Sequence[np.ndarray], skip: Sequence[int]) -> onnx.ModelProto:
    """Convolutions in int8 with a scale a channel, their inputs in uint8 with ranges seen on `inputs`.

    The convolutions at the places `skip` stay as they are.
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
            Inputs(iter(inputs)),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[convolutions[place] for place in skip],
        )
        return onnx.load(small)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="checkpoint (.pt)")
    parser.add_argument(
        "--data-dir", type=Path, action="append", required=True, help="training images to see ranges on"
    )
    parser.add_argument("--out", type=Path, required=True, help=".onnx to write")
    parser.add_argument("--images", type=int, default=400, help="training images to use (default: 400)")
    parser.add_argument(
        "--skip",
        nargs="*",
        type=int,
        default=[0, -1],
        help="convolutions of the grid that stay in float (default: first, last)",
    )
    options = parser.parse_args()
    try:
        model, card = load_model(options.weights)
        samples = [sample for folder in options.data_dir for sample in load_split(folder, "train").samples]
    except (CheckpointError, DatasetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    card = card | {"version": f"{card['version']}-int8", "metrics": {}}
    chosen = random.Random(0).sample(samples, min(options.images, len(samples)))
    size = model.config.closeup.size
    frames, closeups = read_inputs(chosen, input_size=card["input_size"], closeup_size=size)
    closeup, grid = served_nets(model, card)
    try:
        proto = assemble(
            quantize(trace_closeup(closeup), closeups, [0]),
            quantize(trace_grid(grid), frames, options.skip),
            closeup_size=size,
            card=card,
        )
        onnx.save(proto, str(options.out))
    except (IndexError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
