"""What a browser hands in of a live session, checked to the last number. Pure: no database.

docs/API.md is this module for people who write clients.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from detector.errors import HamsterError
from detector.names import MAX_NAME, check_name
from ml.config import EMOTIONS, UNKNOWN

MAX_DURATION = 7 * 24 * 3600 * 1000
MAX_FRAMES = 50_000_000
MAX_DETECTORS = 5
MAX_DETECTOR_NAME = 120
MAX_MOMENTS = 6
MAX_ROWS = 1200
SESSION_FIELDS = ("started_at", "duration_ms", "frames", "samples")
OPTIONAL_FIELDS = ("name", "detectors", "moments")
STEPS = (50, 3_600_000)
MAX_BYTES = 256 * 1024
MAX_VALUES = MAX_ROWS * (len(EMOTIONS) + 3) + 200
# The browser's clock may be wrong, but not so wrong that the time says nothing.
CLOCK_MAY_BE_AHEAD = timedelta(days=1)
OLDEST = datetime(2020, 1, 1, tzinfo=timezone.get_fixed_timezone(0))
DIGITS = 4
NO_FACE = -1
# What was seen holds so long when the next answer was late; then nobody knows. The camera page does the same.
HOLDS_MS = 2000
RIBBON_CELLS = 60
RIBBON_NO_FACE, RIBBON_NOTHING = "-", "."


class BadSession(HamsterError):
    """Something in the record is missing or can't be; `details["field"]` says what."""

    code = "bad_session"

    def __init__(self, field: str, problem: str = "", *, sentence: str = "") -> None:
        super().__init__(sentence or f"{field} {problem}", details={"field": field})


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One live session: what it was called, how long it was, what was seen. Times are milliseconds."""

    name: str
    started_at: datetime
    duration_ms: int
    frames_sent: int
    frames_answered: int
    detectors: list[str]
    moments: list[dict[str, Any]]
    step_ms: int
    rows: list[list[int | float]]

    @property
    def samples(self) -> dict[str, Any]:
        """The timeline as it is stored and given back."""
        return {"step_ms": self.step_ms, "rows": self.rows}

    def summary(self) -> dict[str, float]:
        """The share of the samples with each expression, 0..1; `unknown` is the share without a face."""
        counted = Counter(row[1] for row in self.rows)
        shares = {name: counted[index] / len(self.rows) for index, name in enumerate(EMOTIONS)}
        shares[UNKNOWN] = counted[NO_FACE] / len(self.rows)
        return {name: round(share, DIGITS) for name, share in shares.items()}

    def ribbon(self) -> str:
        """The session in 60 equal parts, a sign for what was seen in the middle of each."""
        middles = (int((cell + 0.5) * self.duration_ms / RIBBON_CELLS) for cell in range(RIBBON_CELLS))
        return "".join(_sign(self._label_at(middle)) for middle in middles)

    def _label_at(self, at: int) -> int | None:
        index = bisect_right(self.rows, at, key=lambda row: row[0]) - 1
        if index < 0:
            return None
        time, label = self.rows[index][:2]
        longest = max(self.step_ms, HOLDS_MS)
        later = self.rows[index + 1][0] if index + 1 < len(self.rows) else time + longest
        end = later if later - time <= longest else time + self.step_ms
        return int(label) if at < end else None


def read_record(data: Any) -> SessionRecord:
    """The record in a request's JSON. Raises BadSession for the first thing that is wrong with it."""
    record = _object("session", data, SESSION_FIELDS, OPTIONAL_FIELDS)
    duration = _whole("duration_ms", record["duration_ms"], 1, MAX_DURATION)
    frames = _object("frames", record["frames"], ("sent", "answered"))
    sent = _whole("frames.sent", frames["sent"], 1, MAX_FRAMES)
    samples = _object("samples", record["samples"], ("step_ms", "rows"))
    step = _whole("samples.step_ms", samples["step_ms"], *STEPS)
    return SessionRecord(
        name=read_name(record.get("name", "")),
        started_at=_time("started_at", record["started_at"]),
        duration_ms=duration,
        frames_sent=sent,
        frames_answered=_whole("frames.answered", frames["answered"], 1, sent),
        detectors=_detectors(record.get("detectors", [])),
        moments=_moments(record.get("moments", []), duration),
        step_ms=step,
        rows=_rows(samples["rows"], step, duration),
    )


