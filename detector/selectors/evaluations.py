"""Reads of evaluations: which there are, the pictures behind a cell of the matrix, and where two differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import QuerySet

from detector.evaluation_results import readings
from detector.models import Dataset, DetectorVersion, Evaluation
from ml.config import EMOTIONS
from ml.metrics import MISSED

State = Evaluation.State
MISSED_NAME = "missed"
NAMES = (*EMOTIONS, MISSED_NAME)


def evaluations() -> QuerySet[Evaluation]:
    """All evaluations, newest first. Cards and reports, which may be long, are read when asked for."""
    rows = Evaluation.objects.select_related("version", "dataset").order_by("-created_at", "-id")
    return rows.defer("version__card", "dataset__report")


def latest_on_each(*, version: DetectorVersion) -> list[Evaluation]:
    """The newest finished evaluation of a version on each data set and split, newest first."""
    found: dict[tuple[int, str], Evaluation] = {}
    for evaluation in evaluations().filter(version=version, state=State.SUCCEEDED):
        found.setdefault((evaluation.dataset_id, evaluation.split), evaluation)
    return list(found.values())


def newest_on(*, version: DetectorVersion, dataset: Dataset) -> Evaluation | None:
    """The newest evaluation of a version on a data set's valid split: a finished one before an open one."""
    return newest_on_each(version=version).get(dataset.pk)


def newest_on_each(*, version: DetectorVersion) -> dict[int, Evaluation]:
    """The same for all data sets, by their ids. Figures are read when asked for."""
    found: dict[int, Evaluation] = {}
    for row in evaluations().filter(version=version, split="valid").defer("figures"):
        known = found.setdefault(row.dataset_id, row)
        if known.state != State.SUCCEEDED and row.state == State.SUCCEEDED:
            found[row.dataset_id] = row
    return found


class Box(NamedTuple):
    """Corners as fractions of the picture."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1


@dataclass(frozen=True, slots=True)
class Face:
    """One labelled face: what it is, what was read ("missed" without a box), and the box with its score."""

    truth: str
    found: str
    score: float | None
    true_box: Box
    found_box: Box | None


@dataclass(frozen=True, slots=True)
class Looked:
    """A picture that was looked at: its number in the evaluation, its path in the data set, its width and
    height as decoded (1 x 1 if it can't be read), its faces."""

    number: int
    path: str
    size: tuple[int, int]
    faces: list[Face]


def pictures_of(evaluation: Evaluation) -> list[dict[str, Any]]:
    """All pictures that were looked at, in order; see `detector.evaluation_results`."""
    parts = evaluation.parts.order_by("start").values_list("pictures", flat=True)
    return [picture for part in parts for picture in part]


def looked_at(evaluation: Evaluation) -> Iterator[Looked]:
    """The pictures of an evaluation with their faces of known expression."""
    for number, picture in enumerate(pictures_of(evaluation)):
        yield Looked(number, picture["path"], tuple(picture["size"]), _faces(picture))


def pictures_with(
    evaluation: Evaluation, *, truth: str | None = None, found: str | None = None, wrong: bool = False
) -> list[Looked]:
    """The pictures that hold a face like this, as in one cell (or a row, or a column) of the matrix."""

    def fits(face: Face) -> bool:
        return (
            (truth is None or face.truth == truth)
            and (found is None or face.found == found)
            and (not wrong or face.truth != face.found)
        )

    return [picture for picture in looked_at(evaluation) if any(map(fits, picture.faces))]


def disagreements(first: Evaluation, second: Evaluation) -> list[tuple[Looked, Looked]]:
    """The pictures where two evaluations of one data set read a face differently, but for those whose
    labels were changed in between."""
    others = {picture.path: picture for picture in looked_at(second)}
    pairs = [(one, others[one.path]) for one in looked_at(first) if one.path in others]
    pairs = [(one, other) for one, other in pairs if _labels(one) == _labels(other)]
    return [(one, other) for one, other in pairs if _names(one) != _names(other)]


def picture_path(evaluation: Evaluation, number: int) -> str | None:
    """Where the picture of this number lies, relative to the data set's folder; None if there is none."""
    part = evaluation.parts.filter(start__lte=number).order_by("-start").first()
    pictures = part.pictures if part else []
    index = number - part.start if part else 0
    return pictures[index]["path"] if index < len(pictures) else None


def _names(picture: Looked) -> list[str]:
    return [face.found for face in picture.faces]


def _labels(picture: Looked) -> list[tuple[str, Box]]:
    return [(face.truth, face.true_box) for face in picture.faces]


def _faces(picture: dict[str, Any]) -> list[Face]:
    known = [row[1:] for row in picture["truth"] if row[0] >= 0]
    faces = []
    for (label, name, box), corners in zip(readings(picture), known, strict=True):
        row = picture["found"][box] if box is not None else None
        faces.append(
            Face(
                truth=EMOTIONS[label],
                found=NAMES[name] if name != MISSED else MISSED_NAME,
                score=row[4 + name] if row else None,
                true_box=Box(*corners),
                found_box=Box(*row[:4]) if row else None,
            )
        )
    return faces
