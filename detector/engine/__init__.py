"""The one inference engine of a process: the web process starts it, `get_engine()` finds it."""

import atexit
from contextlib import AbstractContextManager, nullcontext
from threading import Lock

from detector.conf import config
from detector.engine.inference import InferenceEngine
from detector.engine.watcher import VersionWatcher


class _Process:
    """Holds the engine and what keeps it on the active version: one of each, like the cores they use."""

    def __init__(self) -> None:
        self.engine: InferenceEngine | None = None
        self.watcher: VersionWatcher | None = None
        self._lock = Lock()
        atexit.register(self.stop)

    def start(self) -> InferenceEngine:
        with self._lock:
            if self.engine is None:
                engine = InferenceEngine(
                    workers=config.engine_workers,
                    max_connections=config.engine_max_connections,
                    max_requests=config.engine_max_requests,
                )
                self.watcher = VersionWatcher(engine, every_seconds=config.engine_watch_seconds)
                self.watcher.start()
                engine.start()
                self.engine = engine
            return self.engine

    def stop(self) -> None:
        with self._lock:
            if self.engine is not None:
                self.watcher.stop()
                self.engine.stop()
                self.engine = self.watcher = None


_process = _Process()


def start_engine() -> InferenceEngine:
    """Start the process's engine with a warm detector, or return the one that runs. Thread-safe."""
    return _process.start()


def stop_engine() -> None:
    """Stop the process's engine, if one runs, after the pictures in work."""
    _process.stop()


def get_engine() -> InferenceEngine:
    """The process's engine, started if need be."""
    return _process.engine or _process.start()


def decoding_turn() -> AbstractContextManager[None]:
    """Around decoding a picture outside the engine, which takes much memory: the engine's own pictures of
    requests, and all such, come one after the other. A process without an engine has nobody to wait for."""
    return _process.engine.turn() if _process.engine else nullcontext()


def refused_detector() -> str | None:
    """Why the version that should be active is not served, or None."""
    return _process.watcher.refusal if _process.watcher else None
