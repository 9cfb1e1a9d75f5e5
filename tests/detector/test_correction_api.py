"""Corrections over REST: anybody sends one, whoever sent it sees and withdraws it, and nobody else."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from detector.models import Correction
from tests.detector.corrections import face, post, send, stored
from tests.detector.pictures import ODD_PICTURES, encoded, scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(settings, tmp_path, hamster):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    hamster(correction_rate="", api_rate="")
    cache.clear()
    return tmp_path / "media"


def code_of(response) -> str:
    return response.json()["error"]["code"]


def with_code(code: str) -> dict[str, str]:
    return {"X-Withdrawal-Code": code}


def test_without_an_account_the_answer_holds_a_code_that_reads_and_withdraws_it(client, media):
    answer = post(client)
    assert answer.status_code == 201
    sent = answer.json()
    assert (sent["state"], sent["label"], sent["shown_label"]) == ("waiting", "sad", "happy")
    address, headers = f"/api/corrections/{sent['id']}/", with_code(sent["code"])
    read = client.get(address, headers=headers)
    assert read.json() == {name: value for name, value in sent.items() if name != "code"}
    assert client.delete(address, headers=headers).status_code == 204
    assert client.get(address, headers=headers).json()["state"] == "withdrawn"
    assert stored(media) == []


def test_somebody_signed_in_needs_no_code_and_sees_their_own_only(client, owner, media):
    client.force_login(owner)
    sent = post(client).json()
    assert sent["code"] == ""
    send(seed=1)
    assert [row["id"] for row in client.get("/api/corrections/").json()["results"]] == [sent["id"]]
    assert client.delete(f"/api/corrections/{sent['id']}/").status_code == 204
    assert client.get("/api/corrections/").json()["results"][0]["state"] == "withdrawn"
    assert len(stored(media)) == 1


def test_others_find_nothing_whatever_code_they_have(client, owner, django_user_model):
    mine, _ = send(owner=owner)
    anonymous, code = send(seed=1)
    _, other_code = send(seed=2)
    staff = Client()
    staff.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
    for visitor in (client, staff):
        for pk, given in (
            (mine.pk, code),
            (mine.pk, ""),
            (anonymous.pk, other_code),
            (anonymous.pk, "guess"),
        ):
            for method in ("get", "delete"):
                answer = getattr(visitor, method)(f"/api/corrections/{pk}/", headers=with_code(given))
                assert (answer.status_code, code_of(answer)) == (404, "not_found")
    assert Correction.objects.filter(state="waiting").count() == 3


def test_a_page_of_another_site_can_not_send_in_somebodys_name(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert post(client).status_code == 403
    mine, _ = send(owner=owner)
    assert client.delete(f"/api/corrections/{mine.pk}/").status_code == 403


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"consent": None}, 400, "no_consent"),
        ({"consent": "1-1"}, 409, "consent_changed"),
        ({"file": None}, 400, "invalid"),
        ({"file": "text"}, 400, "invalid"),
        ({"label": None}, 400, "invalid"),
        ({"label": "hungry"}, 400, "invalid"),
        ({"label": "happy"}, 400, "nothing_to_correct"),
        ({"shown_label": "not_a_face"}, 400, "invalid"),
        ({"shown_score": "nan"}, 400, "invalid"),
        ({"shown_score": "1.5"}, 400, "invalid"),
        ({"x1": "nan"}, 400, "invalid"),
        ({"x2": "inf"}, 400, "invalid"),
        ({"y1": "0.9"}, 400, "bad_box"),
        ({"detector": "x" * 121}, 400, "invalid"),
        ({"detector": "nul\0"}, 400, "invalid"),
    ],
    ids=str,
)
def test_bad_fields_are_refused_by_name_and_nothing_is_kept(client, media, changed, status, code):
    answer = post(client, **changed)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert stored(media) == []
    assert not Correction.objects.exists()


@pytest.mark.parametrize("odd", [odd for odd in ODD_PICTURES if odd.code], ids=lambda odd: odd.name)
def test_bad_pictures_get_the_same_errors_as_predictions(client, media, odd):
    answer = post(client, file=SimpleUploadedFile("a.jpg", odd.data))
    assert code_of(answer) == odd.code
    assert stored(media) == []


def test_a_large_body_is_refused(client, hamster):
    hamster(correction_max_bytes=20_000, correction_rate="")
    answer = post(client, file=SimpleUploadedFile("a.png", b"x" * 21_000))
    assert (answer.status_code, code_of(answer)) == (413, "image_too_large")
    assert answer.json()["error"]["details"] == {"max_bytes": 20_000}
    answer = post(client, file=SimpleUploadedFile("a.png", b"x" * 100_000))
    assert code_of(answer) == "image_too_large"


def test_without_room_a_correction_is_refused(client, hamster):
    hamster(correction_quota_bytes=10, correction_rate="")
    assert (post(client).status_code, code_of(post(client))) == (507, "corrections_full")


def test_json_is_not_taken(client):
    assert client.post("/api/corrections/", "{}", "application/json").status_code == 415


def test_an_address_and_an_account_may_send_so_many_and_no_more(client, owner, hamster):
    hamster(correction_rate="2/hour")
    assert [post(client).status_code for _ in range(3)] == [201, 201, 429]
    signed_in = Client()
    signed_in.force_login(owner)
    assert [post(signed_in).status_code for _ in range(3)] == [201, 201, 429]
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert post(elsewhere).status_code == 201
    assert signed_in.get("/api/corrections/").status_code == 200  # reading is not sending


def test_strangers_have_no_list(client):
    answer = client.get("/api/corrections/")
    assert (answer.status_code, code_of(answer)) == (403, "not_authenticated")
    assert client.head("/api/corrections/").status_code == 403


def test_any_picture_that_predictions_take_is_taken(client):
    for number, content in enumerate((encoded(scene(), "WEBP"), encoded(scene(mode="CMYK")), face())):
        answer = post(client, file=SimpleUploadedFile(f"{number}.bin", content))
        assert answer.status_code == 201, answer.content
    assert get_user_model().objects.count() == 0
