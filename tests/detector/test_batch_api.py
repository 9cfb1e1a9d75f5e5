"""Batches over REST: what comes back, what is refused, and that nobody sees another's."""

import csv
import io
import json
import secrets
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from detector.api.batch_views import BatchListView
from detector.conf import config
from detector.downloads import harmless
from detector.models import BatchJob
from detector.services.batch_work import work_on_next_chunk
from ml.config import EMOTIONS
from tests.detector.batches import FACE, NO_FACE, many, send, zipped
from tests.detector.pictures import FACE as CORNERS

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


def signed_in(name: str, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(get_user_model().objects.create_user(name))
    return client


@pytest.fixture
def client() -> Client:
    return signed_in("owner")


def work() -> None:
    while work_on_next_chunk():
        pass


def code_of(response) -> str:
    return response.json()["error"]["code"]


def address(response, action: str = "") -> str:
    return f"/api/batches/{response.json()['id']}/{action}"


@pytest.mark.parametrize("size", [100, 100_000])
def test_a_disk_that_fills_up_while_a_batch_arrives_is_told(client, monkeypatch, tmp_path, size):
    (tmp_path / "1").symlink_to("/dev/full")
    monkeypatch.setattr(BatchListView, "request_folder", lambda self: nullcontext(tmp_path))
    refused = send(client, ("a.jpg", b"x" * size))
    assert (refused.status_code, code_of(refused)) == (507, "disk_full")
    assert not BatchJob.objects.exists()


def test_a_batch_is_accepted_and_its_row_tells_how_far_it_is(client):
    made = send(client, ("a.jpg", FACE), ("b.txt", b"junk"))
    assert made.status_code == 202
    row = made.json()
    assert list(row) == [
        *("id", "state", "cancel_requested", "counts", "progress"),
        *("detector", "created_at", "finished_at", "expires_at", "webhook", "expressions"),
    ]
    assert row["webhook"] is None
    counts = {"total": 2, "queued": 1, "running": 0, "succeeded": 0, "failed": 1, "cancelled": 0}
    assert (row["state"], row["counts"], row["progress"]) == ("queued", counts, 0.5)
    work()
    row = client.get(address(made)).json()
    assert (row["state"], row["progress"], row["detector"]) == ("succeeded", 1.0, "shipped")
    assert row["counts"] == {**counts, "queued": 0, "succeeded": 1}
    assert {name: count for name, count in row["expressions"].items() if count} == {"happy": 1}
    assert set(row["expressions"]) == {*EMOTIONS, "unknown"}


def test_the_same_request_with_the_same_key_gets_the_same_batch(client, hamster, settings):
    key, kept = secrets.token_hex(16), Path(settings.MEDIA_ROOT) / config.batches_folder
    first = send(client, ("a.jpg", FACE), key=key)
    hamster(batch_max_open=1)
    folders = sorted(kept.iterdir())
    again = send(client, ("a.jpg", FACE), key=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert BatchJob.objects.count() == 1
    assert sorted(kept.iterdir()) == folders
    assert key not in str(BatchJob.objects.values().get())
    client.delete(address(first))
    assert send(client, ("a.jpg", FACE), key=key).json()["id"] != first.json()["id"]


def test_a_key_that_says_something_else_or_is_none_is_refused_and_anothers_is_another(client):
    key = secrets.token_hex(16)
    send(client, ("a.jpg", FACE), key=key)
    for other in ([("b.jpg", FACE)], [("a.jpg", NO_FACE)], many(2)):
        refused = send(client, *other, key=key)
        assert (refused.status_code, code_of(refused)) == (409, "idempotency_key_taken")
    refused = send(client, ("a.jpg", FACE), key=key[:31])
    assert (refused.status_code, code_of(refused)) == (400, "bad_idempotency_key")
    assert send(signed_in("another"), ("a.jpg", FACE), key=key).status_code == 202
    assert BatchJob.objects.count() == 2


def test_items_come_in_pages_with_predictions_and_errors_and_can_be_chosen_by_state(client, monkeypatch):
    monkeypatch.setattr("detector.api.batch_views.ByNumber.page_size", 2)
    made = send(client, ("a.jpg", FACE), ("b.txt", b"junk"), ("c.jpg", NO_FACE))
    work()
    page = client.get(address(made, "items/")).json()
    rest = client.get(page["next"]).json()
    first, second, third = (*page["results"], *rest["results"])
    assert (first["number"], first["name"], first["size"]) == (1, "a.jpg", len(FACE))
    assert first["prediction"]["emotion"] == "happy"
    assert first["prediction"]["boxes"][0]["x1"] == pytest.approx(CORNERS["x1"], abs=0.02)
    assert second["error"]["code"] == "bad_image"
    assert (second["prediction"], third["error"], rest["next"]) == (None, None, None)
    failed = client.get(address(made, "items/?state=failed")).json()["results"]
    assert [item["name"] for item in failed] == ["b.txt"]
    happy, none = (client.get(address(made, f"items/?emotion={e}")).json() for e in ("happy", "unknown"))
    assert [item["name"] for page in (happy, none) for item in page["results"]] == ["a.jpg", "c.jpg"]
    wrong = client.get(address(made, "items/?state=lost"))
    assert (wrong.status_code, code_of(wrong)) == (400, "invalid")


def test_own_batches_are_listed_newest_first_in_pages(client, monkeypatch):
    monkeypatch.setattr("detector.api.batch_views.NewestFirst.page_size", 2)
    made = [send(client, ("a.jpg", FACE)).json()["id"] for _ in range(3)]
    page = client.get("/api/batches/").json()
    rest = client.get(page["next"]).json()
    assert [row["id"] for row in (*page["results"], *rest["results"])] == made[::-1]


def test_another_users_batch_is_not_there(client):
    made = send(client, ("a.jpg", FACE))
    stranger = signed_in("stranger")
    answers = [
        *(stranger.get(address(made, action)) for action in ("", "items/", "download/", "download/?as=csv")),
        *(stranger.post(address(made, action)) for action in ("cancel/", "retry/")),
        stranger.delete(address(made)),
    ]
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(404, "not_found")] * 7
    assert stranger.get("/api/batches/").json()["results"] == []
    assert client.get(address(made)).json()["state"] == "queued"
    assert client.get("/api/batches/987654/").status_code == 404


def test_staff_see_no_more_than_others_over_the_api(client, admin_client):
    assert admin_client.get(address(send(client, ("a.jpg", FACE)))).status_code == 404


def test_nobody_is_let_in_without_signing_in():
    stranger = Client()
    answers = [
        *(stranger.get(f"/api/batches/{rest}") for rest in ("", "1/", "1/items/", "1/download/")),
        *(stranger.post(f"/api/batches/{rest}") for rest in ("1/cancel/", "1/retry/")),
        send(stranger, ("a.jpg", FACE)),
        stranger.delete("/api/batches/1/"),
    ]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, "not_authenticated")}
    assert not BatchJob.objects.exists()


