"""From single-frame detections to faces that stay themselves: tracks with ids, smoothed scores, a calm label.

Pure: no I/O and no clock of its own; the caller passes the time of each frame in seconds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.config import UNKNOWN
from ml.predictor import Detection

# A face that was not seen for this long is somebody new when it comes back.
MAX_AGE = 1.0
# Time constants at smoothing 1.0: after this long a change has been followed to 63 %.
SCORES_TIME_CONSTANT = 0.6
BOX_TIME_CONSTANT = 0.08
# The label changes when another leads by this share of the whole score, or has led for this long.
SWITCH_MARGIN = 0.12
SWITCH_AFTER = 0.4
# Another face becomes the main one when it weighs this many times the present one.
MAIN_FACE_FACTOR = 1.3

MIN_IOU = 0.2
MAX_CENTRE_DISTANCE = 1.25
JUMP_IOU = 0.5

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Face:
    """One tracked face in one frame. Coordinates are fractions of the frame, 0..1.

    `scores` are smoothed and `score == scores[label]`; `raw_scores` are this frame's own.
    """

    id: int
    label: str
    score: float
    box: Box
    scores: Mapping[str, float]
    raw_scores: Mapping[str, float]

    @property
    def weight(self) -> float:
        """How much the face matters: its area in the frame times its score."""
        return area(self.box) * self.score

    def as_dict(self, digits: int = 4) -> dict[str, Any]:
        """The face as the live protocol says it, numbers rounded."""
        x1, y1, x2, y2 = self.box
        return {
            "id": self.id,
            "label": self.label,
            "score": round(self.score, digits),
            "x1": round(x1, digits),
            "y1": round(y1, digits),
            "x2": round(x2, digits),
            "y2": round(y2, digits),
            "scores": {name: round(value, digits) for name, value in self.scores.items()},
            "raw_scores": {name: round(value, digits) for name, value in self.raw_scores.items()},
        }


class FaceTracks:
    """The faces of one live connection.

    `smoothing` runs from 0.0 (every frame stands for itself) to 1.0 (calmest); it may be changed at any time.
    """

    def __init__(self, smoothing: float) -> None:
        self.smoothing = smoothing
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._main_id: int | None = None

    def update(self, detections: Sequence[Detection], now: float) -> list[Face]:
        """Take in one frame's detections and return its faces, the main one first.

        `now` is the frame's time in seconds and must not decrease.
        """
        self._tracks = [track for track in self._tracks if now - track.seen_at <= MAX_AGE]
        matches = match_boxes([track.box for track in self._tracks], [_box(found) for found in detections])
        seen: list[_Track] = []
        for index, found in enumerate(detections):
            if index in matches:
                track = self._tracks[matches[index]]
                track.follow(found, now, self.smoothing)
            else:
                self._last_id += 1
                track = _Track(self._last_id, found, now)
                self._tracks.append(track)
            seen.append(track)
        return self._main_first([track.face() for track in seen])

    def _main_first(self, faces: list[Face]) -> list[Face]:
        faces.sort(key=lambda face: face.weight, reverse=True)
        main = next((face for face in faces if face.id == self._main_id), None)
        if main is None or faces[0].weight > main.weight * MAIN_FACE_FACTOR:
            main = faces[0] if faces else None
        self._main_id = main.id if main else None
        return [main, *(face for face in faces if face is not main)] if main else []


def frame_emotion(faces: Sequence[Face]) -> tuple[str, float]:
    """The frame's emotion and its confidence: those of the main face, or `("unknown", 0.0)` without one."""
    return (faces[0].label, faces[0].score) if faces else (UNKNOWN, 0.0)


def match_boxes(known: Sequence[Box], found: Sequence[Box]) -> dict[int, int]:
    """Which known box each found one continues, as {index in found: index in known}; best pairs first.

    Boxes pair when they overlap, or when they are near and alike in size: at three frames a second a moving
    head may hardly overlap its old box.
    """
    pairs = sorted(
        (
            (likeness, new, old)
            for new, box in enumerate(found)
            for old, other in enumerate(known)
            if (likeness := similarity(box, other)) > 0.0
        ),
        reverse=True,
    )
    matches: dict[int, int] = {}
    taken: set[int] = set()
    for _, new, old in pairs:
        if new not in matches and old not in taken:
            matches[new] = old
            taken.add(old)
    return matches


def similarity(a: Box, b: Box) -> float:
    """0 for two boxes that can't be the same face; else up to 1, any overlap above any mere nearness."""
    overlap = iou(a, b)
    if overlap >= MIN_IOU:
        return overlap
    size_a, size_b = math.sqrt(area(a)), math.sqrt(area(b))
    if min(size_a, size_b) * 2 < max(size_a, size_b) or not min(size_a, size_b):
        return 0.0
    distance = math.dist(
        ((a[0] + a[2]) / 2, (a[1] + a[3]) / 2), ((b[0] + b[2]) / 2, (b[1] + b[3]) / 2)
    ) / max(size_a, size_b)
    return MIN_IOU * (1.0 - distance / MAX_CENTRE_DISTANCE) if distance < MAX_CENTRE_DISTANCE else 0.0


def area(box: Box) -> float:
    """The box's share of the frame, 0..1."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0.0 or height <= 0.0:
        return 0.0
    shared = width * height
    return shared / (area(a) + area(b) - shared)


def _box(found: Detection) -> Box:
    return (found.x1, found.y1, found.x2, found.y2)


def _share_of_change(seconds: float, time_constant: float) -> float:
    """How far an exponential average moves towards a new value after `seconds`, 0..1."""
    return 1.0 if time_constant <= 0.0 else 1.0 - math.exp(-seconds / time_constant)


class _Track:
    """One face over time."""

    def __init__(self, track_id: int, found: Detection, now: float) -> None:
        self.id = track_id
        self.seen_at = now
        self.box = _box(found)
        self.scores = dict(found.scores)
        self.raw_scores = found.scores
        self.label = found.label
        self._challenger = found.label
        self._challenged_at = now

    def follow(self, found: Detection, now: float, smoothing: float) -> None:
        passed = max(0.0, now - self.seen_at)
        self.seen_at = now
        self._move_to(_box(found), _share_of_change(passed, smoothing * BOX_TIME_CONSTANT))
        self.raw_scores = found.scores
        share = _share_of_change(passed, smoothing * SCORES_TIME_CONSTANT)
        for name, score in found.scores.items():
            self.scores[name] += share * (score - self.scores[name])
        self._relabel(now, calm=smoothing > 0.0)

    def face(self) -> Face:
        return Face(
            self.id, self.label, self.scores[self.label], self.box, dict(self.scores), self.raw_scores
        )

    def _move_to(self, target: Box, share: float) -> None:
        if iou(self.box, target) < JUMP_IOU:
            share = 1.0
        self.box = tuple(old + share * (new - old) for old, new in zip(self.box, target, strict=True))

    def _relabel(self, now: float, *, calm: bool) -> None:
        leader = max(self.scores, key=self.scores.__getitem__)
        if leader != self._challenger:
            self._challenger, self._challenged_at = leader, now
        lead = self.scores[leader] - self.scores[self.label]
        clearly = lead >= SWITCH_MARGIN * sum(self.scores.values())
        if not calm or clearly or now - self._challenged_at >= SWITCH_AFTER:
            self.label = leader
