"""Visitors who do not give up: cameras that connect again, and somebody who hands in batches of pictures."""

import asyncio
import contextlib
import io
import json
import secrets
import struct
import threading
import time
import zipfile
from collections import Counter

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tools.bench.live_load import camera_frames
from tools.bench.own_site import OwnSite

PICTURES = 12
FPS = 2.0
ANSWER_WITHIN = 10.0
AGAIN_AFTER = 0.5
HAND_IN_EVERY = 1.5
DENIED = {409, 429, 503, 507}
"""Answers that say clearly that nothing was taken."""


class Cameras:
    """Live connections in a thread of their own; each connects again when cut off or not answered."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url.replace("http", "ws", 1) + "/ws/live/"
        self._frames = camera_frames()
        self._loop = asyncio.new_event_loop()
        self.answered_at = [0.0] * count
        self.answers = 0
        self.connections = 0
        self.errors: Counter[str] = Counter()
        self._tasks = [self._loop.create_task(self._camera(index)) for index in range(count)]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def all_answered_since(self, moment: float) -> bool:
        """Whether each has got an answer after `moment` (time.monotonic)."""
        return min(self.answered_at) > moment

    def stop(self) -> None:
        """Hang up."""
        for task in self._tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.5, self._loop.stop)
        self._thread.join()

    async def _camera(self, index: int) -> None:
        number = 0
        while True:
            with contextlib.suppress(
                ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, TimeoutError, EOFError
            ):
                async with connect(self._url, compression=None, open_timeout=ANSWER_WITHIN) as socket:
                    self.connections += 1
                    json.loads(await asyncio.wait_for(socket.recv(), ANSWER_WITHIN))
                    while True:
                        number += 1
                        await socket.send(
                            struct.pack("<I", number) + self._frames[number % len(self._frames)]
                        )
                        answer = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_WITHIN))
                        if answer["type"] == "prediction":
                            self.answered_at[index] = time.monotonic()
                            self.answers += 1
                        elif answer["type"] == "error":
                            self.errors[answer["code"]] += 1
                        await asyncio.sleep(1 / FPS)
            await asyncio.sleep(AGAIN_AFTER)


class Sender:
    """Hands in a batch of pictures every other second, from a thread, and keeps account of the answers. What
    was not accepted is handed in again with the same key.
    """

    def __init__(self, site: OwnSite) -> None:
        self.accepted: list[int] = []
        self.accepted_at = 0.0
        self.unanswered = 0
        self.denied: Counter[int] = Counter()
        self.failed: Counter[str] = Counter()
        self._archive = _archive()
        self._client = httpx.Client(base_url=site.url, timeout=30)
        self._sign_in(site)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hand in no more."""
        self._stopped.set()
        self._thread.join()
        self._client.close()

    def _sign_in(self, site: OwnSite) -> None:
        site.manage("createsuperuser", "--noinput", "--username", "keeper", "--email", "keeper@example.com")
        self._client.get("/accounts/login/").raise_for_status()
        form = {"username": "keeper", "password": site.environment["DJANGO_SUPERUSER_PASSWORD"]}
        token = {"csrfmiddlewaretoken": self._client.cookies["csrftoken"]}
        if self._client.post("/accounts/login/", data=form | token).status_code != 302:
            raise RuntimeError("nobody could sign in")
        self._client.headers["X-CSRFToken"] = self._client.cookies["csrftoken"]

    def _run(self) -> None:
        files = {"files": ("faces.zip", self._archive)}
        key = secrets.token_hex(16)
        while not self._stopped.wait(HAND_IN_EVERY):
            try:
                answer = self._client.post("/api/batches/", files=files, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                self.unanswered += 1
                continue
            if answer.status_code == 202:
                self.accepted.append(answer.json()["id"])
                key = secrets.token_hex(16)
                self.accepted_at = time.monotonic()
            elif answer.status_code in DENIED:
                self.denied[answer.status_code] += 1
            else:
                self.unanswered += 1
                self.failed[f"{answer.status_code} {answer.text[:120]}"] += 1


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, frame in enumerate(camera_frames(PICTURES)):
            archive.writestr(f"{number}.jpg", frame)
    return buffer.getvalue()
