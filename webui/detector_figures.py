"""What the pages of detector versions show of cards, evaluations and training runs, ready for templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from detector.models import DetectorVersion
from detector.selectors.evaluations import MISSED_NAME
from ml.config import EMOTIONS

KEY_FIGURES = {
    "mAP50": "mAP50",
    "face_AP50": _("Face AP50"),
    "accuracy": _("Accuracy"),
    "macro_f1": "Macro-F1",
    "calibration_error": _("Calibration error (ECE)"),
}
LOWER_IS_BETTER = ("calibration_error",)
QUALITY = ("mAP50", "face_AP50", "accuracy", "macro_f1")
SHADES = 9


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of two versions; `is_better` is about the second, None where they are equal or lack it."""

    label: str
    first: float | None
    second: float | None
    lower_is_better: bool = False

    @property
    def change(self) -> float | None:
        """Second minus first."""
        return None if self.first is None or self.second is None else self.second - self.first

    @property
    def verdict(self) -> str:
        """ "better", "worse" or "" of the second."""
        if self.change is None or abs(self.change) < 0.0005:
            return ""
        return "better" if (self.change < 0) == self.lower_is_better else "worse"


def metrics_of(version: DetectorVersion) -> dict[str, Any]:
    """The figures of a version's card; empty where it has none."""
    metrics = version.card.get("metrics")
    return metrics if isinstance(metrics, dict) else {}


def key_figures(metrics: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    """The figures that tell most, with their labels."""
    return [(label, metrics.get(name)) for name, label in KEY_FIGURES.items()]


def compared(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Compared]:
    """The key figures of two."""
    return [
        Compared(label, first.get(name), second.get(name), name in LOWER_IS_BETTER)
        for name, label in KEY_FIGURES.items()
    ]


def compared_by_class(first: Mapping[str, Any], second: Mapping[str, Any], name: str) -> list[Compared]:
    """One figure of each expression, of two."""
    rows = [metrics.get("per_class") or {} for metrics in (first, second)]
    return [Compared(label, *((row.get(label) or {}).get(name) for row in rows)) for label in EMOTIONS]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix; `shade` is 0 to 9 by its share of the row."""

    found: str
    count: int
    shade: int
    is_right: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the confusion matrix: the faces of one expression."""

    truth: str
    total: int
    cells: list[Cell]


def matrix_rows(confusion: Sequence[Sequence[int]] | None) -> list[Row]:
    """The confusion matrix as a table; empty without one."""
    columns = (*EMOTIONS, MISSED_NAME)
    rows = []
    for truth, counts in zip(EMOTIONS, confusion or [], strict=False):
        total = sum(counts)
        cells = [
            Cell(found, count, round(SHADES * count / total) if total else 0, found == truth)
            for found, count in zip(columns, counts, strict=False)
        ]
        rows.append(Row(truth, total, cells))
    return rows


@dataclass(frozen=True, slots=True)
class Misreading:
    """What the faces of one expression are most often taken for; `share` is of all of them, 0 to 1."""

    truth: str
    found: str
    share: float
    right: float


def misreadings(confusion: Sequence[Sequence[int]] | None) -> list[Misreading]:
    """For each expression with faces, the one it is most often taken for, those that are read worst first."""
    found = []
    for row in matrix_rows(confusion):
        wrong = max(
            (cell for cell in row.cells if not cell.is_right), key=lambda cell: cell.count, default=None
        )
        if row.total and wrong is not None:
            right = sum(cell.count for cell in row.cells if cell.is_right) / row.total
            found.append(Misreading(row.truth, wrong.found, wrong.count / row.total, right))
    return sorted(found, key=lambda one: one.right)


def precision_series(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Precision over recall, a line an expression and one for faces of any, as charts.js draws them."""
    curves = figures.get("precision_curves") or {}
    return [
        {
            "label": name,
            "points": [{"x": index / (len(curve) - 1), "y": value} for index, value in enumerate(curve)],
        }
        for name, curve in curves.items()
    ]


def learning_series(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The lines of two charts over the epochs: `loss` terms, and the `quality` on validation pictures."""
    loss: dict[str, list[dict[str, float]]] = {}
    quality: dict[str, list[dict[str, float]]] = {}
    for row in rows:
        for group, values in row.items():
            if not isinstance(values, Mapping):
                continue
            for name, value in values.items():
                chart = loss if group == "train" else quality if name in QUALITY else None
                if chart is not None and isinstance(value, int | float):
                    label = name if group in ("train", "valid") else f"{group}: {name}"
                    chart.setdefault(label, []).append({"x": row["epoch"], "y": value})
    return {
        "loss": [{"label": label, "points": points} for label, points in loss.items()],
        "quality": [{"label": label, "points": points} for label, points in quality.items()],
    }
