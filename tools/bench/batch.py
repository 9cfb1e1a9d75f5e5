"""Hand 1,000 pictures to a running site as one batch and measure how many a second its workers look at.

    python tools/bench/batch.py --url http://127.0.0.1:8000 --user admin --password secret
    python tools/bench/batch.py --url http://127.0.0.1:8000 --user admin --password secret --visit 5
    python tools/bench/batch.py --url http://127.0.0.1:8000 --user admin --password secret --bare 2

Signs in as a person does, with any account. The pictures are 640x480 JPEGs of one astronaut, each
moved and scaled a little; they are made before the clock starts.

With `--visit N` somebody else asks for the camera page and for /health N times a second each: first a few
seconds while nothing else happens, then from the handing in of the batch until its end. So it is seen how
usable the pages stay. Milliseconds count from when a request was due, so a slow one is not left out of the
figures by delaying the next.

With `--bare N` the same pictures are then looked at by N processes that do nothing else, with the shipped
detector: all that this machine could do at this moment, and the share of it that the site makes use of.
"""

import argparse
import io
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

try:
    import httpx
    from skimage import data
except ImportError as error:
    sys.exit(f"{error.name} is missing: pip install -r requirements-dev.txt")

LOOK_INTERVAL = 0.2  # seconds
OPEN = ("queued", "running")
VISITED = {"camera_page_ms": "/", "health_ms": "/health"}
QUIET_SECONDS = 5.0


def make_pictures(count: int) -> list[bytes]:
    """`count` JPEGs of 640x480, all different, each with the astronaut's face whole in it."""
    chance = random.Random(0)
    astronaut = Image.fromarray(data.astronaut())
    pictures = []
    for _ in range(count):
        width = chance.randint(300, 500)
        height = width * 3 // 4
        left = chance.randint(max(0, 290 - width), min(160, 512 - width))
        crop = astronaut.crop((left, 0, left + width, height)).resize((640, 480))
        encoded = io.BytesIO()
        crop.save(encoded, "JPEG", quality=85)
        pictures.append(encoded.getvalue())
    return pictures


def sign_in(client: httpx.Client, user: str, password: str) -> None:
    """Open a session as a person does. Exits when the site refuses."""
    client.get("/accounts/login/").raise_for_status()
    token = client.cookies["csrftoken"]
    form = {"username": user, "password": password, "csrfmiddlewaretoken": token}
    client.post("/accounts/login/", data=form)
    if "sessionid" not in client.cookies:
        sys.exit(f"The site does not let {user} into /admin/.")
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]


def measure(client: httpx.Client, pictures: list[bytes]) -> dict[str, object]:
    """Hand the pictures in, wait for the end, and delete the batch again."""
    files = [
        ("files", (f"{number}.jpg", picture, "image/jpeg")) for number, picture in enumerate(pictures, 1)
    ]
    started = time.perf_counter()
    answer = client.post("/api/batches/", files=files)
    if answer.status_code != 202:
        sys.exit(f"The site took no batch: {answer.status_code} {answer.text[:500]}")
    handed_in = time.perf_counter()
    row = answer.json()
    address = f"/api/batches/{row['id']}/"
    while row["state"] in OPEN:
        time.sleep(LOOK_INTERVAL)
        row = client.get(address).raise_for_status().json()
    ended = time.perf_counter()
    items = client.get(f"{address}download/?as=json").raise_for_status().json()
    client.delete(address)
    return {
        "state": row["state"],
        "pictures": len(pictures),
        "megabytes": round(sum(map(len, pictures)) / 1e6, 1),
        "with_faces": sum(bool(item["prediction"] and item["prediction"]["boxes"]) for item in items),
        "failed": row["counts"]["failed"],
        "detector": row["detector"],
        "handing_in_seconds": round(handed_in - started, 2),
        "working_seconds": round(ended - handed_in, 2),
        "pictures_per_second": round(len(pictures) / (ended - started), 1),
    }


def visit(url: str, path: str, rate: float, stop: threading.Event) -> list[float]:
    """Milliseconds from due to answered of `rate` requests a second until `stop`."""
    found: list[float] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        due = time.perf_counter()
        while not found or not stop.wait(max(0.0, due - time.perf_counter())):
            client.get(path).raise_for_status()
            found.append(1000 * (time.perf_counter() - due))
            due += 1 / rate
    return found


@contextmanager
def visited(url: str, rate: float) -> Iterator[dict[str, dict[str, float]]]:
    """Visit the pages meanwhile; how long they took is in the dictionary when the block has ended."""
    figures: dict[str, dict[str, float]] = {}
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        visits = {name: pool.submit(visit, url, path, rate, stop) for name, path in VISITED.items()}
        try:
            yield figures
        finally:
            stop.set()
        for name, done in visits.items():
            shares = np.percentile(done.result(), (50, 95, 100)).round(1).tolist()
            figures[name] = dict(zip(("p50", "p95", "slowest"), shares, strict=True))


def measure_with_visits(
    client: httpx.Client, pictures: list[bytes], url: str, rate: float
) -> dict[str, object]:
    """What `measure` says, and how long the pages took before the batch and meanwhile."""
    with visited(url, rate) as quiet:
        time.sleep(QUIET_SECONDS)
    with visited(url, rate) as busy:
        summary = measure(client, pictures)
    return summary | {name: {"quiet": quiet[name], "meanwhile": busy[name]} for name in VISITED}


def look_at(pictures: list[bytes]) -> tuple[float, float]:
    """Load the shipped detector and look at the pictures; when it began with that, and when it ended, in
    seconds of a clock that all processes share."""
    from ml.predictor import SHIPPED_WEIGHTS, Predictor  # what asks a site elsewhere need not have it

    predictor = Predictor(SHIPPED_WEIGHTS)
    predictor.predict(pictures[0])
    started = time.monotonic()
    for picture in pictures:
        predictor.predict(picture)
    return started, time.monotonic()


def measure_bare(pictures: list[bytes], processes: int) -> float:
    """Pictures a second of so many processes, one thread each, that share the pictures."""
    shares = [pictures[number::processes] for number in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        started, ended = zip(*pool.map(look_at, shares), strict=True)
    return len(pictures) / (max(ended) - min(started))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the site, without a path")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--visit", type=float, metavar="N", help="pages asked for a second meanwhile")
    parser.add_argument("--bare", type=int, metavar="N", help="then measure N processes without the site")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.bare is not None and not 1 <= arguments.bare <= arguments.pictures:
        parser.error("--bare takes 1 process or more, and no more than there are pictures")
    pictures = make_pictures(arguments.pictures)
    with httpx.Client(base_url=arguments.url, timeout=300) as client:
        sign_in(client, arguments.user, arguments.password)
        if arguments.visit:
            summary = measure_with_visits(client, pictures, arguments.url, arguments.visit)
        else:
            summary = measure(client, pictures)
    if arguments.bare:
        bare = measure_bare(pictures, arguments.bare)
        share = summary["pictures_per_second"] / bare
        summary |= {"bare_pictures_per_second": round(bare, 1), "share_of_bare": round(share, 2)}
    if arguments.json:
        print(json.dumps(summary))
        return
    for name, value in summary.items():
        print(f"{name:>20}  {value}")


if __name__ == "__main__":
    main()
