"""The pages as the server sends them."""

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views import defaults


@pytest.fixture
def page(client: Client) -> str:
    return client.get("/").content.decode()


def test_camera_page_is_at_the_root(client: Client) -> None:
    assert reverse("webui:camera") == "/"
    assert client.get("/").status_code == 200


def test_camera_page_sets_no_cookie(client: Client) -> None:
    assert not client.get("/").cookies


def test_camera_page_has_a_heading_landmarks_and_a_live_region(page: str) -> None:
    assert page.count("<h1") == 1
    assert page.count("<main") == page.count("<header") == page.count("<footer") == 1
    assert 'aria-live="polite"' in page


def test_camera_page_says_that_nothing_is_stored(page: str) -> None:
    assert "Frames are looked at and forgotten; nothing is stored." in page


def test_camera_page_says_what_works_without_an_account(page: str) -> None:
    assert "Without an account: 20 frames a second, 30 pictures a minute." in page


def test_camera_page_says_that_pictures_and_clips_are_never_uploaded(page: str) -> None:
    start = page.index('id="keep"')
    assert "it is never uploaded" in page[start : page.index("</dialog>", start)]


def test_camera_page_tells_people_without_javascript_what_is_missing(page: str) -> None:
    start, end = page.rindex("<noscript>"), page.rindex("</noscript>")
    assert "JavaScript" in page[start:end]


def test_every_control_has_a_label(page: str) -> None:
    for control in (
        *("setting-camera", "setting-mirror", "setting-boxes", "setting-smoothing"),
        "session-card-name",
    ):
        assert f'for="{control}"' in page
        assert f'id="{control}"' in page


def test_pages_obey_the_content_policy(page: str) -> None:
    """The policy allows no inline script and no inline style."""
    assert "style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count('<script type="module" src="/static/')


def test_unknown_address_gets_the_sites_own_error_page(client: Client) -> None:
    answer = client.get("/no-such-page/")
    assert answer.status_code == 404
    assert "Back to the hamster" in answer.content.decode()


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_render_without_a_request(name: str) -> None:
    """When the server is in trouble there may be no context at all."""
    html = render_to_string(name)
    assert "<h1>" in html
    assert 'href="/"' in html


def test_server_error_page_is_used_for_a_crash() -> None:
    answer = defaults.server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


@pytest.mark.django_db
def test_an_account_signs_in_comes_back_to_where_it_wanted_to_go_and_signs_out(
    client: Client, django_user_model: type[User]
) -> None:
    django_user_model.objects.create_user("mia", password="a long enough one")
    assert 'href="/accounts/login/"' in client.get("/").content.decode()
    wrong = client.post("/accounts/login/", {"username": "mia", "password": "another"})
    assert "go together" in wrong.content.decode()
    right = {"username": "mia", "password": "a long enough one", "next": "/?signed=in"}
    assert client.post("/accounts/login/", right).headers["Location"] == "/?signed=in"
    assert "Sign out" in client.get("/").content.decode()
    assert client.post("/accounts/logout/").status_code == 302
    assert "Sign out" not in client.get("/").content.decode()
