"""python -m ml.model_card: measure a detector and write the figures and plots of its model card."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml import plots
from ml.config import EMOTIONS
from ml.dataset import DatasetError, Sample, spread
from ml.evaluate import measure, read_samples
from ml.metrics import FrameResult, calibration_error, confusion_matrix, expression_figures, summarize
from ml.predictor import SHIPPED_WEIGHTS, DetectorFileError, Predictor
from ml.robustness import SERIES, measure_series

START, END = "<!-- figures: written by python -m ml.model_card -->", "<!-- end of the figures -->"
Figure = Callable[[Sequence[FrameResult]], float | None]


def accuracy(results: Sequence[FrameResult]) -> float | None:
    """Share of the faces of known expression whose box has the right top class."""
    return expression_figures(confusion_matrix(results))["accuracy"]


def recall(name: str) -> Figure:
    """The figure "share of the faces of this expression that are found and called so"."""
    index = EMOTIONS.index(name)

    def figure(results: Sequence[FrameResult]) -> float | None:
        row = confusion_matrix(results)[index]
        return float(row[index] / row.sum()) if row.sum() else None

    return figure


def macro_f1(results: Sequence[FrameResult]) -> float | None:
    """The mean F1 of the nine expressions."""
    return expression_figures(confusion_matrix(results))["macro_f1"]


def summary(name: str, *, fast: bool = True) -> Figure:
    """A figure of `ml.metrics.summarize` by its name."""
    return lambda results: summarize(results, fast=fast)[name]


HEADLINES: tuple[tuple[str, tuple[str, ...], Figure, int], ...] = (
    ("AffectNet: accuracy over eight expressions", ("affectnet",), accuracy, 200),
    ("FER+: accuracy", ("ferplus",), accuracy, 200),
    ("AffectNet: resting faces called natural", ("affectnet",), recall("natural"), 200),
    ("FER+: resting faces called natural", ("ferplus",), recall("natural"), 200),
    ("faces in cars: sleepy ones called sleepy", ("aps360",), recall("sleepy"), 200),
    (
        "expressions9: macro-F1 over nine expressions",
        ("affectnet", "contempt", "ferplus", "aps360"),
        macro_f1,
        200,
    ),
    (
        "expressions9: expected calibration error",
        ("affectnet", "contempt", "ferplus", "aps360"),
        calibration_error,
        200,
    ),
    ("desk: mAP50", ("desk",), summary("mAP50"), 50),
    ("desk: face AP50", ("desk",), summary("face_AP50"), 50),
    (
        "scenes: face AP50, faces at least 4 % of the width",
        ("facemask_ilc",),
        summary("face_AP50_wide", fast=False),
        50,
    ),
    ("scenes: face AP50, all faces", ("facemask_ilc",), summary("face_AP50"), 50),
)
"""What, over which sources, computed how, and how many bootstrap samples its interval is from."""


def interval(results: Sequence[FrameResult], figure: Figure, *, times: int) -> tuple[float, float]:
    """The 95 % confidence interval of a figure over images drawn again (Efron 1979, "Bootstrap methods")."""
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(times):
        chosen = generator.integers(0, len(results), len(results))
        drawn.append(figure([results[index] for index in chosen]))
    low, high = np.percentile([value for value in drawn if value is not None], (2.5, 97.5))
    return float(low), float(high)


def headline_rows(results: Sequence[FrameResult]) -> list[str]:
    """A Markdown table of the figures that this data has."""
    rows = ["| figure | value | 95 % interval | images |", "|---|---|---|---|"]
    for name, sources, figure, times in HEADLINES:
        chosen = [result for result in results if result.source in sources]
        if chosen and (value := figure(chosen)) is not None:
            low, high = interval(chosen, figure, times=times)
            rows.append(f"| {name} | {value:.3f} | {low:.3f} to {high:.3f} | {len(chosen):,} |")
    return rows


def class_rows(metrics: dict[str, Any]) -> list[str]:
    """A Markdown table: each expression, and each source, with its recall of every expression."""
    sources = {name: row for name, row in metrics["per_source"].items() if row["known_faces"]}
    rows = [
        "| expression | faces | precision | recall | F1 | "
        + " | ".join(f"recall, {name}" for name in sources)
        + " |"
    ]
    rows.append("|" + "---|" * (5 + len(sources)))
    for name, row in metrics["per_class"].items():
        cells = [f"{row[key]:.2f}" if row[key] is not None else "-" for key in ("precision", "recall", "f1")]
        cells += [
            f"{found['recall'][name]:.2f}" if name in found["recall"] else "-" for found in sources.values()
        ]
        rows.append(f"| {name} | {row['count']:,} | " + " | ".join(cells) + " |")
    return rows


def single_faces(samples: Sequence[Sample], limit: int) -> list[Sample]:
    """Up to `limit` images of one face of known expression, spread evenly over the data."""
    fit = [sample for sample in samples if len(sample.labels) == 1 and sample.labels[0] >= 0]
    return spread(fit, limit)


def write_between_marks(path: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the marks in a Markdown file. Raises ValueError where they are missing."""
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{path} lacks the marks {START} and {END}")
    path.write_text(before + "\n".join([START, "", *lines, "", END]) + after, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.model_card", allow_abbrev=False, description=__doc__)
    parser.add_argument(
        "--data-dir", type=Path, action="append", required=True, help="data sets with a valid/"
    )
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help=".onnx (default: the shipped)")
    parser.add_argument("--card", type=Path, default=Path("docs/MODEL_CARD.md"), help="document to complete")
    parser.add_argument("--faces", type=int, default=1000, help="faces for each point of a plot")
    options = parser.parse_args(arguments)
    folder = options.card.parent / "model_card"
    try:
        samples = read_samples(options.data_dir, "valid")
        predictor = Predictor(options.weights)
        results, facts = measure(options.weights, samples)
        metrics = summarize(results, curves=True)
        folder.mkdir(parents=True, exist_ok=True)
        plots.plot_confusion(metrics["confusion"], folder / "confusion.png")
        plots.plot_precision_recall(metrics["precision_curves"], folder / "precision_recall.png")
        faces = single_faces(samples, options.faces)
        for series in SERIES:
            points = measure_series(predictor, faces, series)
            plots.plot_series(points, series.unit, folder / f"{series.name}.png")
        lines = [
            f"Detector `{facts['detector']}`, SHA-256 `{facts['sha256']}`.",
            *("", *headline_rows(results), "", *class_rows(metrics), ""),
            "![Confusion matrix](model_card/confusion.png)",
            "![Precision-recall curves](model_card/precision_recall.png)",
            *("", f"Accuracy over {len(faces):,} faces of all sources as one thing is changed:", ""),
            *(f"![Accuracy by {series.name}](model_card/{series.name}.png)" for series in SERIES),
        ]
        write_between_marks(options.card, lines)
    except (DatasetError, DetectorFileError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
