"""Corrections over REST: anybody sends one, whoever sent it sees and withdraws it, and nobody else."""

import secrets
from threading import Barrier, Thread

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from detector.models import Correction
from detector.services.correction_review import accept_correction
from tests.detector.corrections import face, fields, post, send, stored
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
    assert client.get(address, headers=headers).status_code == 404
    assert stored(media) == []


def test_somebody_signed_in_needs_no_code_and_sees_their_own_only(client, owner, media):
    client.force_login(owner)
    sent = post(client).json()
    assert sent["code"] == ""
    send(seed=1)
    assert [row["id"] for row in client.get("/api/corrections/").json()["results"]] == [sent["id"]]
    assert client.delete(f"/api/corrections/{sent['id']}/").status_code == 204
    assert client.get("/api/corrections/").json()["results"] == []
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


def test_nobody_takes_more_than_a_share_with_what_waits_and_others_have_theirs(client, owner, hamster):
    staff = get_user_model().objects.create_user("clerk", is_staff=True)
    first = post(client).json()
    correction = Correction.objects.get()
    assert "127.0.0.1" not in str(Correction.objects.values().get())
    room = correction.size + 100
    hamster(correction_share_bytes=room, correction_rate="", api_rate="")
    refused = post(client)
    assert (refused.status_code, code_of(refused)) == (409, "correction_share_full")
    assert f"({room} bytes)" in refused.json()["error"]["message"]
    assert refused.json()["error"]["details"] == {"max_bytes": room}

    assert post(Client(REMOTE_ADDR="198.51.100.7")).status_code == 201
    signed_in = Client()
    signed_in.force_login(owner)
    assert [post(signed_in).status_code for _ in range(2)] == [201, 409]

    client.delete(f"/api/corrections/{first['id']}/", headers=with_code(first["code"]))
    second = post(client)
    assert [second.status_code, post(client).status_code] == [201, 409]
    accept_correction(correction=Correction.objects.get(pk=second.json()["id"]), reviewer=staff)
    assert post(client).status_code == 201
    assert not Correction.objects.exclude(state="waiting").exclude(sender="").exists()


def with_key(client: Client, key: str, **changed: object):
    return client.post("/api/corrections/", fields(**changed), headers={"Idempotency-Key": key})


def test_the_same_request_with_the_same_key_gets_the_same_answer_and_is_kept_once(client, media, hamster):
    key = secrets.token_hex(16)
    first = with_key(client, key)
    assert first.status_code == 201
    hamster(correction_quota_bytes=0, correction_rate="", api_rate="")
    again = with_key(client, key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(stored(media)) == Correction.objects.count() == 1
    row = str(Correction.objects.values().get())
    assert key not in row
    assert first.json()["code"].replace("-", "") not in row
    withdrawn = client.delete(
        f"/api/corrections/{again.json()['id']}/", headers=with_code(again.json()["code"])
    )
    assert withdrawn.status_code == 204
    hamster(correction_quota_bytes=2**20)
    assert with_key(client, key).json()["id"] != again.json()["id"]  # the key says nothing any more


def test_other_keys_and_the_same_key_of_somebody_else_make_other_corrections(client, owner):
    key = secrets.token_urlsafe(24)
    signed_in = Client()
    signed_in.force_login(owner)
    anonymous, other, mine = (
        with_key(visitor, sent).json()
        for visitor, sent in ((client, key), (client, secrets.token_hex(16)), (signed_in, key))
    )
    assert len({anonymous["id"], other["id"], mine["id"]}) == 3
    assert anonymous["code"] != other["code"]
    assert mine["code"] == ""
    assert with_key(signed_in, key).json() == mine


def test_a_key_that_says_something_else_or_could_be_anothers_is_refused(client, media):
    key = secrets.token_hex(16)
    with_key(client, key)
    other = SimpleUploadedFile("face.jpg", face(seed=1), "image/jpeg")
    for changed in ({"label": "fear"}, {"x2": "0.7"}, {"shown_score": "0.5"}, {"file": other}):
        refused = with_key(client, key, **changed)
        assert (refused.status_code, code_of(refused)) == (409, "idempotency_key_taken")
    for bad in ("1", key[:31], f"{key}.", f"{key}/", "k" * 129):
        refused = with_key(client, bad)
        assert (refused.status_code, code_of(refused)) == (400, "bad_idempotency_key")
    assert len(stored(media)) == Correction.objects.count() == 1


def test_of_two_that_come_at_once_with_the_same_key_one_is_kept_and_both_are_told(media):
    key, together, answers = secrets.token_hex(16), Barrier(2), []

    def send_it() -> None:
        together.wait()
        answers.append(with_key(Client(), key).json())
        connection.close()

    threads = [Thread(target=send_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[0] == answers[1]
    assert len(stored(media)) == Correction.objects.count() == 1


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


def test_a_page_of_an_allowed_site_may_send_the_code_and_read_when_to_come_back(client, settings, hamster):
    settings.CORS_ALLOWED_ORIGINS = ["https://elsewhere.example"]
    asked = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-withdrawal-code"}
    origin = {"Origin": "https://elsewhere.example"}
    preflight = client.options("/api/corrections/1/", headers={**origin, **asked})
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://elsewhere.example"
    assert {"x-withdrawal-code", "idempotency-key"} <= set(
        preflight.headers["Access-Control-Allow-Headers"].split(", ")
    )
    hamster(api_rate="1/minute")
    answers = [client.get("/api/corrections/1/", headers=origin) for _ in range(2)]
    assert (answers[1].status_code, answers[1].headers["Access-Control-Expose-Headers"]) == (
        429,
        "Retry-After",
    )
