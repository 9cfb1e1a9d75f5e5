"""Does a shadow delay live answers? Drives cameras at a site of its own, without and with one, and compares.

    python tools/bench/shadow.py --cameras 20 --fps 3 --seconds 30 --share 0.1

Starts a web process with a database and a folder of its own, the shipped detector as the active
version and a copy of it as the candidate, and lets the cameras of tools/bench/live_load.py look, in turns
without and with the shadow. Prints p50 and p95 of both, and what the shadow has counted.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

try:
    import live_load
    import onnx
except ImportError as error:
    sys.exit(f"{error.name} is missing: pip install -r requirements.txt -r requirements-dev.txt")

READY_WITHIN = 60
NAME = "shadow-bench"
REPORT = (
    "import json; from detector.models import *; from detector.selectors.versions import shadow_report;"
    f"report = shadow_report(DetectorVersion.objects.get(name={NAME!r}));"
    "print(json.dumps(report and {'frames': report.frames, 'gave_way': report.gave_way,"
    " 'shadow_ms': report.shadow_ms, 'live_ms': report.live_ms, 'disagreed': report.total.disagreed}))"
)


def write_candidate(path: Path) -> None:
    """The shipped detector under another name, so that it is another file."""
    model = onnx.load(str(ROOT / "ml" / "weights" / "detector.onnx"))
    card = json.loads({entry.key: entry.value for entry in model.metadata_props}["card"])
    onnx.helper.set_model_props(model, {"card": json.dumps(card | {"version": NAME})})
    onnx.save(model, str(path))


class Site:
    """The web process alone, on a free port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = os.environ | {
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
            "REDIS_URL": "",
            "MEDIA_ROOT": str(folder / "media"),
            "HAMSTER_SHADOW_FLUSH_SECONDS": "1",
            "LOG_LEVEL": "WARNING",
        }

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    @contextmanager
    def running(self) -> Iterator[int]:
        """Its process id, while it serves."""
        daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "-v", "0"]
        command = [sys.executable, *daphne, "hamster_site.asgi:application"]
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment)
        try:
            self._wait()
            yield process.pid
        finally:
            process.terminate()
            process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def drive(arguments: argparse.Namespace, frames: list[bytes]) -> live_load.Tally:
    """All cameras for their time."""
    tally = live_load.Tally()

    async def cameras() -> None:
        starts = [index / arguments.cameras / arguments.fps for index in range(arguments.cameras)]
        await asyncio.gather(*(live_load.live_camera(arguments, frames, start, tally) for start in starts))

    asyncio.run(cameras())
    return tally


def describe(tally: live_load.Tally) -> dict[str, object]:
    """Milliseconds of p50 and p95, and that nothing was lost."""
    milliseconds = np.array(tally.latencies) * 1000
    p50, p95 = np.percentile(milliseconds, (50, 95))
    return {
        "answered": len(milliseconds),
        "dropped": tally.dropped,
        "unanswered": tally.unanswered,
        "errors": sum(tally.errors.values()),
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
    }


def merged(tallies: list[live_load.Tally]) -> live_load.Tally:
    """The turns of one kind together."""
    whole = live_load.Tally()
    for tally in tallies:
        whole.latencies += tally.latencies
        whole.dropped += tally.dropped
        whole.unanswered += tally.unanswered
        whole.errors += tally.errors
    return whole


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--fps", type=float, default=3.0, help="frames a second of each camera")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=2, help="so many without and as many with the shadow")
    parser.add_argument("--share", type=float, default=0.1, help="of the frames that the shadow looks at")
    parser.add_argument("--in-flight", type=int, default=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    frames = live_load.camera_frames()
    turns: dict[str, list[live_load.Tally]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site(folder)
        arguments.url = f"ws://127.0.0.1:{site.port}"
        write_candidate(folder / "candidate.onnx")
        site.manage("migrate", "--verbosity", "0")
        site.manage("register_detector")
        site.manage("register_detector", str(folder / "candidate.onnx"))
        with site.running():
            drive(argparse.Namespace(**{**vars(arguments), "seconds": 2.0}), frames)  # warm
            for _ in range(arguments.turns):
                turns["without"].append(drive(arguments, frames))
                site.manage("shadow", NAME, "--share", str(arguments.share))
                turns["with"].append(drive(arguments, frames))
                site.manage("shadow", NAME, "--stop")
            time.sleep(3)
            counted = json.loads(site.manage("shell", "--no-imports", "-c", REPORT))
    for kind, tallies in turns.items():
        print(f"{kind:>8} a shadow  {json.dumps(describe(merged(tallies)))}")
    print(f"  counted in the last turn  {json.dumps(counted)}")


if __name__ == "__main__":
    main()
