"""The shadow: another detector that looks at a share of the live frames in spare time, and is only counted.

It has a thread of its own, so that nothing of it can hold a worker up, and it begins on a frame only while
the workers have nothing to do. (A thread of lower priority would be worse: it could be put aside while it
holds Python's lock, which everybody else then waits for.)
"""

import logging
import random
from collections.abc import Sequence
from threading import Condition, Thread

import numpy as np

from detector.engine.detectors import LoadedDetector
from detector.engine.pictures import Outcome, Picture
from detector.engine.queues import Line
from detector.shadow_tally import ShadowTally
from ml.config import UNKNOWN
from ml.nms import pairwise_iou
from ml.predictor import Detection

logger = logging.getLogger(__name__)
PATIENCE = 0.5  # seconds that a frame waits for the workers to have nothing to do
SAME_FACE_IOU = 0.4


class Shadow:
    """Takes frames that have been answered, looks at some, and counts. Thread-safe."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._changed = Condition()
        self._detector: LoadedDetector | None = None
        self._share = 0.0
        self._frame: tuple[Picture, Outcome] | None = None
        self._tally = ShadowTally()
        self._stopped = False
        self._thread = Thread(target=self._work, name="engine-shadow", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame it has; it does not wait for one that never ends."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(PATIENCE)

    def install(self, detector: LoadedDetector | None, *, share: float = 0.0) -> None:
        """Look with this detector at `share` of the frames from now on; None: look at none."""
        with self._changed:
            self._detector, self._share, self._frame = detector, share, None
            self._tally = ShadowTally()

    def offer(self, picture: Picture, outcome: Outcome) -> None:
        """A live frame that has just been answered; returns at once."""
        if self._detector is None or outcome.error is not None or random.random() >= self._share:
            return
        with self._changed:
            if self._frame is not None:  # it still waits for its turn: the newer one wins
                self._tally.gave_way += 1
            self._frame = (picture, outcome)
            self._changed.notify()

    def take_tally(self) -> ShadowTally:
        """What was counted since the last call."""
        with self._changed:
            taken, self._tally = self._tally, ShadowTally()
            return taken

    def give_back(self, tally: ShadowTally) -> None:
        """A tally that could not be written down: it comes with the next one."""
        with self._changed:
            self._tally.add(tally)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._frame is not None)
                if self._stopped:
                    return
            idle = self._line.wait_until_idle(PATIENCE)
            with self._changed:
                frame, self._frame = self._frame, None
                detector = self._detector
                if frame is None or detector is None:
                    continue
                if not idle:
                    self._tally.gave_way += 1
                    continue
            self._look_at(detector, *frame)

    def _look_at(self, detector: LoadedDetector, picture: Picture, outcome: Outcome) -> None:
        try:
            found, timing = detector.predictor.predict(
                picture.data,
                min_score=picture.min_score,
                max_faces=picture.max_faces,
                max_pixels=picture.max_pixels,
            )
        except Exception:  # nothing of a shadow may reach anybody
            logger.exception("the shadow %s failed on a frame", detector.name)
            return
        milliseconds = timing.decode_ms + timing.inference_ms
        with self._changed:
            if detector is not self._detector:  # stopped meanwhile
                return
            tally = self._tally
            tally.frames += 1
            tally.shadow_ms += milliseconds
            tally.live_ms += outcome.decode_ms + outcome.inference_ms
            tally.slowest_ms = max(tally.slowest_ms, milliseconds)
            for emotion, agreed in agreements(outcome.detections, found):
                tally.count(str(outcome.detector), emotion, agreed=agreed)


def agreements(live: Sequence[Detection], other: Sequence[Detection]) -> list[tuple[str, bool]]:
    """For each face that `live` names: its expression, and whether the box of `other` over it has the same.

    Without any face: one "unknown", agreed if `other` sees none either.
    """
    if not live:
        return [(UNKNOWN, not other)]
    if not other:
        return [(face.label, False) for face in live]
    overlaps = pairwise_iou(_corners(live), _corners(other))
    return [
        (face.label, bool(row.max() >= SAME_FACE_IOU) and other[int(row.argmax())].label == face.label)
        for face, row in zip(live, overlaps, strict=True)
    ]


def _corners(faces: Sequence[Detection]) -> np.ndarray:
    return np.array([(face.x1, face.y1, face.x2, face.y2) for face in faces], np.float32)
