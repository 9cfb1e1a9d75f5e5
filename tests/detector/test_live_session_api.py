"""Kept live sessions over REST: what is given back and refused, and that nobody sees another's."""

import csv
import io
import json

import pytest
from django.contrib.admin.sites import site as admin_site
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from detector.models import LiveSession
from ml.config import EMOTIONS
from tests.databases import ON_POSTGRES
from tests.detector.live_sessions import HAPPY, NO_FACE, SAD, record, row

pytestmark = pytest.mark.django_db
URL = "/api/live-sessions/"


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


def send(client: Client, data: object):
    text = data if isinstance(data, str) else json.dumps(data)
    return client.post(URL, text, "application/json")


def rename(client: Client, address: str, data: object):
    return client.patch(address, json.dumps(data), "application/json")


def address(response, rest: str = "") -> str:
    return f"{URL}{response.json()['id']}/{rest}"


def code_of(response) -> str:
    return response.json()["error"]["code"]


def test_a_kept_session_comes_back_whole(client):
    sent = record(name="Tea")
    made = send(client, sent)
    assert made.status_code == 201
    kept = client.get(address(made)).json()
    assert kept == made.json()
    assert {name: kept[name] for name in sent} == sent
    assert (kept["summary"]["happy"], kept["summary"]["unknown"]) == (0.5, 0.25)
    assert kept["ribbon"] == str(HAPPY) * 30 + str(SAD) * 15 + "-" * 15


def test_lists_are_newest_first_in_pages_without_the_samples(client, monkeypatch):
    monkeypatch.setattr("detector.api.live_session_views.NewestFirst.page_size", 2)
    made = [send(client, record()).json()["id"] for _ in range(3)]
    page = client.get(URL).json()
    rest = client.get(page["next"]).json()
    assert [row["id"] for row in (*page["results"], *rest["results"])] == made[::-1]
    assert "samples" not in page["results"][0]
    assert "moments" not in page["results"][0]
    assert client.get(f"{URL}?cursor=cD1ub25zZW5zZQ==").status_code == 404


def test_a_session_is_renamed_and_nothing_else_of_it_changes(client):
    made = send(client, record())
    renamed = rename(client, address(made), {"name": " <script>alert(1)</script> "})
    assert renamed.status_code == 200
    assert renamed.json() == {**made.json(), "name": "<script>alert(1)</script>"}
    assert rename(client, address(made), {"name": ""}).json()["name"] == ""
    for wrong in ({"name": "x" * 81}, {"name": None}, {"name": "a", "duration_ms": 5}, {}, ["name"], None):
        refused = rename(client, address(made), wrong)
        assert (refused.status_code, code_of(refused)) == (400, "bad_session")
    assert client.get(address(made)).json() == {**made.json(), "name": ""}


def test_a_deleted_session_is_gone(client):
    made = send(client, record())
    assert client.delete(address(made)).status_code == 204
    assert client.get(address(made)).status_code == 404
    assert not LiveSession.objects.exists()


def test_another_users_session_is_not_there(client):
    made = send(client, record())
    other = signed_in("other")
    answers = [
        *(other.get(address(made, rest)) for rest in ("", "download/", "download/?as=csv")),
        rename(other, address(made), {"name": "mine"}),
        other.delete(address(made)),
    ]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(404, "not_found")}
    assert other.get(URL).json()["results"] == []
    assert client.get(address(made)).json() == made.json()


def test_nobody_keeps_anything_without_signing_in():
    refused = send(Client(), record())
    assert (refused.status_code, code_of(refused)) == (403, "not_authenticated")
    assert not LiveSession.objects.exists()


def test_other_sites_pages_can_not_keep_sessions_for_a_visitor():
    refused = send(signed_in("victim", enforce_csrf_checks=True), record())
    assert (refused.status_code, code_of(refused)) == (403, "permission_denied")
    assert not LiveSession.objects.exists()


def test_an_account_keeps_only_so_many(client, hamster):
    hamster(live_session_max_kept=1)
    first = send(client, record())
    refused = send(client, record())
    assert (refused.status_code, code_of(refused)) == (409, "too_many_sessions")
    assert refused.json()["error"]["details"] == {"max_kept": 1}
    assert send(signed_in("other"), record()).status_code == 201
    client.delete(address(first))
    assert send(client, record()).status_code == 201


