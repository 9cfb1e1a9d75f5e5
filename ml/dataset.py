"""YOLO folders (train|valid|test / images|labels, data.yaml): reading, checking, statistics."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tqdm import tqdm

from ml.config import EMOTIONS, UNKNOWN
from ml.images import ImageError, decode_image

MAX_YAML_BYTES = 64 * 1024
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
SPLITS = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}
OUTSIDE = "a box outside the image"
STRANGE_CLASS = "unknown class"
SHOWN = 40
"""Characters of something wrong that are repeated when it is reported; a file may be one long word."""

MAX_VOTES = 10**6
"""For one expression of one image."""

CHECKED_SIDE = 64
"""Pixels that an image is decoded at where only whether it decodes is of interest; small is fast."""

BORDER_TOLERANCE = 0.05
"""A box may stick out of the image by this share of its side; it is cut at the border."""


class DatasetError(Exception):
    """A data set that can't be used; the message says what to mend."""

    code = "bad_dataset"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Problem:
    """One fault of a data set: which file, which line (0: the whole file), what is wrong."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.reason}".encode(errors="backslashreplace").decode()  # any bytes may be a name


@dataclass(frozen=True)
class Sample:
    """One image with its faces: boxes [m, 4] x1, y1, x2, y2 as fractions, labels [m] class index or -1.

    `votes` [9] is the distribution of several people's labels, for an image of one face, where the data give
    one.
    """

    path: Path
    boxes: np.ndarray
    labels: np.ndarray
    source: str = ""
    votes: np.ndarray | None = None


@dataclass
class Split:
    """The samples of one split and what was wrong with the rest."""

    samples: list[Sample]
    problems: list[Problem] = field(default_factory=list)

    def leave_out(self, broken: Mapping[Path, str]) -> None:
        """Make problems of the images that do not decode, file -> why."""
        self.problems += [Problem(s.path, 0, broken[s.path]) for s in self.samples if s.path in broken]
        self.samples = [sample for sample in self.samples if sample.path not in broken]

    def refuse_problems(self, data_dir: Path) -> None:
        """Raise DatasetError where there is any."""
        if self.problems:
            listed = "\n".join(str(problem) for problem in self.problems[:20])
            raise DatasetError(f"{len(self.problems)} problems in {data_dir}:\n{listed}")

    def statistics(self) -> dict[str, Any]:
        """Counts of images, faces and faces per class."""
        counts = Counter(int(label) for sample in self.samples for label in sample.labels)
        names = {**dict(enumerate(EMOTIONS)), -1: UNKNOWN}
        return {
            "images": len(self.samples),
            "faces": sum(counts.values()),
            "without_face": sum(len(sample.labels) == 0 for sample in self.samples),
            "per_class": {name: counts[index] for index, name in names.items()},
            "problems": len(self.problems),
        }


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses aliases")
        return super().compose_node(parent, index)


def read_class_names(data_dir: Path) -> dict[int, str]:
    """The data set's class numbers -> names in small letters; without a data.yaml, ours in order.

    Raises DatasetError where data.yaml can't be read.
    """
    path = data_dir / "data.yaml"
    if not path.exists():
        return dict(enumerate(EMOTIONS))
    if not path.is_file() or path.stat().st_size > MAX_YAML_BYTES:
        raise DatasetError(f"{path} is no file of at most {MAX_YAML_BYTES} bytes")
    try:
        text = path.read_text(encoding="utf-8")
        names = (yaml.load(text, Loader=_PlainLoader) or {}).get("names")  # a SafeLoader  # noqa: S506  # nosec B506
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, RecursionError, ValueError) as error:
        raise DatasetError(f"{path} can't be read: {error}") from error
    if isinstance(names, list):
        names = dict(enumerate(names))
    is_list = isinstance(names, dict) and all(
        isinstance(key, int) and isinstance(name, str | int | float | None) for key, name in names.items()
    )
    if not is_list:
        raise DatasetError(f"{path} has no class names, a list or numbered, under `names`")
    return {number: str(name).strip().lower() for number, name in names.items()}


def read_class_map(data_dir: Path) -> dict[int, int]:
    """The data set's class numbers -> ours, by name (capitals ignored); without a data.yaml, ours in order.

    Raises DatasetError where data.yaml can't be read or names an expression the detector does not have.
    """
    names = read_class_names(data_dir)
    strange = sorted(set(names.values()) - set(EMOTIONS))
    if strange:
        path = data_dir / "data.yaml"
        raise DatasetError(f"{path} names {', '.join(strange)}; the detector knows {', '.join(EMOTIONS)}")
    return {number: EMOTIONS.index(name) for number, name in names.items()}


def _number(text: str) -> float:
    """As other programs read it: Python alone also takes `1_0` and the digits of other scripts."""
    try:
        if text.isascii() and "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise ValueError(f"could not convert string to float: {text[:SHOWN]!r}")


def parse_labels(
    text: str, class_map: dict[int, int]
) -> tuple[list[list[float]], list[int], list[tuple[int, str]]]:
    """YOLO lines -> boxes (x1, y1, x2, y2 fractions), labels and problems (line number, reason).

    A line with a problem is left out. A box that sticks out by at most 5 % is cut at the border without a
    word.
    """
    boxes: list[list[float]] = []
    labels: list[int] = []
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split()
        try:
            if len(parts) != 5:
                raise ValueError(f"{len(parts)} values instead of 5 (class cx cy w h)")
            values = [_number(part) for part in parts]
            if not all(math.isfinite(value) for value in values):
                raise ValueError("a value that is not finite")
            if values[0] != int(values[0]) or (int(values[0]) != -1 and int(values[0]) not in class_map):
                raise ValueError(f"{STRANGE_CLASS} {parts[0][:SHOWN]}")
            cx, cy, width, height = values[1:]
            if width <= 0 or height <= 0:
                raise ValueError("a box without area")
            box = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]
            if min(box) < -BORDER_TOLERANCE or max(box) > 1 + BORDER_TOLERANCE:
                raise ValueError(OUTSIDE)
        except ValueError as error:
            problems.append((number, str(error)))
            continue
        boxes.append([min(max(edge, 0.0), 1.0) for edge in box])
        labels.append(class_map.get(int(values[0]), -1))
    return boxes, labels, problems


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The names of the columns, and each row with the number of its last line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            return list(reader.fieldnames or []), [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no CSV file in UTF-8: {error}") from error


def read_manifest(data_dir: Path) -> dict[str, str]:
    """File name -> source, from manifest.csv; empty where there is none."""
    path = data_dir / "manifest.csv"
    if not path.exists():
        return {}
    return {row["file"]: row.get("source") or "" for _, row in _read_rows(path)[1] if row.get("file")}


def read_votes(path: Path) -> dict[str, np.ndarray]:
    """CSV with a column `file` and vote counts under expression names -> file name -> distribution [9].

    Rows without a vote for an expression are left out. Raises DatasetError, which names the line.
    """
    if not path.is_file():
        raise DatasetError(f"{path} does not exist")
    columns, rows = _read_rows(path)
    if "file" not in columns:
        raise DatasetError(f"{path}:1: no column `file`")
    if not set(EMOTIONS) & set(columns):
        raise DatasetError(f"{path}:1: no column is named after an expression: {', '.join(EMOTIONS)}")
    votes: dict[str, np.ndarray] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        name = row["file"]
        if not name:
            raise DatasetError(f"{path}:{line}: no file name")
        if name in lines:
            raise DatasetError(f"{path}:{line}: {name[:SHOWN]} is there already, in line {lines[name]}")
        lines[name] = line
        try:
            counts = np.array([_votes(row.get(emotion) or "0") for emotion in EMOTIONS], dtype=np.float32)
        except ValueError as error:
            raise DatasetError(f"{path}:{line}: {error}") from error
        if counts.sum() > 0:
            votes[name] = counts / counts.sum()
    return votes


def _votes(text: str) -> float:
    count = _number(text)
    if not 0 <= count <= MAX_VOTES:
        raise ValueError(f"{text[:SHOWN]} is no number of votes")
    return count


def find_split(data_dir: Path, split: str) -> Path | None:
    """The folder of a split ("valid" may also be called "val"), or None."""
    for name in SPLITS.get(split, (split,)):
        if (data_dir / name / "images").is_dir():
            return data_dir / name
    return None


def load_split(
    data_dir: Path, split: str, *, strict: bool = False, votes: dict[str, np.ndarray] | None = None
) -> Split:
    """Read one split of one data set. An image without a label file, or with an empty one, holds no face.

    A file with a bad line is left out and its problems are kept; with `strict` they are raised as
    DatasetError. Raises DatasetError for a missing folder, one without images, or unusable class names.
    """
    folder = find_split(data_dir, split)
    if folder is None:
        raise DatasetError(f"{data_dir} has no folder {split}/images")
    class_map = read_class_map(data_dir)
    sources = read_manifest(data_dir)
    result = Split([])
    for path in sorted((folder / "images").iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        label_path = folder / "labels" / f"{path.stem}.txt"
        try:
            text = label_path.read_text(encoding="utf-8") if label_path.is_file() else ""
        except UnicodeDecodeError:
            result.problems.append(Problem(label_path, 0, "not a text file"))
            continue
        boxes, labels, problems = parse_labels(text, class_map)
        if problems:
            result.problems += [Problem(label_path, line, reason) for line, reason in problems]
            continue
        result.samples.append(
            Sample(
                path,
                np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
                np.asarray(labels, dtype=np.int64),
                sources.get(path.name, ""),
                (votes or {}).get(path.name) if len(labels) == 1 and labels[0] >= 0 else None,
            )
        )
    if strict:
        result.refuse_problems(data_dir)
    if not result.samples:
        raise DatasetError(f"{folder} has no usable image")
    return result


@contextmanager
def readers() -> Iterator[ThreadPoolExecutor]:
    """Threads that read ahead, and stop at once when the work is broken off."""
    executor = ThreadPoolExecutor(max_workers=4)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def find_broken(samples: Sequence[Sample], *, progress: bool = False) -> dict[Path, str]:
    """Decode every image; the files that do not decode -> why."""
    with readers() as executor:
        reasons = executor.map(_why_broken, samples)
        watched = tqdm(zip(samples, reasons, strict=True), total=len(samples), disable=not progress)
        return {sample.path: reason for sample, reason in watched if reason}


def _why_broken(sample: Sample) -> str:
    try:
        decode_image(sample.path.read_bytes(), target=CHECKED_SIDE)
    except (ImageError, OSError) as error:
        return str(error)
    return ""


def data_hash(samples: Sequence[Sample]) -> str:
    """SHA-256 over file names, sizes in bytes and labels: what tells one state of the data from another."""
    digest = hashlib.sha256()
    for sample in samples:
        name_and_size = f"{sample.path.name} {sample.path.stat().st_size}"
        digest.update(name_and_size.encode(errors="surrogateescape"))  # a name may be any bytes
        digest.update(sample.boxes.tobytes() + sample.labels.tobytes())
        if sample.votes is not None:
            digest.update(sample.votes.tobytes())
    return digest.hexdigest()


def spread(samples: Sequence[Sample], limit: int) -> list[Sample]:
    """`limit` of the samples, spread evenly; all of them where that is 0."""
    if not limit or limit >= len(samples):
        return list(samples)
    return [samples[int(index)] for index in np.linspace(0, len(samples) - 1, limit).round()]
