"""Keeps a process's shadow as the database says, and writes down what it has counted."""

import logging
import time
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection

from detector.conf import config
from detector.engine.detectors import LoadedDetector, load_detector
from detector.engine.inference import InferenceEngine
from detector.models import DetectorVersion
from detector.selectors.versions import shadow_detector
from detector.services.shadow import add_tally
from ml.predictor import DetectorFileError

logger = logging.getLogger(__name__)


class ShadowKeeper:
    """Installs the shadow in the engine when one is started, takes it out when it is stopped."""

    def __init__(self, engine: InferenceEngine) -> None:
        self._engine = engine
        self._running: tuple[int, object] | None = None
        """The version's id and when its run began: a run that was started anew is another."""
        self._flushed_at = time.monotonic()
        self._database_failed = False

    def look(self) -> None:
        """Follow the database; write counts down when it is time. Nothing is loaded before a camera is on."""
        try:
            version = shadow_detector()
            wanted = (version.pk, version.shadow_since) if version else None
            if self._running is not None and wanted != self._running:
                self._end()
            if version is not None and self._running is None and self._engine.has_cameras:
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

    def _begin(self, version: DetectorVersion) -> None:
        self._running = (version.pk, version.shadow_since)
        try:
            detector = load_detector(version.name, Path(version.onnx.path), version.sha256)
        except DetectorFileError as error:
            logger.error("the shadow %s is refused: %s", version.name, error.message)
        except Exception:  # the trial run failed; ONNX Runtime's errors share no base
            logger.exception("the shadow %s is refused: its trial run failed", version.name)
        else:
            self._install(detector, float(version.shadow_share or config.shadow_share))

    def _install(self, detector: LoadedDetector, share: float) -> None:
        self._engine.shadow.install(detector, share=share)
        logger.info("shadow %s looks at %.0f %% of the live frames", detector.name, 100 * share)

    def _end(self) -> None:
        self._write()
        self._engine.shadow.install(None)
        self._running = None

    def _write(self) -> None:
        self._flushed_at = time.monotonic()
        if self._running is None:
            return
        tally = self._engine.shadow.take_tally()
        if not (tally.frames or tally.gave_way):
            return
        try:
            add_tally(version_id=self._running[0], tally=tally)
        except DatabaseError:
            self._engine.shadow.give_back(tally)
            raise
