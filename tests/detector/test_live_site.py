"""Behaviour that needs the real server: floods, clients that never read, sizes at the socket, hot swap."""

import asyncio
import contextlib
import json
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

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


def raw_client(site: LiveSite) -> socket.socket:
    """A WebSocket client that reads its handshake and then nothing more, with a small receive buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", site.port))
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
    try:
        while True:
            client.send(b"\x8a\x80\0\0\0\0")
            time.sleep(0.05)
    except (BrokenPipeError, ConnectionResetError):
        return True
    except TimeoutError:
        return False


async def test_a_client_that_never_reads_is_cut_off_memory_stays_flat_and_others_are_served(site):
    async with site.connect() as other:
        await other.recv()
        await latencies(other, 0.5)
        before = site.memory()
        silent = raw_client(site)
        control = b"\x81\x84" + bytes(4) + b"oops"
        pushing = asyncio.to_thread(push, silent, control * 200, UNREAD_SECONDS * 3)
        measured, _ = await asyncio.gather(latencies(other, UNREAD_SECONDS * 3), pushing)
        assert await asyncio.to_thread(is_cut_off, silent)
        silent.close()
        assert statistics.quantiles(measured, n=20)[-1] < 0.5
        assert site.memory() - before < 4_000_000


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
        await latencies(other, 0.5)
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
        assert statistics.median(measured) < 0.25
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


def test_a_body_over_the_limit_is_refused_while_it_arrives(site):
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.port}/api/predict/stream",
        data=bytes(30_000_000),
        headers={"Content-Type": "application/json"},
    )
    before = site.memory()
    with pytest.raises((urllib.error.HTTPError, urllib.error.URLError)) as caught:
        urllib.request.urlopen(request, timeout=PATIENCE)
    if isinstance(caught.value, urllib.error.HTTPError):
        assert caught.value.code == 413
        assert json.loads(caught.value.read())["error"]["code"] == "request_too_large"
    assert site.memory() - before < 8_000_000


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
