"""Keeps a process on the active detector version: asks the database once a second, swaps when it changed."""

import logging
import time
from pathlib import Path
from threading import Event, Thread

from django.db import Error as DatabaseError
from django.db import connection

from detector.conf import config
from detector.engine.detectors import load_detector
from detector.engine.inference import InferenceEngine
from detector.engine.shadow_keeper import ShadowKeeper
from detector.models import DetectorVersion
from detector.selectors.versions import active_detector
from ml.predictor import DetectorFileError

logger = logging.getLogger(__name__)
# A refused file is tried again after this many seconds: it may have been on a disk that was not there yet.
RETRY_REFUSED_AFTER = 30.0


class VersionWatcher:
    """Loads the active version into the engine at start, and again after every promotion or roll back.

    A file that is refused (missing, damaged, altered, of other classes, failing its trial run) is logged;
    what was served before goes on, and at start the shipped detector steps in. `refusal` then says why.
    """

    def __init__(self, engine: InferenceEngine, *, every_seconds: float) -> None:
        self._engine = engine
        self._shadow = ShadowKeeper(engine)
        self._every_seconds = every_seconds
        self._served_sha256: str | None = None
        self._refused_sha256: str | None = None
        self._retry_at = 0.0
        self._database_failed = False
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="version-watcher", daemon=True)
        self.refusal: str | None = None

    def start(self) -> None:
        """Load a detector before returning, then watch from a thread."""
        # In a thread of its own because Django refuses queries where an event loop runs.
        first_look = Thread(target=self._look_once, name="version-first-look")
        first_look.start()
        first_look.join()
        if self._engine.detector_name is None:
            self._serve_shipped()
        self._thread.start()

    def stop(self) -> None:
        """End the watch, and write down what the shadow has counted. The engine keeps what it serves."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Swap if the active version is not the one served."""
        try:
            version = active_detector()
        except DatabaseError as error:
            if not self._database_failed:
                logger.warning("can't ask for the active detector version: %s", error)
            self._database_failed = True
            connection.close()
            return
        self._database_failed = False
        if version is None:
            return
        if version.sha256 == self._served_sha256:
            self._refused_sha256 = self.refusal = None
        elif version.sha256 != self._refused_sha256 or time.monotonic() >= self._retry_at:
            self._serve(version)

    def _look_once(self) -> None:
        try:
            self.look()
        except Exception:  # the watch goes on, and the process starts with the shipped detector
            logger.exception("looking for the active detector version failed")
        finally:
            connection.close()

    def _watch(self) -> None:
        while not self._stop.wait(self._every_seconds):
            for look in (self.look, self._shadow.look):
                try:
                    look()
                except Exception:  # the watch must not end for good because one look failed
                    logger.exception("looking for detector versions failed")
        self._shadow.flush()
        connection.close()

    def _serve(self, version: DetectorVersion) -> None:
        if self._load(version.name, Path(version.onnx.path), version.sha256):
            self._served_sha256 = version.sha256
            self._refused_sha256 = self.refusal = None
        else:
            self._refused_sha256 = version.sha256
            self._retry_at = time.monotonic() + RETRY_REFUSED_AFTER

    def _serve_shipped(self) -> None:
        logger.warning("no usable active detector version; serving the shipped detector")
        self._load("shipped", config.shipped_detector, None)

    def _load(self, name: str, onnx: Path, sha256: str | None) -> bool:
        try:
            detector = load_detector(name, onnx, sha256)
        except DetectorFileError as error:
            self.refusal = error.message
            logger.error("refused detector %s: %s", name, error.message)
            return False
        except Exception as error:  # the trial run failed; ONNX Runtime's errors share no base
            self.refusal = f"{name} fails its trial run: {error}"
            logger.exception("refused detector %s: its trial run failed", name)
            return False
        self._engine.install(detector)
        return True
