"""Fuzz of the real sockets: odd messages to a running site, and bytes that are no WebSocket at all."""

import asyncio
import json
import random
import socket
import struct

from websockets.asyncio.client import ClientConnection, connect

from tests.detector.live_site import FRAME
from tests.fuzz.messages import make_frame, make_text
from tests.fuzz.pictures import make_file
from tests.fuzz.recipes import Recipe

PATIENCE = 30
PROBE_EVERY = 40
LIVE_TYPES = {"prediction", "error", "detector"}
JOB_TYPES = {"job", "gone", "error"}
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LENGTHS = (0, 1, 4, 125, 126, 127, 65535, 65536, 2**20, 2**31, 2**63 - 1, 2**63, 2**64 - 1)


async def fuzz_live(url: str, cases: int, *, begin: int = 0) -> int:
    """Frames and texts; every frame is answered, and every so often it is a face that has to be found."""
    chance = random.Random(begin)
    async with connect(f"{url}/ws/live/", compression=None, open_timeout=PATIENCE) as client:
        assert (await _next(client))["type"] == "hello"
        for number in range(cases):
            recipe = Recipe(chance.randbytes(90))
            if number % PROBE_EVERY == 0:
                await client.send('{"type":"configure","min_score":0,"max_faces":20}')
                await client.send(struct.pack("<I", number) + FRAME)
                assert (await _answer_to(client, number))["type"] == "prediction"
            elif recipe.number(2):
                await client.send(struct.pack("<I", number) + make_file(recipe)[: 2**18])
                await _answer_to(client, number)
            elif recipe.number(2):
                await client.send(make_frame(recipe))
            else:
                await client.send(_sendable(make_text(recipe)))
    return cases


async def fuzz_jobs(url: str, cases: int, *, token: str, begin: int = 0) -> int:
    """Texts and bytes; a request to watch a batch that is not there is answered in between."""
    chance = random.Random(begin)
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(
        f"{url}/ws/jobs/", compression=None, open_timeout=PATIENCE, additional_headers=headers
    ) as client:
        for number in range(1, cases + 1):
            recipe = Recipe(chance.randbytes(90))
            await client.send(make_frame(recipe) if recipe.number(9) == 0 else _sendable(make_text(recipe)))
            if number % PROBE_EVERY == 0:
                await client.send(json.dumps({"type": "watch", "kind": "batch", "id": 2**40 + number}))
                while (answer := await _next(client)).get("id") != 2**40 + number:
                    assert answer["type"] in JOB_TYPES
                assert answer["type"] == "gone"
    return cases


def fuzz_handshake(host: str, port: int, cases: int, *, begin: int = 0) -> int:
    """Frames with lengths that lie, codes and flags that there are not, texts that are no UTF-8."""
    chance = random.Random(begin)
    for number in range(cases):
        path = ("/ws/live/", "/ws/jobs/", "/ws/", "/ws/live/?" + "x" * chance.randrange(300))[number % 4]
        with socket.create_connection((host, port), PATIENCE) as client:
            asked = HANDSHAKE.format(path=path, host=f"{host}:{port}").encode()
            if chance.random() < 0.3:
                at = chance.randrange(len(asked))
                asked = asked[:at] + chance.randbytes(chance.randrange(9)) + asked[at + chance.randrange(9) :]
            client.sendall(asked)
            try:
                for _ in range(chance.randrange(1, 6)):
                    client.sendall(_raw_frame(chance))
                client.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                continue  # it has hung up, which is its right
    return cases


def _raw_frame(chance: random.Random) -> bytes:
    length, payload = chance.choice(LENGTHS), chance.randbytes(chance.choice((0, 1, 4, 125, 300)))
    if chance.random() < 0.5:
        length = len(payload)
    masked = 0x80 if chance.random() < 0.8 else 0
    if length < 126:
        size = bytes([masked | length])
    elif length < 2**16:
        size = bytes([masked | 126]) + struct.pack(">H", length)
    else:
        size = bytes([masked | 127]) + struct.pack(">Q", length)
    return bytes([chance.randrange(256)]) + size + chance.randbytes(4 if masked else 0) + payload


def _sendable(text: str) -> str:
    """Text goes over the wire in UTF-8, which has no surrogates; in JSON they are escaped."""
    return text.encode("utf-8", "replace").decode()


async def _next(client: ClientConnection) -> dict:
    answer = json.loads(await asyncio.wait_for(client.recv(), PATIENCE))
    if answer["type"] == "error":
        assert answer["code"] and answer["message"] and len(answer["message"]) < 500
        assert answer["code"] not in ("server_error", "too_fast")
    return answer


async def _answer_to(client: ClientConnection, number: int) -> dict:
    while (answer := await _next(client)).get("frame") != number:
        assert answer["type"] in LIVE_TYPES
    return answer
