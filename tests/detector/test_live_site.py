"""Behaviour that needs the real server: floods, clients that never read, sizes at the socket, hot swap."""

import asyncio
import contextlib
import json
import select
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import repeat

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.detector.live_site import ROOT, LiveSite
from tests.detector.pictures import encoded, scene

FRAME = encoded(scene())
PATIENCE = 20
UNREAD_SECONDS = 2


@pytest.fixture(scope="module")
def site(tmp_path_factory, red_one) -> Iterator[LiveSite]:
    site = LiveSite(
        tmp_path_factory.mktemp("site"),
        red_one,
        HAMSTER_LIVE_UNREAD_SECONDS=str(UNREAD_SECONDS),
        HAMSTER_LIVE_ABUSE_SECONDS="3",
    )
    site.start()
    yield site
    site.stop()


def message(number: int, data: bytes = FRAME) -> bytes:
    return struct.pack("<I", number) + data


async def ask(client, number: int, data: bytes = FRAME) -> dict:
    await client.send(message(number, data))
    return json.loads(await asyncio.wait_for(client.recv(), PATIENCE))


async def latencies(client, seconds: float) -> list[float]:
    """Seconds from sent to answered, one frame after the other, ten a second."""
    found, number, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        sent = time.perf_counter()
        assert (await ask(client, number))["frame"] == number
        found.append(time.perf_counter() - sent)
        number += 1
        await asyncio.sleep(0.1)
    return found


def p95(measured: list[float]) -> float:
    return statistics.quantiles(measured, n=20)[-1]


def about_as_quick(measured: list[float], quiet: list[float]) -> bool:
    """Whether latencies are like those of a quiet server; the floor is for machines that do much else."""
    return p95(measured) < max(0.5, 5 * p95(quiet))


