"""Starts the site's processes, starts again those that die, and stops them in order."""

import logging
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detector.processes import start_child, stop_child

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 30.0  # seconds before a process that keeps dying is started again
GOOD_RUN = 60.0  # seconds after which a process counts as well


@dataclass
class Service:
    """One process to keep running; `patience` is how many seconds it may take to end what it is doing."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 10.0
    process: subprocess.Popen | None = field(default=None, init=False)
    pause: float = field(default=0.0, init=False)
    started_at: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start the process; its log lines, on stderr, carry the service's name."""
        self.process = start_child(
            self.command,
            extra_environment={"COMPONENT": self.name, **self.environment},
            stdout=subprocess.DEVNULL,
        )
        self.started_at = time.monotonic()

    def watch(self) -> None:
        """Notice that the process died, and start it again after a pause that doubles with each death."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                try:
                    self.start()
                except OSError as error:  # often no memory for one more process, just now
                    self._pause(now, lived_well=False)
                    logger.error(
                        "%s cannot be started (%s); trying again in %.0f s", self.name, error, self.pause
                    )
        elif (status := self.process.poll()) is not None:
            self._pause(now, lived_well=now - self.started_at > GOOD_RUN)
            self.process = None
            logger.error(
                "%s ended with status %s; starting it again in %.0f s", self.name, status, self.pause
            )

    def _pause(self, now: float, *, lived_well: bool) -> None:
        self.pause = 1.0 if lived_well or not self.pause else min(2 * self.pause, LONGEST_PAUSE)
        self.start_at = now + self.pause

    def ask_to_stop(self) -> None:
        """Ask the process to end, without waiting for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self, *, at_once: bool = False) -> None:
        """Ask the process to end; kill it when it takes too long or `at_once`."""
        if self.process is not None:
            stop_child(self.process, patience=0 if at_once else self.patience)
            self.process = None
