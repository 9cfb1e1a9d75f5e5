"""Sockets of the real server: who may open one, sizes, a promotion while they are open."""

import asyncio
import json
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.detector.live_site import FRAME, PATIENCE, ask, message


async def test_the_page_of_another_site_cannot_open_the_socket_and_nothing_is_logged_as_an_error(site):
    for origin, status in (
        ("http://evil.example", 403),
        (f"http://127.0.0.1:{site.port + 1}", 403),
        (f"http://localhost:{site.port}", 403),
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
