"""Predictions that are kept: when, what of them, for how long and for whom; over REST and in the admin."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from detector.errors import DiskFull
from detector.models import Prediction
from detector.services.predictions import TooManyKept, expire_predictions, keep_prediction
from ml.config import EMOTIONS
from tests.databases import ON_POSTGRES
from tests.detector.pictures import ODD_PICTURES, Odd, encoded, scene, turned_by_exif

pytestmark = pytest.mark.usefixtures("engine")
FACE = encoded(scene())
NO_FACE = encoded(scene(face=False))
KEEP = "/api/predict?keep=true"
LIST = "/api/predictions/"


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def mine(owner) -> Client:
    return signed_in(owner)


@pytest.fixture
def theirs() -> Client:
    return signed_in(get_user_model().objects.create_user("other"))


def signed_in(account, **options: object) -> Client:
    client = Client(**options)
    client.force_login(account)
    return client


def upload(client: Client, data: bytes = FACE, *, to: str = KEEP, name: str = "face.jpg", **headers: str):
    return client.post(to, {"file": SimpleUploadedFile(name, data)}, headers=headers)


def kept_by(client: Client, query: str = "") -> list[dict]:
    answer = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return answer.json()["results"]


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_nothing_is_kept_unless_it_is_asked_for(mine):
    for query in ("", "?keep=false", "?thumbnail=true"):
        answer = upload(mine, to=f"/api/predict{query}")
        assert answer.status_code == 200
        assert list(answer.json()) == ["emotion", "confidence", "boxes", "detector", "timing_ms"]
    assert not Prediction.objects.exists()


def test_what_is_kept_is_the_result_and_not_the_picture(mine, owner):
    answer = upload(mine, turned_by_exif(), name="on its side.jpg")
    assert answer.status_code == 201
    *result, last = answer.json()
    assert (result, last) == (["emotion", "confidence", "boxes", "detector", "timing_ms"], "id")
    (row,) = kept_by(mine)
    assert row["id"] == answer.json()["id"]
    assert (row["name"], row["width"], row["height"]) == ("on its side.jpg", 320, 240)
    assert row["prediction"] == {name: answer.json()[name] for name in result}
    assert row["thumbnail"] is None
    kept = Prediction.objects.get()
    assert (kept.owner, kept.emotion, kept.detector, kept.thumbnail) == (owner, "happy", "shipped", None)
    assert kept.expires_at - kept.created_at == pytest.approx(timedelta(days=30), abs=timedelta(minutes=1))


def test_the_small_picture_is_kept_only_when_wished_and_only_its_owner_sees_it(mine, theirs):
    hidden = encoded(scene(size=(2000, 1500)), "PNG") + b"<script>alert(1)</script>"
    pk = upload(mine, hidden, to=f"{KEEP}&thumbnail=true").json()["id"]
    (row,) = kept_by(mine)
    assert row["thumbnail"].endswith(f"/api/predictions/{pk}/thumbnail/")
    answer = mine.get(row["thumbnail"])
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert b"script" not in answer.content
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (320, 240)
    assert theirs.get(row["thumbnail"]).status_code == 404
    assert Client().get(row["thumbnail"]).status_code == 403
    without = upload(mine).json()["id"]
    assert mine.get(f"{LIST}{without}/thumbnail/").status_code == 404


def test_a_browser_asks_for_the_small_picture_again_and_never_shows_a_deleted_one(mine):
    pk = upload(mine, to=f"{KEEP}&thumbnail=true").json()["id"]
    address = f"{LIST}{pk}/thumbnail/"
    first = mine.get(address)
    kept = {"If-None-Match": first.headers["ETag"]}
    again = mine.get(address, headers=kept)
    assert (again.status_code, again.content) == (304, b"")
    assert {answer.headers["Cache-Control"] for answer in (first, again)} == {"private, no-cache"}
    assert mine.delete(f"{LIST}{pk}/").status_code == 204
    assert mine.get(address, headers=kept).status_code == 404


def test_strangers_may_look_but_not_keep():
    assert upload(Client(), to="/api/predict").status_code == 200
    assert code_of(upload(Client())) == (403, "not_authenticated")
    assert not Prediction.objects.exists()


def test_keeping_takes_the_csrf_token_and_looking_does_not(owner):
    client = signed_in(owner, enforce_csrf_checks=True)
    assert upload(client, to="/api/predict").status_code == 200
    assert code_of(upload(client)) == (403, "permission_denied")
    client.cookies["csrftoken"] = token = "t" * 32
    assert upload(client, **{"X-CSRFToken": token}).status_code == 201
    assert client.delete(LIST).status_code == 403
    assert Prediction.objects.count() == 1


def test_a_keep_that_is_neither_yes_nor_no_is_explained(mine):
    assert code_of(upload(mine, to="/api/predict?keep=perhaps")) == (400, "invalid")


@pytest.mark.parametrize("odd", ODD_PICTURES, ids=lambda odd: odd.name)
def test_odd_pictures_are_kept_upright_or_refused_and_then_not_kept(mine, odd: Odd):
    answer = upload(mine, odd.data, to=f"{KEEP}&thumbnail=true")
    if odd.code is None:
        assert answer.status_code == 201
        (row,) = kept_by(mine)
        assert (row["width"], row["height"]) == (320, 240)
        assert len(row["prediction"]["boxes"]) == odd.faces
    else:
        assert code_of(answer)[1] == odd.code
        assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<script>alert(1)<script>.jpg", "<script>alert(1)<script>.jpg"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("../../etc/passwd", "passwd"),
        ("Übermütig 😀.jpg", "Übermütig 😀.jpg"),
    ],
)
def test_odd_file_names_are_kept_as_text(mine, sent, kept):
    upload(mine, name=sent)
    assert kept_by(mine)[0]["name"] == kept


def test_a_name_of_300_characters_keeps_its_ending(mine):
    upload(mine, name="n" * 296 + ".jpg")
    (row,) = kept_by(mine)
    assert len(row["name"]) == 255
    assert row["name"].endswith("n.jpg")


def test_an_account_keeps_so_many_and_others_are_not_counted(mine, theirs, hamster):
    hamster(kept_max=2)
    assert [upload(mine).status_code for _ in range(3)] == [201, 201, 409]
    answer = upload(mine)
    assert code_of(answer) == (409, "too_many_kept")
    assert answer.json()["error"]["details"] == {"max_kept": 2}
    assert upload(theirs).status_code == 201
    assert upload(mine, to="/api/predict").status_code == 200
    mine.delete(f"{LIST}{kept_by(mine)[0]['id']}/")
    assert upload(mine).status_code == 201


def test_the_limit_holds_also_for_who_came_past_the_first_look(owner, hamster):
    hamster(kept_max=1)
    result = {"emotion": "happy", "detector": "red-1", "boxes": []}
    keep_prediction(owner=owner, name="a.jpg", content=FACE, result=result)
    with pytest.raises(TooManyKept):
        keep_prediction(owner=owner, name="b.jpg", content=FACE, result=result)
    assert Prediction.objects.get().name == "a.jpg"


@pytest.mark.skipif(ON_POSTGRES, reason="a database server looks after its own disk")
def test_without_room_on_the_disk_a_picture_is_looked_at_and_nothing_is_kept(mine, owner, hamster):
    hamster(dataset_free_bytes=10**18)
    assert code_of(upload(mine)) == (507, "disk_full")
    assert upload(mine, to="/api/predict").status_code == 200
    with pytest.raises(DiskFull):
        result = {"emotion": "happy", "detector": "red-1", "boxes": []}
        keep_prediction(owner=owner, name="a.jpg", content=FACE, result=result)
    assert not Prediction.objects.exists()


def test_what_is_too_old_is_deleted(mine, hamster):
    hamster(kept_retention_days=2)
    old, new = (upload(mine).json()["id"] for _ in range(2))
    Prediction.objects.filter(pk=old).update(expires_at=timezone.now())
    assert expire_predictions() == 1
    assert [row["id"] for row in kept_by(mine)] == [new]
    assert Prediction.objects.get().expires_at < timezone.now() + timedelta(days=2)


def test_everything_goes_with_the_account(mine, owner):
    upload(mine, to=f"{KEEP}&thumbnail=true")
    owner.delete()
    assert not Prediction.objects.exists()


def test_the_list_is_newest_first_in_pages_and_by_expression(mine):
    first = upload(mine).json()["id"]
    nobody = upload(mine, NO_FACE).json()["id"]
    many = [upload(mine).json()["id"] for _ in range(20)]
    page = mine.get(LIST).json()
    assert [row["id"] for row in page["results"]] == many[::-1]
    assert [row["id"] for row in mine.get(page["next"]).json()["results"]] == [nobody, first]
    assert [row["id"] for row in kept_by(mine, "?emotion=unknown")] == [nobody]
    assert kept_by(mine, "?emotion=sad") == []
    assert code_of(mine.get(f"{LIST}?emotion=joyful")) == (400, "invalid")
    assert code_of(mine.get(f"{LIST}?cursor=nonsense")) == (404, "not_found")


def test_the_list_does_not_load_the_small_pictures(mine, django_assert_num_queries):
    for _ in range(3):
        upload(mine, to=f"{KEEP}&thumbnail=true")
    with django_assert_num_queries(3) as asked:  # session, account, rows
        kept_by(mine)
    assert '"thumbnail",' not in asked.captured_queries[-1]["sql"]


def test_nobody_reaches_what_another_keeps(mine, theirs):
    pk = upload(mine, to=f"{KEEP}&thumbnail=true").json()["id"]
    assert kept_by(theirs) == []
    for address in (f"{LIST}{pk}/", f"{LIST}{pk}/thumbnail/"):
        assert code_of(theirs.get(address)) == (404, "not_found")
    assert theirs.delete(f"{LIST}{pk}/").status_code == 404
    assert theirs.delete(LIST).json() == {"deleted": 0}
    assert json.loads(theirs.get(f"{LIST}download/").getvalue()) == []
    assert mine.get(f"{LIST}{pk}/").json()["id"] == pk


def test_one_all_of_an_expression_and_all_are_deleted(mine):
    one, *_ = (upload(mine, data).json()["id"] for data in (FACE, FACE, NO_FACE, FACE))
    assert mine.delete(f"{LIST}{one}/").status_code == 204
    assert mine.get(f"{LIST}{one}/").status_code == 404
    assert mine.delete(f"{LIST}?emotion=unknown").json() == {"deleted": 1}
    for nothing in ("joyful", ""):  # an empty one is none, rather than all of them
        assert mine.delete(f"{LIST}?emotion={nothing}").status_code == 400
    assert len(kept_by(mine)) == 2
    assert mine.delete(LIST).json() == {"deleted": 2}
    assert kept_by(mine) == []


def test_the_csv_has_a_line_a_face_and_runs_nothing_in_a_spreadsheet(mine):
    upload(mine, name="=cmd.jpg")
    upload(mine, NO_FACE, name="wall.jpg")
    answer = mine.get(f"{LIST}download/?as=csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="predictions.csv"'
    wall, face = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert (face["name"], face["face"], face["label"], face["width"]) == ("'=cmd.jpg", "1", "happy", "320")
    assert float(face["happy"]) == max(float(face[name]) for name in EMOTIONS)
    assert (wall["name"], wall["face"], wall["label"]) == ("wall.jpg", "", "")


def test_the_json_is_what_the_api_gives_and_follows_the_filter(mine):
    upload(mine)
    upload(mine, NO_FACE)
    rows = json.loads(mine.get(f"{LIST}download/?as=json&emotion=happy").getvalue())
    (row,) = kept_by(mine, "?emotion=happy")
    assert [rows[0][name] for name in ("id", "name", "prediction")] == [
        row[name] for name in ("id", "name", "prediction")
    ]
    assert code_of(mine.get(f"{LIST}download/?as=xml")) == (400, "invalid")


def test_accounts_have_a_rate_of_their_own_for_looking(mine, hamster):
    hamster(predict_rate="1/minute", account_predict_rate="2/minute")
    assert [upload(Client(), to="/api/predict").status_code for _ in range(2)] == [200, 429]
    assert [upload(mine, to="/api/predict").status_code for _ in range(3)] == [200, 200, 429]


def test_reading_what_is_kept_has_a_rate(mine, hamster):
    hamster(kept_rate="2/minute")
    assert [mine.get(LIST).status_code for _ in range(3)] == [200, 200, 429]


def test_the_admin_shows_and_deletes_them_without_their_pictures(mine, admin_client):
    pk = upload(mine, to=f"{KEEP}&thumbnail=true", name="<b>me<b>.jpg").json()["id"]
    listed = admin_client.get("/admin/detector/prediction/?q=owner").content.decode()
    assert "&lt;b&gt;me&lt;b&gt;.jpg" in listed
    page = admin_client.get(f"/admin/detector/prediction/{pk}/change/").content.decode()
    assert "thumbnail" not in page.lower()
    assert "_save" not in page
    admin_client.post(f"/admin/detector/prediction/{pk}/delete/", {"post": "yes"})
    assert not Prediction.objects.exists()
