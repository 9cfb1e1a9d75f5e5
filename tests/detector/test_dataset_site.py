"""Uploads of data sets at the real server: how large, by whom, and never in memory."""

import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path

import pytest

from tests.detector.datasets import drawn, files_of, zip_file
from tests.detector.live_site import LiveSite
from tests.detector.test_live_site_http import post

TOKEN = "t" * 32
MOST = 10**17
PEOPLE = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
for name, is_staff in (("keeper", True), ("somebody", False)):
    user = get_user_model().objects.create_user(name, is_staff=is_staff)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    print("key", name, session.session_key)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, red_one) -> Iterator[LiveSite]:
    site = LiveSite(tmp_path_factory.mktemp("site"), red_one, HAMSTER_DATASET_MAX_BYTES=str(MOST))
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def cookies(site) -> dict[str, str]:
    """Those of somebody, and of a member of the staff."""
    said = site.manage("shell", "-c", PEOPLE).splitlines()
    keys = [line.split()[1:] for line in said if line.startswith("key ")]
    return {name: f"Cookie: sessionid={key}; csrftoken={TOKEN}" for name, key in keys}


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    """A data set of about 100 MB: noise can't be packed."""
    folder = tmp_path_factory.mktemp("large")
    entries = files_of(drawn(folder / "set"))
    picture = next(content for name, content in entries if name.endswith(".jpg"))
    noise = picture + bytes(range(256)) * 40_000  # bytes after the end of a JPEG do no harm
    entries += [(f"train/images/large{number}.jpg", noise) for number in range(10)]
    return zip_file(folder / "set.zip", entries, zipfile.ZIP_STORED).read_bytes()


def body_of(name: str, archive: bytes) -> bytes:
    head = '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + name
    head += '\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="set.zip"\r\n\r\n'
    return head.encode() + archive + b"\r\n--b--\r\n"


def send(site: LiveSite, pieces: Iterable[bytes], length: int, *headers: str, path: str = "/api/datasets/"):
    own = ("Content-Type: multipart/form-data; boundary=b", f"X-CSRFToken: {TOKEN}")
    return post(site, path, [*own, f"Content-Length: {length}", *headers], pieces)


def in_pieces(body: bytes) -> Iterator[bytes]:
    return (body[start : start + 65_536] for start in range(0, len(body), 65_536))


def peak_memory(site: LiveSite) -> int:
    """The most bytes that the process was ever resident with."""
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def uploads(site: LiveSite) -> list[Path]:
    return list((Path(site.environment["VAR_DIR"]) / "datasets").glob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_staff_upload_a_large_set_that_is_never_in_memory(site, cookies, archive):
    body = body_of("large", archive)
    assert len(body) > 100_000_000
    before = peak_memory(site)
    status, row = send(site, in_pieces(body), len(body), cookies["keeper"])
    assert (status, row.get("state")) == (201, "queued"), row
    assert peak_memory(site) - before < 60_000_000
    assert len(list((Path(row["folder"]) / "train" / "images").iterdir())) == 19
    assert uploads(site) == [Path(row["folder"])]


@pytest.mark.parametrize("who", ["somebody", "nobody"])
def test_others_may_not_send_more_than_anybody(site, cookies, archive, who):
    body = body_of("theirs", archive)
    headers = [cookies[who]] if who in cookies else []
    status, answer = send(site, in_pieces(body), len(body), *headers)
    assert (status, answer["error"]["code"]) == (413, "request_too_large")


def test_other_addresses_take_no_more_from_staff(site, cookies, archive):
    body = body_of("elsewhere", archive)
    status, answer = send(site, in_pieces(body), len(body), cookies["keeper"], path="/api/predict")
    assert (status, answer["error"]["code"]) == (413, "request_too_large")


def test_a_body_over_the_limit_is_refused_before_it_arrives(site, cookies):
    before = site.memory()
    status, answer = send(site, repeat(bytes(50_000), 6000), MOST * 10, cookies["keeper"])
    assert (status, answer["error"]["code"]) == (413, "request_too_large")
    assert site.memory() - before < 20_000_000


def test_more_than_the_disk_has_is_refused_at_once(site, cookies):
    status, answer = send(site, [bytes(1000)], MOST // 10, cookies["keeper"])
    assert (status, answer["error"]["code"]) == (507, "disk_full")


def test_an_upload_that_breaks_off_leaves_nothing(site, cookies, archive):
    before = uploads(site)
    body = body_of("broken", archive[: len(archive) // 2])
    status, answer = send(site, in_pieces(body), len(body), cookies["keeper"])
    assert (status, answer["error"]["code"]) == (400, "bad_archive")
    assert uploads(site) == before
