"""HTTP at the real server: bodies over the limit, pictures that touch no disk, what it imports, the bench."""

import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import repeat

import psutil
import pytest

from tests.detector.live_site import FRAME, PATIENCE, ROOT, LiveSite
from tests.detector.pictures import encoded, scene


def post(site: LiveSite, path: str, headers: list[str], pieces: Iterable[bytes]) -> tuple[int, dict]:
    """Send a body piece by piece until there is an answer; its status and JSON."""
    head, body = exchange(site, path, headers, pieces)
    return int(head.split()[1]), json.loads(body)


def exchange(site: LiveSite, path: str, headers: list[str], pieces: Iterable[bytes]) -> tuple[bytes, bytes]:
    """The same; what stands before the body of the answer, and the body."""
    with socket.create_connection(("127.0.0.1", site.port), PATIENCE) as client:
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}", "Connection: close", *headers]
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        for piece in pieces:
            if select.select([client], [], [], 0)[0]:
                break
            client.sendall(piece)
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    return head, body


def in_chunks(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    """The body in HTTP's chunked coding."""
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("length", ["Content-Length: 30000000", "Transfer-Encoding: chunked"])
def test_a_body_over_the_limit_is_refused_while_it_arrives(site, length):
    before = site.memory()
    piece = bytes(50_000)
    pieces = repeat(piece if "Content" in length else next(in_chunks(piece)), 599)
    status, answer = post(site, "/api/predict/stream", ["Content-Type: application/json", length], pieces)
    assert (status, answer["error"]["code"]) == (413, "request_too_large")
    assert site.memory() - before < 20_000_000


def test_a_form_over_the_limit_is_refused_in_words_for_people(site):
    headers = ["Content-Type: multipart/form-data; boundary=b", "Content-Length: 30000000"]
    head, body = exchange(site, "/pictures/", headers, repeat(bytes(50_000), 599))
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"text/plain" in head
    assert body == b"The request is larger than 16777216 bytes. Go back and choose less."


def test_too_large_a_body_is_refused_in_the_language_of_its_page(site):
    headers = [
        "Content-Type: multipart/form-data; boundary=b",
        "Content-Length: 30000000",
        "Cookie: language=es",
    ]
    _head, body = exchange(site, "/pictures/", headers, repeat(bytes(50_000), 599))
    assert body.decode() == "La petición tiene más de 16777216 bytes. Vuelve atrás y elige menos."


def test_an_upload_without_a_length_is_looked_at_and_never_written_to_a_disk(site):
    process = psutil.Process(site.process.pid)
    before = process.io_counters().write_chars if hasattr(process, "io_counters") else 0
    noise = encoded(scene(), "BMP").ljust(9_000_000, b"\0")
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + noise + b"\r\n--b--\r\n"
    )
    headers = ["Content-Type: multipart/form-data; boundary=b", "Transfer-Encoding: chunked"]
    status, answer = post(site, "/api/predict", headers, in_chunks(body))
    assert (status, answer.get("emotion")) == (200, "happy")
    if hasattr(process, "io_counters"):
        assert process.io_counters().write_chars - before < 1_000_000


def test_with_more_frames_than_can_be_looked_at_every_camera_is_served_and_none_meets_an_error(site):
    done = subprocess.run(
        [
            *(sys.executable, "tools/bench/live_load.py", "--url", f"ws://127.0.0.1:{site.port}", "--json"),
            *("--cameras", "40", "--fps", "18", "--seconds", "4", "--in-flight", "0"),
            *("--pid", str(site.process.pid)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(done.stdout)
    assert summary["errors"] == {}
    assert summary["worst_to_mean"] >= 0.5
    assert summary["answered_per_second"] > 0
    assert summary["web_rss_mb"] > 0


def test_the_web_process_never_imports_torch(site):
    program = (
        "import sys, hamster_site.asgi, pathlib\n"
        "from detector.api.views import predict\n"
        "predict(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(sorted(name for name in ('torch', 'torchvision') if name in sys.modules))"
    )
    picture = site.log.with_name("frame.jpg")
    picture.write_bytes(FRAME)
    done = subprocess.run(
        [sys.executable, "-c", program, str(picture)],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
