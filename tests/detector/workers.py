"""Real Celery workers, on the database and Redis of the tests."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from detector.processes import start_child
from tests.databases import url_of

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds until a wait counts as failed; training shares its processors with other tests


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look at what another process does until `condition` holds; fails after LIMIT seconds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        threading.Event().wait(0.1)


class Worker:
    """A started worker; its log grows in `log`."""

    def __init__(
        self, log: Path, queue: str, pool: str, concurrency: int, environment: Mapping[str, str]
    ) -> None:
        self.log = log
        with log.open("a") as output:
            self.process = start_child(
                [
                    *(sys.executable, "-m", "celery", "--quiet", "--app", "hamster_site", "worker"),
                    *("--queues", queue, "--hostname", f"{queue}-{log.name}@%h", "--loglevel", "INFO"),
                    *("--pool", pool, "--concurrency", str(concurrency)),
                    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                ],
                cwd=ROOT,
                extra_environment={
                    "DATABASE_URL": url_of(connection),
                    "COMPONENT": queue,
                    "OMP_NUM_THREADS": "1",  # training and tests at once: more threads only wait
                    **environment,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self, text: str) -> bool:
        """Whether the worker has logged this."""
        return text in self.log.read_text()

    def stop(self) -> None:
        """Stop it as `manage.py up` does and wait for it."""
        self.process.terminate()
        self.process.wait(30)

    def kill(self) -> None:
        """Let it die without a word, its pool too, as it does when memory runs out."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def worker(log: Path, queue: str, pool: str, concurrency: int = 1, **environment: str) -> Iterator[Worker]:
    """A worker that is taking messages; killed in the end if it still lives."""
    started = Worker(log, queue, pool, concurrency, environment)
    try:
        wait_until(lambda: started.said("ready."), f"the {queue} worker to start")
        yield started
    finally:
        started.kill()


def training_worker(log: Path) -> AbstractContextManager[Worker]:
    """One for the queue `training`."""
    return worker(log, "training", "solo")


def batch_worker(log: Path, detector: Path, **environment: str) -> AbstractContextManager[Worker]:
    """One for the queue `batch` with a pool of one, as `manage.py up` starts it, serving that detector."""
    media = {"MEDIA_ROOT": str(settings.MEDIA_ROOT), "HAMSTER_SHIPPED_DETECTOR": str(detector)}
    return worker(log, "batch", "prefork", **media, **environment)
