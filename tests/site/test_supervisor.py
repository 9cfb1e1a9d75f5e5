import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from detector.processes import start_child, stop_child
from hamster_site.supervisor import LONGEST_PAUSE, Service

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(600)",
]
PARENT = """
import sys
from detector.processes import start_child
print(start_child([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clock(monkeypatch) -> Iterator[list[float]]:
    """A clock that the test moves on by hand: `clock[0] += 5`."""
    now = [1000.0]
    monkeypatch.setattr("hamster_site.supervisor.time.monotonic", lambda: now[0])
    yield now


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service("batch", SLEEP)
    yield service
    service.stop(at_once=True)


def die(service: Service) -> None:
    service.process.kill()
    service.process.wait()


def test_dead_process_is_started_again_after_a_pause_and_said_so(service, clock, caplog):
    service.watch()
    first = service.process.pid
    die(service)
    with caplog.at_level(logging.ERROR):
        service.watch()
    assert "batch ended with status -9; starting it again in 1 s" in caplog.text
    service.watch()
    assert service.process is None
    clock[0] += 1
    service.watch()
    assert service.process.pid != first


def test_process_that_cannot_be_started_is_tried_again_and_ends_nothing_else(
    service, clock, caplog, tmp_path
):
    program = tmp_path / "program"
    service.command = [program]
    with caplog.at_level(logging.ERROR):
        service.watch()
    assert "batch cannot be started" in caplog.text
    assert service.process is None
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o700)
    service.watch()
    assert service.process is None
    clock[0] += 1
    service.watch()
    assert service.process.poll() is None


def test_pause_doubles_for_a_process_that_keeps_dying_and_is_bounded(service, clock):
    pauses = []
    for _ in range(7):
        service.watch()
        die(service)
        service.watch()
        pauses.append(service.pause)
        clock[0] += service.pause
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]


def test_process_that_ran_well_is_started_again_soon(service, clock):
    service.watch()
    service.pause = 16
    clock[0] += 3600
    die(service)
    service.watch()
    assert service.pause == 1


def test_process_that_ignores_the_request_to_end_is_killed():
    child = start_child(STUBBORN, stdout=subprocess.PIPE)
    child.stdout.readline()
    stop_child(child, patience=0.2)
    assert child.returncode == -signal.SIGKILL


def test_child_is_out_of_reach_of_the_terminals_interrupt():
    child = start_child(SLEEP)
    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        stop_child(child, patience=5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_child_dies_with_a_killed_parent():
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(timeout=10)
    assert not child.is_running()


def test_service_names_itself_in_its_log_lines(tmp_path: Path):
    out = tmp_path / "component"
    program = f"import os, pathlib; pathlib.Path({str(out)!r}).write_text(os.environ['COMPONENT'])"
    service = Service("training", [sys.executable, "-c", program])
    service.start()
    assert service.process.wait(10) == 0
    assert out.read_text() == "training"
    assert time.monotonic() >= service.started_at
