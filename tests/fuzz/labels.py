"""Fuzz of the label reading: YOLO lines as people and programs get them wrong, and bytes that are none."""

import math
from pathlib import Path

from hypothesis import strategies as st

from ml.config import EMOTIONS
from ml.dataset import DatasetError, load_split, parse_labels
from tests.detector.pictures import encoded, scene
from tests.fuzz.parts import Part
from tests.fuzz.recipes import Recipe, recipes

LONGEST_REASON = 200
CLASS_MAP = {number: number for number in range(len(EMOTIONS))}
VALUES = (
    *(
        "0",
        "1",
        "8",
        "9",
        "-1",
        "-2",
        "0.5",
        "0.1",
        ".3",
        "5e-1",
        "1.04",
        "-0.04",
        "1.06",
        "-0.0",
        "1e-320",
        "1e-400",
    ),
    *(
        "nan",
        "NaN",
        "-nan",
        "inf",
        "-Infinity",
        "infinity",
        "1e309",
        "-1e309",
        "1e308",
        "9" * 400,
        "9" * 5000,
    ),
    *(
        "٣",
        "१",
        "１",
        "０.５",
        "²",
        "Ⅷ",
        "1_0",
        "0_0",
        "0x1",
        "1,5",
        "0.5.5",
        "+1",
        "--1",
        "1e",
        "e1",
        "--",
        "happy",
    ),
    *("\ufeff0", "\ufffe", "\ud7ff", "\U0010ffff", "\0", "\x1b[31m", "'", '"', "<b>", "a" * 3000),
)
GAPS = (" ", " ", " ", "\t", "  ", "\u00a0", "\u3000", "\u2007", "", ",", "\v")
ENDS = ("\n", "\n", "\r\n", "\r", "\n\n", "\v", "\f", "\x1c", "\x85", "\u2028", "")
ENCODINGS = ("utf-8",) * 6 + ("utf-16", "latin-1", "utf-7", "utf-8-sig")
NAMES = (
    *(
        "names: [angry, happy]",
        "names: {0: angry, 1: Happy, 2: sad}",
        "nc: 9",
        "names: [1, 2]",
        "names:",
        "names: 7",
    ),
    *(
        "names: {a: happy}",
        "names: {0: [happy]}",
        "names: {.inf: happy}",
        "names: {-1: happy, 99: sad}",
        "x: &a [1]",
    ),
    *(
        "y: *a",
        "names: [" * 2000,
        "names: !!python/object:os.system {}",
        "\t",
        "\0",
        "- happy",
        "---\n---",
        "? ? ?",
    ),
    *(
        "names: {0: happy, 0: sad}",
        "names: {12345678901234567890123: happy}",
        "names: {0x1: happy}",
        "<<: {a: b}",
    ),
    *(
        "names: [2020-13-45]",
        "names: {2020-01-01: happy}",
        "names: [!!int x]",
        "names: {1e3: happy}",
        "names: [~]",
    ),
)


def _line(recipe: Recipe) -> str:
    match recipe.number(5):
        case 0:
            return recipe.text(12)
        case 1 | 2:
            return "".join(recipe.pick(VALUES) + recipe.pick(GAPS) for _ in range(recipe.number(8)))
        case _:
            box = [(recipe.number(1400) - 200) / 1000 for _ in range(4)]
            return " ".join(map(str, (recipe.number(11) - 1, *box)))


def _files(recipe: Recipe) -> tuple[bytes, str | None]:
    """A label file, and a data.yaml once in four times."""
    encoding = recipe.pick(ENCODINGS)
    text = "".join(_line(recipe) + recipe.pick(ENDS) for _ in range(recipe.number(6)))
    data = (recipe.pick(("", "", "", "\ufeff")) + text).encode(encoding, "replace")
    if recipe.number(4):
        return data, None
    return data, "\n".join(recipe.pick(NAMES) for _ in range(1 + recipe.number(3)))


class Labels(Part):
    """`parse_labels`, and `load_split` with the files on a disk."""

    name = "labels"
    cases = recipes(_files, numbers=60) | st.tuples(st.binary(max_size=60), st.just(""))

    def __init__(self, folder: Path) -> None:
        self._set = folder / "set"
        self._labels = self._set / "train" / "labels" / "a.txt"
        for name in ("images", "labels"):
            (self._set / "train" / name).mkdir(parents=True)
        (self._set / "train" / "images" / "a.png").write_bytes(encoded(scene(size=(16, 16)), "PNG"))
        (self._set / "train" / "images" / "b.png").write_bytes(encoded(scene(size=(16, 16)), "PNG"))

    def check(self, case: tuple[bytes, str | None]) -> None:
        """Every line is a box of a known class inside the picture, or a problem that says which line."""
        data, yaml = case
        text = data.decode("utf-8", "replace")
        boxes, labels, problems = parse_labels(text, CLASS_MAP)
        assert len(boxes) == len(labels)
        lines = {number: line for number, line in enumerate(text.splitlines(), 1) if line.strip()}
        assert len(lines) == len(boxes) + len(problems)
        for x1, y1, x2, y2 in boxes:
            assert 0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1
        assert all(type(label) is int and -1 <= label < len(EMOTIONS) for label in labels)
        for number, reason in problems:
            assert lines.pop(number)
            assert reason and reason.isprintable() and len(reason) <= LONGEST_REASON, reason[:300]
        for line in lines.values():
            assert all(part.isascii() and "_" not in part for part in line.split()), line
        if yaml is not None:
            self._read_from_disk(data, yaml)

    def _read_from_disk(self, data: bytes, yaml: str) -> None:
        self._labels.write_bytes(data)
        (self._set / "data.yaml").write_text(yaml, encoding="utf-8", errors="replace")
        try:
            split = load_split(self._set, "train")
        except DatasetError as error:
            assert error.message
            return
        assert "b.png" in {sample.path.name for sample in split.samples}
        for sample in split.samples:
            assert sample.boxes.shape == (len(sample.labels), 4)
            assert all(math.isfinite(edge) and 0 <= edge <= 1 for edge in sample.boxes.ravel().tolist())
        assert {problem.file for problem in split.problems} <= {self._labels}
        assert len(split.samples) == 2 - bool(split.problems)
