"""Pictures of a training run and of a validation, as PNG files. Imports matplotlib: import it late."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt

from ml.config import EMOTIONS

_DPI = 120


def plot_curves(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One panel a number over the epochs.

    `rows` are those of metrics.jsonl: "epoch" and numbers, or one level of dictionaries of numbers such as
    "train" and "valid". Numbers of the same name in several dictionaries share a panel.
    """
    series: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in rows:
        for group, name, value in _numbers(row):
            series.setdefault(name, {}).setdefault(group, []).append((row["epoch"], value))
    columns = min(4, max(1, len(series)))
    lines = -(-max(1, len(series)) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(4 * columns, 3 * lines), squeeze=False)
    for axis, (name, groups) in zip(axes.flat, series.items(), strict=False):
        for group, points in groups.items():
            axis.plot(
                *zip(*points, strict=True), label=group or None, marker="." if len(points) < 3 else None
            )
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        if any(groups):
            axis.legend(fontsize=8)
    for axis in axes.flat[len(series) :]:
        axis.set_axis_off()
    _save(figure, path)


def plot_confusion(matrix: Sequence[Sequence[int]] | np.ndarray, path: Path) -> None:
    """The confusion matrix [9, 10] of `ml.metrics`: shares of each row by colour, counts as text."""
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axis = plt.subplots(figsize=(8, 6.5))
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(EMOTIONS) + 1), [*EMOTIONS, "missed"], rotation=45, ha="right")
    axis.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, label="share of the true class")
    _save(figure, path)


def plot_precision_recall(curves: Mapping[str, Sequence[float]], path: Path) -> None:
    """Precision over recall at IoU 0.5, 101 values a class, from `ml.metrics.summarize`."""
    figure, axis = plt.subplots(figsize=(7, 5.5))
    for name, precision in curves.items():
        dashed = {"linestyle": "--", "color": "black"} if name == "face" else {}
        recall = np.linspace(0, 1, len(precision))
        axis.plot(recall, precision, label=f"{name} {np.mean(precision):.2f}", **dashed)
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("recall")
    axis.set_ylabel("precision")
    axis.grid(alpha=0.3)
    if curves:
        axis.legend(title="AP at IoU 0.5", fontsize=8, loc="lower left")
    _save(figure, path)


def plot_series(points: Mapping[float, float], unit: str, path: Path) -> None:
    """Accuracy (0..1) over the values of what was changed."""
    figure, axis = plt.subplots(figsize=(5, 3.4))
    axis.plot(list(points), list(points.values()), marker="o")
    axis.set_ylim(0, 1)
    axis.set_xlabel(unit)
    axis.set_ylabel("expression accuracy")
    axis.grid(alpha=0.3)
    _save(figure, path)


def _numbers(row: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    found = []
    for name, value in row.items():
        if isinstance(value, Mapping):
            found += [(name, inner, number) for inner, number in value.items() if _is_number(number)]
        elif name != "epoch" and _is_number(value):
            found.append(("", name, value))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)
