"""Let many clients dawdle at the site, and measure what the others notice of it.

    python tools/slow_clients.py
    python tools/slow_clients.py --kind body --clients 200 --seconds 60

`head`: the request's head a byte a second. `body`: the same with the body of a picture. `unread`: many large
files asked for and none of the answers read. Whoever is cut off comes again at once, so that there are always
as many. A few cameras and a reader of /health are the others; they are measured before and meanwhile. The
command starts a site of its own, and ends with 1 when one of the others met an error, when their p95 grew to
more than 200 ms and more than half as much again, or when memory still grew by 3 % after a third of the time.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.bench.live_load import Tally, camera_frames, live_camera, memory_figures, total, watch_memory
from tools.bench.own_site import OwnSite

LARGE_FILE = "/static/webui/vendor/chartjs/chart.umd.min.js"
ASKED_AT_ONCE = 50
PAUSE_SECONDS = 1.0
CAMERAS = 5
CAMERA_FPS = 2.0
HELD_MS = 200.0
HELD_FACTOR = 1.5
GROWTH_PERCENT = 3.0
HEADS = {
    "head": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: dawdler\r\n",
    "body": "POST /api/predict/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: 100000\r\n\r\n",
    "unread": f"GET {LARGE_FILE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * ASKED_AT_ONCE,
}


async def dawdle(kind: str, port: int, counts: Counter[str]) -> None:
    """One client, for ever: connects, dawdles until it is cut off, and comes again."""
    while True:
        client = socket.socket()
        client.setblocking(False)
        if kind == "unread":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(client, ("127.0.0.1", port))
            counts["connected"] += 1
            counts["now"] += 1
            try:
                async for piece in pieces(kind):
                    await loop.sock_sendall(client, piece)
                    if kind != "unread":
                        with contextlib.suppress(BlockingIOError):
                            if not client.recv(4096):  # an end, after the answer
                                break
            finally:
                counts["now"] -= 1
            counts["cut off"] += 1
        except (ConnectionResetError, BrokenPipeError):
            counts["cut off"] += 1
        except OSError as error:
            counts[type(error).__name__] += 1
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            client.close()


async def pieces(kind: str) -> AsyncIterator[bytes]:
    """What a client sends: slowly, and for ever if nobody stops it."""
    head = HEADS[kind].encode()
    if kind == "head":
        for byte in head:
            yield bytes([byte])
            await asyncio.sleep(PAUSE_SECONDS)
    else:
        yield head
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        yield b"X"


async def ask_health(port: int, tally: Tally) -> None:
    """A small request twice a second, for ever, each on a connection of its own."""
    while True:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(30):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                answer = await reader.read()
                writer.close()
            if answer.startswith(b"HTTP/1.1 200"):
                tally.latencies.append(time.perf_counter() - started)
            else:
                tally.errors[answer[9:12].decode("latin1") or "no answer"] += 1
        except (OSError, TimeoutError) as error:
            tally.errors[type(error).__name__] += 1
        await asyncio.sleep(0.5)


async def others(site: OwnSite, seconds: float) -> tuple[Tally, Tally]:
    """What cameras and the reader of /health met within these seconds."""
    arguments = argparse.Namespace(
        url=site.url.replace("http", "ws", 1), fps=CAMERA_FPS, seconds=seconds, in_flight=2
    )
    frames, tallies, small = camera_frames(), [Tally() for _ in range(CAMERAS)], Tally()
    asking = asyncio.create_task(ask_health(site.port, small))
    await asyncio.gather(
        *(
            live_camera(arguments, frames, index / CAMERAS / CAMERA_FPS, tally)
            for index, tally in enumerate(tallies)
        )
    )
    asking.cancel()
    return total(tallies), small


async def measure(site: OwnSite, kind: str, clients: int, seconds: float) -> dict[str, object]:
    """The others alone, then with the dawdlers."""
    counts: Counter[str] = Counter()
    memory: list[tuple[float, int]] = []
    quiet = await others(site, seconds / 3)
    watching = asyncio.create_task(watch_memory(site.processes("web")[0].pid, memory))
    dawdlers = [asyncio.create_task(dawdle(kind, site.port, counts)) for _ in range(clients)]
    meanwhile = await others(site, seconds)
    at_the_end = counts["now"]
    for task in [watching, *dawdlers]:
        task.cancel()
    await asyncio.gather(*dawdlers, return_exceptions=True)
    return {
        "kind": kind,
        "clients": clients,
        "connected_at_the_end": at_the_end,
        "cut_off": counts["cut off"],
        "camera_p95_ms": [p95(quiet[0]), p95(meanwhile[0])],
        "health_p95_ms": [p95(quiet[1]), p95(meanwhile[1])],
        "errors": dict(meanwhile[0].errors + meanwhile[1].errors),
        "web_rss_before_mb": round(memory[0][1] / 1e6, 1),
        **memory_figures(memory, seconds / 3, seconds),
    }


def p95(tally: Tally) -> float | None:
    """Milliseconds that 19 of 20 answers do not exceed; None without an answer."""
    return round(float(np.percentile(tally.latencies, 95)) * 1000, 1) if tally.latencies else None


def broken_limits(summary: dict[str, object]) -> list[str]:
    """What did not hold, in words."""
    broken = [f"errors: {summary['errors']}"] if summary["errors"] else []
    for name in ("camera_p95_ms", "health_p95_ms"):
        quiet, meanwhile = summary[name]
        if quiet is None or meanwhile is None or meanwhile > max(HELD_MS, HELD_FACTOR * quiet):
            broken.append(f"{name} went from {quiet} to {meanwhile}")
    if summary["web_growth_percent"] > GROWTH_PERCENT:
        broken.append(f"memory grew by {summary['web_growth_percent']} %")
    return broken


def main() -> int:
    """Measure and print a line a kind; 1 when something did not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=sorted(HEADS), action="append", help="all, if not given")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each kind")
    arguments = parser.parse_args()
    failed = False
    print(f"{os.cpu_count()} cores")
    with OwnSite() as site:
        for kind in arguments.kind or sorted(HEADS):
            summary = asyncio.run(measure(site, kind, arguments.clients, arguments.seconds))
            print(json.dumps(summary), flush=True)
            for what in broken_limits(summary):
                failed = True
                print(f"{kind}: {what}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
