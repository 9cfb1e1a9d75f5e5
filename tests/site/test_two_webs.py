"""Two web processes behind one Redis and one database, twenty cameras: a promotion reaches all of them."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import onnx
import pytest
from websockets.asyncio.client import ClientConnection

from ml.predictor import Predictor
from tests.databases import execute
from tests.detector.live_site import PATIENCE, ROOT, LiveSite, message

ASTRONAUT = (ROOT / "webui/static/webui/sample/astronaut.jpg").read_bytes()
SHIPPED = ROOT / "ml/weights/detector.onnx"
CAMERAS = 10  # at each of the two
PAUSE = 1.0  # seconds between a camera's frames
SWAPPED_WITHIN = 5.0  # seconds


def same_nets_of_another_version(path: Path, version: str) -> Path:
    """The shipped detector with another name on its card, which makes it another file."""
    model = onnx.load(SHIPPED)
    card = Predictor(SHIPPED).card | {"version": version}
    onnx.helper.set_model_props(model, {"card": json.dumps(card)})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def webs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveSite, LiveSite]]:
    folder = tmp_path_factory.mktemp("webs")
    webs = LiveSite(folder, SHIPPED), LiveSite(folder, SHIPPED)
    webs[1].log = folder / "other.log"
    try:
        for web in webs:
            web.start()
        yield webs
    finally:
        for web in webs:
            web.stop()


def activated_at(web: LiveSite) -> float:
    """When the version that is active now became so."""
    query = "SELECT activated_at FROM detector_detectorversion WHERE state = 'active'"
    ((moment,),) = execute(web.environment["DATABASE_URL"], query)
    if isinstance(moment, str):  # as SQLite has it
        moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return moment.timestamp()


class Camera:
    """Sends a frame, waits for its answer, and takes down what versions are announced when."""

    def __init__(self, web: LiveSite) -> None:
        self.web = web
        self.started_with = ""
        self.answers: asyncio.Queue[dict] = asyncio.Queue()
        self.answered = 0
        self.announced: list[tuple[str, float]] = []

    async def film(self, stop: asyncio.Event) -> None:
        """Until `stop`; fails with the first frame without an answer, and when the socket closes."""
        async with self.web.connect() as socket, asyncio.TaskGroup() as tasks:
            self.started_with = json.loads(await socket.recv())["detector"]
            listening = tasks.create_task(self._listen(socket))
            while not stop.is_set():
                await socket.send(message(self.answered, ASTRONAUT))
                answer = await asyncio.wait_for(self.answers.get(), PATIENCE)
                assert (answer["type"], answer["frame"]) == ("prediction", self.answered), answer
                assert (answer["dropped"], len(answer["faces"])) == (0, 1)
                self.answered += 1
                await asyncio.sleep(PAUSE)
            listening.cancel()

    async def _listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            answer = json.loads(text)
            if answer["type"] == "detector":
                self.announced.append((answer["version"], time.time()))
            else:
                self.answers.put_nowait(answer)


async def until(condition: Callable[[], bool]) -> None:
    """Look now and then; fails after a while."""
    async with asyncio.timeout(4 * PATIENCE):
        while not condition():
            await asyncio.sleep(0.1)


async def test_a_promotion_and_a_roll_back_reach_all_cameras_of_both_within_5_s_and_lose_no_frame(
    webs, tmp_path
):
    one = webs[0]
    one.manage("register_detector", str(same_nets_of_another_version(tmp_path / "other.onnx", "other-1")))
    cameras = [Camera(web) for web in webs for _ in range(CAMERAS)]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for camera in cameras:
            tasks.create_task(camera.film(stop))
        await until(lambda: all(camera.answered for camera in cameras))
        for count, command in enumerate((("promote", "other-1"), ("rollback",)), start=1):
            await asyncio.to_thread(one.manage, *command)
            await until(lambda count=count: all(len(camera.announced) == count for camera in cameras))
            slowest = max(camera.announced[-1][1] for camera in cameras) - activated_at(one)
            assert slowest < SWAPPED_WITHIN, f"the machine's load: {os.getloadavg()}"
            answered = [camera.answered for camera in cameras]
            await until(
                lambda before=answered: all(
                    camera.answered > n for camera, n in zip(cameras, before, strict=True)
                )
            )
        stop.set()
    (first,) = {camera.started_with for camera in cameras}
    for camera in cameras:
        assert [version for version, _ in camera.announced] == ["other-1", first]
