"""A kept live session as one file: a table of its samples, or JSON of everything."""

import csv
import io
from collections.abc import Iterable, Sequence

from ml.config import EMOTIONS, UNKNOWN

COLUMNS = ("seconds", "expression", *EMOTIONS)


def as_csv(rows: Iterable[Sequence[int | float]]) -> str:
    """A line a sample: seconds since the beginning, what was seen (unknown: no face), nine scores, 0 to 1.

    The camera page writes the same file by itself (js/session/exports.js).
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for time, label, *scores in rows:
        table.writerow(
            [f"{time / 1000:.3f}", EMOTIONS[label] if label >= 0 else UNKNOWN, *map(_plain, scores)]
        )
    return text.getvalue()


def _plain(score: float) -> str:
    return f"{score:.4f}"
