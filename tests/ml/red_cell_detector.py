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


_TWO_LOOKS = """
<ir_version: 10, opset_import: ["" : 18]>
two_looks (uint8[B,H,W,3] images, bool closeup) => (float[B,N,4] boxes, float[B,N,9] scores)
{
  boxes, scores = If (closeup) <
    then_branch = colour () => (float[B,N,4] close_boxes, float[B,N,9] close_scores)
    <float[3,9] named = {1,0,0,0,0,0,0,0,0, 0,0,1,0,0,0,0,0,0, 0,0,0,0,0,0,1,0,0},
     float[3,4] nothing = {0,0,0,0, 0,0,0,0, 0,0,0,0}, int64[2] area = {1,2},
     int64[1] one = {1}, int64[1] last = {2}>
    {
      pixels = Cast <to = 1> (images)
      mean = ReduceMean <keepdims = 0> (pixels, area)
      row = Unsqueeze (mean, one)
      total = ReduceSum <keepdims = 1> (row, last)
      shares = Div (row, total)
      close_scores = MatMul (shares, named)
      close_boxes = MatMul (shares, nothing)
    },
    else_branch = red_cells () => (float[B,N,4] cell_boxes_of_all, float[B,N,9] cell_scores) FIRST_LOOK
  >
}
"""


def write_two_look_detector(path: Path, *, broken: bool = False) -> Path:
    """The red cells again, with a second look: a close-up's share of red, green and blue is its p(angry),
    p(disgust) and p(sad). A `broken` one fails at every close-up."""
    first_look = _GRAPH[_GRAPH.index("\n<float[3,1]") :].replace("SHARES", ",".join(map(str, SHARES)))
    first_look = first_look.replace(" boxes = ", " cell_boxes_of_all = ").replace(
        " scores = ", " cell_scores = "
    )
    graph = _TWO_LOOKS.replace("FIRST_LOOK", first_look)
    if broken:
        graph = graph.replace("int64[1] last = {2}>", "int64[1] last = {2}, int64[2] wrong = {7,3}>")
        graph = graph.replace("ReduceMean <keepdims = 0> (pixels, area)", "Reshape (pixels, wrong)")
    return _write(path, graph, {"closeup_size": 32})


def write_red_cell_detector(path: Path, **card: Any) -> Path:
    """Write the detector with a card whose values `card` overrides; a value of None leaves the key out."""
    return _write(path, _GRAPH.replace("SHARES", ",".join(map(str, SHARES))), card)


def _write(path: Path, graph: str, card: dict[str, Any]) -> Path:
    model = onnx.parser.parse_model(graph)
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
