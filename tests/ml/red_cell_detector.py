"""A real, tiny ONNX detector for tests: each 32 px cell of the input is a box, its redness the objectness.

It has the interface of the shipped file: geometry, thresholds and file checks are tested on known answers.
"""

import json
from pathlib import Path
from typing import Any

import onnx
import onnx.parser

from ml.config import EMOTIONS

SHARES = [0.02, 0.02, 0.02, 0.02, 0.8, 0.05, 0.02, 0.02, 0.03]
"""p(class) of every cell: happy, whatever it shows."""

_GRAPH = """
<ir_version: 10, opset_import: ["" : 18]>
red_cells (uint8[B,H,W,3] images) => (float[B,N,4] boxes, float[B,N,9] scores)
<float[3,1] redness = {0.003921569, -0.003921569, 0.0}, float zero = {0.0}, float one = {1.0},
 float[4,4] corners = {0,0,0,0, 0,0,0,0, 0,32,0,32, 32,0,32,0}, float[4] size = {0,0,32,32},
 int64[3] rows = {0,-1,1}, int64[1] first = {0}, float[9] shares = {SHARES}>
{
  pixels = Cast <to = 1> (images)
  red = MatMul (pixels, redness)
  planes = Transpose <perm = [0,3,1,2]> (red)
  means = AveragePool <kernel_shape = [32,32], strides = [32,32]> (planes)
  objectness = Clip (means, zero, one)
  everywhere = Add (objectness, one)
  cells = NonZero (everywhere)
  cell_rows = Transpose (cells)
  positions = Cast <to = 1> (cell_rows)
  upper_left = MatMul (positions, corners)
  cell_boxes = Add (upper_left, size)
  boxes = Unsqueeze (cell_boxes, first)
  column = Reshape (objectness, rows)
  scores = Mul (column, shares)
}
"""


def write_red_cell_detector(path: Path, **card: Any) -> Path:
    """Write the detector with a card whose values `card` overrides; a value of None leaves the key out."""
    model = onnx.parser.parse_model(_GRAPH.replace("SHARES", ",".join(map(str, SHARES))))
    values = {
        "name": "red cells",
        "version": "red-1",
        "emotions": list(EMOTIONS),
        "input_size": 128,
        "thresholds": {"min_score": 0.4, "nms_iou": 0.5},
    } | card
    values = {key: value for key, value in values.items() if value is not None}
    onnx.helper.set_model_props(model, {"card": json.dumps(values)})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
