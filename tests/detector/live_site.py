"""The web process alone, as daphne runs it: its own folder, database, port and detector."""

import asyncio
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from tests.databases import database_url
from tests.detector.pictures import encoded, scene
from tests.prepared import prepare_database

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60
PATIENCE = 20
UNREAD_SECONDS = 2
FRAME = encoded(scene())


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
            "DATABASE_URL": database_url(folder),
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
        """Register the detector, start, and wait until it is ready. Raises `RuntimeError`."""
        prepare_database(self.environment["DATABASE_URL"])
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


def message(number: int, data: bytes = FRAME) -> bytes:
    """A frame as the live protocol sends it."""
    return struct.pack("<I", number) + data


async def ask(client: ClientConnection, number: int, data: bytes = FRAME) -> dict:
    """Send a frame and return the next message."""
    await client.send(message(number, data))
    return json.loads(await asyncio.wait_for(client.recv(), PATIENCE))


async def latencies(client: ClientConnection, seconds: float) -> list[float]:
    """Seconds from sent to answered, one frame after the other, ten a second."""
    found, number, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        sent = time.perf_counter()
        assert (await ask(client, number))["frame"] == number
        found.append(time.perf_counter() - sent)
        number += 1
        await asyncio.sleep(0.1)
    return found


def p95(measured: list[float]) -> float:
    """What 19 of 20 do not exceed."""
    return statistics.quantiles(measured, n=20)[-1]


def about_as_quick(measured: list[float], quiet: list[float]) -> bool:
    """Whether latencies are like those of a quiet server; the floor is for machines that do much else."""
    return p95(measured) < max(0.5, 5 * p95(quiet))
