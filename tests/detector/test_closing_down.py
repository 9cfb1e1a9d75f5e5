"""A web process that is asked to end: answers go out, sockets are told, and nothing new is taken."""

import asyncio
import json
import socket

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.detector.live_site import PATIENCE, LiveSite, message
from tests.detector.pictures import encoded, scene

CAMERAS = 4
UPLOADS = 5
MAKE_TOKEN = """
from django.contrib.auth import get_user_model
from detector.services.tokens import make_token
print(make_token(owner=get_user_model().objects.create_user("owner"), name="mine")[1])
"""


@pytest.fixture
def site(tmp_path, red_one):
    site = LiveSite(tmp_path, red_one)
    site.start()
    yield site
    site.stop()


async def told(client) -> tuple[list[dict], int]:
    """What a client hears until it is closed, and with which code."""
    heard = []
    with pytest.raises(ConnectionClosed):
        while True:
            heard.append(json.loads(await asyncio.wait_for(client.recv(), PATIENCE)))
    return heard, client.close_code


async def test_frames_and_requests_are_answered_and_sockets_told_before_the_process_ends(site: LiveSite):
    large = encoded(scene(size=(2000, 1500)))
    cameras = [await site.connect() for _ in range(CAMERAS)]
    token = site.manage("shell", "--no-imports", "-c", MAKE_TOKEN).strip()
    jobs = await site.connect("/ws/jobs/", additional_headers={"Authorization": f"Bearer {token}"})
    for client in cameras:
        assert json.loads(await client.recv())["type"] == "hello"
    url = f"http://127.0.0.1:{site.port}/api/predict"
    async with httpx.AsyncClient(timeout=PATIENCE) as browser:
        uploads = [
            asyncio.create_task(browser.post(url, files={"file": ("face.jpg", large)}))
            for _ in range(UPLOADS)
        ]
        await asyncio.wait(uploads, return_when=asyncio.FIRST_COMPLETED)
        for number, client in enumerate(cameras):
            await client.send(message(number, large))
        first = json.loads(await cameras[0].recv())  # by now the server has all of them
        assert first["type"] == "prediction"
        site.process.terminate()
        ends = await asyncio.gather(*map(told, [*cameras, jobs]))
        assert {answer.status_code for answer in await asyncio.gather(*uploads)} == {200}
    assert [code for _, code in ends] == [1012] * (CAMERAS + 1)
    for number, (heard, _) in enumerate(ends[1:CAMERAS], start=1):
        assert [(answer["type"], answer["frame"]) for answer in heard] == [("prediction", number)]
    assert site.process.wait(PATIENCE) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", site.port)) != 0
    assert "Traceback" not in site.log.read_text()
