"""Keeps a process's shadow as the database says, and writes down what it has counted."""

import logging
import time
from datetime import datetime
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

from detector.conf import config
from detector.engine.detectors import LoadedDetector, load_detector
from detector.engine.inference import InferenceEngine
from detector.models import DetectorVersion
from detector.selectors.versions import shadow_detector
from detector.services.shadow import add_tally, note_refusal
from ml.predictor import DetectorFileError

logger = logging.getLogger(__name__)
# As for the active version: the file may have been on a disk that was not there yet.
RETRY_REFUSED_AFTER = 30.0


class ShadowKeeper:
    """Installs the shadow in the engine when one is started, takes it out when it is stopped."""

    def __init__(self, engine: InferenceEngine) -> None:
        self._engine = engine
        self._running: tuple[int, datetime | None] | None = None
        """The version's id and when its run began: a run that was started anew is another."""
        self._retry_at: float | None = None
        """When a shadow that was refused is tried again."""
        self._flushed_at = time.monotonic()
        self._database_failed = False

    def look(self) -> None:
        """Follow the database; write counts down when it is time. Nothing is loaded before a camera is on."""
        try:
            version = shadow_detector()
            wanted = (version.pk, version.shadow_since) if version else None
            if self._running is not None and wanted != self._running:
                self._end()
            if version is not None and self._engine.has_cameras and self._is_due():
                self._begin(version)
            if time.monotonic() - self._flushed_at >= config.shadow_flush_seconds:
                self._write()
        except DatabaseError as error:
            if not self._database_failed:
                logger.warning("can't follow the shadow: %s", error)
            self._database_failed = True
            connection.close()
        else:
            self._database_failed = False

    def flush(self) -> None:
        """Write down what is left, at the process's end."""
        try:
            self._write()
        except DatabaseError as error:
            logger.warning("what the shadow counted last is lost: %s", error)

    def _is_due(self) -> bool:
        if self._running is None:
            return True
        return self._retry_at is not None and time.monotonic() >= self._retry_at

    def _begin(self, version: DetectorVersion) -> None:
        self._running = (version.pk, version.shadow_since)
        self._retry_at = time.monotonic() + RETRY_REFUSED_AFTER
        refusal = ""
        try:
            detector = load_detector(version.name, Path(version.onnx.path), version.sha256)
        except DetectorFileError as error:
            refusal = error.message
            logger.error("the shadow %s is refused: %s", version.name, refusal)
        except Exception as error:  # the trial run failed; ONNX Runtime's errors share no base
            refusal = f"It fails its trial run: {error}"
            logger.exception("the shadow %s is refused: its trial run failed", version.name)
        else:
            self._install(detector, float(version.shadow_share or config.shadow_share))
            self._retry_at = None
        note_refusal(version=version, refusal=refusal)

    def _install(self, detector: LoadedDetector, share: float) -> None:
        self._engine.shadow.install(detector, share=share)
        logger.info("shadow %s looks at %.0f %% of the live frames", detector.name, 100 * share)

    def _end(self) -> None:
        self._write()
        self._engine.shadow.install(None)
        self._running = self._retry_at = None

    def _write(self) -> None:
        self._flushed_at = time.monotonic()
        if self._running is None:
            return
        tally = self._engine.shadow.take_tally()
        if not (tally.frames or tally.gave_way):
            return
        try:
            add_tally(version_id=self._running[0], since=self._running[1], tally=tally)
        except DatabaseError:
            self._engine.shadow.give_back(tally)
            raise
