"""The pages of batches as the server sends them: whose they are, what they show, and their pictures."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.test import Client
from django.utils.translation import override
from PIL import Image

from detector.models import BatchJob
from detector.services.batch_work import work_on_next_chunk
from detector.services.batches import create_batch
from detector.services.webhooks import announce_end
from tests.detector.batches import FACE, NO_FACE, incoming
from tests.detector.conftest import engine, hamster, red_one  # noqa: F401  (fixtures)
from tests.detector.pictures import FACE as CORNERS
from tests.detector.pictures import encoded, scene, turned_by_exif

pytestmark = pytest.mark.usefixtures("engine")
PAGES = (
    *("/batches/{}/", "/batches/{}/delete/", "/batches/{}/pictures/1/", "/batches/{}/pictures/1/small/"),
    *("/batches/{}/pictures/1/original/", "/api/batches/{}/", "/api/batches/{}/items/"),
    *("/api/batches/{}/download/", "/api/batches/{}/webhook-attempts/"),
)
ACTIONS = (
    *("/batches/{}/cancel/", "/batches/{}/retry/", "/batches/{}/delete/"),
    *("/api/batches/{}/cancel/", "/api/batches/{}/retry/"),
)


@pytest.fixture
def owner():
    return get_user_model().objects.create_user("owner")


@pytest.fixture
def mine(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def make(owner, tmp_path):
    def make(webhook: str = "", **contents: bytes) -> BatchJob:
        folder = tmp_path / "incoming"
        folder.mkdir(exist_ok=True)
        batch = create_batch(owner=owner, files=incoming(folder, **contents), webhook=webhook)
        while work_on_next_chunk():
            pass
        return batch

    return make


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def shown(page: str) -> list[int]:
    """Numbers of the items in the gallery."""
    return [int(number) for number in re.findall(r'data-number="(\d+)"', page)]


@pytest.mark.parametrize("address", ["/batches/", *PAGES[:5]])
def test_strangers_are_asked_to_sign_in(make, address):
    answer = Client().get(address.format(make(a_jpg=FACE).pk))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("staff", [False, True])
def test_nobody_reaches_anothers_batch_by_any_address(make, staff):
    batch = make(a_jpg=FACE)
    other = Client()
    other.force_login(get_user_model().objects.create_user("other", is_staff=staff, is_superuser=staff))
    assert [other.get(address.format(batch.pk)).status_code for address in PAGES] == [404] * len(PAGES)
    assert [other.post(address.format(batch.pk)).status_code for address in ACTIONS] == [404] * len(ACTIONS)
    assert "Batch " not in page_of(other, "/batches/").partition("Your batches")[2]
    assert other.get(f"/media/{batch.folder}/00001").status_code == 404
    assert BatchJob.objects.filter(pk=batch.pk).exists()


def test_the_list_shows_my_batches_the_limits_and_when_they_are_deleted(mine, make):
    batch = make(a_jpg=FACE, b_txt=b"junk")
    page = page_of(mine, "/batches/")
    assert f'href="/batches/{batch.pk}/"' in page
    assert 'aria-current="page">Batches' in page
    assert "deleted 24 hours after they were handed in" in page
    assert 'data-max-items="2000"' in page
    assert len(re.findall(r"\d+ \w{3} 20\d\d, \d\d:\d\d UTC</time>", page)) == 2


def test_why_a_picture_failed_is_said_in_the_readers_language_and_stored_in_english(mine, make):
    with override("es"):  # as in a request of somebody who reads Spanish
        batch = make(a_jpg=FACE, b_txt=b"junk", c_jpg=FACE[: len(FACE) // 2])
    assert batch.items.get(number=2).error_message.startswith("Not an image: ")
    assert batch.items.get(number=3).error_message == "The JPEG image is damaged or cut short."
    mine.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    page = page_of(mine, f"/batches/{batch.pk}/")
    assert "这不是图片" in page
    assert "这张 JPEG 图片已损坏或不完整。" in page
    assert "3 张中已完成 3 张，2 张失败" in page
    assert re.search(r"开心 \d+%", page)
    items = mine.get(f"/api/batches/{batch.pk}/items/?state=failed").json()["results"]
    assert items[1]["error"] == {"code": "bad_image", "message": "这张 JPEG 图片已损坏或不完整。"}


def test_a_batch_shows_its_pictures_with_boxes_and_why_others_failed(mine, make):
    batch = make(a_jpg=FACE, b_jpg=NO_FACE, c_txt=b"<script>alert(1)</script>")
    page = page_of(mine, f"/batches/{batch.pk}/")
    assert shown(page) == [1, 2, 3]
    (rect,) = re.findall(r"<rect ([^>]*)/>", page)
    box = {name: float(value) / 100 for name, value in re.findall(r'(\w+)="([\d.]+)%"', rect)}
    assert box["x"] == pytest.approx(CORNERS["x1"], abs=0.02)
    assert box["height"] == pytest.approx(CORNERS["y2"] - CORNERS["y1"], abs=0.02)
    assert '<g data-emotion="happy">' in page
    assert "Not an image" in page
    assert "3 of 3 done, 1 failed" in page
    assert "<p>No face</p>" in page
    for form in ("csv", "json", "yolo"):
        assert f"/api/batches/{batch.pk}/download/?as={form}" in page


def test_pages_obey_the_content_policy(mine, make):
    batch = make(a_jpg=FACE)
    for address in ("/batches/", f"/batches/{batch.pk}/", f"/batches/{batch.pk}/delete/"):
        page = page_of(mine, address)
        assert "style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/')
        assert page.count("<h1") == 1


@pytest.mark.parametrize(
    ("show", "numbers"),
    [
        *(("", [1, 2, 3]), ("succeeded", [1, 2]), ("failed", [3]), ("cancelled", [])),
        *(("happy", [1]), ("unknown", [2]), ("sad", []), ("nonsense", [1, 2, 3])),
    ],
)
def test_the_gallery_shows_what_was_asked_for(mine, make, show, numbers):
    batch = make(a_jpg=FACE, b_jpg=NO_FACE, c_txt=b"junk")
    assert shown(page_of(mine, f"/batches/{batch.pk}/?show={show}")) == numbers


def test_the_gallery_has_pages_that_keep_the_filter(mine, make, monkeypatch):
    monkeypatch.setattr("webui.batch_pages.ITEMS_ON_A_PAGE", 2)
    batch = make(**{f"{name}_jpg": FACE for name in "abc"})
    first = page_of(mine, f"/batches/{batch.pk}/?show=happy")
    assert shown(first) == [1, 2]
    assert "?show=happy&amp;page=2" in first
    assert shown(page_of(mine, f"/batches/{batch.pk}/?show=happy&page=2")) == [3]


def test_retrying_cancelling_and_deleting_from_the_page(mine, make):
    batch = make(a_jpg=FACE, b_jpg=FACE)
    lost = batch.items.get(number=2)
    assert "has ended already" in mine.post(f"/batches/{batch.pk}/cancel/", follow=True).content.decode()
    assert "Try again" not in page_of(mine, f"/batches/{batch.pk}/")
    lost.state = "failed"
    lost.save()
    assert "Try again" in page_of(mine, f"/batches/{batch.pk}/")
    assert "once more" in mine.post(f"/batches/{batch.pk}/retry/", follow=True).content.decode()
    assert BatchJob.objects.get().state == "queued"
    assert "is cancelled" in mine.post(f"/batches/{batch.pk}/cancel/", follow=True).content.decode()
    assert BatchJob.objects.get().state == "cancelled"
    assert "Delete batch" in page_of(mine, f"/batches/{batch.pk}/delete/")
    assert BatchJob.objects.exists()
    assert "are deleted" in mine.post(f"/batches/{batch.pk}/delete/", follow=True).content.decode()
    assert not BatchJob.objects.exists()
    assert not (Path(settings.MEDIA_ROOT) / batch.folder).exists()


def test_the_webhook_and_its_attempts_are_on_the_page_and_the_secret_is_not(mine, make):
    batch = make("https://example.com/ended", a_jpg=FACE)
    announce_end(batch_id=batch.pk)
    webhook = BatchJob.objects.get().webhook
    webhook.attempts.create(
        event=webhook.event, started_at=batch.created_at, milliseconds=7, status=500, error="Answered 500."
    )
    type(webhook).objects.filter(pk=webhook.pk).update(tries=1)
    page = page_of(mine, f"/batches/{batch.pk}/")
    assert re.search(r"the next attempt is on \d+ \w{3} 20\d\d, [\d:]{8} UTC\.", page)
    assert "https://example.com/ended" in page
    assert "Answered 500." in page
    assert webhook.secret not in page


@pytest.mark.parametrize(("kind", "longest"), [("", 1280), ("small/", 320)])
def test_pictures_are_drawn_anew_as_small_jpegs_that_nothing_runs_in(mine, make, kind, longest):
    hidden = encoded(scene(size=(2000, 1500)), "PNG") + b"<script>alert(1)</script>"
    batch = make(a_png=hidden)
    answer = mine.get(f"/batches/{batch.pk}/pictures/1/{kind}")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) == longest
    assert b"script" not in answer.content


@pytest.mark.parametrize("kind", ["", "small/"])
def test_a_browser_asks_for_a_kept_picture_again_and_never_shows_a_deleted_one(mine, make, kind):
    batch = make(a_jpg=FACE, b_jpg=FACE)
    address = f"/batches/{batch.pk}/pictures/1/{kind}"
    first = mine.get(address)
    kept = {"If-None-Match": first.headers["ETag"]}
    again = mine.get(address, headers=kept)
    assert (again.status_code, again.content) == (304, b"")
    assert {answer.headers["Cache-Control"] for answer in (first, again)} == {"private, no-cache"}
    assert mine.get(address.replace("/1/", "/2/"), headers=kept).status_code == 200
    assert Client().get(address, headers=kept).status_code == 302
    batch.delete()
    assert mine.get(address, headers=kept).status_code == 404


def test_the_file_itself_stays_out_of_the_browsers_memory(mine, make):
    batch = make(a_jpg=FACE)
    headers = mine.get(f"/batches/{batch.pk}/pictures/1/original/").headers
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_pictures_are_upright(mine, make):
    batch = make(a_jpg=turned_by_exif())
    with Image.open(io.BytesIO(mine.get(f"/batches/{batch.pk}/pictures/1/").content)) as picture:
        assert picture.width > picture.height


def test_the_file_itself_is_a_download_of_no_type(mine, make):
    batch = make(a_jpg=FACE)
    answer = mine.get(f"/batches/{batch.pk}/pictures/1/original/")
    assert answer.getvalue() == FACE
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.jpg"'


def test_what_can_not_be_shown_is_not_found(mine, make):
    batch = make(a_jpg=FACE[:900], b_jpg=FACE, c_txt=b"junk")
    default_storage.delete(batch.items.get(number=2).file.name)
    for number in (1, 2, 3, 4):
        assert mine.get(f"/batches/{batch.pk}/pictures/{number}/small/").status_code == 404
    assert mine.get(f"/batches/{batch.pk}/pictures/2/original/").status_code == 404
