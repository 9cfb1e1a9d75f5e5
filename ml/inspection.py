"""A data set in YOLO layout, looked through before anybody trains on it: what is in it, and what is wrong.

Every picture is decoded and every line of every label file is read. Nothing is changed, and nothing outside
of the folder is opened. Imports no torch.
"""

import io
import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.config import EMOTIONS, UNKNOWN
from ml.dataset import (
    IMAGE_SUFFIXES,
    OUTSIDE,
    SPLITS,
    STRANGE_CLASS,
    DatasetError,
    find_split,
    parse_labels,
    read_class_names,
)
from ml.duplicates import find_twins, signature, stack
from ml.images import FORMATS, BadImage, ImageError, decode_image
from ml.inside import OutsideFile, UnusableFile, read_inside

SIZE_EDGES = (16, 32, 64, 128, 256, 512)
"""Pixels of the side of a square as large as a box: below the first, between two, from the last on."""
MAX_LABEL_BYTES = 2**20
HASH_SIDE = 64
PICTURES_SHARE = 0.95
"""Of the time: the rest goes into comparing them."""
KINDS = (
    "class_names",
    "missing_image",
    "broken_image",
    "bad_line",
    "unknown_class",
    "box_outside",
    "bad_file",
    "outside_file",
    "no_split",
)
"""What can be wrong; pages have words for each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the file (inside the data set), its line (0: all of it), what kind, what is wrong."""

    file: str
    line: int
    kind: str
    message: str


