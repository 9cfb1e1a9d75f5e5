import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.site.running_site import ROOT, RunningSite, free_port, running_site, start_up

STOP_LIMIT = 40  # seconds


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status, answer.read()


def test_site_serves_its_page_static_files_and_health(site: RunningSite):
    assert b"<html" in get(site.url)[1]
    assert get(f"{site.url}static/admin/css/base.css")[0] == 200
    assert json.loads(get(f"{site.url}health")[1])["status"] == "ok"
    assert get(f"{site.url}health/ready")[0] == 200


def test_second_start_in_the_same_folder_is_refused_and_names_the_first(site: RunningSite):
    second = start_up(site.folder, free_port())
    output, _ = second.communicate(timeout=STOP_LIMIT)
    assert second.returncode == 1
    assert f"already runs from this folder: {site.url}" in output
    assert get(f"{site.url}health/ready")[0] == 200


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_web_process_has_not_loaded_torch_nor_matplotlib(site: RunningSite):
    libraries = Path(f"/proc/{site.child('daphne').pid}/maps").read_text()
    assert "onnxruntime" in libraries
    assert "torch" not in libraries
    assert "matplotlib" not in libraries


def test_the_worker_that_takes_every_core_is_nicer_than_the_pages(site: RunningSite):
    assert site.child("--queues batch").nice() > site.child("daphne").nice()


@pytest.mark.parametrize("part", ["--queues training", "--queues webhooks", "daphne"])
def test_died_process_is_started_again(site: RunningSite, part: str):
    before = site.child(part)
    before.kill()
    site.read_until("starting it again")
    site.read_until("serving detector" if part == "daphne" else "ready.")
    assert site.child(part).pid != before.pid


def test_busy_port_is_a_clear_error_and_nothing_is_started(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = start_up(tmp_path, port)
        output, _ = refused.communicate(timeout=STOP_LIMIT)
    assert refused.returncode == 1
    message = f"Port {port} is already in use. Stop the other program or run with PORT={port + 1}."
    assert message in output
    assert "Traceback" not in output
    assert not (tmp_path / "redis").exists()


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_every_process(tmp_path: Path, request_to_stop: signal.Signals):
    with running_site(tmp_path) as site:
        children = site.children()
        assert len(children) >= 4
        site.process.send_signal(request_to_stop)
        output, _ = site.process.communicate(timeout=STOP_LIMIT)
        assert site.process.returncode == 0
        assert "Hamster Expression has stopped." in output
        assert "Traceback" not in output
        assert psutil.wait_procs(children, timeout=0)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_nothing_is_left_behind_by_a_killed_site_and_it_starts_again(tmp_path: Path):
    with running_site(tmp_path) as site:
        children = site.children()
        site.process.kill()
        site.process.wait()
        assert psutil.wait_procs(children, timeout=STOP_LIMIT)[1] == []
    with running_site(tmp_path) as site:
        assert get(f"{site.url}health/ready")[0] == 200


def test_web_application_starts_without_importing_torch():
    program = (
        "import sys, hamster_site.asgi; print([name for name in ('torch', 'onnx') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("[]")
