"""The command that trains, run on a small drawn data set."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command(drawn: Path, run_dir: Path, *extra: str) -> list[str]:
    return [sys.executable, "-m", "ml.train", *flags(drawn, run_dir, *extra)]


def flags(drawn: Path, run_dir: Path, *extra: str) -> list[str]:
    return [
        *("--data-dir", str(drawn), "--json"),
        *("--run-dir", str(run_dir), "--weights", str(run_dir / "detector.pt"), "--name", "drawn"),
        *("--image-size", "128", "--batch-size", "3", "--seed", "1", "--threads", "1", *extra),
    ]


def train(drawn: Path, run_dir: Path, *extra: str, processes: int = 1) -> tuple[int, list[dict], str]:
    arguments = command(drawn, run_dir, *extra)
    if processes > 1:
        together = ("torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m")
        arguments[2:2] = together
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def start(drawn: Path, run_dir: Path, *extra: str) -> subprocess.Popen[str]:
    """The same, going on, with its JSON lines on stdout."""
    return subprocess.Popen(
        command(drawn, run_dir, *extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )


def train_and_kill(drawn: Path, run_dir: Path, *extra: str, after: int) -> list[dict]:
    """The same, killed when it has told of epoch `after`: its checkpoint is written, no detector made."""
    process = start(drawn, run_dir, *extra)
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "epoch" and events[-1]["epoch"] == after:
            process.kill()
    process.wait()
    return events


def epochs(events: list[dict]) -> list[dict]:
    return [event for event in events if event["event"] == "epoch"]
