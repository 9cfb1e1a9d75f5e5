"""Drive a running site with many cameras and measure how long each frame's answer takes.

    python tools/bench/live_load.py --url ws://127.0.0.1:8000 --cameras 40 --fps 3 --seconds 30 --pid PID
    python tools/bench/live_load.py --url ws://127.0.0.1:8000 --cameras 40 --fps 3 --seconds 30 --mode http
    python tools/bench/live_load.py --own --cameras 100 --fps 2 --seconds 600 --max-p95 200 --max-growth 3
    python tools/bench/live_load.py --own --cameras 50 --fps 7 --seconds 60 --in-flight 0 --max-p95 500
    python tools/bench/live_load.py --own --proxy --cameras 45 --fps 2 --seconds 20

`--own` starts a site for the time of the measurement, with `--proxy` behind docker-compose.yml's nginx. It
ends with 1 when there was an error, when a camera got less than half of the mean's answers, or over one of
the limits.

`ws` speaks the live protocol; with `--in-flight 0` cameras send whatever the answers do, which is overload
as it comes. `http` is the way of the original service: one POST /api/predict/stream with base64 in JSON for
each frame, on a kept-alive connection. Frames are 320x240 JPEGs of one astronaut, all a little different;
with `--no-face` of the same pictures without the head.

All cameras come from one address. A site that was started with the default settings refuses what is too much
of one, and its limits are what you measure: for more than 50 cameras start it with
HAMSTER_LIVE_MAX_PER_ADDRESS=0 and HAMSTER_SOCKET_RATE= (empty), for `http` with HAMSTER_STREAM_RATE= (empty).
"""

import argparse
import asyncio
import base64
import io
import json
import os
import random
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
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

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.site.proxy import Proxy, make_secrets, missing_programs  # noqa: E402
from tools.bench.own_site import OwnSite  # noqa: E402

ASTRONAUT = ROOT / "webui/static/webui/sample/astronaut.jpg"
HEAD = (150, 0, 310, 230)
"""Where the astronaut's head is, in pixels."""
DIFFERENT_FRAMES = 24
PATIENCE_SECONDS = 5.0
FRESH_SECONDS = 0.25
"""As old as the newest unanswered frame is when a camera replaces it, as the page does."""
LEAST_SHARE = 0.5
"""A camera with less than this share of the mean's answers starves."""
SAMPLE_SECONDS = 0.5
WINDOW_SECONDS = 20.0
"""Memory is compared between the means of two windows of this length."""


@dataclass
class Tally:
    """What happened to the frames of one camera or of all. Latencies are seconds from sent to answered."""

    sent: int = 0
    held_back: int = 0
    dropped: int = 0
    unanswered: int = 0
    faces: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


def total(tallies: list[Tally]) -> Tally:
    """All cameras together."""
    return Tally(
        **{
            name: sum(getattr(tally, name) for tally in tallies)
            for name in (
                *("sent", "held_back", "dropped", "unanswered"),
                *("faces", "bytes_up", "bytes_down"),
            )
        },
        latencies=[latency for tally in tallies for latency in tally.latencies],
        errors=sum((tally.errors for tally in tallies), Counter()),
    )


def worst_share(tallies: list[Tally]) -> float:
    """Answers of the camera with the fewest, as a share of the mean; 0 when nobody got any."""
    answered = [len(tally.latencies) for tally in tallies]
    return min(answered) / (sum(answered) / len(answered)) if any(answered) else 0.0


