"""Live sessions as the camera page would hand them in."""

import copy
from collections.abc import Sequence
from typing import Any

from ml.config import EMOTIONS

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")
NO_FACE = -1


def row(t: int, label: int) -> list[int | float]:
    """A sample that shows one expression most, or no face."""
    if label == NO_FACE:
        return [t, label, *[0] * len(EMOTIONS)]
    return [t, label, *(0.8 if index == label else 0.01 for index in range(len(EMOTIONS)))]


def moment(t: int, label: str, score: float = 0.9) -> dict[str, Any]:
    """A frame of one expression."""
    return {"t": t, "label": label, "score": score, "scores": {**dict.fromkeys(EMOTIONS, 0.01), label: score}}


def record(labels: Sequence[int] = (HAPPY, HAPPY, SAD, NO_FACE), **changes: Any) -> dict[str, Any]:
    """A session with a sample every 250 ms."""
    made = {
        "name": "",
        "started_at": "2026-05-01T10:00:00Z",
        "duration_ms": 250 * len(labels),
        "frames": {"sent": 12, "answered": 10},
        "detectors": ["hamster-4"],
        "moments": [moment(120, "happy")],
        "samples": {"step_ms": 250, "rows": [row(250 * index, label) for index, label in enumerate(labels)]},
    }
    return copy.deepcopy({**made, **changes})
