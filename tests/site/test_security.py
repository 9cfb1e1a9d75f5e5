import re

import pytest
from channels.testing import WebsocketCommunicator
from django.http import HttpResponse
from django.test import Client, RequestFactory

from hamster_site.security import CONTENT_SECURITY_POLICY, BrowserPolicyMiddleware, OwnPagesOnly


async def open_socket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})


async def opens(origin: bytes | None, host: bytes = b"localhost:8000", *, https: bool = False) -> bool:
    application = OwnPagesOnly(
        open_socket,
        ["localhost", "[::1]", ".hamster.example"],
        ["https://friend.example", "https://friend.example:8443", "https://*.friends.example"],
        https=https,
    )
    headers = [(b"host", host)] + ([] if origin is None else [(b"origin", origin)])
    connection = WebsocketCommunicator(application, "/ws/live/", headers=headers)
    accepted, _ = await connection.connect()
    await connection.wait()  # a task that is still running can hold up the end of the test
    return accepted


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (b"http://localhost:8000", b"localhost:8000"),
        (b"http://localhost:8000", b"LocalHost:8000"),
        (b"http://[::1]:8000", b"[::1]:8000"),
        (b"http://localhost", b"localhost"),
        (b"http://localhost", b"localhost:80"),
        (b"https://localhost", b"localhost"),  # behind a proxy that nobody told us of
        (b"https://www.hamster.example", b"www.hamster.example:443"),
    ],
)
async def test_socket_opens_for_own_pages(origin, host):
    assert await opens(origin, host)


@pytest.mark.parametrize(
    "origin",
    [b"https://friend.example", b"https://friend.example:8443", b"https://a.friends.example"],
)
async def test_socket_opens_for_allowed_sites(origin):
    assert await opens(origin)
    assert await opens(origin, https=True)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (b"http://localhost:9000", b"localhost:8000"),
        (b"http://localhost", b"localhost:8000"),
        (b"http://localhost:8000", b"localhost"),
        (b"https://localhost", b"localhost:80"),
        (b"http://localhost:8000", b"127.0.0.1:8000"),
        (b"http://a.hamster.example", b"b.hamster.example"),
    ],
)
async def test_socket_is_refused_to_another_port_or_name_of_this_machine(origin, host):
    assert not await opens(origin, host)


async def test_socket_is_refused_to_a_page_whose_own_name_leads_here():
    assert not await opens(b"http://evil.example:8000", b"evil.example:8000")


async def test_socket_of_a_site_with_https_is_for_https_pages():
    assert await opens(b"https://localhost:8443", b"localhost:8443", https=True)
    assert not await opens(b"http://localhost", b"localhost", https=True)


@pytest.mark.parametrize(
    "origin",
    [
        b"http://evil.example",
        b"http://localhost.evil.example",
        b"http://friend.example",
        b"https://friend.example:9000",
        b"app://localhost:8000",
        b"null",
        b"",
        b"http://[evil",
    ],
)
async def test_socket_is_refused_to_the_page_of_another_site(origin):
    assert not await opens(origin)


async def test_socket_opens_for_a_program_which_sends_no_origin():
    assert await opens(None)


def answer(**headers: str) -> HttpResponse:
    return BrowserPolicyMiddleware(lambda _: HttpResponse(headers=headers))(RequestFactory().get("/"))


def test_browser_runs_only_what_is_served_here_and_gives_the_camera_only_to_us():
    headers = answer().headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "camera=(self)" in headers["Permissions-Policy"]


@pytest.mark.django_db
def test_the_policy_is_the_same_on_every_kind_of_page(client):
    for path in ("/", "/help/", "/about/", "/admin/login/", "/api/schema/", "/api/docs/", "/no-such-page"):
        assert client.get(path)["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("path", ["/", "/help/", "/admin/login/", "/api/docs/", "/no-such-page"])
@pytest.mark.django_db
def test_no_page_has_a_script_a_style_or_a_handler_in_it(client, path):
    page = client.get(path).content.decode()
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)(?![^>]*application/json)|\s(style|on[a-z]+)=", page)


def test_view_may_set_a_policy_of_its_own():
    assert answer(**{"Content-Security-Policy": "default-src 'none'"})["Content-Security-Policy"] == (
        "default-src 'none'"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("key", [r'"\000aaaaaaaaaaaa"', "clé-de-personne", "a" * 5000, "'; --aaaaaaaa"])
def test_whoever_sends_what_is_no_sessions_key_is_nobody(key):
    answer = Client(headers={"cookie": f"sessionid={key}"}).get("/")
    assert answer.status_code == 200
    assert not answer.wsgi_request.user.is_authenticated
