"""Accounts at the real server: what a program may send by its token, and archives for slow readers."""

import io
import os
import socket
import zipfile
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.detector.live_site import PATIENCE, LiveSite
from tests.detector.pictures import encoded, scene
from tests.detector.test_live_site_http import post

PICTURE = encoded(scene(), "BMP") + os.urandom(9_000_000)  # which no archive makes smaller
BOUNDARY = b"so-long-that-no-random-bytes-hold-it"
PEOPLE = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from detector.services.tokens import make_token
user = get_user_model().objects.create_user("mia")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print("found", session.session_key, make_token(owner=user, name="robot")[1])
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, red_one) -> Iterator[LiveSite]:
    site = LiveSite(tmp_path_factory.mktemp("site"), red_one)
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def keys(site) -> tuple[str, str]:
    """Of a session, and a token."""
    lines = site.manage("shell", "-c", PEOPLE).splitlines()
    (found,) = [line.split()[1:] for line in lines if line.startswith("found")]
    return found[0], found[1]


def batch_of(count: int) -> bytes:
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="files"; filename="%d.bmp"\r\n\r\n%b\r\n'
        % (BOUNDARY, n, PICTURE)
        for n in range(count)
    ]
    return b"".join([*parts, b"--%b--\r\n" % BOUNDARY])


def send(site: LiveSite, body: bytes, token: str) -> tuple[int, dict]:
    headers = [
        *(f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}", f"Content-Length: {len(body)}"),
        f"Authorization: Bearer {token}",
    ]
    pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    return post(site, "/api/batches/", headers, pieces)


def test_a_program_sends_a_whole_batch_by_its_token(site, keys):
    status, batch = send(site, batch_of(2), keys[1])
    assert (status, batch.get("state")) == (202, "queued"), batch


def test_a_whole_batch_by_no_token_is_cut_off(site):
    status, answer = send(site, batch_of(2), "hamster_invented")
    assert (status, answer["error"]["code"]) == (413, "request_too_large")


def test_all_of_an_account_waits_for_a_slow_reader_on_the_disk_and_not_in_memory(site, keys):
    send(site, batch_of(4), keys[1])
    process = psutil.Process(site.process.pid)
    with socket.create_connection(("127.0.0.1", site.port), PATIENCE) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        lines = ("GET /account/data/download/ HTTP/1.0", "Host: 127.0.0.1", f"Cookie: sessionid={keys[0]}")
        before = process.memory_info().rss
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        received = client.recv(1)
        quiet = 0
        while quiet < 20:  # nothing is worked on while nobody reads: until then it would pile up
            worked = sum(process.cpu_times()[:2])
            httpx.get(f"http://127.0.0.1:{site.port}/health")
            quiet = quiet + 1 if sum(process.cpu_times()[:2]) - worked < 0.05 else 0
        assert process.memory_info().rss - before < 15_000_000
        received += b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert archive.testzip() is None
    pictures = [name for name in archive.namelist() if name.endswith(".bmp")]
    assert len(pictures) == 6
    assert {archive.read(name) for name in pictures} == {PICTURE}
