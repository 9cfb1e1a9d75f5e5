"""The results of a batch as one file: a table, JSON, or labels in YOLO form."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from detector.models import BatchItem
from ml.config import EMOTIONS

CORNERS = ("label", "score", "x1", "y1", "x2", "y2")
FACE_COLUMNS = ("face", *CORNERS, *EMOTIONS)
COLUMNS = ("number", "name", "state", "error", "detector", *FACE_COLUMNS)
# What begins a formula, full width too, where a cell begins: also in a spreadsheet that splits lines at
# semicolons or tabs, and then heeds no quotes of ours.
FORMULA = re.compile(r'(^|[;\t\r\n])(?=[\s"]*[=+\-@＝＋－＠]|[\t\r\n])')


def write_csv(items: Iterable[BatchItem], file: IO[bytes]) -> None:
    """A line for each face, and one for each item without a face; coordinates are fractions, 0 to 1."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    for item in items:
        result = item.result or {"boxes": [], "detector": ""}
        about = {
            "number": item.number,
            "name": harmless(item.name),
            "state": item.state,
            "error": item.error_code,
            "detector": result["detector"],
        }
        table.writerows({**about, **face} for face in face_cells(result))
    text.detach()


def face_cells(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The FACE_COLUMNS of a Prediction: a row for each face, and an empty one where there is none."""
    faces = [
        {"face": number, **{name: box[name] for name in CORNERS}, **box["scores"]}
        for number, box in enumerate(result["boxes"], start=1)
    ]
    return faces or [{}]


def write_json(items: Iterable[BatchItem], file: IO[bytes]) -> None:
    """A list of objects: number, name, state, prediction (null unless it succeeded), error (or null)."""
    write_list(map(as_object, items), file)


def write_list(objects: Iterable[dict[str, Any]], file: IO[bytes]) -> None:
    """A JSON list, one object a line."""
    separator = b"["
    for item in objects:
        file.write(separator + json.dumps(item).encode())
        separator = b",\n"
    file.write(b"[]\n" if separator == b"[" else b"]\n")


def write_yolo(items: Iterable[BatchItem], file: IO[bytes]) -> None:
    """A zip with `labels/NAME.txt` for each picture that was looked at, and the classes' names.

    Lines are `class cx cy w h` in fractions, the class a line number of classes.txt from 0; a picture without
    faces has an empty file.
    """
    taken: set[str] = set()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("classes.txt", "".join(f"{name}\n" for name in EMOTIONS))
        for item in items:
            if item.result is not None:
                archive.writestr(_label_path(item, taken), "".join(map(_line, item.result["boxes"])))


def as_object(item: BatchItem) -> dict[str, Any]:
    """An item as a line of JSON."""
    return {
        "number": item.number,
        "name": item.name,
        "state": item.state,
        "prediction": item.result,
        "error": item.error,
    }


def harmless(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would take what follows for a formula and run it."""
    return FORMULA.sub(r"\1'", text)


def _line(box: dict[str, Any]) -> str:
    x, y = (box["x1"] + box["x2"]) / 2, (box["y1"] + box["y2"]) / 2
    width, height = box["x2"] - box["x1"], box["y2"] - box["y1"]
    return f"{EMOTIONS.index(box['label'])} {x:.6f} {y:.6f} {width:.6f} {height:.6f}\n"


def _label_path(item: BatchItem, taken: set[str]) -> str:
    """labels/ and the picture's own name, with its folders; a second one of the same name gets its number."""
    parts = [part for part in PurePosixPath(item.name.replace("\\", "/")).parts if part not in ("/", "..")]
    path = PurePosixPath("labels", *parts).with_suffix(".txt")
    if str(path).lower() in taken:
        path = path.with_stem(f"{path.stem}-{item.number}")
    taken.add(str(path).lower())
    return str(path)


@dataclass(frozen=True, slots=True)
class Format:
    """A form of download: who writes it, what it is, and how its file names end."""

    write: Callable[[Iterable[Any], IO[bytes]], None]
    content_type: str
    suffix: str


FORMATS = {
    "csv": Format(write_csv, "text/csv; charset=utf-8", ".csv"),
    "json": Format(write_json, "application/json", ".json"),
    "yolo": Format(write_yolo, "application/zip", "-yolo.zip"),
}
