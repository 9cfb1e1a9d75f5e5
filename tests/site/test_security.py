import re

import pytest
from channels.testing import WebsocketCommunicator
from django.http import HttpResponse
from django.test import Client, RequestFactory

from hamster_site.security import CONTENT_SECURITY_POLICY, BrowserPolicyMiddleware, OwnPagesOnly


async def open_socket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})


async def opens(*headers: tuple[bytes, bytes]) -> bool:
    application = OwnPagesOnly(open_socket, ["localhost", "https://friend.example"])
    connection = WebsocketCommunicator(application, "/ws/live/", headers=list(headers))
    accepted, _ = await connection.connect()
    await connection.wait()  # a task that is still running can hold up the end of the test
    return accepted


@pytest.mark.parametrize("origin", [b"http://localhost:8000", b"https://friend.example"])
async def test_socket_opens_for_own_pages_and_for_allowed_sites(origin):
    assert await opens((b"origin", origin))


@pytest.mark.parametrize(
    "origin",
    [
        b"http://evil.example",
        b"http://localhost.evil.example",
        b"http://friend.example",
        b"null",
        b"",
        b"http://[evil",
    ],
)
async def test_socket_is_refused_to_the_page_of_another_site(origin):
    assert not await opens((b"origin", origin))


async def test_socket_opens_for_a_program_which_sends_no_origin():
    assert await opens()


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