def test_other_sites_pages_cannot_hand_in_batches_for_a_visitor():
    victim = signed_in("victim", enforce_csrf_checks=True)
    answer = send(victim, ("a.jpg", FACE))
    assert (answer.status_code, code_of(answer)) == (403, "permission_denied")
    assert not BatchJob.objects.exists()


def test_cancel_and_retry_answer_with_the_row_and_say_why_not(client):
    made = send(client, *many(3))
    cancelled = client.post(address(made, "cancel/"))
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["counts"]["cancelled"] == 3
    again = client.post(address(made, "cancel/"))
    assert (again.status_code, code_of(again)) == (409, "not_cancellable")
    tried = client.post(address(made, "retry/"))
    assert (tried.status_code, tried.json()["state"]) == (202, "queued")
    again = client.post(address(made, "retry/"))
    assert (again.status_code, code_of(again)) == (409, "nothing_to_retry")
    work()
    assert client.get(address(made)).json()["counts"]["succeeded"] == 3


def test_a_deleted_batch_is_gone_with_its_files(client, settings, tmp_path):
    made = send(client, ("a.jpg", FACE))
    folder = tmp_path / BatchJob.objects.get().folder
    assert folder.is_dir()
    assert client.delete(address(made)).status_code == 204
    assert client.get(address(made)).status_code == 404
    assert not folder.exists()


def test_zero_files_are_explained(client):
    for answer in (client.post("/api/batches/"), client.post("/api/batches/", {"file": "x"})):
        assert (answer.status_code, code_of(answer)) == (400, "no_files")
    misnamed = client.post("/api/batches/", {"file": SimpleUploadedFile("a.jpg", FACE)})
    assert (misnamed.status_code, code_of(misnamed)) == (400, "no_files")


def test_too_much_is_refused(client, hamster, settings):
    hamster(batch_max_items=2, batch_max_open=1)
    assert code_of(send(client, *many(3))) == "too_many_items"
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    assert code_of(send(client, *many(3))) == "too_many_items"
    hamster(batch_max_items=10, batch_max_bytes=2 * len(FACE))
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 10
    refused = send(client, *many(3))
    assert (refused.status_code, code_of(refused)) == (413, "batch_too_large")
    assert not BatchJob.objects.exists()
    assert send(client, *many(2)).status_code == 202
    refused = send(client, *many(2))
    assert (refused.status_code, code_of(refused)) == (409, "too_many_batches")


def test_ten_thousand_files_are_refused_whole_and_ten_thousand_in_an_archive_are_one_failed_item(
    client, settings, tmp_path
):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    refused = send(client, *many(10_000, b"x"))
    assert (refused.status_code, code_of(refused)) == (413, "too_many_items")
    assert "2000" in refused.json()["error"]["message"]
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []
    assert not BatchJob.objects.exists()
    made = send(client, ("all.zip", zipped(many(10_000, b"x"))), ("a.jpg", FACE))
    items = client.get(address(made, "items/")).json()["results"]
    assert [item["error"] and item["error"]["code"] for item in items] == ["archive_too_large", None]


