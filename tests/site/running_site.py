"""A whole site in processes of its own, started by `manage.py up` as a person would."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 120.0  # seconds


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_up(folder: Path, port: int) -> subprocess.Popen:
    """`manage.py up` with its state in `folder` and its output in a pipe."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HAMSTER_")},
        **{"VAR_DIR": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": ""},
        **{"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": "", "MEDIA_ROOT": str(folder / "media")},
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


class RunningSite:
    """A started site: its address, its processes and what they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = start_up(folder, self.port)

    def read_until(self, text: str) -> str:
        """Wait for a line with this text and return it; fails when the site ends or takes too long."""
        watchdog = threading.Timer(START_LIMIT, self.process.kill)
        watchdog.start()
        seen = []
        try:
            for line in self.process.stdout:
                seen.append(line)
                if text in line:
                    return line
        finally:
            watchdog.cancel()
        raise AssertionError(f"no line with {text!r}: {''.join(seen)}")

    def children(self) -> list[psutil.Process]:
        """Redis, the web process, the workers and the worker's pool."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, part_of_command: str) -> psutil.Process:
        """The oldest child whose command line holds this text."""
        found = [child for child in self.children() if part_of_command in " ".join(child.cmdline())]
        return min(found, key=lambda child: child.create_time())


@contextmanager
def running_site(folder: Path) -> Iterator[RunningSite]:
    """A site that answers; whatever is left of it is killed in the end."""
    site = RunningSite(folder)
    children: list[psutil.Process] = []
    try:
        site.read_until("Hamster Expression is ready")
        children = site.children()
        yield site
    finally:
        site.process.kill()
        site.process.communicate()
        for child in children:
            if child.is_running():
                child.kill()
