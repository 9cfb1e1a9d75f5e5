"""nginx with tools/proxy/start.sh and its template, as docker-compose.yml has it, on ports of its own."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# Where the tools of the virtual environment and tools/test.sh are, and Debian's servers.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
STARTED_WITHIN = 20.0  # seconds


def missing_programs() -> list[str]:
    """What the proxy needs and this machine lacks."""
    return [name for name in ("nginx", "envsubst", "openssl") if shutil.which(name, path=PATH) is None]


def free_port(*addresses: str) -> int:
    """A port that is free on all of these addresses."""
    while True:
        with socket.socket() as first:
            first.bind((addresses[0], 0))
            port = first.getsockname()[1]
            try:
                for address in addresses[1:]:
                    with socket.socket() as other:
                        other.bind((address, port))
            except OSError:
                continue
            return port


def make_secrets(folder: Path, host: str = "localhost") -> None:
    """Certificate, keys and passwords, made as README says."""
    environment = os.environ | {"SECRETS_DIR": str(folder)}
    subprocess.run(["bash", "tools/make_secrets.sh", host], cwd=ROOT, env=environment, check=True)


class Proxy:
    """Starts and stops nginx in front of `web`, an address and port or a name that `resolver` knows.

    Visitors may use the names of `hosts`; `more` is added to the template's http block.
    """

    def __init__(
        self,
        folder: Path,
        secrets: Path,
        web: str,
        *,
        hosts: str = "localhost",
        resolver: str = "127.0.0.1",
        more: str = "",
    ) -> None:
        self.folder = folder
        self.certificate = secrets / "tls_certificate"
        self.log = folder / "proxy.log"
        self.https_port, self.http_port = free_port("127.0.0.1"), free_port("127.0.0.1")
        self.url = f"https://localhost:{self.https_port}"
        self._more = more
        self._environment = os.environ | {
            "SITE_HOST": hosts,
            "HTTPS_PORT": str(self.https_port),
            "PATH": PATH,
            "PROXY_DIR": str(folder / "proxy"),
            "HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
            "HTTPS_LISTEN": f"127.0.0.1:{self.https_port}",
            "WEB": web,
            "RESOLVER": resolver,
            "TLS_CERTIFICATE": str(self.certificate),
            "TLS_KEY": str(secrets / "tls_key"),
            "ACME_DIR": str(secrets / "acme"),
        }

    @property
    def configuration(self) -> Path:
        """What start.sh made of the template."""
        return self.folder / "proxy/nginx.conf"

    @property
    def trust(self) -> ssl.SSLContext:
        """A client's, that knows the certificate."""
        return ssl.create_default_context(cafile=self.certificate)

    def start(self) -> None:
        """Returns when it listens. Raises `RuntimeError` with what was logged."""
        (self.folder / "proxy").mkdir()
        scripts = self.folder / "scripts"
        shutil.copytree(ROOT / "tools/proxy", scripts)
        template = scripts / "nginx.conf.template"
        template.write_text(template.read_text().replace("http {\n", f"http {{\n{self._more}\n", 1))
        # nginx gives its rights away when it is root's; here it keeps them, to reach the test's folder.
        rights = ["-g", "user root;"] if os.geteuid() == 0 else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", str(scripts / "start.sh"), *rights],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTED_WITHIN
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the proxy did not start:\n" + self.log.read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, connections and all."""
        self.process.terminate()
        self.process.wait(10)

    def workers(self) -> list[psutil.Process]:
        """The processes that serve."""
        return psutil.Process(self.process.pid).children()

    def processor_seconds(self) -> float:
        """How much they have computed so far."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.workers())

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.https_port)) == 0
