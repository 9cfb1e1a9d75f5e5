"""Send a site the worst pictures that its limits let pass, all at once, and see what memory that takes.

    python tools/bench/uploads.py
    python tools/bench/uploads.py --kind png --path /api/predict/stream --addresses 8

The picture has as many pixels as one may have, lies on its side, is partly transparent and is as long as a
file may be. A site is started for it; `peak_mb` is the most that its web process was ever resident with. It
ends with 1 over `--max-peak`, or when something was answered other than 200 or 503. Linux only.
"""

import argparse
import base64
import io
import json
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from detector.conf import HamsterConfig  # noqa: E402
from tools.bench.own_site import OwnSite  # noqa: E402

SIZE = (6000, 4000)
ORIENTATION, ON_ITS_SIDE = 0x0112, 6
PATIENCE_SECONDS = 120.0
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="worst"\r\n\r\n'


def worst_picture(kind: str) -> bytes:
    """A file of 24 megapixels and 10 MiB, most of which follows the picture."""
    exif = Image.Exif()
    exif[ORIENTATION] = ON_ITS_SIDE
    file = io.BytesIO()
    picture = Image.new("RGBA", SIZE, (200, 100, 50, 128))
    picture.save(file, kind, exif=exif, **{"lossless": True, "method": 0} if kind == "webp" else {})
    return file.getvalue().ljust(HamsterConfig().upload_max_bytes, b"\0")


def request_of(path: str, picture: bytes) -> tuple[bytes, str]:
    """The body, as the address wants it, and its type."""
    if path.endswith("/stream"):
        return json.dumps({"image": base64.b64encode(picture).decode()}).encode(), "application/json"
    return HEAD + picture + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def post(url: str, path: str, body: bytes, content_type: str, source: str) -> tuple[int, Message, bytes]:
    """Send a body from a local address; the answer's status, headers and body."""
    address = urlsplit(url)
    connection = HTTPConnection(
        address.hostname, address.port, timeout=PATIENCE_SECONDS, source_address=(source, 0)
    )
    connection.request("POST", path, body, {"Content-Type": content_type})
    with connection.getresponse() as answer:
        return answer.status, answer.headers, answer.read()


def peak_bytes(pid: int) -> int:
    """The most that a process was ever resident with."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def main() -> int:
    """Start a site and send everything; 1 when something did not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=("png", "webp"), default="webp")
    parser.add_argument("--path", default="/pictures/")
    parser.add_argument("--count", type=int, default=29, help="pictures at once")
    parser.add_argument("--addresses", type=int, default=1, help="they come from so many")
    parser.add_argument("--max-peak", type=float, help="fail when it takes more megabytes")
    arguments = parser.parse_args()
    body, content_type = request_of(arguments.path, worst_picture(arguments.kind))
    sources = [f"127.0.0.{2 + number % arguments.addresses}" for number in range(arguments.count)]
    with OwnSite() as site, ThreadPoolExecutor(arguments.count) as threads:
        web = site.processes("web")[0].pid
        before = peak_bytes(web)
        answers = threads.map(
            lambda source: post(site.url, arguments.path, body, content_type, source), sources
        )
        statuses = Counter(status for status, *_ in answers)
        peak = peak_bytes(web)
    summary = {
        **{"kind": arguments.kind, "path": arguments.path, "addresses": arguments.addresses},
        "answers": dict(statuses),
        "before_mb": round(before / 1e6, 1),
        "peak_mb": round(peak / 1e6, 1),
    }
    print(json.dumps(summary))
    too_much = arguments.max_peak is not None and peak / 1e6 > arguments.max_peak
    return int(too_much or not statuses.keys() <= {200, 503})


if __name__ == "__main__":
    sys.exit(main())
