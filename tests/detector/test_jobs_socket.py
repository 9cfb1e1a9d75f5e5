"""The jobs WebSocket, spoken to as a browser speaks, through the site's own routing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from detector import jobs_socket
from detector.models import TrainingRun
from detector.routing import websocket_urlpatterns
from detector.services.batches import delete_batch, request_cancel
from tests.detector.pictures import encoded, scene

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 10


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_socket, "LOOK_INTERVAL", 0.05)


@pytest.fixture
def batch(make_batch):
    return make_batch(a_jpg=encoded(scene()))


@sync_to_async
def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


async def connect(client: Client | None, language: str = "en") -> WebsocketCommunicator:
    headers = []
    if client is not None:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookies = f"{settings.SESSION_COOKIE_NAME}={cookie}; {settings.LANGUAGE_COOKIE_NAME}={language}"
        headers.append((b"cookie", cookies.encode()))
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/ws/jobs/", headers)
    assert await socket.connect(timeout=PATIENCE) == (True, None)
    return socket


@asynccontextmanager
async def connected(client: Client | None, language: str = "en") -> AsyncIterator[WebsocketCommunicator]:
    socket = await connect(client, language)
    try:
        yield socket
    finally:
        await socket.disconnect()


async def watch(socket: WebsocketCommunicator, pk: int) -> dict:
    await socket.send_json_to({"type": "watch", "kind": "batch", "id": pk})
    return await socket.receive_json_from(timeout=PATIENCE)


async def test_a_watched_batch_is_told_at_once_and_whenever_it_changes(owner, batch):
    async with connected(await signed_in(owner)) as socket:
        first = await watch(socket, batch.pk)
        assert (first["type"], first["kind"], first["id"]) == ("job", "batch", batch.pk)
        assert first["job"]["state"] == "queued"
        assert first["job"]["counts"]["queued"] == 1
        assert await socket.receive_nothing(timeout=0.3)
        await sync_to_async(request_cancel)(batch=batch)
        assert (await socket.receive_json_from(timeout=PATIENCE))["job"]["state"] == "cancelled"


def looking() -> list[asyncio.Task]:
    return [task for task in asyncio.all_tasks() if "_keep_looking" in repr(task.get_coro())]


async def test_nothing_goes_on_looking_for_a_connection_that_is_cut_off(owner, batch):
    socket = await connect(await signed_in(owner))
    await watch(socket, batch.pk)
    assert len(looking()) == 1
    socket.future.cancel()  # as daphne does when a disconnect takes too long
    await asyncio.wait([socket.future, *looking()], timeout=PATIENCE)
    assert looking() == []


async def test_what_workers_stored_is_told_in_the_language_of_the_page(owner):
    run = await sync_to_async(TrainingRun.objects.create)(
        name="a", status="failed", error="The disk is full. Make room and resume the run."
    )
    owner.is_staff = True
    await sync_to_async(owner.save)()
    async with connected(await signed_in(owner), language="es") as socket:
        await socket.send_json_to({"type": "watch", "kind": "training-run", "id": run.pk})
        told = await socket.receive_json_from(timeout=PATIENCE)
        assert told["job"]["error"] == "El disco está lleno. Haz sitio y reanuda el entrenamiento."
        await sync_to_async(TrainingRun.objects.update)(error="Its detector was not made in time.")
        told = await socket.receive_json_from(timeout=PATIENCE)
        assert told["job"]["error"] == "Su detector no se hizo a tiempo."


async def test_several_people_see_the_same(owner, batch):
    client = await signed_in(owner)
    async with connected(client) as one, connected(client) as other:
        await watch(one, batch.pk)
        await watch(other, batch.pk)
        await sync_to_async(request_cancel)(batch=batch)
        for socket in (one, other):
            assert (await socket.receive_json_from(timeout=PATIENCE))["job"]["state"] == "cancelled"


async def test_a_batch_that_is_deleted_is_gone(owner, batch):
    async with connected(await signed_in(owner)) as socket:
        await watch(socket, batch.pk)
        pk = batch.pk
        await sync_to_async(delete_batch)(batch=batch)
        assert await socket.receive_json_from(timeout=PATIENCE) == {"type": "gone", "kind": "batch", "id": pk}


async def test_somebody_elses_batch_is_not_there(batch):
    other = await sync_to_async(get_user_model().objects.create_user)("other")
    async with connected(await signed_in(other)) as socket:
        assert (await watch(socket, batch.pk))["type"] == "gone"


async def test_what_is_no_longer_watched_is_not_told(owner, batch):
    async with connected(await signed_in(owner)) as socket:
        await watch(socket, batch.pk)
        await socket.send_json_to({"type": "unwatch", "kind": "batch", "id": batch.pk})
        await sync_to_async(request_cancel)(batch=batch)
        assert await socket.receive_nothing(timeout=0.3)


async def turned_away(socket: WebsocketCommunicator) -> bool:
    error = await socket.receive_json_from(timeout=PATIENCE)
    closing = await socket.receive_output(timeout=PATIENCE)
    return (error["code"], closing["type"], closing["code"]) == ("not_signed_in", "websocket.close", 1008)


async def test_a_stranger_is_told_to_sign_in_and_turned_away():
    async with connected(None) as socket:
        assert await turned_away(socket)


async def test_whoever_signs_out_is_turned_away(owner, batch):
    client = await signed_in(owner)
    async with connected(client) as socket:
        await watch(socket, batch.pk)
        await sync_to_async(client.session.flush)()
        assert await turned_away(socket)


async def test_whose_account_is_closed_is_turned_away(owner, batch):
    async with connected(await signed_in(owner)) as socket:
        await watch(socket, batch.pk)
        owner.is_active = False
        await sync_to_async(owner.save)()
        assert await turned_away(socket)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        "[" * 900,
        '"watch"',
        '{"type": "watch"}',
        '{"type": "watch", "kind": "cheese", "id": 1}',
        '{"type": "watch", "kind": ["batch"], "id": 1}',
        '{"type": "watch", "kind": "batch", "id": "1"}',
        '{"type": "watch", "kind": "batch", "id": true}',
        '{"type": "watch", "kind": "batch", "id": -1}',
        '{"type": "watch", "kind": "batch", "id": 9223372036854775808}',
        '{"type": "eat", "kind": "batch", "id": 1}',
        json.dumps({"type": "watch", "kind": "batch", "id": 1, "more": "x" * 1000}),
    ],
)
async def test_a_message_that_makes_no_sense_is_answered_and_the_connection_stays(owner, batch, text):
    async with connected(await signed_in(owner)) as socket:
        await socket.send_to(text_data=text)
        assert (await socket.receive_json_from(timeout=PATIENCE))["code"] == "bad_message"
        await socket.send_to(bytes_data=b"\x00")
        assert (await socket.receive_json_from(timeout=PATIENCE))["code"] == "bad_message"
        assert (await watch(socket, batch.pk))["type"] == "job"


async def test_one_connection_watches_so_many_jobs_at_most(owner, batch, monkeypatch):
    monkeypatch.setattr(jobs_socket, "MOST_WATCHED", 1)
    async with connected(await signed_in(owner)) as socket:
        await watch(socket, batch.pk)
        assert (await watch(socket, batch.pk + 1))["code"] == "too_many_watched"


async def test_watching_goes_on_without_redis(owner, batch, settings):
    nowhere = {"hosts": ["redis://127.0.0.1:1"]}
    settings.CHANNEL_LAYERS = {"default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": nowhere}}
    async with connected(await signed_in(owner)) as socket:
        assert (await watch(socket, batch.pk))["type"] == "job"
        assert await socket.receive_nothing(timeout=0.3)
        await sync_to_async(request_cancel)(batch=batch)
        assert (await socket.receive_json_from(timeout=PATIENCE))["job"]["state"] == "cancelled"