def slow_socket(site: LiveSite) -> socket.socket:
    """Connected, with a small receive buffer, so that unread answers soon pile up at the server."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", site.port))
    return client


def raw_client(site: LiveSite) -> socket.socket:
    """A WebSocket client that reads its handshake and then nothing more."""
    client = slow_socket(site)
    client.sendall(
        f"GET /ws/live/ HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert client.recv(2048).startswith(b"HTTP/1.1 101")
    return client


def masked(payload: bytes) -> bytes:
    """A binary WebSocket message, masked with zeros."""
    length = (
        bytes([0xFE]) + struct.pack(">H", len(payload))
        if len(payload) > 125
        else bytes([0x80 | len(payload)])
    )
    return b"\x82" + length + bytes(4) + payload


def push(client: socket.socket, data: bytes, seconds: float) -> int:
    """Send `data` again and again as fast as it is taken; how many bytes were, until `seconds` or the end."""
    client.settimeout(0.5)
    taken, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            taken += client.send(data)
        except TimeoutError:
            continue
        except OSError:
            break
    return taken


def is_cut_off(client: socket.socket) -> bool:
    """Whether the server has ended the connection; leaves unread what it had sent before."""
    client.settimeout(PATIENCE)
    end = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end:
            client.send(b"\x8a\x80\0\0\0\0")
            time.sleep(0.05)
    except (BrokenPipeError, ConnectionResetError):
        return True
    except TimeoutError:
        pass
    return False


async def test_a_client_that_never_reads_is_cut_off_memory_stays_flat_and_others_are_served(site):
    async with site.connect() as other:
        await other.recv()
        quiet = await latencies(other, 2)
        before = site.memory()
        silent = raw_client(site)
        control = b"\x81\x84" + bytes(4) + b"oops"
        pushing = asyncio.to_thread(push, silent, control * 200, UNREAD_SECONDS * 3)
        measured, _ = await asyncio.gather(latencies(other, UNREAD_SECONDS * 3), pushing)
        assert await asyncio.to_thread(is_cut_off, silent)
        silent.close()
        assert about_as_quick(measured, quiet)
        assert site.memory() - before < 4_000_000


async def test_a_client_that_stalls_and_reads_again_is_served_on(site):
    pile = json.dumps({"type": "configure", "x" * 60_000: 1})  # is answered at length
    async with site.connect(sock=slow_socket(site), max_queue=1) as client:

        async def send_pile() -> None:
            for _ in range(20):
                await client.send(pile)
            await client.send(message(1))

        sending = asyncio.create_task(send_pile())
        await asyncio.sleep(UNREAD_SECONDS / 2)
        while json.loads(await asyncio.wait_for(client.recv(), PATIENCE)).get("frame") != 1:
            pass
        await sending
        assert await latencies(client, UNREAD_SECONDS * 1.5)


async def test_the_page_of_another_site_cannot_open_the_socket_and_nothing_is_logged_as_an_error(site):
    for origin, status in (
        ("http://evil.example", 403),
        ("http://[evil", 400),
        ("http://localhost:port", 400),
    ):
        with pytest.raises(InvalidStatus) as refused:
            await site.connect(origin=origin)
        assert refused.value.response.status_code == status
    async with site.connect(origin=f"http://127.0.0.1:{site.port}") as client:
        assert json.loads(await client.recv())["type"] == "hello"
    assert "Traceback" not in site.log.read_text()


async def test_a_socket_that_is_not_there_is_refused_and_nothing_is_logged_as_an_error(site):
    with pytest.raises(InvalidStatus) as refused:
        await site.connect(path="/ws/nothing/")
    assert refused.value.response.status_code == 403
    assert "Traceback" not in site.log.read_text()


async def test_an_unread_live_picture_stream_stops_being_worked_on(site):
    """At the allowed rate, so that it is the unread answers alone that stop it."""
    silent = raw_client(site)
    try:
        cut_off = False
        for number in range(30 * PATIENCE):
            try:
                silent.sendall(masked(message(number)))
            except OSError:
                cut_off = True
                break
            await asyncio.sleep(1 / 30)
        assert cut_off
    finally:
        silent.close()
    assert "has taken no answer" in site.log.read_text()


@pytest.mark.parametrize(
    "flood", [message(0), b"", message(0, bytes(60_000))], ids=["frames", "empty", "large"]
)
async def test_a_flood_does_not_slow_the_others_and_ends(site, flood):
    async with site.connect() as other:
        await other.recv()
        quiet = await latencies(other, 2)
        before = site.memory()

        async def flooding() -> tuple[int, set[str]]:
            codes = set()
            async with site.connect() as client:

                async def listen() -> None:
                    with contextlib.suppress(ConnectionClosed):
                        async for text in client:
                            codes.add(json.loads(text).get("code"))

                listening = asyncio.create_task(listen())
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        await client.send(flood)
                        await asyncio.sleep(0)
                await listening
            return client.close_code, codes

        flooder = asyncio.create_task(flooding())
        measured = await latencies(other, 5)
        code, codes = await asyncio.wait_for(flooder, PATIENCE)
        assert (code, "too_fast" in codes) == (1008, True)
        assert about_as_quick(measured, quiet)
        assert site.memory() - before < 12_000_000


async def test_a_frame_over_the_limit_is_an_error_and_one_over_the_servers_limit_a_close(site):
    async with site.connect(max_size=None) as client:
        await client.recv()
        answer = await ask(client, 5, FRAME.ljust(524_289, b"\0"))
        assert (answer["code"], answer["frame"]) == ("image_too_large", 5)
        assert (await ask(client, 6))["type"] == "prediction"
        await client.send(bytes(1_100_000))
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), PATIENCE)
        assert client.close_code == 1009


async def test_a_promotion_reaches_every_open_socket_within_five_seconds_and_loses_no_frame(site, red_two):
    site.manage("register_detector", str(red_two))
    async with site.connect() as one, site.connect() as two:
        clients = (one, two)
        for client in clients:
            assert json.loads(await client.recv())["detector"] == "red-1"
        promoted = asyncio.create_task(asyncio.to_thread(site.manage, "promote", "red-2"))
        swapped_after: dict[object, float] = {}
        sent = 0
        done_at = None
        while len(swapped_after) < 2:
            if promoted.done() and done_at is None:
                done_at = time.monotonic()
            for client in clients:
                await client.send(message(sent))
                answer = json.loads(await asyncio.wait_for(client.recv(), PATIENCE))
                if answer["type"] == "detector":
                    assert answer["version"] == "red-2"
                    swapped_after[client] = time.monotonic()
                    answer = json.loads(await asyncio.wait_for(client.recv(), PATIENCE))
                assert (answer["type"], answer["frame"], answer["dropped"]) == ("prediction", sent, 0)
            sent += 1
            await asyncio.sleep(0.05)
            assert done_at is None or time.monotonic() - done_at < 5
        await promoted
    assert sent > 2
    site.manage("rollback")


def post(site: LiveSite, path: str, headers: list[str], pieces: Iterable[bytes]) -> tuple[int, dict]:
    """Send a body piece by piece until there is an answer; its status and JSON."""
    with socket.create_connection(("127.0.0.1", site.port), PATIENCE) as client:
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{site.port}", "Connection: close", *headers]
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        for piece in pieces:
            if select.select([client], [], [], 0)[0]:
                break
            client.sendall(piece)
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


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


def test_the_load_bench_measures_a_site(site):
    done = subprocess.run(
        [
            *(sys.executable, "tools/bench/live_load.py", "--url", f"ws://127.0.0.1:{site.port}", "--json"),
            *("--cameras", "2", "--fps", "3", "--seconds", "2", "--pid", str(site.process.pid)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(done.stdout)
    assert summary["errors"] == {}
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
