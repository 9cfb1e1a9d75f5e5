"""A small data set in YOLO layout for the red detector, which calls every red square happy."""

from pathlib import Path

from ml.config import EMOTIONS
from tests.detector.pictures import FACE, encoded, scene

CORNERS = tuple(FACE.values())


def write_red_dataset(folder: Path, labels: tuple[str | None, ...] = ("happy", "happy", "sad", None)) -> Path:
    """One picture a label in valid/: a red square called so, or (None) no face. Returns the folder."""
    images, texts = folder / "valid" / "images", folder / "valid" / "labels"
    images.mkdir(parents=True)
    texts.mkdir()
    for number, label in enumerate(labels):
        (images / f"{number}.jpg").write_bytes(encoded(scene(face=label is not None)))
        (texts / f"{number}.txt").write_text(line(label) if label else "")
    return folder


def line(label: str) -> str:
    """A label file's line for the red square."""
    x1, y1, x2, y2 = CORNERS
    return f"{EMOTIONS.index(label)} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n"
