"""Watching over `python -m ml.train`: the child process of one training run."""

import json
import logging
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from detector.errors import FULL
from detector.models import TrainingRun
from detector.processes import start_child, stop_child
from detector.selectors.training import has_checkpoint
from detector.services.training import (
    HEARTBEAT_LIMIT,
    fail_run,
    give_back,
    how_to_install_training,
    still_running,
    take_up_again,
)
from detector.services.training_results import keep_result
from detector.services.versions import VersionError

logger = logging.getLogger(__name__)
Status = TrainingRun.Status
LOOK_INTERVAL = 1.0  # seconds between two looks at cancel requests; also the heartbeat's
CANCEL_PATIENCE = 1800.0  # seconds for a cancelled run to measure and export the best it has
WRITE_INTERVAL = 0.5  # seconds between two writes of what the child said
LINES_OF_ERROR = 15
DISK_FULL = "The disk is full. Make room and resume the run."


def supervise_training(*, run: TrainingRun, is_stopping: Callable[[], bool]) -> None:
    """Train a claimed run to its end, in a process of its own, and write down what became of it.

    A finished run leaves a candidate detector version, and so does a cancelled one that had a best epoch.
    When `is_stopping` turns true the run is given back to the queue; it goes on from its last checkpoint.
    """
    if missing := how_to_install_training():
        fail_run(run=run, error=missing)
        return
    command = training_command(run)
    still_running(run).update(command=shlex.join(command), report={})
    try:
        child = _start(run, command)
    except OSError as error:
        fail_run(run=run, error=_plain(error, "The training process cannot be started"))
        return
    logger.info("training run %s started as process %s", run.pk, child.pid)
    watch = _Watch(run, child)
    try:
        watch.until_it_ends(is_stopping)
    finally:
        stop_child(child, patience=0)
    if watch.given_back:
        give_back(run=run)
    elif watch.was_killed:
        logger.error("process %s of training run %s was killed", child.pid, run.pk)
        take_up_again(run=run)
    elif watch.is_ours:
        _conclude(run, child.returncode, watch)


def _start(run: TrainingRun, command: list[str]) -> subprocess.Popen:
    log_path = _log_path(run)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("a") as log:
        return start_child(
            command,
            cwd=Path(settings.BASE_DIR),
            stdout=subprocess.PIPE,
            stderr=log,
            when_orphaned=signal.SIGKILL,
        )


def training_command(run: TrainingRun) -> list[str]:
    """The command line of `ml.train` for this run; it resumes if the run has a checkpoint."""
    folder = Path(run.run_dir)
    command = [sys.executable, "-m", "ml.train", "--json"]
    command += [f"--data-dir={data_dir}" for data_dir in run.data_dirs]
    command += [
        f"--epochs={run.epochs}",
        f"--image-size={run.image_size}",
        f"--batch-size={run.batch_size}",
        f"--lr={run.learning_rate}",
        f"--seed={run.seed}",
        f"--augment={run.augment}",
        f"--patience={run.patience}",
        f"--device={run.device}",
        f"--name={run.name}",
        f"--run-dir={folder}",
        f"--weights={folder / 'detector.pt'}",
    ]
    if run.init_weights:
        command.append(f"--init-weights={run.init_weights}")
    return [*command, "--resume"] if has_checkpoint(run) else command