def read_name(value: Any) -> str:
    """A name without the space around it; it may be empty. Raises BadSession."""
    if not isinstance(value, str):
        raise BadSession("name", "must be text.")
    name = value.strip()
    if len(name) > MAX_NAME:
        sentence = gettext("The name has more than {most} characters.").format(most=MAX_NAME)
        raise BadSession("name", sentence=sentence)
    try:
        check_name(name)
    except ValidationError as error:
        raise BadSession("name", sentence=error.messages[0]) from error
    return name


def _object(field: str, value: Any, needed: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadSession(field, "must be an object.")
    missing = [name for name in needed if name not in value]
    if missing:
        raise BadSession(field, f"has no {missing[0]}.")
    unknown = sorted(set(value) - {*needed, *optional})
    if unknown:
        raise BadSession(field, f"has nothing called {unknown[0][:40]!a}.")
    return value


def _whole(field: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadSession(field, f"must be a whole number from {least} to {most}.")
    return value


def _score(field: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0.0 <= value <= 1.0:  # nan and inf are not
        raise BadSession(field, "must be a number from 0 to 1.")
    return round(float(value), DIGITS)


def _time(field: str, value: Any) -> datetime:
    try:
        time = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise BadSession(field, "must be a time with its zone, such as 2026-05-01T10:00:00Z.")
    if not OLDEST <= time <= timezone.now() + CLOCK_MAY_BE_AHEAD:
        raise BadSession(field, "is not a time at which this can have been.")
    return time


def _list(field: str, value: Any, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise BadSession(field, f"must be a list of {least} to {most}.")
    return value


def _detectors(value: Any) -> list[str]:
    names = _list("detectors", value, 0, MAX_DETECTORS)
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= MAX_DETECTOR_NAME:
            raise BadSession(f"detectors[{index}]", "must be the name of a detector version.")
    return names


def _moments(value: Any, duration: int) -> list[dict[str, Any]]:
    moments = []
    for index, given in enumerate(_list("moments", value, 0, MAX_MOMENTS)):
        field = f"moments[{index}]"
        moment = _object(field, given, ("t", "label", "score", "scores"))
        if moment["label"] not in EMOTIONS:
            raise BadSession(f"{field}.label", f"must be one of {', '.join(EMOTIONS)}.")
        scores = _object(f"{field}.scores", moment["scores"], EMOTIONS)
        moments.append(
            {
                "t": _whole(f"{field}.t", moment["t"], 0, duration),
                "label": moment["label"],
                "score": _score(f"{field}.score", moment["score"]),
                "scores": {name: _score(f"{field}.scores.{name}", scores[name]) for name in EMOTIONS},
            }
        )
    return moments


def _rows(value: Any, step: int, duration: int) -> list[list[int | float]]:
    rows: list[list[int | float]] = []
    before = -1
    for index, given in enumerate(_list("samples.rows", value, 1, MAX_ROWS)):
        field = f"samples.rows[{index}]"
        time, label, *scores = _list(field, given, len(EMOTIONS) + 2, len(EMOTIONS) + 2)
        before = _whole(f"{field}[0]", time, before + 1, duration)
        if before % step:
            raise BadSession(f"{field}[0]", f"must be a multiple of step_ms, {step}.")
        _whole(f"{field}[1]", label, NO_FACE, len(EMOTIONS) - 1)
        read = [_score(f"{field}[{place}]", score) for place, score in enumerate(scores, start=2)]
        if label == NO_FACE and any(read):
            raise BadSession(field, "has scores without a face.")
        rows.append([before, label, *read])
    return rows


def _sign(label: int | None) -> str:
    if label is None:
        return RIBBON_NOTHING
    return RIBBON_NO_FACE if label == NO_FACE else str(label)
