"""The in-process inference engine: worker threads that run single-threaded inference side by side."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractContextManager
from threading import Lock, Thread

from detector.engine.detectors import LoadedDetector
from detector.engine.pictures import Outcome, Picture
from detector.engine.queues import Job, Line, LineState, Mailbox, Request
from detector.engine.shadow import Shadow
from detector.errors import HamsterError, NoDetector, ServerBusy
from detector.metrics import count_answer, count_failure
from ml.images import ImageError

logger = logging.getLogger(__name__)


class PredictionFailed(HamsterError):
    """The detector broke on a picture that decoded well."""

    code = "prediction_failed"
    status = 500
    message = "The picture could not be looked at. The failure has been logged."


class InferenceEngine:
    """Looks at pictures on its own threads, and swaps its detector between two of them.

    With two or more workers one is always left to the live connections, so a large upload can't hold them up.
    """

    def __init__(self, *, workers: int, max_connections: int, max_requests: int) -> None:
        self._detector: LoadedDetector | None = None
        self._swapping = Lock()
        self._line = Line(
            max_mailboxes=max_connections,
            max_requests=max_requests,
            max_requests_in_work=max(1, workers - 1),
        )
        self.shadow = Shadow(self._line)
        self._threads = [
            Thread(target=self._work, name=f"engine-{index}", daemon=True) for index in range(workers)
        ]

    @property
    def detector_name(self) -> str | None:
        """The version that the next picture will be looked at with."""
        detector = self._detector
        return detector.name if detector else None

    @property
    def has_cameras(self) -> bool:
        """Whether a live connection is open."""
        return bool(self._line.mailboxes())

    def line_state(self) -> LineState:
        """Who is connected and what waits, just now."""
        return self._line.state()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        self.shadow.start()

    def stop(self) -> None:
        """Finish the pictures in work and end the threads."""
        self._line.stop()
        for thread in self._threads:
            thread.join()
        self.shadow.stop()

    def drain(self, timeout: float) -> bool:
        """Wait until all that came in is looked at, `timeout` seconds at most; whether it is."""
        return self._line.wait_until_idle(timeout)

    def install(self, detector: LoadedDetector) -> None:
        """Serve this detector from the next picture on, and tell every live connection. Thread-safe."""
        with self._swapping:
            known_before, self._detector = self._detector, detector
        logger.info("serving detector %s on %s", detector.name, detector.predictor.runtime)
        if known_before is not None:
            for mailbox in self._line.mailboxes():
                mailbox.announce(detector.name)

    def open_mailbox(
        self, on_outcome: Callable[[Outcome], None], on_detector: Callable[[str], None]
    ) -> Mailbox:
        """A place for a live connection; see `Mailbox`. Raises `ServerBusy`."""
        return self._line.open_mailbox(on_outcome, on_detector)

    def predict(self, picture: Picture, *, timeout: float) -> Outcome:
        """Look at one picture and wait for it, `timeout` seconds at most.

        Raises `ServerBusy`, `NoDetector`, `PredictionFailed`, or an `ml.images.ImageError`.
        """
        request = Request(picture)
        self._line.add_request(request)
        try:
            outcome = request.future.result(timeout)
        except FutureTimeout as error:
            self._line.withdraw(request)
            raise ServerBusy() from error
        if outcome.error is not None:
            raise outcome.error
        return outcome

    def turn(self) -> AbstractContextManager[None]:
        """For a thread that decodes a picture itself: as many do so at once as requests are looked at."""
        return self._line.turn()

    def _work(self) -> None:
        while (taken := self._line.take()) is not None:
            job, picture = taken
            outcome = self.look_at(picture)
            self._hand_over(job, outcome)
            self._line.done(job)
            is_live = isinstance(job, Mailbox)
            kind = "live" if is_live else "request"
            if outcome.error is None:
                count_answer(kind, outcome.timing_ms())
            else:
                count_failure(kind, outcome.error.code)
            if is_live:
                self.shadow.offer(picture, outcome)

    def look_at(self, picture: Picture) -> Outcome:
        """Look at one picture on the calling thread, without standing in line; an error is in the outcome.

        For processes that serve nobody live and bring threads of their own.
        """
        started = time.perf_counter()
        detector = self._detector
        queue_ms = (started - picture.received_at) * 1000
        if detector is None:
            return Outcome(picture.number, None, error=NoDetector(), queue_ms=queue_ms)
        try:
            detections, timing = detector.predictor.predict(
                picture.data,
                min_score=picture.min_score,
                max_faces=picture.max_faces,
                max_pixels=picture.max_pixels,
            )
        except ImageError as error:
            return Outcome(picture.number, detector.name, error=error, queue_ms=queue_ms)
        except Exception:  # one picture must never end the worker
            logger.exception("detector %s failed on a picture", detector.name)
            return Outcome(picture.number, detector.name, error=PredictionFailed(), queue_ms=queue_ms)
        return Outcome(
            picture.number,
            detector.name,
            detections,
            decode_ms=timing.decode_ms,
            queue_ms=queue_ms,
            inference_ms=timing.inference_ms,
            total_ms=(time.perf_counter() - picture.received_at) * 1000,
        )

    @staticmethod
    def _hand_over(job: Job, outcome: Outcome) -> None:
        try:
            job.deliver(outcome)
        except Exception:  # its event loop has closed under it; the worker goes on
            logger.warning("an outcome had nobody left to take it", exc_info=True)