class _Watch:
    """What the child has said so far, and whether the run is still ours to conclude."""

    def __init__(self, run: TrainingRun, child: subprocess.Popen) -> None:
        self.run = run
        self.child = child
        self.done: dict[str, Any] | None = None
        self.error = ""
        self.report: dict[str, Any] = {}
        self.is_ours = True
        self.given_back = False
        self.cancelled = False
        self.is_asked_to_stop = False
        self.last_heartbeat, self.last_try = time.monotonic(), float("-inf")

    @property
    def was_killed(self) -> bool:
        """Whether somebody else's signal ended the child before it was done: often for want of memory."""
        return self.child.returncode < 0 and self.is_ours and not self.cancelled and self.done is None

    def until_it_ends(self, is_stopping: Callable[[], bool]) -> None:
        lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=LOOK_INTERVAL)
            except queue.Empty:
                line = b""
            if line is None:
                self.child.wait()
                return
            self._take_in(line)
            self._write_heartbeat()
            if not self.is_ours:
                return
            if is_stopping():
                self.given_back = True
                return

    def _read(self, lines: queue.SimpleQueue) -> None:
        for line in self.child.stdout:
            lines.put(line)
        lines.put(None)

    def _take_in(self, line: bytes) -> None:
        try:
            event = json.loads(line or b"{}")
            kind = event.get("event")
        except (ValueError, AttributeError):
            logger.warning("training run %s said something else than JSON: %.200r", self.run.pk, line)
            return
        if kind == "start":
            self.report["hardware"] = _without_kind(event)
        elif kind == "phase":
            self.report |= _without_kind(event)
        elif kind == "step":
            self.run.progress = event["progress"]
            self.report |= _without_kind(event)
        elif kind == "epoch":
            self.run.progress, self.run.resumptions = event["progress"], 0
            self.report |= {"epochs_done": event["epoch"], "seconds_left": event["seconds_left"]}
        elif kind == "early_stop":
            self.report["ended_early"] = event["epoch"]
        elif kind == "done":
            self.done = event
        elif kind == "error":
            self.error = event["message"]

    def _write_heartbeat(self) -> None:
        if time.monotonic() - self.last_try < WRITE_INTERVAL:
            return
        self.last_try = time.monotonic()
        try:
            self._write_and_look()
        except DatabaseError as error:
            # Once others take the run for abandoned, it is.
            if time.monotonic() - self.last_heartbeat > HEARTBEAT_LIMIT.total_seconds():
                raise
            logger.warning("the heartbeat of training run %s cannot be written: %s", self.run.pk, error)
            connection.close()
        else:
            self.last_heartbeat = time.monotonic()

    def _write_and_look(self) -> None:
        mine = still_running(self.run)
        self.is_ours = bool(
            mine.update(
                heartbeat_at=timezone.now(),
                progress=self.run.progress,
                resumptions=self.run.resumptions,
                report=self.report,
            )
        )
        if not self.cancelled and mine.filter(cancel_requested=True).exists():
            self.cancelled = True
            killer = threading.Timer(CANCEL_PATIENCE, self.child.kill)
            killer.daemon = True
            killer.start()
        # Not while it starts: it would die of it, and leave nothing of what earlier epochs have learned.
        if self.cancelled and not self.is_asked_to_stop and "hardware" in self.report:
            self.is_asked_to_stop = True
            logger.info("training run %s is asked to stop", self.run.pk)
            self.child.terminate()


@contextmanager
def _beating(run: TrainingRun) -> Iterator[None]:
    """The heartbeat of a run whose process has ended while its result is registered, which may take long."""
    is_over = threading.Event()

    def beat() -> None:
        try:
            while not is_over.wait(LOOK_INTERVAL):
                try:
                    still_running(run).update(heartbeat_at=timezone.now())
                except DatabaseError as error:
                    logger.warning("the heartbeat of training run %s cannot be written: %s", run.pk, error)
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _conclude(run: TrainingRun, status: int, watch: _Watch) -> None:
    outcome, error, version = Status.FAILED, watch.error, run.version
    if watch.done is not None:
        try:
            with _beating(run):
                version = keep_result(run=run, done=watch.done)
            outcome = Status.SUCCEEDED
        except (VersionError, OSError, ValueError, KeyError) as problem:
            error = _plain(problem, "The trained detector cannot be registered")
    elif not error:
        error = f"Training ended with status {status}. {_last_lines(_log_path(run))}".strip()
    if watch.cancelled:
        outcome = Status.CANCELLED
        if watch.done is None:  # it ended as it was asked to, unless it did not end in time
            error = "Its detector was not made in time." if status == -signal.SIGKILL else ""
    still_running(run).update(
        status=outcome,
        error=error,
        version=version,
        progress=1.0 if outcome == Status.SUCCEEDED else run.progress,
        resumptions=run.resumptions,
        report=watch.report | {"seconds_left": None},
        finished_at=timezone.now(),
    )
    logger.info("training run %s %s %s", run.pk, outcome, error)


def _log_path(run: TrainingRun) -> Path:
    return Path(run.run_dir) / "train.log"


def _plain(problem: Exception, what: str) -> str:
    if isinstance(problem, OSError) and problem.errno in FULL:
        return DISK_FULL
    return f"{what}: {problem}"


def _without_kind(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "event"}


def _last_lines(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-LINES_OF_ERROR:])
