"""API tokens, and what an account may do more often than a stranger."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings as site_settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from detector import jobs_socket
from detector.models import ApiToken
from detector.routing import websocket_urlpatterns
from detector.services.tokens import KEPT_AFTER_END, USE_INTERVAL, make_token, revoke_token
from tests.detector.batches import FACE

PATIENCE = 10
JSON = "application/json"


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


@pytest.fixture
def signed_in(owner) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    client.get("/account/tokens/")
    client.defaults["HTTP_X_CSRFTOKEN"] = client.cookies["csrftoken"].value
    return client


@pytest.fixture
def token(owner) -> str:
    return make_token(owner=owner, name="robot")[1]


def program(text: str) -> Client:
    """A client that has nothing but a token."""
    return Client(headers={"Authorization": f"Bearer {text}"}, enforce_csrf_checks=True)


def make(client: Client, **values: object):
    return client.post("/api/tokens/", json.dumps({"name": "robot"} | values), JSON)


@pytest.mark.django_db
def test_a_token_is_shown_once_and_only_its_hash_is_kept(signed_in):
    answer = make(signed_in)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert made["token"].startswith(made["prefix"])
    assert len(made["token"]) >= len("hamster_") + 43  # 256 bits in base64
    row = ApiToken.objects.values().get()
    assert made["token"] not in str(row)
    assert made["token"].removeprefix(made["prefix"]) not in str(row)
    listed = signed_in.get("/api/tokens/").json()["results"]
    assert listed == [{name: value for name, value in made.items() if name != "token"}]
    assert signed_in.get(f"/api/tokens/{made['id']}/").json() == listed[0]


@pytest.mark.django_db
def test_a_program_uses_the_api_with_it_and_needs_no_csrf_token(token, owner):
    answer = program(token).post("/api/batches/", {"files": SimpleUploadedFile("a.jpg", FACE)})
    assert answer.status_code == 202
    assert owner.batches.get().pk == answer.json()["id"]
    assert program(token.replace("Bearer", "bearer")).get("/api/batches/").status_code == 200


def refusal(text: str, path: str = "/api/batches/") -> tuple[int, str, str]:
    answer = program(text).get(path)
    return answer.status_code, answer.json()["error"]["code"], answer.headers["WWW-Authenticate"][:6]


@pytest.mark.django_db
def test_an_unknown_an_expired_and_a_revoked_one_are_told_apart(owner, token):
    assert refusal("hamster_nonsense") == (401, "bad_token", "Bearer")
    row = ApiToken.objects.get()
    revoke_token(token=row)
    assert refusal(token) == (401, "token_revoked", "Bearer")
    _, late = make_token(owner=owner, name="late", expires_at=timezone.now() + timedelta(days=1))
    assert program(late).get("/api/batches/").status_code == 200
    ApiToken.objects.filter(name="late").update(expires_at=timezone.now())
    assert refusal(late) == (401, "token_expired", "Bearer")


@pytest.mark.django_db
def test_the_token_of_a_closed_account_opens_nothing(owner, token):
    owner.is_active = False
    owner.save()
    assert refusal(token) == (401, "account_closed", "Bearer")


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "two words", "x" * 300, "\xe9\xff", "hamster_\0"])
def test_what_is_no_token_is_refused_as_one(text, signed_in):
    assert refusal(text)[:2] == (401, "bad_token")
    # Also for somebody who is signed in besides: what a program says of itself counts.
    answer = signed_in.get("/api/batches/", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 401


@pytest.mark.django_db
def test_a_token_is_refused_where_anybody_else_may_ask(token):
    revoke_token(token=ApiToken.objects.get())
    answer = program(token).post("/api/predict", {"file": SimpleUploadedFile("a.jpg", FACE)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_revoked")


@pytest.mark.django_db
def test_an_address_may_show_so_many_bad_tokens_and_one_that_is_in_use_still_opens(
    token, hamster, django_assert_num_queries
):
    hamster(unauthorized_rate="2/minute")
    assert program(token).get("/api/batches/").status_code == 200
    paths = ("/api/batches/", "/api/predictions/", "/api/batches/")
    answers = [program(f"hamster_{path}").get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2].json()["error"]["code"] == "throttled"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60
    assert program(token).get("/api/batches/").status_code == 200
    with django_assert_num_queries(0):
        assert program("hamster_more").get("/api/batches/").status_code == 429
    elsewhere = program("hamster_nothing").get("/api/batches/", REMOTE_ADDR="198.51.100.7")
    assert elsewhere.status_code == 401


@pytest.mark.django_db
def test_other_ways_to_authorize_are_none_of_ours():
    answer = Client(headers={"Authorization": "Basic bWlhOm1pYQ=="}).get("/api/batches/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_authenticated")


@pytest.mark.django_db
def test_a_token_makes_no_tokens_but_may_list_and_revoke(token, owner):
    answer = make(program(token))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign_in_needed")
    (row,) = program(token).get("/api/tokens/").json()["results"]
    assert program(token).delete(f"/api/tokens/{row['id']}/").status_code == 204
    assert refusal(token)[1] == "token_revoked"


@pytest.mark.django_db
def test_anothers_token_is_not_there(token, django_user_model):
    other = Client()
    other.force_login(django_user_model.objects.create_user("other"))
    pk = ApiToken.objects.get().pk
    for answer in (
        other.get(f"/api/tokens/{pk}/"),
        other.delete(f"/api/tokens/{pk}/"),
        other.post(f"/account/tokens/{pk}/revoke/"),
    ):
        assert answer.status_code == 404
    assert other.get("/api/tokens/").json()["results"] == []
    assert program(token).get("/api/batches/").status_code == 200


@pytest.mark.django_db
def test_a_session_still_needs_its_csrf_token(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert make(client).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 300},
        {"name": "a\0b"},
        {"name": ["x"]},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "soon"},
        {"expires_at": 9e99},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(signed_in, values):
    answer = make(signed_in, **values)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert set(answer.json()["error"]["details"]) == set(values)
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_its_last_use_is_written_down_at_most_once_a_minute(token):
    program(token).get("/api/batches/")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    program(token).get("/api/batches/")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - USE_INTERVAL)
    program(token).get("/api/batches/")
    assert ApiToken.objects.get().last_used_at > first


@pytest.mark.django_db
def test_an_account_has_so_many_and_those_that_ended_are_forgotten_after_a_while(owner, signed_in, hamster):
    hamster(token_max=2)
    made = [make(signed_in).json()["id"] for _ in range(2)]
    answer = make(signed_in)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_tokens")
    signed_in.delete(f"/api/tokens/{made[0]}/")
    assert make(signed_in).status_code == 201
    long_ago = timezone.now() - KEPT_AFTER_END - timedelta(days=1)
    ApiToken.objects.filter(pk=made[0]).update(revoked_at=long_ago)
    ApiToken.objects.filter(pk=made[1]).update(expires_at=long_ago)
    make(signed_in)
    assert not ApiToken.objects.filter(pk__in=made).exists()


@pytest.mark.django_db
def test_of_those_that_were_revoked_only_the_last_are_told_apart(owner, signed_in, monkeypatch):
    monkeypatch.setattr("detector.services.tokens.ENDED_MOST", 2)
    made = [make(signed_in).json()["id"] for _ in range(4)]
    for number in made:
        signed_in.delete(f"/api/tokens/{number}/")
    make(signed_in)
    assert set(ApiToken.objects.exclude(revoked_at=None).values_list("pk", flat=True)) == set(made[2:])


@pytest.mark.django_db
def test_the_page_shows_a_new_token_once_and_revokes_it(client, owner):
    client.force_login(owner)
    name = "<script>alert(1)</script> אוגר"
    answer = client.post("/account/tokens/", {"name": name, "lifetime": "30"}, follow=True)
    assert answer.redirect_chain == [("/account/tokens/", 302)]  # loading it again makes no other token
    assert "no-store" in answer.headers["Cache-Control"]
    html = answer.content.decode()
    row = ApiToken.objects.get()
    text = html.split('id="made-text" tabindex="0">')[1].split("<")[0]
    assert program(text).get("/api/batches/").status_code == 200
    assert timedelta(days=29) < row.expires_at - timezone.now() < timedelta(days=31)
    later = client.get("/account/tokens/").content.decode()
    assert text not in later
    assert text not in str(dict(client.session))
    assert row.prefix in later
    assert "<script>alert" not in html + later
    client.post(f"/account/tokens/{row.pk}/revoke/")
    assert refusal(text)[1] == "token_revoked"
    for wrong in ({"name": "x" * 300}, {"name": "x", "lifetime": "9999"}, {"name": ""}, {"name": "\0"}):
        assert client.post("/account/tokens/", wrong).status_code == 400
    assert ApiToken.objects.count() == 1


@pytest.mark.django_db
def test_the_schema_knows_tokens(client):
    schema = client.get("/api/schema/?format=json").json()
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, method in (("/api/batches/", "post"), ("/api/predict", "post"), ("/api/tokens/", "get")):
        assert {"token": []} in schema["paths"][path][method]["security"]


def upload(client: Client) -> int:
    return client.post("/api/predict", {"file": SimpleUploadedFile("a.jpg", b"no picture")}).status_code


@pytest.mark.django_db
def test_an_account_may_ask_more_often_than_a_stranger_by_session_and_token_together(hamster, owner, token):
    hamster(predict_rate="1/minute", account_predict_rate="3/minute")
    stranger, person = Client(), Client(enforce_csrf_checks=True)
    person.force_login(owner)
    assert [upload(stranger) for _ in range(2)] == [400, 429]
    assert [upload(person), upload(program(token)), upload(person)] == [400, 400, 400]
    assert [upload(person), upload(program(token))] == [429, 429]
    assert person.post("/api/predict", {}).json()["error"]["details"]["retry_after"] > 0


@pytest.mark.django_db
def test_the_rates_of_frames_and_of_the_rest_are_told_apart_too(hamster, token):
    hamster(stream_rate="1/minute", api_rate="1/minute")
    hamster(account_stream_rate="2/minute", account_api_rate="2/minute")
    for ask in (
        lambda client: client.post("/api/predict/stream", "{", JSON),
        lambda client: client.get("/api/tokens/"),
    ):
        answers = [ask(program(token)).status_code for _ in range(3)]
        assert (429 in answers[:2], answers[2]) == (False, 429)
    frames = [Client().post("/api/predict/stream", "{", JSON).status_code for _ in range(2)]
    assert frames == [400, 429]


@asynccontextmanager
async def connected(path: str, **headers: str) -> AsyncIterator[WebsocketCommunicator]:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path, pairs)
    socket.scope["client"] = ["203.0.113.9", 50_000]
    assert (await socket.connect(timeout=PATIENCE))[0]
    try:
        yield socket
    finally:
        await socket.disconnect()


async def heard(path: str, **headers: str) -> dict:
    async with connected(path, **headers) as socket:
        return await socket.receive_json_from(timeout=PATIENCE)


@sync_to_async
def cookie_of(user) -> str:
    client = Client()
    client.force_login(user)
    return f"{site_settings.SESSION_COOKIE_NAME}={client.session.session_key}"


async def test_the_live_socket_looks_more_often_for_an_account(engine, owner, token, hamster):
    hamster(live_max_fps=7, account_live_max_fps=13)
    cookie = await cookie_of(owner)
    for headers, fps in (
        ({}, 7),
        ({"cookie": "sessionid=invented"}, 7),
        ({"cookie": cookie}, 13),
        ({"authorization": f"Bearer {token}"}, 13),
    ):
        assert (await heard("/ws/live/", **headers))["limits"]["max_fps"] == fps, headers


@pytest.mark.parametrize("path", ["/ws/live/", "/ws/jobs/"])
async def test_sockets_say_what_is_wrong_with_a_token_and_close(engine, token, path):
    await sync_to_async(lambda: revoke_token(token=ApiToken.objects.get()))()
    async with connected(path, authorization=f"Bearer {token}") as socket:
        assert (await socket.receive_json_from(timeout=PATIENCE))["code"] == "token_revoked"
        assert (await socket.receive_output(timeout=PATIENCE))["code"] == 1008


@pytest.mark.parametrize("path", ["/ws/live/", "/ws/jobs/"])
async def test_sockets_take_no_more_bad_tokens_from_an_address_than_the_api(engine, hamster, path):
    hamster(unauthorized_rate="2/minute")
    said = [(await heard(path, authorization=f"Bearer hamster_{number}"))["code"] for number in range(3)]
    assert said == ["bad_token", "bad_token", "throttled"]


@pytest.mark.parametrize("path", ["/ws/live/", "/ws/jobs/"])
async def test_an_address_may_open_only_so_many_sockets_a_minute(engine, hamster, token, path):
    hamster(socket_rate="2/minute")
    for _ in range(2):
        async with connected(path, authorization=f"Bearer {token}"):
            pass
    async with connected(path, authorization=f"Bearer {token}") as socket:
        assert (await socket.receive_json_from(timeout=PATIENCE))["code"] == "throttled"
        assert (await socket.receive_output(timeout=PATIENCE))["code"] == 1013


@pytest.mark.parametrize("path", ["/ws/live/", "/ws/jobs/"])
@pytest.mark.parametrize("limit", ["per_address", "per_account"])
async def test_an_account_has_only_so_many_places_and_gets_them_back(engine, hamster, token, path, limit):
    hamster(**{f"{path.split('/')[2]}_max_{limit}": 1})
    mine = {"authorization": f"Bearer {token}"}

    async def is_served(socket: WebsocketCommunicator) -> bool:
        await socket.send_to(text_data="nonsense")
        return (await socket.receive_json_from(timeout=PATIENCE)).get("code") != "server_busy"

    async with connected(path, **mine) as first:
        assert await is_served(first)
        async with connected(path, **mine) as second:
            assert not await is_served(second)
            assert (await second.receive_output(timeout=PATIENCE))["code"] == 1013
    async with connected(path, **mine) as third:
        assert await is_served(third)


@pytest.mark.django_db(transaction=True)
async def test_jobs_are_watched_with_a_token_until_it_is_revoked(make_batch, token, monkeypatch):
    monkeypatch.setattr(jobs_socket, "LOOK_INTERVAL", 0.05)
    batch = await sync_to_async(make_batch)(a_jpg=FACE)
    async with connected("/ws/jobs/", authorization=f"Bearer {token}") as socket:
        await socket.send_json_to({"type": "watch", "kind": "batch", "id": batch.pk})
        assert (await socket.receive_json_from(timeout=PATIENCE))["job"]["id"] == batch.pk
        await sync_to_async(lambda: revoke_token(token=ApiToken.objects.get()))()
        assert (await socket.receive_json_from(timeout=PATIENCE))["code"] == "token_revoked"
        assert (await socket.receive_output(timeout=PATIENCE))["code"] == 1008


@pytest.mark.parametrize("name", ["my\u202erobot", "\u200b", "\u3164", "a\x00b"])
@pytest.mark.django_db
def test_names_of_tokens_obey_the_rule_of_all_names(client, django_user_model, name):
    client.force_login(django_user_model.objects.create_user("mia"))
    answer = client.post("/api/tokens/", {"name": name}, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid"
    assert client.post("/account/tokens/", {"name": name, "lifetime": "30"}).status_code == 400
    assert not ApiToken.objects.exists()
    made = client.post("/api/tokens/", {"name": "robot 🤖"}, content_type="application/json")
    assert made.status_code == 201
