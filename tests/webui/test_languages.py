"""The language of a page: who decides it, what caches may keep, and what stays English."""

import json
import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from detector.models import DatasetSample
from detector.services.live_sessions import keep_session
from detector.session_record import read_record
from tests.detector.live_sessions import record
from webui.languages import SOURCE, TRANSLATED, words_address

pytestmark = pytest.mark.django_db
HEADINGS = {"en": "Help", "es": "Ayuda", "zh-hans": "帮助"}
CAMERA_BUTTONS = {"en": "Use a picture", "es": "Usar una imagen", "zh-hans": "用一张图片"}


def language_of(page: str) -> str:
    return re.search(r'<html lang="([\w-]+)">', page)[1]


def get(client: Client, path: str, accepts: str = "") -> str:
    return client.get(path, headers={"accept-language": accepts} if accepts else {}).content.decode()


def choose(client: Client, language: str, come_back_to: str = "/") -> object:
    return client.post(reverse("set_language"), {"language": language, "next": come_back_to})


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("es", "es"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("fr,en;q=0.5", "en"),
        ("tlh", "en"),
        ("", "en"),
    ],
)
def test_the_browser_decides_first(client: Client, accepts: str, language: str) -> None:
    page = get(client, "/help/", accepts)
    assert language_of(page) == language
    assert f"<h1>{HEADINGS[language]}</h1>" in page


def test_a_choice_holds_against_the_browser_and_comes_back_to_the_page(client: Client) -> None:
    answer = choose(client, "zh-hans", "/pictures/?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/pictures/?page=2")
    cookie = answer.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert (cookie["samesite"], bool(cookie["httponly"]), cookie["max-age"]) == ("Lax", True, 365 * 24 * 3600)
    assert language_of(get(client, "/", "es")) == "zh-hans"


def test_a_choice_never_leads_to_another_site(client: Client) -> None:
    assert choose(client, "es", "https://example.com/").headers["Location"] == "/"


def test_a_language_that_there_is_not_changes_nothing(client: Client) -> None:
    choose(client, "tlh")
    assert language_of(get(client, "/")) == "en"


@pytest.mark.parametrize("path", ["/", "/help/?a=1&b=2", "/no-such-page/", "/accounts/login/"])
def test_every_page_has_the_form_with_each_language_in_its_own_words(client: Client, path: str) -> None:
    page = get(client, path, "es")
    form = re.search(r'<form class="languages".+?</form>', page, re.DOTALL)[0]
    assert f'name="next" value="{path.replace("&", "&amp;")}"' in form
    assert re.findall(r'value="([\w-]+)" lang="\1"[^>]*>(\w+)<', form) == settings.LANGUAGES
    assert re.findall(r'value="([\w-]+)"[^>]* aria-current="true"', form) == ["es"]


@pytest.mark.parametrize("path", ["/", "/help/", "/manifest.webmanifest", "/service-worker.js", "/api/docs/"])
def test_caches_are_told_what_a_page_depends_on(client: Client, path: str) -> None:
    answer = client.get(path)
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in answer.headers["Vary"].split(",")}
    assert answer.headers["Content-Language"] == "en"


@pytest.mark.parametrize("language", TRANSLATED)
def test_words_of_scripts_come_under_an_address_of_their_own_and_are_kept_for_long(
    client: Client, language: str
) -> None:
    page = get(client, "/", language)
    address = re.search(r'<script defer src="(/jsi18n/[^"]+)">', page)[1]
    assert address == words_address(language)
    assert page.index(address) < page.index('<script type="module" src="/static/webui/js/main')
    answer = client.get(address, headers={"accept-language": "en"})
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Vary" not in answer.headers
    catalog = json.loads(re.search(r"const newcatalog = (\{.+?\});\n", answer.content.decode(), re.DOTALL)[1])
    assert catalog["Use a picture"] == CAMERA_BUTTONS[language]
    assert CAMERA_BUTTONS[language] in page


def test_english_pages_load_no_catalogue(client: Client) -> None:
    assert words_address(SOURCE) == ""
    assert "jsi18n" not in get(client, "/")


@pytest.mark.parametrize("language", HEADINGS)
def test_the_page_kept_for_times_without_a_connection_is_in_the_chosen_language(
    client: Client, language: str
) -> None:
    choose(client, language)
    worker = get(client, "/service-worker.js")
    address = re.search(r'const OFFLINE = "(.+)";', worker)[1].encode().decode("unicode-escape")
    kept = Client().get(address)  # as the worker asks: without cookies
    assert language_of(kept.content.decode()) == kept.headers["Content-Language"] == language
    versions = {
        re.search(r'"hamster-(\w+)"', get(Client(), "/service-worker.js", each))[1] for each in HEADINGS
    }
    assert len(versions) == len(HEADINGS)


def test_errors_of_the_api_keep_their_codes_and_say_it_in_ones_language(client: Client) -> None:
    answers = [
        client.post("/api/corrections/", headers={"accept-language": language}).json()["error"]
        for language in ("en", "es")
    ]
    assert answers[0]["code"] == answers[1]["code"]
    assert answers[0]["message"] != answers[1]["message"]


def test_the_admin_stays_english(admin_client: Client) -> None:
    page = get(admin_client, "/admin/", "es")
    assert 'lang="en"' in page
    assert "Log out" in page


def test_numbers_that_draw_are_not_written_as_people_write_them(client: Client) -> None:
    owner = User.objects.create_user("mia")
    session = keep_session(owner=owner, record=read_record(record()))
    client.force_login(owner)
    for path in ("/sessions/", f"/sessions/{session.pk}/"):
        page = get(client, path, "es")
        assert language_of(page) == "es"
        drawn = re.findall(r' (?:x|y|width|height|value|max)="([^"]*\d[^"]*)"', page)
        assert drawn
        assert [number for number in drawn if "," in number] == []


def test_boxes_of_samples_are_drawn_in_spanish_too() -> None:
    face = {"label": "happy", "x1": 0.11, "y1": 0.21, "x2": 0.52, "y2": 0.63}
    sample = DatasetSample(pk=1, dataset_id=1, width=65, height=65, faces=[face], file="a.jpg")
    with override("es"):
        drawn = render_to_string("webui/datasets/picture.html", {"sample": sample})
    assert 'x="7.2" y="13.7"' in drawn


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "1 minute 5 seconds"), ("es", "1 minuto 5 segundos"), ("zh-hans", "1 分钟 5 秒")],
)
def test_a_kept_session_is_told_in_the_language_of_the_page(client: Client, language: str, says: str) -> None:
    owner = User.objects.create_user("mia")
    session = keep_session(owner=owner, record=read_record(record()))
    session.duration_ms = 65_000
    session.save()
    client.force_login(owner)
    choose(client, language)
    assert says in get(client, f"/sessions/{session.pk}/")
