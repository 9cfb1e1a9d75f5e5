"""A real Celery worker for the queue `training`, on the database and Redis of the tests."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from detector.processes import start_child

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds until a wait counts as failed; training shares its processors with other tests


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look at what another process does until `condition` holds; fails after LIMIT seconds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        threading.Event().wait(0.1)


class TrainingWorker:
    """A started worker; its log grows in `log`."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("a") as output:
            self.process = start_child(
                [
                    *(sys.executable, "-m", "celery", "--quiet", "--app", "hamster_site", "worker"),
                    *("--queues", "training", "--pool", "solo", "--loglevel", "INFO"),
                    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                ],
                cwd=ROOT,
                extra_environment={
                    "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
                    "COMPONENT": "training",
                    "OMP_NUM_THREADS": "1",  # training and tests at once: more threads only wait
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
        """Let it die without a word, as it does when memory runs out."""
        self.process.kill()
        self.process.wait()


@contextmanager
def training_worker(log: Path) -> Iterator[TrainingWorker]:
    """A worker that is taking messages; killed in the end if it still lives."""
    worker = TrainingWorker(log)
    try:
        wait_until(lambda: worker.said("ready."), "the training worker to start")
        yield worker
    finally:
        worker.kill()