@pytest.mark.skipif(ON_POSTGRES, reason="a database server looks after its own disk")
def test_without_room_on_the_disk_no_session_is_kept(client, hamster):
    hamster(dataset_free_bytes=10**18)
    refused = send(client, record())
    assert (refused.status_code, code_of(refused)) == (507, "disk_full")
    assert not LiveSession.objects.exists()


def test_a_bad_session_is_explained_and_not_kept(client):
    refused = send(client, record(duration_ms=-1))
    assert (refused.status_code, code_of(refused)) == (400, "bad_session")
    assert refused.json()["error"]["details"] == {"field": "duration_ms"}
    assert not LiveSession.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[" * 100_000, "null", "[]", '"x"', '{"duration_ms": NaN}', '{"duration_ms": Infinity}'),
        *('{"duration_ms": 1e999}', '{"duration_ms": ' + "9" * 5000 + "}", '{"name": "\\ud800"}'),
    ],
    ids=lambda text: text[:20],
)
def test_junk_is_refused(client, text):
    assert send(client, text).status_code == 400
    assert not LiveSession.objects.exists()


def test_a_score_beyond_all_numbers_is_refused(client):
    text = json.dumps(record(samples={"step_ms": 250, "rows": [row(0, SAD)]})).replace("0.8", "1e999")
    assert code_of(send(client, text)) == "bad_session"


def test_the_longest_session_fits_and_a_longer_one_does_not(client):
    longest = record([HAPPY, NO_FACE] * 600)
    for scores in longest["samples"]["rows"]:
        scores[2:] = [0.1234 if scores[1] != NO_FACE else 0] * len(EMOTIONS)
    assert send(client, longest).status_code == 201
    too_many_values = json.dumps(record([HAPPY] * 2000))
    assert send(client, too_many_values).status_code == 400
    refused = send(client, record(name="x" * 300_000))
    assert (refused.status_code, code_of(refused)) == (413, "session_too_large")


def test_each_account_has_its_own_rate(client, hamster):
    hamster(live_session_rate="1/minute")
    assert [client.get(URL).status_code for _ in range(2)] == [200, 429]
    assert signed_in("other").get(URL).status_code == 200


def test_the_table_has_a_line_a_sample(client):
    answer = client.get(address(send(client, record()), "download/?as=csv"), headers={"Accept": "text/csv"})
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="session-')
    lines = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(line["seconds"], line["expression"]) for line in lines] == [
        ("0.000", "happy"),
        ("0.250", "happy"),
        ("0.500", "sad"),
        ("0.750", "unknown"),
    ]
    assert (lines[0]["happy"], lines[0]["angry"], lines[3]["happy"]) == ("0.8000", "0.0100", "0.0000")


def test_the_json_file_is_the_session(client):
    made = send(client, record(name="Tea"))
    answer = client.get(address(made, "download/"))
    assert json.loads(answer.content) == made.json()
    assert 'attachment; filename="session-' in answer.headers["Content-Disposition"]
    wrong = client.get(address(made, "download/?as=pdf"))
    assert (wrong.status_code, code_of(wrong)) == (400, "invalid")


def test_sessions_go_with_their_account(client):
    send(client, record())
    get_user_model().objects.get(username="owner").delete()
    assert not LiveSession.objects.exists()


def test_the_admin_shows_whose_sessions_there_are_and_not_what_they_are_about(client, admin_client):
    made = send(client, record(name="very private"))
    assert LiveSession in admin_site._registry
    pages = [f"/admin/detector/livesession/{rest}" for rest in ("", f"{made.json()['id']}/change/")]
    for page in pages:
        answer = admin_client.get(page)
        assert "owner" in answer.content.decode()
        assert "very private" not in answer.content.decode()
    deleted = admin_client.post(
        pages[0], {"action": "delete_selected", "_selected_action": made.json()["id"], "post": "yes"}
    )
    assert deleted.status_code == 302
    assert not LiveSession.objects.exists()


def test_the_schema_tells_what_a_session_is():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    operations = schema["paths"]["/api/live-sessions/"]
    assert set(operations) == {"get", "post"}
    assert set(schema["paths"]["/api/live-sessions/{id}/"]) == {"get", "patch", "delete"}
    assert set(schema["components"]["schemas"]["LiveSessionUpload"]["properties"]) == set(record())
