"""Who may watch what over `/ws/jobs/`, by session and by token: the table in docs/PERMISSIONS.md.

What `/ws/live/` gives to whom, and what a token that opens nothing gets: tests/detector/test_tokens.py.
"""

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user

from detector.jobs import WATCHABLE
from detector.routing import websocket_urlpatterns
from detector.services.tokens import make_token
from tests.site.house import House

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 10
OF_STAFF = ("dataset", "detector", "evaluation", "training-run")
MAY_WATCH = {"owner": ("batch",), "other": (), "staff": OF_STAFF, "clerk": OF_STAFF}
ROWS = {
    **{"batch": "batches", "training-run": "training-runs", "detector": "detectors", "dataset": "datasets"},
    "evaluation": "detectors/evaluations",
}


def carried(house: House) -> dict[str, list[tuple[bytes, bytes]]]:
    """The headers of each visitor, once with a session and once with a token."""
    people = {"owner": house.owner, "other": house.other, "staff": house.staff, "clerk": house.other_staff}
    headers = {}
    for name, client in people.items():
        _, token = make_token(owner=get_user(client), name="of the table")
        headers[f"{name} by session"] = [(b"cookie", b"sessionid=" + client.session.session_key.encode())]
        headers[f"{name} by token"] = [(b"authorization", b"Bearer " + token.encode())]
    return headers


async def answers(headers: list[tuple[bytes, bytes]], wanted: dict[str, int]) -> dict[str, str]:
    """What is said to somebody who watches one row of every kind."""
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/ws/jobs/", headers)
    await socket.connect(timeout=PATIENCE)
    said = {}
    for kind, pk in wanted.items():
        await socket.send_json_to({"type": "watch", "kind": kind, "id": pk})
        said[kind] = (await socket.receive_json_from(timeout=PATIENCE))["type"]
    await socket.disconnect()
    return said


async def test_each_visitor_watches_their_own_and_of_the_rest_there_is_nothing(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    house = await sync_to_async(House)(tmp_path / "incoming")
    wanted = {kind: house.values[ROWS[kind]]["pk"] for kind in WATCHABLE}
    for visitor, headers in (await sync_to_async(carried)(house)).items():
        may = MAY_WATCH[visitor.partition(" ")[0]]
        expected = {kind: "job" if kind in may else "gone" for kind in WATCHABLE}
        assert await answers(headers, wanted) == expected, visitor


async def test_strangers_are_told_to_sign_in_and_turned_away():
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/ws/jobs/")
    await socket.connect(timeout=PATIENCE)
    assert (await socket.receive_json_from(timeout=PATIENCE))["code"] == "not_signed_in"
    assert (await socket.receive_output(timeout=PATIENCE)) == {"type": "websocket.close", "code": 1008}
