"""Training for real, small: faces drawn by code, a few epochs, on the CPU."""

import json
from pathlib import Path

import onnx
import pytest
from PIL import Image

from ml import quantize
from ml.predictor import Predictor
from tests.ml.drawn_faces import make_dataset
from tests.ml.training import train


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("drawn"), train=240, valid=18, size=128)


@pytest.fixture(scope="module")
def trained(drawn, tmp_path_factory):
    """A close-up net this narrow learns in a tenth of the time what there is to learn from drawings."""
    run_dir = tmp_path_factory.mktemp("run")
    narrow = ("--closeup-widths", "8", "16", "32", "48", "--closeup-batch", "16")
    code, events, errors = train(drawn, run_dir, "--epochs", "72", "--valid-every", "36", *narrow)
    assert code == 0, errors
    return run_dir, events


def _in_int8(nodes) -> list[bool]:
    """Of each convolution, in their order, whether its weights are int8."""
    scaled = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    return [node.input[1] in scaled for node in nodes if node.op_type == "Conv"]


def test_the_loss_falls(trained):
    terms = [event["train"] for event in trained[1] if event["event"] == "epoch"]
    assert len(terms) == 72
    first, last = (
        {name: sum(row[name] for row in rows) / 5 for name in rows[0]} for rows in (terms[:5], terms[-5:])
    )
    assert last["box"] < 0.6 * first["box"]
    assert last["expression"] < 0.9 * first["expression"]
    assert last["loss"] < 0.9 * first["loss"]


def test_the_trained_detector_finds_a_drawn_face(trained, drawn):
    predictor = Predictor(trained[0] / "detector.onnx")
    overlaps = []
    for path in sorted((drawn / "valid" / "images").iterdir()):
        _, cx, cy, width, height = map(float, (drawn / f"valid/labels/{path.stem}.txt").read_text().split())
        with Image.open(path) as image:
            found = predictor.predict_image(image.convert("RGB"), min_score=0.01, max_faces=1)
        overlaps.append(max((overlap(box, cx, cy, width, height) for box in found), default=0.0))
    assert sum(value >= 0.5 for value in overlaps) >= 0.6 * len(overlaps), overlaps


def test_the_second_look_reads_drawn_expressions(trained):
    figures = [event["closeups"] for event in trained[1] if event["event"] == "epoch" and "closeups" in event]
    assert figures[-1]["accuracy"] >= 0.4  # one in nine by chance


def overlap(box, cx, cy, width, height) -> float:
    x = min(box.x2, cx + width / 2) - max(box.x1, cx - width / 2)
    y = min(box.y2, cy + height / 2) - max(box.y1, cy - height / 2)
    both = max(x, 0) * max(y, 0)
    return both / ((box.x2 - box.x1) * (box.y2 - box.y1) + width * height - both)


def test_a_run_leaves_checkpoints_figures_and_a_card(trained):
    run_dir, events = trained
    for name in (
        "last.pt",
        "best.pt",
        "curves.png",
        "confusion.png",
        "pr.png",
        "detector.pt",
        "detector.onnx",
    ):
        assert (run_dir / name).stat().st_size > 1000, name
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, 73))
    card = json.loads((run_dir / "card.json").read_text())
    assert card["version"] == "drawn"
    assert card["seed"] == 1
    assert len(card["data"]["hash"]) == 64
    assert events[-1]["event"] == "done"


def test_an_int8_copy_is_smaller_and_finds_the_same_faces(trained, drawn, tmp_path, capsys):
    weights = trained[0] / "detector.pt"
    out = tmp_path / "small.onnx"
    options = ["--weights", str(weights), "--data-dir", str(drawn), "--images", "40", "--out", str(out)]
    assert quantize.main(options) == 0
    assert "face_AP50" in capsys.readouterr().out
    assert out.stat().st_size < 0.7 * weights.with_suffix(".onnx").stat().st_size
    plain, small = Predictor(weights.with_suffix(".onnx")), Predictor(out)
    assert small.card["metrics"]["face_AP50"] > plain.card["metrics"]["face_AP50"] - 0.1
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["quantized"] == "int8"
    assert card["metrics"]["face_AP50"] == small.card["metrics"]["face_AP50"]
    branches = {branch.name: branch.g.node for branch in onnx.load(out).graph.node[0].attribute}
    closeup, grid = (_in_int8(branches[name]) for name in ("then_branch", "else_branch"))
    assert closeup == [False, *[True] * (len(closeup) - 1)]
    assert grid == [False, *[True] * (len(grid) - 3), False, False]
    assert quantize.main([*options[:3], str(tmp_path / "nothing"), *options[4:]]) == 2
