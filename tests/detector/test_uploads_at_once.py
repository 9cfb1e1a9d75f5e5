"""Many large bodies at once at the real server: memory and the disk are shared out before they come."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.detector.live_site import LiveSite
from tests.detector.test_batch_site import PEOPLE, TOKEN, batch_of
from tests.detector.test_live_site_http import post
from tools.bench import uploads

DISK_BYTES = 96 * 2**20
LEFT_FREE = 16 * 2**20
MOST_MEMORY = 700_000_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, mounts a file system")


@pytest.fixture
def site(tmp_path, red_one) -> Iterator[LiveSite]:
    site = LiveSite(tmp_path, red_one, HAMSTER_PREDICT_RATE="")
    site.start()
    yield site
    site.stop()


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "hamster", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_site(tmp_path, red_one, disk) -> Iterator[LiveSite]:
    """Its temporary folder is on the small file system."""
    site = LiveSite(tmp_path, red_one, TMPDIR=str(disk), HAMSTER_DATASET_FREE_BYTES=str(LEFT_FREE))
    site.start()
    yield site
    site.stop()


@pytest.fixture
def headers(small_site) -> list[str]:
    """Those of a batch of somebody signed in."""
    said = small_site.manage("shell", "-c", PEOPLE).splitlines()
    (key,) = [line.split()[1] for line in said if "key" in line]
    return [
        *("Content-Type: multipart/form-data; boundary=b", f"X-CSRFToken: {TOKEN}"),
        f"Cookie: sessionid={key}; csrftoken={TOKEN}",
    ]


def in_pieces(body: bytes) -> Iterator[bytes]:
    return (body[start : start + 65_536] for start in range(0, len(body), 65_536))


def test_the_worst_pictures_all_at_once_stay_within_the_memory_and_have_their_answers(site):
    url, picture = f"http://127.0.0.1:{site.port}", uploads.worst_picture("png")
    paths = ["/pictures/", "/api/predict"] * 14

    def send(path: str):
        return uploads.post(url, path, *uploads.request_of(path, picture), "127.0.0.1")

    with ThreadPoolExecutor(len(paths)) as threads:
        answers = list(zip(paths, threads.map(send, paths), strict=True))
    assert uploads.peak_bytes(site.process.pid) < MOST_MEMORY
    assert {status for _, (status, *_) in answers} == {200, 503}
    for path, (status, head, body) in answers:
        if status == 503:
            assert head["Retry-After"] == "1"
            if path.startswith("/api/"):
                assert json.loads(body)["error"]["code"] == "server_busy"
            else:
                assert "The server" in body.decode()


def test_bodies_that_break_off_give_their_memory_back(site):
    url, picture = f"http://127.0.0.1:{site.port}", uploads.worst_picture("png")
    body, content_type = uploads.request_of("/api/predict", picture)
    head = (
        f"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for part in (100, len(body)):
        clients = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(6)]
        for client in clients[:3]:
            client.sendall(head.encode() + body[:part])
        for client in clients[3:]:
            client.sendall(head.encode())
        time.sleep(0.2)
        for client in clients:
            client.close()
    assert uploads.post(url, "/api/predict", body, content_type, "127.0.0.1")[0] == 200


def test_large_bodies_at_once_leave_the_disk_its_room(small_site, headers, disk):
    body = batch_of(3)
    least, ended = [], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            of = os.statvfs(disk)
            least.append(of.f_bavail * of.f_frsize)

    def send(_: int) -> tuple[int, dict]:
        declared = f"Content-Length: {len(body)}"
        return post(small_site, "/api/batches/", [*headers, declared], in_pieces(body))

    with ThreadPoolExecutor(6) as threads:
        watching = threading.Thread(target=watch)
        watching.start()
        answers = list(threads.map(send, range(6)))
        ended.set()
        watching.join()
    codes = [answer["error"]["code"] for status, answer in answers if status == 507]
    assert [status for status, _ in answers if status != 507] == [202] * (6 - len(codes))
    assert codes
    assert set(codes) == {"disk_full"}
    assert min(least) >= LEFT_FREE


@pytest.mark.parametrize("left", [0, 40_000_000], ids=["while it comes", "while it is handed on"])
def test_a_disk_that_somebody_else_fills_meanwhile_is_told(small_site, headers, disk, left):
    body = batch_of(3)

    def pieces() -> Iterator[bytes]:
        yield body[:1_000_000]
        time.sleep(1)
        of = os.statvfs(disk)
        with (disk / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, of.f_bavail * of.f_frsize - left)
        yield from in_pieces(body[1_000_000:])

    status, answer = post(small_site, "/api/batches/", [*headers, f"Content-Length: {len(body)}"], pieces())
    assert (status, answer["error"]["code"]) == (507, "disk_full")
