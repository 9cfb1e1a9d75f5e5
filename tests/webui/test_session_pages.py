"""The pages of kept live sessions as the server sends them: whose they are and what they show."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from detector.models import LiveSession
from detector.services.live_sessions import keep_session
from detector.session_record import read_record
from tests.detector.live_sessions import HAPPY, SAD, moment, record
from webui.session_pages import Card

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return get_user_model().objects.create_user("mia")


@pytest.fixture
def mine(mia) -> Client:
    client = Client()
    client.force_login(mia)
    return client


@pytest.fixture
def keep(mia):
    return lambda **changes: keep_session(owner=mia, record=read_record(record(**changes)))


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("rest", ["", "1/", "1/delete/"])
def test_strangers_are_asked_to_sign_in(client: Client, rest: str) -> None:
    assert client.get(f"/sessions/{rest}").headers["Location"].startswith("/accounts/login/")


def test_only_who_is_signed_in_has_a_way_to_the_sessions(client: Client, mine: Client) -> None:
    assert 'href="/sessions/"' not in page_of(client, "/").split("<main", 1)[0]
    assert 'href="/sessions/">Sessions' in page_of(mine, "/")


def test_another_persons_session_is_not_there(keep) -> None:
    session = keep(name="Tea")
    other = Client()
    other.force_login(get_user_model().objects.create_user("other"))
    assert "Tea" not in page_of(other, "/sessions/")
    for rest in ("", "delete/"):
        assert other.get(f"/sessions/{session.pk}/{rest}").status_code == 404
    for rest in ("rename/", "delete/"):
        assert other.post(f"/sessions/{session.pk}/{rest}", {"name": "mine"}).status_code == 404
    assert LiveSession.objects.get().name == "Tea"


def test_the_list_shows_names_lengths_and_ribbons_newest_first(mine: Client, keep) -> None:
    assert "None kept yet." in page_of(mine, "/sessions/")
    keep(name="First")
    keep()
    page = page_of(mine, "/sessions/")
    assert page.index("A session with Biscuit") < page.index("First")
    assert "1 second" in page
    assert 'aria-label="Happy 50 %, sad 25 %, no face 25 %"' in page
    ribbon = re.findall(r'data-emotion="(\w+)"><rect x="([\d.]+%)" y="0" width="([\d.]+%)"', page)
    assert ribbon[:2] == [("happy", "0.000%", "50.000%"), ("sad", "50.000%", "25.000%")]


def test_the_page_says_what_was_processed_and_kept_and_when(mine: Client, keep) -> None:
    session = keep(name="Tea", moments=[moment(120, "happy", 0.934)])
    page = page_of(mine, f"/sessions/{session.pk}/")
    assert "12 frames were sent and 10 of them looked at." in page
    assert "1 May 2026, 10:00 UTC" in page
    assert "Happy 93 % at 0:00" in page
    assert "stills/happy.svg" in page
    assert "hamster-4" in page


def test_a_name_is_text_wherever_it_stands(mine: Client, keep) -> None:
    script = "</script><script>alert(1)</script>"
    session = keep(name=script)
    for address in ("/sessions/", f"/sessions/{session.pk}/", f"/sessions/{session.pk}/delete/"):
        assert "<script>alert" not in page_of(mine, address)
        assert "&lt;script&gt;alert(1)" in page_of(mine, address)


def test_the_pages_obey_the_content_policy(mine: Client, keep) -> None:
    session = keep()
    for address in ("/", "/sessions/", f"/sessions/{session.pk}/", f"/sessions/{session.pk}/delete/"):
        page = page_of(mine, address)
        assert "style=" not in page
        scripts = re.findall(r"<script[^>]*>", page)
        assert all('src="/static/' in tag or 'type="application/json"' in tag for tag in scripts)


def test_renaming_changes_the_name_or_says_why_not(mine: Client, keep) -> None:
    session = keep(name="Tea")
    address = f"/sessions/{session.pk}/rename/"
    renamed = mine.post(address, {"name": " Coffee "}, follow=True).content.decode()
    assert "The name is saved." in renamed
    assert "<h1>Coffee</h1>" in renamed
    refused = mine.post(address, {"name": "x" * 81}, follow=True).content.decode()
    assert "The name has more than 80 characters." in refused
    assert LiveSession.objects.get().name == "Coffee"
    assert mine.get(address).status_code == 405


def test_deleting_asks_first(mine: Client, keep) -> None:
    session = keep(name="Tea")
    address = f"/sessions/{session.pk}/delete/"
    assert "Delete “Tea”?" in page_of(mine, address)
    assert LiveSession.objects.exists()
    assert "The session is deleted." in mine.post(address, follow=True).content.decode()
    assert not LiveSession.objects.exists()


@pytest.mark.parametrize(
    ("duration", "says"),
    [
        (1, "1 second"),
        (59_400, "59 seconds"),
        (65_000, "1 minute 5 seconds"),
        (7_380_000, "2 hours 3 minutes"),
    ],
)
def test_lengths_are_said_in_words(keep, duration: int, says: str) -> None:
    data = {"step_ms": 250, "rows": [[0, HAPPY, *[0.5] * 9]]}
    assert Card(keep(duration_ms=duration, samples=data, moments=[])).length == says


def test_stretches_leave_out_where_no_face_was_seen() -> None:
    card = Card(LiveSession(ribbon=f"{HAPPY}" * 20 + "-" * 10 + "." * 10 + f"{SAD}" * 20))
    assert [(stretch.emotion, stretch.x, stretch.width) for stretch in card.stretches] == [
        ("happy", "0.000%", "33.333%"),
        ("sad", "66.667%", "33.333%"),
    ]
