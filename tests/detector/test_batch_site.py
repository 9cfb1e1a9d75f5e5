"""Batches at the real server: whole batches as bodies, who may send them, and the bench."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from uuid import UUID

import pytest
import redis
from django.conf import settings

from tests.detector.live_site import ROOT, LiveSite
from tests.detector.pictures import encoded, scene
from tests.detector.test_live_site_http import post
from tests.detector.workers import wait_until, worker

TOKEN = "t" * 32
BATCH_BYTES = 40_000_000
LARGE = encoded(scene(), "BMP").ljust(9_000_000, b"\0")
PEOPLE = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
user = get_user_model().objects.create_superuser("keeper", password="secret-enough")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print("key", session.session_key)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, red_one) -> Iterator[LiveSite]:
    site = LiveSite(
        tmp_path_factory.mktemp("site"),
        red_one,
        HAMSTER_BATCH_MAX_BYTES=str(BATCH_BYTES),
        HAMSTER_BATCH_CHUNK="4",
    )
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def cookies(site) -> str:
    """Those of somebody signed in."""
    (key,) = [line.split()[1] for line in site.manage("shell", "-c", PEOPLE).splitlines() if "key" in line]
    return f"Cookie: sessionid={key}; csrftoken={TOKEN}"


@pytest.fixture(autouse=True)
def broker():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("batch", "unacked", "unacked_index")
        yield client
        client.delete("batch", "unacked", "unacked_index")


def peak_memory(site: LiveSite) -> int:
    """The most bytes that the process was ever resident with."""
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def batch_of(count: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x.bmp"\r\n\r\n' + LARGE + b"\r\n"
    return part * count + b"--b--\r\n"


def send(site: LiveSite, body: bytes, *headers: str, path: str = "/api/batches/") -> tuple[int, dict]:
    return post(
        site,
        path,
        [
            *("Content-Type: multipart/form-data; boundary=b", f"X-CSRFToken: {TOKEN}"),
            *(f"Content-Length: {len(body)}", *headers),
        ],
        (body[start : start + 65_536] for start in range(0, len(body), 65_536)),
    )


def test_somebody_signed_in_may_send_a_whole_batch(site, cookies):
    status, row = send(site, batch_of(3), cookies)
    assert (status, row.get("state")) == (202, "queued"), row
    assert row["counts"]["total"] == row["counts"]["queued"] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_whole_batch_is_in_memory_no_more_than_a_few_times(site, cookies):
    before, body = peak_memory(site), batch_of(4)
    assert send(site, body, cookies)[0] == 202
    assert peak_memory(site) - before < 4 * len(body)


@pytest.mark.parametrize("who", [[], ["Cookie: sessionid=invented"], ["Cookie: sessionid=\xff"]])
def test_strangers_may_not(site, who):
    status, answer = send(site, batch_of(3), *who)
    assert (status, answer["error"]["code"]) == (413, "request_too_large")


def test_a_stranger_with_a_small_batch_is_told_to_sign_in(site):
    status, answer = send(site, batch_of(1))
    assert (status, answer["error"]["code"]) == (403, "not_authenticated")


def test_other_addresses_take_no_more_from_somebody_signed_in(site, cookies):
    status, answer = send(site, batch_of(3), cookies, path="/api/predict")
    assert (status, answer["error"]["code"]) == (413, "request_too_large")


def test_a_body_over_the_limit_of_a_batch_is_refused_before_it_arrives(site, cookies):
    headers = ["Content-Type: multipart/form-data; boundary=b", "Content-Length: 60000000", cookies]
    before = site.memory()
    status, answer = post(site, "/api/batches/", headers, repeat(bytes(50_000), 1200))
    assert (status, answer["error"]["code"]) == (413, "request_too_large")
    assert site.memory() - before < 20_000_000


def test_what_a_worker_logs_of_a_batch_has_the_id_of_the_request_that_handed_it_in(site, cookies, tmp_path):
    environment = {name: value for name, value in site.environment.items() if isinstance(value, str)}
    _, row = send(site, batch_of(1), cookies, "X-Request-ID: handed-in-1")
    ended = f"batch {row['id']} succeeded"
    with worker(
        tmp_path / "log", "batch", "prefork", **{**environment, "COMPONENT": "batch", "LOG_FORMAT": "json"}
    ) as batch:
        wait_until(lambda: batch.said(ended), "the batch to end")
    entries = [json.loads(line) for line in batch.log.read_text().splitlines() if line.startswith("{")]
    (entry,) = [entry for entry in entries if entry["message"] == ended]
    assert (entry["request"], entry["component"]) == ("handed-in-1", "batch")
    assert UUID(entry["task"])
    assert f"[handed-in-1] batch {row['id']} has 1 items" in site.log.read_text()


def test_the_batch_bench_measures_a_site(site, cookies, tmp_path):
    environment = {name: value for name, value in site.environment.items() if isinstance(value, str)}
    with worker(tmp_path / "log", "batch", "prefork", **{**environment, "COMPONENT": "batch"}):
        done = subprocess.run(
            [
                *(sys.executable, "tools/bench/batch.py", "--url", f"http://127.0.0.1:{site.port}"),
                *("--user", "keeper", "--password", "secret-enough", "--pictures", "6", "--json"),
                *("--visit", "2", "--bare", "1"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["state"], summary["pictures"], summary["failed"]) == ("succeeded", 6, 0)
    assert summary["pictures_per_second"] > 0
    assert summary["bare_pictures_per_second"] > 0
    for name in ("camera_page_ms", "health_ms"):
        for figures in (summary[name]["quiet"], summary[name]["meanwhile"]):
            assert 0 < figures["p50"] <= figures["p95"] <= figures["slowest"]