def camera_frames(count: int = DIFFERENT_FRAMES, *, face: bool = True) -> list[bytes]:
    """`count` JPEGs of 320x240, each moved, scaled and lit a little differently."""
    chance = random.Random(0)
    picture = Image.open(ASTRONAUT).convert("RGB")
    if not face:
        picture.paste(picture.getpixel((0, 0)), HEAD)
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
    """One WebSocket: sends at its pace, at most `--in-flight` fresh frames ahead of their answers."""
    waiting: dict[int, float] = {}
    dropped = 0

    async def listen() -> None:
        nonlocal dropped
        with suppress(ConnectionClosed):  # whoever sends next is told
            async for text in socket:
                answer = json.loads(text)
                if answer["type"] == "prediction":
                    tally.latencies.append(time.perf_counter() - waiting.pop(answer["frame"]))
                    for older in [number for number in waiting if number < answer["frame"]]:
                        del waiting[older]
                    dropped = answer["dropped"]
                    tally.faces += len(answer["faces"])
                    tally.bytes_down += len(text)
                elif answer["type"] == "error":
                    tally.errors[answer["code"]] += 1
                    waiting.pop(answer.get("frame"), None)

    try:
        async with connect(
            f"{arguments.url}/ws/live/", compression=None, max_queue=None, open_timeout=60
        ) as socket:
            listening = asyncio.create_task(listen())
            async for tick in ticks(arguments.fps, arguments.seconds, first):
                newest = max(waiting.values(), default=0.0)
                is_fresh = time.perf_counter() - newest < FRESH_SECONDS
                if arguments.in_flight and len(waiting) >= arguments.in_flight and is_fresh:
                    tally.held_back += 1
                    continue
                waiting[tick] = time.perf_counter()
                tally.sent += 1
                message = struct.pack("<I", tick) + frames[tick % len(frames)]
                tally.bytes_up += len(message)
                await socket.send(message)
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


async def watch_memory(pid: int, readings: list[tuple[float, int]]) -> None:
    """Append seconds since the start and the process's resident bytes, twice a second, until cancelled."""
    process, started = psutil.Process(pid), time.perf_counter()
    while True:
        readings.append((time.perf_counter() - started, process.memory_info().rss))
        await asyncio.sleep(SAMPLE_SECONDS)


def memory_figures(readings: list[tuple[float, int]], settled: float, seconds: float) -> dict[str, float]:
    """Megabytes once settled, at the end and at most; the growth from settled to end in percent."""

    def mean_from(begin: float) -> float:
        window = [rss for at, rss in readings if begin <= at <= begin + WINDOW_SECONDS]
        return sum(window) / max(1, len(window))

    early, late = mean_from(settled), mean_from(max(settled, seconds - WINDOW_SECONDS))
    return {
        "web_rss_settled_mb": round(early / 1e6, 1),
        "web_rss_end_mb": round(late / 1e6, 1),
        "web_rss_mb": round(max(rss for _, rss in readings) / 1e6, 1),
        "web_growth_percent": round((late / early - 1) * 100, 2) if early else 0.0,
    }


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Run all cameras to the end and sum up."""
    frames = camera_frames(face=not arguments.no_face)
    tallies = [Tally() for _ in range(arguments.cameras)]
    memory: list[tuple[float, int]] = []
    process = psutil.Process(arguments.pid) if arguments.pid else None
    watching = asyncio.create_task(watch_memory(arguments.pid, memory)) if process else None
    cpu_before = sum(process.cpu_times()[:2]) if process else 0.0
    others_before = psutil.cpu_times()
    camera = live_camera if arguments.mode == "ws" else http_camera
    started = time.perf_counter()
    await asyncio.gather(
        *(
            camera(arguments, frames, index / arguments.cameras / arguments.fps, tally)
            for index, tally in enumerate(tallies)
        )
    )
    seconds = time.perf_counter() - started
    tally = total(tallies)
    busy = psutil.cpu_times()
    summary: dict[str, object] = {
        "mode": arguments.mode,
        "picture": "no face" if arguments.no_face else "one face",
        "cores": os.cpu_count(),
        "cameras": arguments.cameras,
        "fps": arguments.fps,
        "seconds": round(seconds, 1),
        "sent_per_second": round(tally.sent / arguments.seconds, 1),
        "answered_per_second": round(len(tally.latencies) / arguments.seconds, 1),
        "worst_to_mean": round(worst_share(tallies), 2),
        "faces_per_answer": round(tally.faces / max(1, len(tally.latencies)), 2),
        "bytes_per_frame": round(tally.bytes_up / max(1, tally.sent)),
        "bytes_per_answer": round(tally.bytes_down / max(1, len(tally.latencies))),
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
        summary |= memory_figures(memory, arguments.settled, arguments.seconds)
        web_seconds = sum(process.cpu_times()[:2]) - cpu_before
        own_seconds = time.process_time()
        all_seconds = sum(busy) - busy.idle - (sum(others_before) - others_before.idle)
        summary["web_cpu_percent"] = round(web_seconds / seconds * 100)
        summary["other_cpu_percent"] = round(max(0, all_seconds - web_seconds - own_seconds) / seconds * 100)
        if tally.latencies:
            summary["web_cpu_ms_per_answer"] = round(web_seconds / len(tally.latencies) * 1000, 2)
    return summary


def measure_own(arguments: argparse.Namespace) -> dict[str, object]:
    """The same of a site of one's own."""
    with OwnSite() as site:
        arguments.url = site.url.replace("http", "ws", 1)
        arguments.pid = site.processes("web")[0].pid
        return measure_proxy(arguments, site) if arguments.proxy else asyncio.run(measure(arguments))