@dataclass(slots=True)
class Picture:
    """One picture of a split: its file inside the data set, size in pixels (0x0: broken), and its faces.

    Boxes are x1, y1, x2, y2 as fractions, labels class indices or -1.
    """

    split: str
    file: str
    width: int = 0
    height: int = 0
    boxes: list[list[float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two pictures of different splits that look alike, and by how many of 64 bits they differ."""

    first: str
    second: str
    bits: int


@dataclass
class Inspection:
    """All that was found."""

    pictures: list[Picture] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)

    def report(self, *, most: int) -> dict[str, Any]:
        """As JSON: counts of everything, and the first `most` of each long list."""
        kinds = Counter(finding.kind for finding in self.findings)
        listed = sorted(self.findings, key=lambda finding: (finding.file, finding.line))[:most]
        return {
            "splits": {split: self._statistics(split) for split in SPLITS if self._of(split)},
            "box_sizes": {"edges": list(SIZE_EDGES), "counts": self._box_sizes()},
            "problems": {
                "count": len(self.findings),
                "kinds": {kind: kinds[kind] for kind in KINDS if kinds[kind]},
                "listed": [
                    {"file": item.file, "line": item.line, "kind": item.kind, "message": item.message}
                    for item in listed
                ],
            },
            "duplicates": {
                "count": len(self.duplicates),
                "listed": [
                    {"first": item.first, "second": item.second, "bits": item.bits}
                    for item in sorted(self.duplicates, key=lambda item: (item.bits, item.first))[:most]
                ],
            },
        }

    def _of(self, split: str) -> list[Picture]:
        return [picture for picture in self.pictures if picture.split == split]

    def _statistics(self, split: str) -> dict[str, Any]:
        pictures = self._of(split)
        counts = Counter(label for picture in pictures for label in picture.labels)
        names = {**dict(enumerate(EMOTIONS)), -1: UNKNOWN}
        return {
            "images": len(pictures),
            "broken": sum(not picture.width for picture in pictures),
            "faces": counts.total(),
            "without_face": sum(not picture.labels and not picture.findings for picture in pictures),
            "per_class": {name: counts[index] for index, name in names.items()},
        }

    def _box_sizes(self) -> list[int]:
        counts = [0] * (len(SIZE_EDGES) + 1)
        for picture in self.pictures:
            for x1, y1, x2, y2 in picture.boxes if picture.width else ():
                side = math.sqrt((x2 - x1) * picture.width * (y2 - y1) * picture.height)
                counts[int(np.searchsorted(SIZE_EDGES, side, side="right"))] += 1
        return counts


def inspect(
    data_dir: Path, *, max_pixels: int, on_step: Callable[[float], None] = lambda share: None
) -> Inspection:
    """Look through a data set. `on_step` hears after every picture how far it is, 0 to 1; what it raises ends
    the inspection. Raises DatasetError when the folder, or its train/images, is not there or can't be read.
    """
    if not data_dir.is_dir():
        raise DatasetError(f"The folder {data_dir} is not there any more.")
    splits = {split: folder for split in SPLITS if (folder := find_split(data_dir, split)) is not None}
    if "train" not in splits:
        raise DatasetError(f"{data_dir} has no folder train/images.")
    found = Inspection()
    if "valid" not in splits:
        found.findings.append(Finding("valid/images", 0, "no_split", "There are no pictures to measure on."))
    class_map = _class_map(data_dir, found)
    root = data_dir.resolve()
    try:
        files = {split: _listed(folder / "images") for split, folder in splits.items()}
        total = max(1, sum(map(len, files.values())))
        signatures: dict[str, list[np.ndarray]] = {split: [] for split in splits}
        signed: dict[str, list[str]] = {split: [] for split in splits}
        for split, folder in splits.items():
            for path in files[split]:
                picture = Picture(split, _name(path, data_dir))
                sign = _read_picture(path, picture, root, max_pixels)
                if sign is not None:
                    signatures[split].append(sign)
                    signed[split].append(picture.file)
                _read_labels(folder / "labels" / f"{path.stem}.txt", picture, data_dir, root, class_map)
                found.pictures.append(picture)
                found.findings += picture.findings
                on_step(PICTURES_SHARE * len(found.pictures) / total)
            found.findings += _labels_alone(folder, data_dir, {path.stem for path in files[split]})
    except OSError as error:
        if not data_dir.is_dir():
            raise DatasetError(f"The folder {data_dir} disappeared while it was looked through.") from error
        raise DatasetError(f"{data_dir} can't be read: {error}") from error
    if not data_dir.is_dir():
        raise DatasetError(f"The folder {data_dir} disappeared while it was looked through.")
    found.duplicates = list(_duplicates(signatures, signed, on_step))
    return found


def _class_map(data_dir: Path, found: Inspection) -> dict[int, int]:
    """The classes that we know; what is wrong with the others becomes a finding."""
    try:
        names = read_class_names(data_dir)
    except (DatasetError, OSError) as error:
        found.findings.append(Finding("data.yaml", 0, "class_names", str(error)))
        return {}
    strange = sorted(set(names.values()) - set(EMOTIONS))
    if strange:
        reason = f"names {', '.join(strange)}; the detector knows {', '.join(EMOTIONS)}"
        found.findings.append(Finding("data.yaml", 0, "unknown_class", reason))
    return {number: EMOTIONS.index(name) for number, name in names.items() if name in EMOTIONS}


def _listed(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return [folder / name for name in sorted(names) if Path(name).suffix.lower() in IMAGE_SUFFIXES]


def _name(path: Path, data_dir: Path) -> str:
    """A file's name inside the data set, as text that can be stored."""
    return os.fsencode(path.relative_to(data_dir)).decode("utf-8", "replace")


def _read_picture(path: Path, picture: Picture, root: Path, max_pixels: int) -> np.ndarray | None:
    """Fill in the size of a picture and return its signature; None, and a finding, if it is broken."""
    try:
        if path.name.encode("utf-8", "replace") != os.fsencode(path.name):
            raise BadImage("Its name is not in UTF-8.")
        data = read_inside(path, root)
        image = decode_image(data, max_pixels=max_pixels, target=HASH_SIDE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels: they have been counted
            with Image.open(io.BytesIO(data), formats=FORMATS) as header:
                width, height = header.size
    except OutsideFile as error:
        picture.findings.append(Finding(picture.file, 0, "outside_file", str(error)))
        return None
    except (ImageError, UnusableFile) as error:
        picture.findings.append(Finding(picture.file, 0, "broken_image", str(error)))
        return None
    except OSError as error:
        picture.findings.append(Finding(picture.file, 0, "broken_image", f"It can't be read: {error}"))
        return None
    is_turned = (image.width > image.height) != (width > height) and image.width != image.height
    picture.width, picture.height = (height, width) if is_turned else (width, height)
    return signature(image)


def _read_labels(path: Path, picture: Picture, data_dir: Path, root: Path, class_map: dict[int, int]) -> None:
    """Fill in the faces of a picture; a picture without a label file shows none."""
    name = _name(path, data_dir)
    try:
        if not path.exists() and not path.is_symlink():
            return
        text = read_inside(path, root, most_bytes=MAX_LABEL_BYTES).decode("utf-8")
    except FileNotFoundError:  # a link to nothing
        return
    except OutsideFile as error:
        picture.findings.append(Finding(name, 0, "outside_file", str(error)))
        return
    except UnusableFile:
        picture.findings.append(Finding(name, 0, "bad_file", "Not a text file of a few lines."))
        return
    except UnicodeDecodeError:
        picture.findings.append(Finding(name, 0, "bad_file", "Not a text file in UTF-8."))
        return
    except OSError as error:
        picture.findings.append(Finding(name, 0, "bad_file", f"It can't be read: {error}"))
        return
    picture.boxes, picture.labels, problems = parse_labels(text, class_map)
    picture.findings += [Finding(name, line, _kind(reason), reason) for line, reason in problems]


def _kind(reason: str) -> str:
    if reason.startswith(STRANGE_CLASS):
        return "unknown_class"
    return "box_outside" if reason == OUTSIDE else "bad_line"


def _labels_alone(folder: Path, data_dir: Path, pictures: set[str]) -> Iterator[Finding]:
    labels = folder / "labels"
    for path in sorted(labels.glob("*.txt")) if labels.is_dir() else ():
        if path.stem not in pictures and path.name != "classes.txt":
            name = _name(path, data_dir)
            yield Finding(name, 0, "missing_image", "There is no picture for these labels.")


def _duplicates(
    signatures: dict[str, list[np.ndarray]], names: dict[str, list[str]], on_step: Callable[[float], None]
) -> Iterator[Duplicate]:
    """For each picture of a later split its twin in an earlier one."""
    arrays = {split: stack(listed) for split, listed in signatures.items()}
    pairs = [(later, earlier) for earlier, later in combinations(arrays, 2)]
    share = (1 - PICTURES_SHARE) / max(1, len(pairs))
    for number, (later, earlier) in enumerate(pairs):
        begun = PICTURES_SHARE + share * number
        for twin in find_twins(
            arrays[later], arrays[earlier], on_step=lambda done, begun=begun: on_step(begun + share * done)
        ):
            yield Duplicate(names[earlier][twin.second], names[later][twin.first], twin.bits)
