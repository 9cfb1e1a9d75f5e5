from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.plots import plot_confusion, plot_curves, plot_precision_recall


def ink(path: Path) -> int:
    """Pixels that are not white."""
    return int((np.asarray(Image.open(path).convert("L")) < 250).sum())


def test_curves_grow_a_panel_for_every_number(tmp_path: Path) -> None:
    rows = [{"epoch": epoch, "train": {"loss": 2.0 / epoch}} for epoch in (1, 2, 3)]
    plot_curves(rows, tmp_path / "one.png")
    for row in rows:
        row["valid"] = {"mAP50": 0.1 * row["epoch"], "mAP50_95": None, "per_class": {"happy": {}}}
        row["seconds"] = 3.5
    plot_curves(rows, tmp_path / "three.png")
    widths = [Image.open(tmp_path / name).width for name in ("one.png", "three.png")]
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.01)


def test_a_run_without_rows_still_draws(tmp_path: Path) -> None:
    plot_curves([], tmp_path / "run" / "curves.png")
    assert (tmp_path / "run" / "curves.png").exists()


def test_a_fuller_confusion_matrix_has_more_ink(tmp_path: Path) -> None:
    plot_confusion(np.zeros((9, 10), int), tmp_path / "empty.png")
    plot_confusion((np.eye(9, 10, dtype=int) * 50).tolist(), tmp_path / "full.png")
    assert ink(tmp_path / "full.png") > ink(tmp_path / "empty.png")


def test_precision_recall_draws_every_curve(tmp_path: Path) -> None:
    falling = np.linspace(1, 0, 101).tolist()
    plot_precision_recall({"face": falling}, tmp_path / "one.png")
    plot_precision_recall({"face": falling, "happy": [1.0] * 60 + [0.0] * 41}, tmp_path / "two.png")
    assert ink(tmp_path / "two.png") > ink(tmp_path / "one.png")