def measure_proxy(arguments: argparse.Namespace, site: OwnSite) -> dict[str, object]:
    """The same through the proxy, whose processor time is added."""
    secrets = site.folder / "secrets"
    make_secrets(secrets)
    proxy = Proxy(site.folder, secrets, f"127.0.0.1:{site.port}")
    proxy.start()
    try:
        arguments.url = proxy.url.replace("http", "ws", 1)
        os.environ["SSL_CERT_FILE"] = str(proxy.certificate)  # which the cameras trust
        before = proxy.processor_seconds()
        summary = asyncio.run(measure(arguments))
        spent = proxy.processor_seconds() - before
    finally:
        proxy.stop()
    frames = max(1.0, float(str(summary["sent_per_second"])) * arguments.seconds)
    return summary | {"proxy_cpu_ms_per_frame": round(spent / frames * 1000, 2)}


def broken_limits(summary: dict[str, object], arguments: argparse.Namespace) -> list[str]:
    """What did not hold, in words."""
    broken = []
    if summary["errors"]:
        broken.append(f"there were errors: {summary['errors']}")
    if summary["worst_to_mean"] < LEAST_SHARE:
        broken.append(f"a camera got {summary['worst_to_mean']} of the mean's answers")
    for limit, name in ((arguments.max_p95, "p95_ms"), (arguments.max_growth, "web_growth_percent")):
        if limit is not None and summary.get(name, float("inf")) > limit:
            broken.append(f"{name} is {summary.get(name)}, more than {limit:g}")
    return broken


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
    parser.add_argument("--own", action="store_true", help="start a site of one's own for it")
    parser.add_argument("--proxy", action="store_true", help="with --own, ws: through the proxy")
    parser.add_argument("--no-face", action="store_true", help="pictures without a face")
    parser.add_argument("--max-p95", type=float, help="fail when 95 of 100 answers take more milliseconds")
    parser.add_argument("--max-growth", type=float, help="fail when the memory grows by more percent")
    parser.add_argument(
        "--settled", type=float, help="seconds from which memory counts (default: a fifth of all)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.proxy and not (arguments.own and arguments.mode == "ws"):
        parser.error("--proxy goes with --own and ws")
    if arguments.proxy and missing_programs():
        parser.error(f"--proxy needs {', '.join(missing_programs())}")
    if arguments.settled is None:
        arguments.settled = arguments.seconds / 5
    return arguments


def main() -> int:
    """Measure and print; 1 when something did not hold."""
    arguments = parse_arguments()
    summary = measure_own(arguments) if arguments.own else asyncio.run(measure(arguments))
    if arguments.json:
        print(json.dumps(summary))
    else:
        for name, value in summary.items():
            print(f"{name:>22}  {value}")
    broken = broken_limits(summary, arguments)
    for what in broken:
        print(what, file=sys.stderr)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
