"""python -m ml.evaluate: measure a detector on labelled images, as it is served."""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ml.config import EMOTIONS, PARTS
from ml.dataset import DatasetError, Sample, load_split, spread
from ml.images import ImageError, decode_image
from ml.metrics import FrameResult, summarize
from ml.options import add_runtime, positive
from ml.predictor import DECODE_SIDE, SHIPPED_WEIGHTS, DetectorFileError, Predictor, sha256_of

MIN_SCORE = 0.01
"""Boxes are considered down to this score, so that the whole precision-recall curve is seen."""

_MAX_FACES = 100
_HEADLINES = (
    "mAP50",
    "mAP50_95",
    "face_AP50",
    "face_AP50_wide",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "missed",
    "calibration_error",
    "false_faces",
)


class EvaluationError(Exception):
    """What was asked for can't be measured; the message says why."""


@contextlib.contextmanager
def served_weights(weights: Path) -> Iterator[Path]:
    """The ONNX file to measure: `weights` itself or a temporary export of it where it is a checkpoint (.pt).

    Raises `EvaluationError` where a checkpoint can't be read or exported.
    """
    if weights.suffix != ".pt":
        yield weights
        return
    try:
        from ml.checkpoint import CheckpointError, load_trained
        from ml.export import ExportError, export_onnx
    except ImportError as error:
        raise EvaluationError(
            f"{weights.name} is a training checkpoint; install torch to read it."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "detector.onnx"
        try:
            model, card = load_trained(weights, *PARTS)
            export_onnx(model, exported, card=card)
        except (CheckpointError, ExportError, OSError) as error:
            raise EvaluationError(str(error)) from error
        yield exported


def read_samples(data_dirs: Sequence[Path], split: str, limit: int | None = None) -> list[Sample]:
    """The samples of one split of several data sets; with `limit`, that many, spread evenly over them.

    Faults of label files are reported on standard error. Raises `ml.dataset.DatasetError`.
    """
    samples: list[Sample] = []
    for data_dir in data_dirs:
        found = load_split(data_dir, split)
        for problem in found.problems[:20]:
            print(f"left out: {problem}", file=sys.stderr)
        if len(found.problems) > 20:
            print(f"left out: {len(found.problems) - 20} more in {data_dir}", file=sys.stderr)
        name = data_dir.resolve().name
        samples += [replace(sample, source=sample.source or name) for sample in found.samples]
    return spread(samples, limit or 0)


def measure(
    weights: Path,
    samples: Sequence[Sample],
    *,
    workers: int = 1,
    progress: bool = True,
    runtime: str = "onnxruntime",
) -> tuple[list[FrameResult], dict[str, Any]]:
    """Run the detector over `samples` on `workers` threads: results in their order, and facts about the run.

    An image that can't be read counts as one where nothing was found; it is listed under "unreadable".
    Raises `ml.predictor.DetectorFileError`.
    """
    first = Predictor(weights, runtime=runtime)
    own = threading.local()
    milliseconds: list[float] = []
    unreadable: list[str] = []

    def run(sample: Sample) -> FrameResult:
        predictor = own.__dict__.setdefault("predictor", None) or Predictor(weights, runtime=runtime)
        own.predictor = predictor
        boxes, scores, size = np.empty((0, 4), np.float32), np.empty((0, len(EMOTIONS)), np.float32), (1, 1)
        started = time.perf_counter()
        try:
            image = decode_image(sample.path.read_bytes(), target=DECODE_SIDE)
        except (ImageError, OSError) as error:
            unreadable.append(f"{sample.path}: {error}")
        else:
            boxes, scores = predictor.predict_arrays(image, min_score=MIN_SCORE, max_faces=_MAX_FACES)
            size = image.size
            milliseconds.append((time.perf_counter() - started) * 1000)
        return FrameResult(boxes, scores, sample.boxes, sample.labels, *size, sample.source, sample.path.name)

    pool = ThreadPoolExecutor(workers)
    try:
        watched = tqdm(pool.map(run, samples), total=len(samples), unit="image", disable=not progress)
        results = list(watched)
    finally:
        pool.shutdown(cancel_futures=True)
    facts = {
        "detector": first.version,
        "runtime": first.runtime,
        "sha256": sha256_of(weights),
        "input_size": first.input_size,
        "min_score": MIN_SCORE,
        "default_min_score": first.min_score,
        "median_ms": round(statistics.median(milliseconds), 2) if milliseconds else None,
        "unreadable": unreadable,
    }
    return results, facts


def format_report(report: dict[str, Any]) -> str:
    """The report of `main` as a table to read."""
    metrics = report["metrics"]
    return (
        f"detector {report['detector']} on {report['runtime']}, {metrics['frames']} images, "
        f"{metrics['faces']} faces ({metrics['known_faces']} of known expression), "
        f"{report['median_ms']} ms an image\n\n"
        f"{format_figures(metrics)}"
    )


def format_figures(metrics: dict[str, Any]) -> str:
    """What `ml.metrics.summarize` returns as a table to read."""
    lines = [f"{name:<18}{_figure(metrics[name])}" for name in _HEADLINES]
    columns = ("count", "AP50", "recall", "precision", "f1")
    lines += ["", _line("expression", columns)]
    lines += [_line(name, [row[column] for column in columns]) for name, row in metrics["per_class"].items()]
    columns = ("frames", "faces", "accuracy", "macro_f1", "face_AP50", "mAP50")
    lines += ["", _line("source", columns)]
    lines += [_line(name, [row[column] for column in columns]) for name, row in metrics["per_source"].items()]
    return "\n".join(lines)


def _line(name: str, cells: Sequence[Any]) -> str:
    return f"{name:<18}" + "".join(f"{_figure(cell):>11}" for cell in cells)


def _figure(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m ml.evaluate", allow_abbrev=False, description=__doc__)
    parser.add_argument(
        "--data-dir",
        type=Path,
        action="append",
        required=True,
        help="a data set's folder; may be given several times",
    )
    parser.add_argument("--split", default="valid", help="train, valid or test (default: valid)")
    parser.add_argument(
        "--weights", type=Path, default=SHIPPED_WEIGHTS, help=".onnx or .pt (default: the shipped detector)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="draw confusion.png and precision_recall.png there"
    )
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="only N images, spread evenly over the data"
    )
    add_runtime(parser)
    parser.add_argument("--workers", type=positive, default=2, help="threads, one image each (default: 2)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, 2 when what was asked for can't be read."""
    options = build_parser().parse_args(arguments)
    try:
        for folder in (options.json and options.json.parent, options.plots):
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
        if options.json and options.json.is_dir():
            raise EvaluationError(f"--json {options.json} is a folder; it names a file")
        samples = read_samples(options.data_dir, options.split, options.limit)
        with served_weights(options.weights) as weights:
            results, facts = measure(weights, samples, workers=options.workers, runtime=options.runtime)
        _report(options, results, facts)
    except (DatasetError, DetectorFileError, EvaluationError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _report(options: argparse.Namespace, results: list[FrameResult], facts: dict[str, Any]) -> None:
    """Say what was measured, and write what was asked for. Raises OSError."""
    for line in facts["unreadable"]:
        print(f"can't read {line}", file=sys.stderr)
    report = {
        "weights": str(options.weights),
        **facts,
        "data_dirs": [str(data_dir) for data_dir in options.data_dir],
        "split": options.split,
        "metrics": summarize(results, curves=True, min_score=facts["default_min_score"]),
    }
    print(format_report(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.plots:
        from ml.plots import plot_confusion, plot_precision_recall

        plot_confusion(report["metrics"]["confusion"], options.plots / "confusion.png")
        plot_precision_recall(report["metrics"]["precision_curves"], options.plots / "precision_recall.png")


if __name__ == "__main__":
    sys.exit(main())
