"""The live WebSocket, spoken to as a client speaks, without a server in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from channels.testing import WebsocketCommunicator

from detector.consumers import live
from detector.engine import get_engine
from detector.engine.detectors import LoadedDetector, load_detector
from tests.detector.held_predictor import HeldPredictor
from tests.detector.pictures import FACE, ODD_PICTURES, Odd, encoded, png_claiming, scene

pytestmark = pytest.mark.usefixtures("engine")
FRAME = encoded(scene())
PATIENCE = 10


class Client(WebsocketCommunicator):
    """A client of the live protocol."""

    def __init__(self, address: str = "10.0.0.9") -> None:
        super().__init__(live, "/ws/live/")
        self.scope["client"] = [address, 50_000]

    async def send_frame(self, number: int, data: bytes = FRAME) -> None:
        await self.send_to(bytes_data=number.to_bytes(4, "little") + data)

    async def answer(self) -> dict:
        return await self.receive_json_from(timeout=PATIENCE)

    async def until_read(self) -> None:
        """Wait until the server has taken in everything sent."""
        while self.input_queue.qsize():
            await asyncio.sleep(0)

    async def is_served(self) -> bool:
        """Whether a good frame gets its prediction, after whatever went before."""
        await self.send_frame(4_000_000_000)
        answer = await self.answer()
        return (answer["type"], answer["frame"]) == ("prediction", 4_000_000_000)


@asynccontextmanager
async def connected(address: str = "10.0.0.9") -> AsyncIterator[Client]:
    client = Client(address)
    assert await client.connect(timeout=PATIENCE) == (True, None)
    try:
        yield client
    finally:
        await client.disconnect()


@asynccontextmanager
async def greeted() -> AsyncIterator[Client]:
    async with connected() as client:
        await client.answer()
        yield client


async def test_a_connection_is_greeted_with_detector_emotions_and_limits():
    async with connected() as client:
        greeting = await client.answer()
    assert (greeting["type"], greeting["protocol"], greeting["detector"]) == ("hello", 1, "shipped")
    assert greeting["limits"] == {
        "max_bytes": 524_288,
        "max_pixels": 4_000_000,
        "max_fps": 20,
        "max_faces": 20,
    }


async def test_a_frame_is_answered_as_the_protocol_says():
    async with greeted() as client:
        await client.send_frame(17)
        answer = await client.answer()
    assert (answer["type"], answer["frame"], answer["emotion"]) == ("prediction", 17, "happy")
    assert answer["dropped"] == 0
    assert set(answer["timing_ms"]) == {"decode", "queue", "inference", "total"}
    (face,) = answer["faces"]
    assert set(face) == {"id", "label", "score", "x1", "y1", "x2", "y2", "scores", "raw_scores"}
    assert face["id"] == 1
    assert answer["confidence"] == face["score"] == face["scores"]["happy"] == face["raw_scores"]["happy"]
    assert {name: face[name] for name in FACE} == pytest.approx(FACE, abs=0.02)


async def test_a_face_keeps_its_id_from_frame_to_frame():
    async with greeted() as client:
        ids = []
        for number in range(3):
            await client.send_frame(number)
            ids.append((await client.answer())["faces"][0]["id"])
    assert ids == [1, 1, 1]


async def test_no_face_is_unknown():
    async with greeted() as client:
        await client.send_frame(1, encoded(scene(face=False)))
        answer = await client.answer()
    assert (answer["emotion"], answer["confidence"], answer["faces"]) == ("unknown", 0.0, [])


@pytest.mark.parametrize("odd", ODD_PICTURES, ids=lambda odd: odd.name)
async def test_odd_pictures_are_looked_at_or_refused_and_the_connection_stays(odd: Odd):
    async with greeted() as client:
        await client.send_frame(18, odd.data)
        answer = await client.answer()
        if odd.code is None:
            assert (answer["type"], len(answer["faces"])) == ("prediction", odd.faces)
            for face in answer["faces"]:
                assert {name: face[name] for name in FACE} == pytest.approx(FACE, abs=0.02)
        else:
            assert (answer["type"], answer["code"], answer["frame"]) == ("error", odd.code, 18)
            assert answer["message"]
        assert await client.is_served()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "La imagen está vacía (0 bytes)."),
        (FRAME[: len(FRAME) // 2], "La imagen JPEG está dañada o incompleta."),
        (
            FRAME.ljust(524_289, b"\0"),
            "La imagen tiene 524289 bytes; se aceptan 524288 como máximo.",
        ),
    ],
    ids=["empty", "cut short", "too large"],
)
async def test_errors_are_said_in_the_language_of_the_page(data: bytes, says: str):
    client = Client()
    client.scope["headers"] = [(b"accept-language", b"de,es;q=0.8")]
    assert await client.connect(timeout=PATIENCE) == (True, None)
    try:
        await client.answer()
        await client.send_frame(1, data)
        assert (await client.answer())["message"] == says
    finally:
        await client.disconnect()


async def test_a_frame_over_the_byte_limit_is_an_error_and_the_connection_stays():
    async with greeted() as client:
        await client.send_frame(3, FRAME.ljust(524_289, b"\0"))
        answer = await client.answer()
        assert (answer["type"], answer["code"], answer["frame"]) == ("error", "image_too_large", 3)
        assert await client.is_served()


async def test_a_frame_over_the_pixel_limit_is_an_error_and_the_connection_stays():
    async with greeted() as client:
        await client.send_frame(3, png_claiming(2001, 2000))
        answer = await client.answer()
        assert (answer["code"], answer["frame"]) == ("image_too_large", 3)
        assert await client.is_served()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello?", "bad_message"),
        ("[1, 2]", "bad_message"),
        ('{"type": "dance"}', "unknown_message"),
        ('{"type": "configure", "smoothing": 7}', "bad_configure"),
        ('{"type": "configure", "colour": "red"}', "bad_configure"),
    ],
)
async def test_text_that_cannot_be_used_is_an_error_and_the_connection_stays(text, code):
    async with greeted() as client:
        await client.send_to(text_data=text)
        answer = await client.answer()
        assert (answer["type"], answer["code"]) == ("error", code)
        assert "frame" not in answer
        assert await client.is_served()


async def test_a_binary_message_without_a_frame_number_is_an_error_and_the_connection_stays():
    async with greeted() as client:
        await client.send_to(bytes_data=b"\x01")
        assert (await client.answer())["code"] == "bad_frame"
        assert await client.is_served()


async def test_configure_takes_effect_at_once():
    async with greeted() as client:
        await client.send_json_to({"type": "configure", "min_score": 0.95})
        await client.send_frame(1)
        assert (await client.answer())["faces"] == []
        await client.send_json_to({"type": "configure", "min_score": 0.1, "smoothing": 0})
        await client.send_frame(2)
        assert len((await client.answer())["faces"]) == 1


async def test_the_latest_frame_wins_and_the_others_are_counted(red_one):
    held = HeldPredictor(red_one)
    async with greeted() as client:
        get_engine().install(LoadedDetector("held", held))
        assert (await client.answer()) == {"type": "detector", "version": "held"}
        await client.send_frame(1)
        assert await asyncio.to_thread(held.got_one.acquire, timeout=PATIENCE)
        for number in range(2, 7):
            await client.send_frame(number)
        await client.until_read()
        held.go.set()
        answers = [await client.answer(), await client.answer()]
    assert [answer["frame"] for answer in answers] == [1, 6]
    assert [answer["dropped"] for answer in answers] == [4, 4]


async def test_a_swap_is_announced_and_the_connection_goes_on(red_two):
    async with greeted() as client, greeted() as other:
        get_engine().install(load_detector("red-2", red_two, None))
        for each in (client, other):
            assert await each.answer() == {"type": "detector", "version": "red-2"}
            assert await each.is_served()


async def test_a_flood_is_told_and_then_disconnected(hamster):
    hamster(live_max_fps=2, live_abuse_factor=2, live_abuse_seconds=1)
    seen = []
    client = Client()
    await client.connect(timeout=PATIENCE)

    async def flood() -> None:
        while True:
            await client.send_frame(0)
            await asyncio.sleep(0.001)

    flooding = asyncio.create_task(flood())
    while (message := await client.receive_output(PATIENCE))["type"] == "websocket.send":
        seen.append(json.loads(message["text"]).get("code"))
    flooding.cancel()
    assert message == {"type": "websocket.close", "code": 1008}
    assert 2 <= seen.count("too_fast") <= 4
    await client.wait(PATIENCE)


async def test_frames_faster_than_the_limit_are_dropped_and_counted(hamster):
    hamster(live_max_fps=3, live_abuse_factor=100)
    async with greeted() as client:
        for number in range(40):
            await client.send_frame(number)
        await client.until_read()
        answers = [await client.answer()]
        while not await client.receive_nothing(timeout=0.3):
            answers.append(await client.answer())
    assert len(answers) <= 3
    assert answers[-1]["dropped"] >= 37


async def test_one_connection_too_many_is_told_so_and_closed(hamster, engine):
    engine._line._max_mailboxes = 1
    async with greeted() as client:
        refused = Client()
        await refused.connect(timeout=PATIENCE)
        assert (await refused.answer())["code"] == "server_busy"
        assert await refused.receive_output(PATIENCE) == {"type": "websocket.close", "code": 1013}
        assert await client.is_served()
    async with connected() as again:
        assert (await again.answer())["type"] == "hello"


async def test_an_address_has_only_so_many_places_and_others_still_get_theirs(hamster):
    hamster(live_max_per_address=1)
    async with connected("10.0.0.1") as client:
        assert (await client.answer())["type"] == "hello"
        refused = Client("10.0.0.1")
        await refused.connect(timeout=PATIENCE)
        assert (await refused.answer())["code"] == "server_busy"
        assert await refused.receive_output(PATIENCE) == {"type": "websocket.close", "code": 1013}
        async with connected("10.0.0.2") as other:
            assert (await other.answer())["type"] == "hello"
    async with connected("10.0.0.1") as again:
        assert (await again.answer())["type"] == "hello"


async def test_a_client_that_sends_nothing_gives_its_place_back(hamster):
    hamster(live_idle_seconds=0.2)
    client = Client()
    await client.connect(timeout=PATIENCE)
    assert (await client.answer())["type"] == "hello"
    assert await client.receive_output(PATIENCE) == {"type": "websocket.close", "code": 1000}
    await client.wait(PATIENCE)