def test_a_body_that_is_no_multipart_is_refused(client):
    answer = client.post("/api/batches/", "{}", "application/json")
    assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type")
    answer = client.post("/api/batches/", b"nothing", "multipart/form-data; boundary=x")
    assert answer.status_code == 400


def test_nothing_of_a_request_is_left_in_the_temporary_folder(client, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    send(client, ("a.jpg", FACE), ("b.txt", b"junk"))
    send(client, ("z.zip", zipped([("a.jpg", FACE)])))
    client.post("/api/batches/", b"--x\r\nbroken", "multipart/form-data; boundary=x")
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []


def test_each_account_has_its_own_rate(client, hamster):
    hamster(batch_rate="1/minute", batch_read_rate="2/minute")
    assert [client.post("/api/batches/").status_code for _ in range(2)] == [400, 429]
    assert [client.get("/api/batches/").status_code for _ in range(3)] == [200, 200, 429]
    assert signed_in("other").get("/api/batches/").status_code == 200


@pytest.fixture
def done(client):
    """A batch with a face, none, junk, and a second picture of the first one's name."""
    archive = zipped([("sub/a.png", FACE), ("../a.jpg", FACE)])
    made = send(
        client, ("=a.jpg", FACE), ("b.jpg", NO_FACE), ("c.txt", b"junk"), ("=a.png", FACE), ("z.zip", archive)
    )
    work()
    return made


def download(client: Client, made, form: str) -> bytes:
    answer = client.get(address(made, f"download/?as={form}"), headers={"Accept": "text/csv"})
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.getvalue()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *((f"{mark}1+1.jpg", f"'{mark}1+1.jpg") for mark in "=+-@＝＋－＠\t\r\n"),
        *((" =1.jpg", "' =1.jpg"), ("\u3000＝1.jpg", "'\u3000＝1.jpg"), ('"=1".jpg', '\'"=1".jpg')),
        *(("a;=1+1.jpg", "a;'=1+1.jpg"), ('a; "=1".jpg', 'a;\' "=1".jpg'), ("a\t-1.jpg", "a\t'-1.jpg")),
        *((name, name) for name in ("a=b.jpg", "a -1.jpg", "a;b.jpg", "me@home, =2.jpg", "", "é＝.jpg")),
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(name, written):
    assert harmless(name) == written


def test_the_table_has_a_line_a_face_and_no_formulas(client, done):
    lines = list(csv.DictReader(io.StringIO(download(client, done, "csv").decode())))
    assert [(line["name"], line["state"], line["error"], line["label"]) for line in lines] == [
        ("'=a.jpg", "succeeded", "", "happy"),
        ("b.jpg", "succeeded", "", ""),
        ("c.txt", "failed", "bad_image", ""),
        ("'=a.png", "succeeded", "", "happy"),
        ("z.zip/sub/a.png", "succeeded", "", "happy"),
        ("z.zip/../a.jpg", "failed", "unsafe_path", ""),
    ]
    assert float(lines[0]["happy"]) == float(lines[0]["score"]) > 0.5
    assert {name: float(lines[0][name]) for name in CORNERS} == pytest.approx(CORNERS, abs=0.02)
    assert set(EMOTIONS) < set(lines[0])


def test_the_json_has_every_item(client, done):
    items = json.loads(download(client, done, "json"))
    assert [item["number"] for item in items] == [1, 2, 3, 4, 5, 6]
    assert items[0]["prediction"]["emotion"] == "happy"
    assert (items[2]["prediction"], items[2]["error"]["code"]) == (None, "bad_image")
    assert json.loads(client.get(address(done, "download/")).getvalue()) == items


def test_the_labels_are_a_file_a_picture_in_the_detectors_order_of_classes(client, done):
    with zipfile.ZipFile(io.BytesIO(download(client, done, "yolo"))) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert files.pop("classes.txt").split() == list(EMOTIONS)
    assert set(files) == {
        *("labels/=a.txt", "labels/b.txt", "labels/=a-4.txt"),
        "labels/z.zip/sub/a.txt",
    }
    assert files["labels/b.txt"] == ""
    label, *box = files["labels/=a.txt"].split()
    assert EMOTIONS[int(label)] == "happy"
    assert [float(number) for number in box] == pytest.approx([0.375, 0.5, 0.25, 1 / 3], abs=0.02)


def test_a_download_of_an_unknown_form_is_explained(client, done):
    answer = client.get(address(done, "download/?as=pdf"))
    assert (answer.status_code, code_of(answer)) == (400, "invalid")
    assert "as" in answer.json()["error"]["details"]


def test_an_empty_batch_has_empty_downloads(client):
    made = send(client, ("a.txt", b"junk"))
    BatchJob.objects.get().items.all().delete()
    assert json.loads(download(client, made, "json")) == []
