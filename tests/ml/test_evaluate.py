import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.evaluate import main, measure, read_samples
from tests.ml.drawn_faces import make_dataset, yolo_line


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Nine 128 px images of source "studio", happy but one; the detector used here finds all as happy."""
    images, labels = tmp_path / "squares" / "valid" / "images", tmp_path / "squares" / "valid" / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    for index in range(9):
        column, row = index % 4, index // 4
        image = Image.new("RGB", (128, 128), (114, 114, 114))
        image.paste("red", (column * 32, row * 32, column * 32 + 32, row * 32 + 32))
        image.save(images / f"{index}.png")
        corners = (column / 4, row / 4, column / 4 + 0.25, row / 4 + 0.25)
        (labels / f"{index}.txt").write_text(yolo_line(6 if index == 8 else 4, corners), encoding="utf-8")
    rows = ["split,file,source", *(f"valid,{index}.png,studio" for index in range(9))]
    (tmp_path / "squares" / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "squares"


def test_the_report_holds_the_figures_of_the_data(
    squares: Path, red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reports" / "report.json"
    arguments = [
        "--data-dir",
        str(squares),
        "--split",
        "valid",
        "--weights",
        str(red_cells),
        "--json",
        str(out),
    ]
    assert main([*arguments, "--plots", str(tmp_path / "plots")]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["detector"] == "red-1"
    assert report["split"] == "valid"
    assert report["metrics"]["face_AP50"] == pytest.approx(1.0)
    assert report["metrics"]["accuracy"] == pytest.approx(8 / 9)
    assert report["metrics"]["per_source"]["studio"]["accuracy"] == pytest.approx(8 / 9)
    table = capsys.readouterr().out
    assert "0.8889" in table
    assert "studio" in table
    for name in ("confusion.png", "precision_recall.png"):
        assert Image.open(tmp_path / "plots" / name).size > (300, 300)


def test_several_data_sets_are_measured_together_and_named_apart(
    squares: Path, red_cells: Path, tmp_path: Path
) -> None:
    drawn = make_dataset(tmp_path / "drawn", train=0, valid=9)
    (drawn / "manifest.csv").unlink()
    out = tmp_path / "report.json"
    arguments = ["--data-dir", str(squares), "--data-dir", str(drawn), "--weights", str(red_cells)]
    assert main([*arguments, "--json", str(out)]) == 0
    metrics = json.loads(out.read_text(encoding="utf-8"))["metrics"]
    assert metrics["frames"] == 18
    assert {name: row["frames"] for name, row in metrics["per_source"].items()} == {"drawn": 9, "studio": 9}


def test_a_limit_spreads_over_the_data(tmp_path: Path) -> None:
    drawn = make_dataset(tmp_path / "drawn", train=0, valid=18)
    chosen = read_samples([drawn], "valid", limit=4)
    assert [sample.path.stem[-4:] for sample in chosen] == ["0000", "0006", "0011", "0017"]


def test_more_workers_change_nothing_but_the_time(squares: Path, red_cells: Path) -> None:
    samples = read_samples([squares], "valid")
    alone, _ = measure(red_cells, samples, workers=1, progress=False)
    together, _ = measure(red_cells, samples, workers=3, progress=False)
    assert [result.name for result in together] == [sample.path.name for sample in samples]
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.boxes, other.boxes)
        assert np.array_equal(one.scores, other.scores)


def test_an_unreadable_image_counts_as_a_missed_face_and_is_named(
    squares: Path, red_cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (squares / "valid" / "images" / "3.png").write_bytes(b"broken")
    out = tmp_path / "report.json"
    assert main(["--data-dir", str(squares), "--weights", str(red_cells), "--json", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert "3.png" in report["unreadable"][0]
    assert report["metrics"]["missed"] == pytest.approx(1 / 9)
    assert "3.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--data-dir", "{tmp}/nowhere"], "nowhere"),
        (["--data-dir", "{squares}", "--split", "test"], "test/images"),
        (["--data-dir", "{squares}", "--weights", "{tmp}/none.onnx"], "none.onnx"),
        (["--data-dir", "{squares}", "--weights", "{tmp}/none.pt"], "none.pt"),
        (["--data-dir", "{squares}", "--json", "{tmp}"], "it names a file"),
    ],
)
def test_what_is_missing_is_one_line_and_exit_status_2(
    squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main([text.format(tmp=tmp_path, squares=squares) for text in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error


def test_a_training_checkpoint_is_exported_and_measured(squares: Path, tmp_path: Path) -> None:
    from ml.checkpoint import save_weights
    from ml.config import CloseupConfig, GridConfig, ModelConfig
    from ml.model import Detector

    grid = GridConfig(widths=(8, 8, 8, 8, 8), depths=(1, 1, 1, 1), neck_width=8)
    small = ModelConfig(grid, CloseupConfig(widths=(8, 8, 8, 8), size=32))
    card = {"version": "from-checkpoint", "input_size": 128}
    save_weights(tmp_path / "tiny.pt", Detector(small), card=card)
    out = tmp_path / "report.json"
    assert main(["--data-dir", str(squares), "--weights", str(tmp_path / "tiny.pt"), "--json", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["detector"] == "from-checkpoint"
