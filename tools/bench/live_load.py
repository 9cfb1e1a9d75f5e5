"""Drive a running site with many cameras and measure how long each frame's answer takes.

    python tools/bench/live_load.py --url ws://127.0.0.1:8000 --cameras 40 --fps 3 --seconds 30 --pid PID
    python tools/bench/live_load.py --url ws://127.0.0.1:8000 --cameras 40 --fps 3 --seconds 30 --mode http

`ws` speaks the live protocol. `http` is the way of the original service: one POST /api/predict/stream with
base64 in JSON for each frame, on a kept-alive connection; start the site with HAMSTER_STREAM_RATE= (empty)
for it, or its rate limit is what you measure. Frames are 320x240 JPEGs of one astronaut, all a little
different.
"""

import argparse
import asyncio
import base64
import io
import json
import random
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, ImageEnhance

try:
    import psutil
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed
except ImportError as error:
    sys.exit(f"{error.name} is missing: pip install -r requirements-dev.txt")

ASTRONAUT = Path(__file__).resolve().parents[2] / "webui/static/webui/sample/astronaut.jpg"
DIFFERENT_FRAMES = 24
PATIENCE_SECONDS = 5.0


@dataclass
class Tally:
    """What happened to the frames of all cameras. Latencies are seconds from sent to answered."""

    sent: int = 0
    held_back: int = 0
    dropped: int = 0
    unanswered: int = 0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def camera_frames(count: int = DIFFERENT_FRAMES) -> list[bytes]:
    """`count` JPEGs of 320x240, each moved, scaled and lit a little differently."""
    chance = random.Random(0)
    picture = Image.open(ASTRONAUT).convert("RGB")
    frames = []
    for _ in range(count):
        width = chance.randint(380, 500)
        left, top = chance.randint(0, 512 - width), chance.randint(0, 512 - width * 3 // 4) // 3
        frame = picture.crop((left, top, left + width, top + width * 3 // 4)).resize((320, 240))
        frame = ImageEnhance.Brightness(frame).enhance(chance.uniform(0.8, 1.2))
        encoded = io.BytesIO()
        frame.save(encoded, "JPEG", quality=80)
        frames.append(encoded.getvalue())
    return frames


async def ticks(fps: float, seconds: float, first: float):
    """Yield the frame's index at an even pace, skipping missed ones; cameras start staggered."""
    begin = time.perf_counter() + first
    tick = 0
    while tick < seconds * fps:
        await asyncio.sleep(max(0.0, begin + tick / fps - time.perf_counter()))
        yield tick
        tick = max(tick + 1, int((time.perf_counter() - begin) * fps))


async def live_camera(arguments: argparse.Namespace, frames: list[bytes], first: float, tally: Tally) -> None:
    """One WebSocket: sends at its pace, at most `--in-flight` frames ahead of their answers."""
    waiting: dict[int, float] = {}
    dropped = 0

    async def listen() -> None:
        nonlocal dropped
        async for text in socket:
            answer = json.loads(text)
            if answer["type"] == "prediction":
                tally.latencies.append(time.perf_counter() - waiting.pop(answer["frame"]))
                for older in [number for number in waiting if number < answer["frame"]]:
                    del waiting[older]
                dropped = answer["dropped"]
            elif answer["type"] == "error":
                tally.errors[answer["code"]] += 1
                waiting.pop(answer.get("frame"), None)

    try:
        async with connect(
            f"{arguments.url}/ws/live/", compression=None, max_queue=None, open_timeout=60
        ) as socket:
            listening = asyncio.create_task(listen())
            async for tick in ticks(arguments.fps, arguments.seconds, first):
                if arguments.in_flight and len(waiting) >= arguments.in_flight:
                    tally.held_back += 1
                    continue
                waiting[tick] = time.perf_counter()
                tally.sent += 1
                await socket.send(struct.pack("<I", tick) + frames[tick % len(frames)])
            deadline = time.perf_counter() + PATIENCE_SECONDS
            while waiting and time.perf_counter() < deadline:
                await asyncio.sleep(0.01)
            listening.cancel()
    except (ConnectionClosed, OSError) as error:
        tally.errors[type(error).__name__] += 1
    tally.dropped += dropped
    tally.unanswered += len(waiting)


async def http_camera(arguments: argparse.Namespace, frames: list[bytes], first: float, tally: Tally) -> None:
    """One kept-alive HTTP connection: one request a frame, the next not before the answer."""
    where = urlsplit(arguments.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port or 80)
    requests = [http_request(where.netloc, frame) for frame in frames]
    try:
        async for tick in ticks(arguments.fps, arguments.seconds, first):
            started = time.perf_counter()
            tally.sent += 1
            writer.write(requests[tick % len(requests)])
            status, _ = await read_response(reader)
            if status == 200:
                tally.latencies.append(time.perf_counter() - started)
            else:
                tally.errors[str(status)] += 1
    except (asyncio.IncompleteReadError, OSError) as error:
        tally.errors[type(error).__name__] += 1
    finally:
        writer.close()


def http_request(host: str, frame: bytes) -> bytes:
    """The bytes of one POST with the frame as a data URL, as the original's page sent it."""
    body = json.dumps({"image": "data:image/jpeg;base64," + base64.b64encode(frame).decode()}).encode()
    head = (
        f"POST /api/predict/stream HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def read_response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one response, with a length or chunked."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").lower()
    status = int(head.split(" ", 2)[1])
    for line in head.split("\r\n"):
        if line.startswith("content-length:"):
            return status, await reader.readexactly(int(line.partition(":")[2]))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return status, body


async def watch_memory(pid: int, readings: list[int]) -> None:
    """Append the process's resident bytes twice a second until cancelled."""
    process = psutil.Process(pid)
    while True:
        readings.append(process.memory_info().rss)
        await asyncio.sleep(0.5)


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Run all cameras to the end and sum up."""
    frames = camera_frames()
    tally, memory = Tally(), []
    process = psutil.Process(arguments.pid) if arguments.pid else None
    watching = asyncio.create_task(watch_memory(arguments.pid, memory)) if process else None
    cpu_before = sum(process.cpu_times()[:2]) if process else 0.0
    camera = live_camera if arguments.mode == "ws" else http_camera
    started = time.perf_counter()
    await asyncio.gather(
        *(
            camera(arguments, frames, index / arguments.cameras / arguments.fps, tally)
            for index in range(arguments.cameras)
        )
    )
    seconds = time.perf_counter() - started
    summary: dict[str, object] = {
        "mode": arguments.mode,
        "cameras": arguments.cameras,
        "fps": arguments.fps,
        "seconds": round(seconds, 1),
        "sent_per_second": round(tally.sent / arguments.seconds, 1),
        "answered_per_second": round(len(tally.latencies) / arguments.seconds, 1),
        "held_back": tally.held_back,
        "dropped": tally.dropped,
        "unanswered": tally.unanswered,
        "errors": dict(tally.errors),
    }
    if tally.latencies:
        for percent in (50, 95, 99):
            summary[f"p{percent}_ms"] = round(float(np.percentile(tally.latencies, percent)) * 1000, 1)
    if process and watching:
        watching.cancel()
        summary["web_rss_mb"] = round(max(memory) / 1e6, 1)
        summary["web_cpu_percent"] = round((sum(process.cpu_times()[:2]) - cpu_before) / seconds * 100)
    return summary


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="ws://127.0.0.1:8000", help="the site, without a path")
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--fps", type=float, default=3.0, help="frames a second of each camera")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--mode", choices=("ws", "http"), default="ws")
    parser.add_argument(
        "--in-flight", type=int, default=2, help="ws: unanswered frames a camera may have; 0: any number"
    )
    parser.add_argument("--pid", type=int, help="the web process, to watch its memory and processor time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    summary = asyncio.run(measure(arguments))
    if arguments.json:
        print(json.dumps(summary))
        return
    for name, value in summary.items():
        print(f"{name:>20}  {value}")


if __name__ == "__main__":
    main()
