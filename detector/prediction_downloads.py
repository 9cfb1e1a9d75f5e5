"""The predictions that somebody keeps as one file: a table, or JSON."""

import csv
import io
from collections.abc import Iterable
from typing import IO, Any

from detector.downloads import FACE_COLUMNS, Format, face_cells, harmless, write_list
from detector.models import Prediction

COLUMNS = ("id", "created_at", "name", "width", "height", "detector", *FACE_COLUMNS)


def write_csv(predictions: Iterable[Prediction], file: IO[bytes]) -> None:
    """A line for each face, and one for each picture without; coordinates are fractions, 0 to 1."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    for prediction in predictions:
        about = {
            "id": prediction.pk,
            "created_at": prediction.created_at.isoformat(),
            "name": harmless(prediction.name),
            "width": prediction.width,
            "height": prediction.height,
            "detector": prediction.detector,
        }
        table.writerows({**about, **face} for face in face_cells(prediction.result))
    text.detach()


def write_json(predictions: Iterable[Prediction], file: IO[bytes]) -> None:
    """A list of objects as the API gives them, without their pictures."""
    write_list(map(as_object, predictions), file)


def as_object(prediction: Prediction) -> dict[str, Any]:
    """A kept prediction as a line of JSON."""
    return {
        "id": prediction.pk,
        "created_at": prediction.created_at.isoformat(),
        "expires_at": prediction.expires_at.isoformat(),
        "name": prediction.name,
        "width": prediction.width,
        "height": prediction.height,
        "prediction": prediction.result,
    }


FORMATS = {
    "csv": Format(write_csv, "text/csv; charset=utf-8", ".csv"),
    "json": Format(write_json, "application/json", ".json"),
}
