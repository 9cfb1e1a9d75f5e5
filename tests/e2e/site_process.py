"""The whole site as a visitor's machine runs it: `manage.py up` with a folder and a port of its own."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil

from tests.databases import database_url
from tests.prepared import prepare_database, prepare_static_files

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 120
STOPPED_WITHIN = 30
# Resolved to this machine by the browser's own rules: an address that is no secure origin.
INSECURE_HOST = "hamster.test"


class SiteProcess:
    """Starts and stops the site; it may be started again, on the same port with the same data.

    `environment` adds to the settings (HAMSTER_...).
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.log = folder / "site.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if name != "COMPONENT"}
        self.environment = inherited | {
            "PORT": str(self.port),
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": database_url(folder),
            "REDIS_URL": "",
            "OMP_NUM_THREADS": "1",  # training, browser and tests at once: more threads only wait
            "SIGN_UP_RATE": "1000/h/ip",  # all visitors of the tests come from one address
            "ALLOWED_HOSTS": f"127.0.0.1,localhost,{INSECURE_HOST}",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until /health/ready says so. Raises `RuntimeError` with the log's end."""
        prepare_database(self.environment["DATABASE_URL"])
        prepare_static_files(self.folder / "var")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = monotonic() + READY_WITHIN
        while not self._ready():
            if self.process.poll() is not None or monotonic() > deadline:
                self.stop()
                raise RuntimeError("the site did not start:\n" + self.log.read_text()[-4000:])
            sleep(0.2)

    def stop(self) -> None:
        """Stop it as Ctrl-C would and wait until it is gone."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise
        finally:
            self.process = None

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the running site, as a keeper of the site would; what it prints."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """The web process alive but at a standstill, as on a machine that is far too busy."""
        children = psutil.Process(self.process.pid).children()
        (web,) = [child for child in children if "daphne" in child.cmdline()]
        web.suspend()
        try:
            yield
        finally:
            web.resume()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
