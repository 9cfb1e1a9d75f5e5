"""The real server against clients that dawdle: they are cut off, the others served, slow lines not hurt."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from tests.detector.live_site import PATIENCE, LiveSite, latencies

SLOW_SECONDS = 2
CLIENTS = 40
LARGE = b"GET /static/webui/vendor/chartjs/chart.umd.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEAD = b"GET /health HTTP/1.1\r\nX: "
BODY = b"POST /api/predict/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory, red_one) -> Iterator[LiveSite]:
    """A real web process with little patience."""
    site = LiveSite(
        tmp_path_factory.mktemp("site"),
        red_one,
        HAMSTER_HTTP_SLOW_SECONDS=str(SLOW_SECONDS),
        HAMSTER_HTTP_UNREAD_SECONDS=str(SLOW_SECONDS),
    )
    site.start()
    yield site
    site.stop()


async def trickle(site: LiveSite, head: bytes) -> bytes:
    """Send a byte every tenth of a second until the server ends it; what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head)
    said = asyncio.create_task(reader.read())
    while not said.done():
        writer.write(b"x")
        await asyncio.wait([said], timeout=0.1)
    writer.close()
    return await said


@pytest.mark.parametrize("head", [HEAD, BODY % 1000], ids=["head", "body"])
async def test_requests_a_byte_at_a_time_are_ended_and_the_others_served_meanwhile(site, head):
    async with site.connect() as camera:
        await camera.recv()
        trickling = asyncio.gather(*(trickle(site, head) for _ in range(CLIENTS)))
        while not trickling.done():
            assert await latencies(camera, 0.5)
        said = await trickling
    for answer in said:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["error"]["code"] == "request_too_slow"


async def test_a_request_over_a_slow_line_is_taken_however_long_it_takes(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    length = SLOW_SECONDS * 2000
    writer.write(BODY % length)
    for _ in range(SLOW_SECONDS * 2):
        writer.write(b"x" * (length // SLOW_SECONDS // 2))
        await asyncio.sleep(1)
    status = await asyncio.wait_for(reader.readline(), PATIENCE)
    writer.close()
    assert b" 408 " not in status
    assert b" 4" in status


async def test_clients_that_read_no_answer_are_cut_off_and_memory_stays_flat(site):
    loop = asyncio.get_running_loop()
    before = site.memory()

    async def never_read() -> None:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", site.port))
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                while True:
                    await loop.sock_sendall(client, LARGE)
                    await asyncio.sleep(0.05)

    async with site.connect() as camera:
        await camera.recv()
        leaving = asyncio.gather(*(never_read() for _ in range(10)))
        while not leaving.done():
            assert await latencies(camera, 0.5)
        await leaving
    assert "has taken nothing of an answer" in site.log.read_text()
    assert site.memory() - before < 20_000_000
