"""Fuzz what strangers send: pictures, labels, archives, messages, and a whole running site.

    python tools/fuzz.py --cases 100000 --api-cases 5000
    python tools/fuzz.py --only pictures --cases 20000 --begin 500

The first four parts run here, on cases that Hypothesis makes. `sockets` and `api` start a site with a folder
of its own (`manage.py up`) and fuzz that; `api` is schemathesis with all its checks, as staff, as a person
and as nobody. What fails is printed as small as it gets, and the command ends with 1; so it does when memory
grows. It needs requirements-dev.txt.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import django
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
if TYPE_CHECKING:  # it reads the settings, which a folder is made for first
    from tests.fuzz.site import FuzzedSite

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hamster_site.settings")
MIB = 2**20
MOST_GROWTH = 64 * MIB
"""Of a process's resident memory, after it has warmed up."""
EXAMPLES = 4
"""Random ones of each operation, in each of schemathesis' runs, beside those that it works out."""
SOCKET_SHARE, HANDSHAKE_SHARE = 10, 100
"""One in so many of the cases goes over a socket, which takes a round trip, or opens one of its own."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100_000, help="of each part that runs here")
    parser.add_argument("--api-cases", type=int, default=5_000, help="of schemathesis, all visitors together")
    parser.add_argument("--begin", type=int, default=0, help="other numbers make other cases")
    parser.add_argument("--only", action="append", metavar="PART", choices=[*PARTS, "sockets", "api"])
    options = parser.parse_args()
    chosen = options.only or [*PARTS, "sockets", "api"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["VAR_DIR"] = str(folder / "here")
        django.setup()
        fine = [fuzz_here(part, options.cases, options.begin, folder) for part in PARTS if part in chosen]
        if "sockets" in chosen or "api" in chosen:
            fine.append(fuzz_site(folder, chosen, options))
    return 0 if all(fine) else 1


def fuzz_here(name: str, cases: int, begin: int, folder: Path) -> bool:
    """One part in this process. Raises what a case raised."""
    from importlib import import_module

    from tests.fuzz.parts import run

    module, part = PARTS[name]
    place = folder / name
    place.mkdir()
    figures = run(getattr(import_module(module), part)(place), cases, begin=begin, on_round=_say(name))
    print(
        f"\r{name}: {figures.cases} cases in {figures.seconds:.0f} s, "
        f"memory grew by {figures.growth / MIB:.1f} MiB after the warm-up",
        flush=True,
    )
    return figures.growth < MOST_GROWTH


def fuzz_site(folder: Path, chosen: list[str], options: argparse.Namespace) -> bool:
    """The parts that need a site, and whether it is well afterwards: no error logged, no growth."""
    from tests.fuzz.site import FuzzedSite

    (folder / "site").mkdir()
    site = FuzzedSite(folder / "site")
    site.start()
    try:
        site.fill()
        fine = True
        if "sockets" in chosen:
            fine &= fuzz_sockets(site, options.cases // SOCKET_SHARE, options.begin)
        if "api" in chosen:
            fine &= fuzz_api(site, folder, options.api_cases, options.begin)
        failures = site.failures()
        print("\n".join(["the site logged:", *failures[:20]]) if failures else "the site logged no failure")
        return fine and not failures
    finally:
        site.process.stop()


def fuzz_sockets(site: "FuzzedSite", cases: int, begin: int) -> bool:
    """Messages to both sockets and broken WebSockets."""
    from tests.fuzz.sockets import fuzz_handshake, fuzz_jobs, fuzz_live

    url = site.process.url.replace("http", "ws")

    def all_three(share: int) -> int:
        return (
            asyncio.run(fuzz_live(url, cases // share, begin=begin + share))
            + asyncio.run(fuzz_jobs(url, cases // share, token=site.tokens["mia"], begin=begin + share))
            + fuzz_handshake("127.0.0.1", site.process.port, cases // 10 // share, begin=begin + share)
        )

    all_three(10)
    before, started = site.memory(), time.monotonic()
    tried = all_three(1)
    growth = site.memory() - before
    print(
        f"sockets: {tried} cases in {time.monotonic() - started:.0f} s, the web process grew by "
        f"{growth / MIB:.1f} MiB after the warm-up",
        flush=True,
    )
    return growth < MOST_GROWTH


def fuzz_api(site: "FuzzedSite", folder: Path, cases: int, begin: int) -> bool:
    """schemathesis as each visitor in turn, until there were so many cases."""
    tried, rounds, fine, before = 0, 0, True, site.memory()
    started = time.monotonic()
    while tried < cases or rounds % len(site.tokens):
        visitor = [*site.tokens][rounds % len(site.tokens)]
        made, passed = _schemathesis(site, folder, site.tokens[visitor], begin + rounds)
        print(f"api as {visitor or 'nobody'}: {made} cases, {'passed' if passed else 'FAILED'}", flush=True)
        tried, rounds, fine = tried + made, rounds + 1, fine and passed
        site.fill()
    print(
        f"api: {tried} cases in {time.monotonic() - started:.0f} s, the web process grew by "
        f"{(site.memory() - before) / MIB:.1f} MiB",
        flush=True,
    )
    return fine


def _schemathesis(site: "FuzzedSite", folder: Path, token: str, seed: int) -> tuple[int, bool]:
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        *(str(program), "--no-color", "--config-file", str(ROOT / "tests" / "fuzz" / "api.toml")),
        *("run", f"{site.process.url}/api/schema/", "--checks", "all", "--continue-on-failure"),
        *("--max-examples", str(EXAMPLES), "--seed", str(seed), "--warnings", "off"),
        *(("--header", f"Authorization: Bearer {token}") if token else ()),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    made = re.search(r"(\d+) generated", done.stdout)
    if done.returncode:
        print(done.stdout, done.stderr)
    return int(made[1]) if made else 0, done.returncode == 0 and made is not None


def _say(name: str) -> Callable[[int], None]:
    def say(done: int) -> None:
        used = psutil.Process().memory_info().rss / MIB
        print(f"\r{name}: {done} cases, {used:.0f} MiB ", end="", file=sys.stderr, flush=True)

    return say


PARTS = {
    "pictures": ("tests.fuzz.pictures", "Pictures"),
    "labels": ("tests.fuzz.labels", "Labels"),
    "archives": ("tests.fuzz.archives", "Archives"),
    "messages": ("tests.fuzz.messages", "Messages"),
}

if __name__ == "__main__":
    sys.exit(main())
