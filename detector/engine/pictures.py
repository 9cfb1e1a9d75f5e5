"""What goes into the engine and what comes out."""

import time
from dataclasses import dataclass, field
from typing import Any

from detector.errors import HamsterError
from ml.config import UNKNOWN
from ml.images import ImageError
from ml.predictor import Detection


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image to look at, and how.

    `number` comes back with the outcome; `received_at` is a `time.perf_counter()`.
    """

    data: bytes
    max_pixels: int
    max_faces: int
    min_score: float | None = None
    number: int = 0
    received_at: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a picture: its faces, best first, or the error. Times are milliseconds."""

    number: int
    detector: str | None
    detections: list[Detection] = field(default_factory=list)
    error: ImageError | HamsterError | None = None
    decode_ms: float = 0.0
    queue_ms: float = 0.0
    inference_ms: float = 0.0
    total_ms: float = 0.0

    def timing_ms(self) -> dict[str, float]:
        """`total` runs from the picture's arrival to its result; the other three are its parts."""
        return {
            "decode": round(self.decode_ms, 2),
            "queue": round(self.queue_ms, 2),
            "inference": round(self.inference_ms, 2),
            "total": round(self.total_ms, 2),
        }

    def as_prediction(self) -> dict[str, Any]:
        """The REST form. Its first three fields are those of the original service."""
        boxes = [found.as_dict() for found in self.detections]
        return {
            "emotion": boxes[0]["label"] if boxes else UNKNOWN,
            "confidence": boxes[0]["score"] if boxes else 0.0,
            "boxes": boxes,
            "detector": self.detector,
            "timing_ms": self.timing_ms(),
        }
