"""The real server against clients that never read and clients that flood it: the others are served on."""

import asyncio
import contextlib
import json
import socket
import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed

from tests.detector.live_site import (
    PATIENCE,
    UNREAD_SECONDS,
    LiveSite,
    about_as_quick,
    latencies,
    message,
)


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

        sending = asyncio.create_task(send_pile())
        await asyncio.sleep(UNREAD_SECONDS / 2)
        with contextlib.suppress(TimeoutError):  # a frame that came while answers are unread would be dropped
            while True:
                await asyncio.wait_for(client.recv(), UNREAD_SECONDS)
        await asyncio.wait_for(sending, PATIENCE)
        assert await latencies(client, UNREAD_SECONDS * 1.5)


async def test_a_socket_that_is_closing_while_an_answer_goes_out_is_no_error(site):
    """Tried until the answer was there while the socket was closing, and not after it had closed."""
    before = len(site.log.read_text())
    half_a_letter = b"\x81\x81" + bytes(4) + b"\xc3"  # so the server closes, and waits a second for our close

    def said() -> str:
        return site.log.read_text()[before:]

    for tried in range(1, 11):
        client = raw_client(site)
        client.sendall(masked(message(1)) + half_a_letter)
        try:
            end = time.monotonic() + PATIENCE
            while said().count("live connection closed") < tried and time.monotonic() < end:
                await asyncio.sleep(0.1)
        finally:
            client.close()
        if "1 frames answered" in said():
            break
    await asyncio.sleep(2)  # daphne looks once a second at what has failed
    assert "1 frames answered" in said()
    assert "Traceback" not in said()


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
