"""Two real web processes on one database and one Redis: a promotion over REST at one reaches both."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import database_url
from tests.detector.live_site import LiveSite, ask

PASSWORD = "a long enough one"
ACCOUNT = (
    "from django.contrib.auth import get_user_model as model;"
    f"model().objects.create_superuser('keeper', '', {PASSWORD!r})"
)
SWAP_WITHIN = 5.0


@pytest.fixture(scope="module")
def sites(tmp_path_factory, red_one, red_two) -> Iterator[tuple[LiveSite, LiveSite]]:
    """They share the database, the files and Redis, and serve red-1; red-2 is a candidate."""
    folder = tmp_path_factory.mktemp("sites")
    shared = {
        "DATABASE_URL": database_url(folder),
        "MEDIA_ROOT": str(folder / "media"),
    }
    pair = tuple(LiveSite(tmp_path_factory.mktemp(name), red_one, **shared) for name in ("one", "two"))
    for site in pair:
        site.start()
    pair[0].manage("register_detector", str(red_two))
    pair[0].manage("shell", "--no-imports", "-c", ACCOUNT)
    yield pair
    for site in pair:
        site.stop()


@pytest.fixture
def keeper(sites) -> Iterator[httpx.Client]:
    """Signed in at the first process."""
    with httpx.Client(base_url=f"http://127.0.0.1:{sites[0].port}", timeout=30) as client:
        client.get("/accounts/login/")
        token = client.cookies["csrftoken"]
        form = {"username": "keeper", "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert client.post("/accounts/login/", data=form).status_code == 302
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


async def test_every_open_socket_of_both_hears_of_it_within_five_seconds_and_goes_on(sites, keeper):
    versions = {row["name"]: row["id"] for row in keeper.get("/api/detectors/").json()["results"]}
    async with sites[0].connect() as one, sites[1].connect() as two:
        clients = (one, two)
        for client in clients:
            assert json.loads(await client.recv())["detector"] == "red-1"
        for path, name in ((f"{versions['red-2']}/promote/", "red-2"), ("rollback/", "red-1")):
            answer = await asyncio.to_thread(keeper.post, f"/api/detectors/{path}")
            assert (answer.status_code, answer.json()["name"], answer.json()["state"]) == (
                *(200, name),
                "active",
            )
            decided = time.monotonic()
            heard: set[object] = set()
            number = 0
            while len(heard) < len(clients):
                for client in clients:
                    message = await ask(client, number)
                    if message["type"] == "detector":
                        assert (message["version"], client in heard) == (name, False)
                        heard.add(client)
                        message = json.loads(await client.recv())
                    assert (message["type"], message["frame"]) == ("prediction", number)
                number += 1
                assert time.monotonic() - decided < SWAP_WITHIN
                await asyncio.sleep(0.05)


async def test_a_damaged_version_changes_nothing_for_anybody(sites, keeper):
    row = next(row for row in keeper.get("/api/detectors/").json()["results"] if row["name"] == "red-2")
    file = Path(sites[0].environment["MEDIA_ROOT"]) / "detectors" / f"{row['sha256']}.onnx"
    file.write_bytes(file.read_bytes()[:100])
    answer = keeper.post(f"/api/detectors/{row['id']}/promote/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_detector")
    for site in sites:
        async with site.connect() as client:
            assert json.loads(await client.recv())["detector"] == "red-1"
            assert (await ask(client, 1))["type"] == "prediction"
