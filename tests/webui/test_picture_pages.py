"""The page of still pictures as the server sends it: without JavaScript, and what is kept."""

# ruff: noqa: F811  (fixtures)

import base64
import io
import re

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from detector.engine.detectors import LoadedDetector
from detector.models import Prediction
from detector.services.predictions import keep_prediction
from ml.config import EMOTIONS
from tests.detector.conftest import engine, hamster, red_one  # noqa: F401  (fixtures)
from tests.detector.held_predictor import HeldPredictor
from tests.detector.pictures import FACE as CORNERS
from tests.detector.pictures import ODD_PICTURES, Odd, encoded, scene

pytestmark = pytest.mark.usefixtures("engine")
PAGE = "/pictures/"
FACE = encoded(scene())
NO_FACE = encoded(scene(face=False))


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def owner():
    return get_user_model().objects.create_user("owner")


@pytest.fixture
def mine(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def keep(owner):
    def keep(name: str, emotion: str = "happy", *, by=owner, **options: bool) -> Prediction:
        corners = {"x1": 0.25, "y1": 0.3, "x2": 0.5, "y2": 0.6}
        box = {"label": emotion, "score": 0.9, **corners, "scores": dict.fromkeys(EMOTIONS, 0.1)}
        boxes = [] if emotion == "unknown" else [box]
        result = {"emotion": emotion, "confidence": 0.9, "boxes": boxes, "detector": "red-1", "timing_ms": {}}
        return keep_prediction(owner=by, name=name, content=FACE, result=result, **options)

    return keep


def send(client: Client, data: bytes = FACE, name: str = "face.jpg", field: str = "file", **headers: str):
    return client.post(PAGE, {field: SimpleUploadedFile(name, data)}, headers=headers)


def text_of(answer) -> str:
    return answer.content.decode()


def shown_picture(page: str) -> Image.Image:
    (data,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def shown_boxes(page: str) -> list[dict[str, float]]:
    return [
        {name: float(value) / 100 for name, value in re.findall(r'(\w+)="([\d.]+)%"', rect)}
        for rect in re.findall(r"<rect ([^>]*)/>", page)
    ]


def kept_names(page: str) -> list[str]:
    return re.findall(r'shot-name" title="([^"]*)"', page)


def test_everybody_may_open_the_page_and_it_sets_no_cookie(client):
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert not answer.cookies
    assert 'aria-current="page">Pictures' in text_of(answer)
    assert 'href="/pictures/"' in text_of(client.get("/"))
    assert "Kept results" not in text_of(answer)


@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json"])
def test_it_is_a_page_whatever_the_browser_would_take(client, accept):
    assert client.get(PAGE, headers={"Accept": accept}).headers["Content-Type"].startswith("text/html")


def test_a_posted_picture_comes_back_with_its_boxes_words_and_scores_and_is_not_stored(client, mine):
    for visitor in (client, mine):
        answer = send(visitor)
        assert answer.status_code == 200
        page = text_of(answer)
        with shown_picture(page) as picture:
            assert picture.size == (320, 240)
        (box,) = shown_boxes(page)
        assert box["x"] == pytest.approx(CORNERS["x1"], abs=0.02)
        assert box["height"] == pytest.approx(CORNERS["y2"] - CORNERS["y1"], abs=0.02)
        assert re.search(r"Looks happy, \d+ %", page)
        assert "stills/happy.svg" in page
        assert len(re.findall(r"<tr><td>\w+</td>", page)) == len(EMOTIONS)
    assert not Prediction.objects.exists()


def test_no_face_is_said(client):
    page = text_of(send(client, NO_FACE))
    assert "No face found" in page
    assert "stills/unknown.svg" in page
    assert shown_boxes(page) == []


@pytest.mark.parametrize("odd", ODD_PICTURES, ids=lambda odd: odd.name)
def test_odd_pictures_are_shown_upright_or_refused_in_words(client, odd: Odd):
    answer = send(client, odd.data)
    page = text_of(answer)
    if odd.code is None:
        assert answer.status_code == 200
        with shown_picture(page) as picture:
            assert picture.size == (320, 240)
        assert len(shown_boxes(page)) == odd.faces
    else:
        assert answer.status_code == {"bad_image": 400, "image_too_large": 413}[odd.code]
        expected = {"bad_image": "That is not a picture", "image_too_large": "That picture is too big"}
        assert expected[odd.code] in page
        assert "data:image" not in page


def test_too_many_bytes_are_refused_in_words(client, hamster):
    hamster(upload_max_bytes=4096)
    for size in (4097, 100_000):
        answer = send(client, bytes(size))
        assert answer.status_code == 413
        assert "That picture is too big" in text_of(answer)


@pytest.mark.parametrize("body", ["none", "wrong field", "urlencoded", "broken"])
def test_a_form_without_a_picture_is_explained(client, body):
    answer = {
        "none": lambda: client.post(PAGE, {}),
        "wrong field": lambda: send(client, field="picture"),
        "urlencoded": lambda: client.post(PAGE, "file=x", "application/x-www-form-urlencoded"),
        "broken": lambda: client.post(PAGE, b"not multipart", "multipart/form-data; boundary=x"),
    }[body]()
    assert answer.status_code in (400, 415)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'role="alert"' in text_of(answer)
    assert "data:image" not in text_of(answer)


def test_a_script_in_a_name_is_shown_as_text_and_300_characters_are_taken(client):
    page = text_of(send(client, name="<script>alert(1)<script>.jpg"))
    assert "&lt;script&gt;alert(1)&lt;script&gt;.jpg" in page
    assert "<script>alert" not in page
    assert "n" * 200 in text_of(send(client, name="n" * 296 + ".jpg"))


def test_the_form_and_the_api_share_one_rate_and_the_page_says_how_long_to_wait(client, hamster):
    hamster(predict_rate="2/minute")
    assert client.post("/api/predict", {"file": SimpleUploadedFile("a.jpg", FACE)}).status_code == 200
    assert [send(client).status_code for _ in range(2)] == [200, 429]
    answer = send(client)
    seconds = answer.headers["Retry-After"]
    assert 0 < int(seconds) <= 60
    assert f"You can send the next one in {seconds} s." in text_of(answer)
    assert client.get(PAGE).status_code == 200


def test_a_full_engine_is_said(client, engine, red_one, hamster):
    hamster(engine_request_timeout=0.05)
    held = HeldPredictor(red_one)
    engine.install(LoadedDetector("held", held))
    answer = send(client)
    held.go.set()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "its paws full" in text_of(answer)


def test_other_methods_are_refused(client):
    assert client.put(PAGE).status_code == client.delete(PAGE).status_code == 405


def test_pages_obey_the_content_policy(mine, keep):
    keep("a.jpg", with_thumbnail=True)
    pages = [mine.get(PAGE), mine.get("/pictures/kept/delete/"), send(mine)]
    for page in map(text_of, pages):
        assert "style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')
        assert page.count("<h1") == 1


def test_the_history_shows_what_is_mine_newest_first_with_or_without_a_picture(mine, keep):
    keep("theirs.jpg", by=get_user_model().objects.create_user("other"))
    plain, small = keep("plain.jpg"), keep("<b>small.jpg", with_thumbnail=True)
    page = text_of(mine.get(PAGE))
    assert kept_names(page) == ["&lt;b&gt;small.jpg", "plain.jpg"]
    assert "You keep 2 of at most 1000. Each goes by itself after 30 days." in page
    assert f"/api/predictions/{small.pk}/thumbnail/" in page
    assert f"/api/predictions/{plain.pk}/thumbnail/" not in page
    assert len(shown_boxes(page)) == 1
    assert "Happy 90 %" in page


def test_the_history_is_filtered_and_has_pages_that_keep_the_filter(mine, keep, monkeypatch):
    monkeypatch.setattr("webui.picture_pages.KEPT_ON_A_PAGE", 2)
    for number in range(3):
        keep(f"{number}.jpg")
    keep("wall.jpg", "unknown")
    assert kept_names(text_of(mine.get(f"{PAGE}?show=unknown"))) == ["wall.jpg"]
    first = text_of(mine.get(f"{PAGE}?show=happy"))
    assert kept_names(first) == ["2.jpg", "1.jpg"]
    assert "?show=happy&amp;page=2" in first
    assert "?as=csv&amp;emotion=happy" in first
    assert kept_names(text_of(mine.get(f"{PAGE}?show=happy&page=2"))) == ["0.jpg"]
    assert len(kept_names(text_of(mine.get(f"{PAGE}?show=nonsense&page=-7")))) == 2


def test_one_is_deleted_from_the_page_and_all_after_a_question(mine, keep):
    first, *_ = keep("a.jpg"), keep("b.jpg"), keep("c.jpg")
    answer = mine.post(f"/pictures/kept/{first.pk}/delete/", follow=True)
    assert "The result of a.jpg is deleted." in text_of(answer)
    assert kept_names(text_of(answer)) == ["c.jpg", "b.jpg"]
    assert "All 2 results that you keep go at once" in text_of(mine.get("/pictures/kept/delete/"))
    assert Prediction.objects.count() == 2
    assert "Deleted: 2 results." in text_of(mine.post("/pictures/kept/delete/", follow=True))
    assert not Prediction.objects.exists()


def test_nobody_deletes_what_another_keeps(keep):
    kept = keep("a.jpg")
    other = Client()
    other.force_login(get_user_model().objects.create_user("other"))
    assert other.post(f"/pictures/kept/{kept.pk}/delete/").status_code == 404
    other.post("/pictures/kept/delete/")
    assert Client().post(f"/pictures/kept/{kept.pk}/delete/").status_code == 302
    assert Prediction.objects.get() == kept
