"""A site of a tool's own: `manage.py up` on a free port with its state in a temporary folder."""

import shutil
import tempfile
from pathlib import Path

import psutil

from tests.e2e.site_process import SiteProcess

COMMANDS = {
    "web": "-m daphne",
    "batch": "--queues batch",
    "webhooks": "--queues webhooks",
    "training": "--queues training",
    "redis": "redis-server",
}
# All visitors of a tool come from one address.
NO_LIMITS = {
    "HAMSTER_LIVE_MAX_PER_ADDRESS": "0",
    "HAMSTER_ENGINE_MAX_CONNECTIONS": "1000",
    **dict.fromkeys(("HAMSTER_API_RATE", "HAMSTER_STREAM_RATE", "HAMSTER_PREDICT_RATE"), ""),
    "HAMSTER_SOCKET_RATE": "",
    "SECRET_KEY": "of-a-tool",
}


class OwnSite(SiteProcess):
    """A context: the site is up inside and gone afterwards. Keyword arguments are settings.

    Limits that one address has are off, because a tool's many visitors all come from one.
    """

    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hamster-tool-"))
        super().__init__(self.folder, **NO_LIMITS | settings)

    def __enter__(self) -> "OwnSite":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def is_ready(self) -> bool:
        """Whether the site says that everything it needs answers."""
        return self._ready()

    def processes(self, name: str) -> list[psutil.Process]:
        """The living processes of one part (a name in `COMMANDS`), a pool's mother first."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if COMMANDS[name] in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
            except psutil.Error:
                continue
        return sorted(found, key=lambda child: child.ppid() != self.process.pid)
