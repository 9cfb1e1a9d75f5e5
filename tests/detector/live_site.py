"""The web process alone, as daphne runs it: its own folder, database, port and detector."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from django.conf import settings
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60


class LiveSite:
    """Starts daphne on a free port; `environment` adds to the settings (HAMSTER_...)."""

    def __init__(self, folder: Path, shipped: Path, **environment: str) -> None:
        self.log = folder / "web.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = os.environ | {
            "VAR_DIR": str(folder),
            "REDIS_URL": settings.REDIS_URL,
            "MEDIA_ROOT": str(folder / "media"),
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "HAMSTER_SHIPPED_DETECTOR": str(shipped),
            "COMPONENT": "web",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> str:
        """Run a management command against the site's database and return what it printed."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def start(self) -> None:
        """Migrate, register the detector, start, and wait until it is ready. Raises `RuntimeError`."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("register_detector")
        daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "-v", "0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *daphne, "hamster_site.asgi:application"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the web process did not start:\n" + self.log.read_text()[-4000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """End the process."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def memory(self) -> int:
        """The process's resident bytes."""
        return psutil.Process(self.process.pid).memory_info().rss

    def connect(self, path: str = "/ws/live/", **options: object) -> connect:
        """A client of a WebSocket."""
        return connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, open_timeout=20, **options)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
