"""Error pages: a hamster, what happened and what to do, for every way in which something can go wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory

from webui.errors import PAGES, ErrorPages, error_page

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_DATABASE = """
import django
django.setup()
from django.test import Client
client = Client(raise_request_exception=False, headers={"host": "localhost"})
client.cookies["sessionid"] = "ofsomebodysignedin"
for path in ("/no-such-page/", "/about/", "/batches/", "/api/batches/"):
    answer = client.get(path)
    text = answer.content.decode()
    kind, is_ours = answer["Content-Type"].partition(";")[0], "Back to the hamster" in text
    print(answer.status_code, path, kind, is_ours, text.splitlines()[0][:60])
"""


@pytest.mark.parametrize("status", PAGES)
def test_every_error_has_a_page_with_a_hamster_words_and_ways_out(status: int) -> None:
    answer = error_page(None, status)
    page = answer.content.decode()
    assert answer.status_code == status
    assert "/webui/hamster/stills/" in page
    assert f"Error {status}" in page
    assert page.count("<h1>") == 1
    assert 'href="/"' in page
    assert 'href="/help/"' in page


def test_errors_without_a_page_of_their_own_get_the_nearest_one() -> None:
    assert "could not read that request" in error_page(None, 414).content.decode()
    assert "Something broke on our side" in error_page(None, 507).content.decode()
    assert error_page(None, 507).status_code == 507


def test_unknown_address_refused_host_and_button_address_get_their_pages(
    client: Client, admin_client: Client
) -> None:
    assert "This page is not here" in client.get("/nowhere/").content.decode()
    refused = client.get("/", headers={"host": "evil.example"})
    assert refused.status_code == 400
    assert "could not read that request" in refused.content.decode()
    mute = admin_client.get("/detectors/1/promote/")
    assert mute.status_code == 405
    assert mute["Allow"] == "POST"
    assert "belongs to a button" in mute.content.decode()


@pytest.mark.django_db
def test_form_without_its_proof_and_room_of_others_get_their_pages(django_user_model: type[User]) -> None:
    strict = Client(enforce_csrf_checks=True)
    forged = strict.post("/accounts/login/", {"username": "mia", "password": "x"})
    assert forged.status_code == 403
    assert "The page was open too long" in forged.content.decode()
    strict.force_login(django_user_model.objects.create_user("mia"))
    closed = strict.get("/training/")
    assert closed.status_code == 403
    page = closed.content.decode()
    assert "This room is closed" in page
    assert "Sign out" in page


def answered(path: str, response: HttpResponse) -> HttpResponse:
    return ErrorPages(lambda _: response)(RequestFactory().get(path))


def test_too_many_requests_of_a_page_get_a_page_and_keep_their_headers() -> None:
    answer = answered("/accounts/login/", HttpResponse(status=429, headers={"Retry-After": "30"}))
    assert answer.status_code == 429
    assert answer["Retry-After"] == "30"
    assert answer["Content-Type"].startswith("text/html")
    assert "Try again in 1 minute." in answer.content.decode()
    later = answered("/accounts/signup/", HttpResponse(status=429, headers={"Retry-After": "3541"}))
    assert "Try again in 60 minutes." in later.content.decode()


def test_the_api_and_answers_with_words_are_left_alone() -> None:
    assert answered("/api/predict", HttpResponse(status=429)).content == b""
    words = JsonResponse({"error": "mine"}, status=429)
    assert answered("/accounts/login/", words) is words
    assert answered("/", HttpResponse(status=204)).content == b""


def test_error_pages_need_no_database(tmp_path: Path) -> None:
    """Nothing listens where the database should be; the visitor's cookie makes every page ask for it."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "hamster_site.settings",
        "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/none",
        "SECRET_KEY": "only-for-tests",
        "VAR_DIR": str(tmp_path),
        "DEBUG": "false",
    }
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_DATABASE],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert said[0].startswith("404 /no-such-page/ text/html True")
    assert said[1].startswith("503 /about/ text/html True")
    assert said[2].startswith("503 /batches/ text/html True")
    assert said[3].startswith('503 /api/batches/ application/json False {"error":')
