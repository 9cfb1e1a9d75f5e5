"""The site of docker-compose.yml: nginx with the product's configuration, two web processes and the workers,
on a real PostgreSQL and a real Redis."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.databases import EmbeddedPostgres
from tests.detector.live_site import PATIENCE, message
from tests.detector.workers import wait_until
from tests.site.compose_site import WEBS, ComposeSite
from tests.site.proxy import ROOT, missing_programs

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8"),
    pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {', '.join(missing_programs())}"),
]
ASTRONAUT = (ROOT / "webui/static/webui/sample/astronaut.jpg").read_bytes()
PASSWORD = "secret-enough"
SLOW_SECONDS = 3
MIB = 2**20


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    pytest.importorskip("pgserver")  # not for every Python and machine: see requirements-dev.txt
    server = EmbeddedPostgres()
    yield server.new_database("hamster")
    server.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory, database_url) -> Iterator[ComposeSite]:
    folder = tmp_path_factory.mktemp("compose")
    site = ComposeSite(folder, database_url, HAMSTER_HTTP_SLOW_SECONDS=str(SLOW_SECONDS))
    try:
        site.start()
        site.manage(
            *("createsuperuser", "--noinput", "--username", "keeper", "--email", "keeper@example.com"),
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )
        yield site
    finally:
        site.stop_all()


def trusting(site: ComposeSite) -> ssl.SSLContext:
    return site.proxy.trust


def client_of(site: ComposeSite, address: str, **options) -> httpx.Client:
    """A visitor who comes from this address of the machine's own network."""
    transport = httpx.HTTPTransport(verify=trusting(site), local_address=address)
    return httpx.Client(base_url=site.url, transport=transport, timeout=60, **options)


def sign_in(client: httpx.Client, page: str) -> str:
    """Sign in as the keeper; where that leads to."""
    client.get(page).raise_for_status()
    form = {"username": "keeper", "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post(page, data=form, headers={"X-Forwarded-For": "9.9.9.9"})
    assert answer.status_code == 302, answer.text[:2000]
    return answer.headers["Location"]


@pytest.fixture
def visitor(site) -> Iterator[httpx.Client]:
    with client_of(site, "127.0.0.20") as client:
        yield client


@pytest.fixture(scope="module")
def keeper(site) -> Iterator[httpx.Client]:
    """Somebody who signed in through the proxy."""
    with client_of(site, "127.0.0.21", headers={"Origin": site.url}) as client:
        sign_in(client, "/accounts/login/")
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def webs_said(site: ComposeSite) -> str:
    return "".join(site.log(f"web-{web}") for web in WEBS)


def test_pages_and_hashed_static_files_come_over_https_only(site, visitor):
    page = visitor.get("/")
    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    (sheet,) = set(re.findall(r'href="(/static/webui/css/tokens\.\w+\.css)"', page.text))
    static = visitor.get(sheet)
    assert (static.status_code, static.headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in static.headers["Cache-Control"]

    plain = httpx.get(f"http://localhost:{site.http_port}/batches/?page=2")
    assert (plain.status_code, plain.headers["Location"]) == (308, f"{site.url}/batches/?page=2")


def test_proof_for_a_certificate_is_handed_out_over_plain_http(site):
    proof = site.secrets / "acme/.well-known/acme-challenge/name"
    proof.parent.mkdir(parents=True)
    proof.write_text("proof")
    answer = httpx.get(f"http://localhost:{site.http_port}/.well-known/acme-challenge/name")
    assert answer.text == "proof"


async def test_camera_gets_its_answer_through_the_proxy(site):
    address = f"wss://localhost:{site.https_port}/ws/live/"
    async with connect(address, ssl=trusting(site), origin=site.url, compression=None) as socket:
        assert json.loads(await socket.recv())["type"] == "hello"
        await socket.send(message(17, ASTRONAUT))
        answer = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
    assert (answer["type"], answer["frame"], len(answer["faces"])) == ("prediction", 17, 1)


async def test_page_of_another_port_cannot_open_a_socket_through_the_proxy(site):
    address = f"wss://localhost:{site.https_port}/ws/live/"
    for origin in (
        f"https://localhost:{site.http_port}",
        "https://localhost",
        site.url.replace("https", "http"),
    ):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address, ssl=trusting(site), origin=origin)
        assert refused.value.response.status_code == 403


def test_both_webs_serve_and_know_who_signed_in_at_either(site, keeper):
    for _ in range(24):
        assert keeper.get("/account/data/").status_code == 200
    cookie = "; ".join(f"{name}={value}" for name, value in keeper.cookies.items())
    for web in WEBS:
        wait_until(lambda web=web: "GET /account/data/ 200" in site.log(f"web-{web}"), f"{web} to log it")
        headers = {"Host": "localhost", "Cookie": cookie, "X-Forwarded-Proto": "https"}
        page = httpx.get(f"http://{web}:{site.web_port}/accounts/sessions/", headers=headers)
        assert (page.status_code, "From 127.0.0.21" in page.text) == (200, True)


def test_clients_own_address_is_seen_whatever_it_claims(keeper):
    page = keeper.get("/accounts/sessions/", headers={"X-Forwarded-For": "9.9.9.9"}).text
    assert "From 127.0.0.21" in page
    assert "9.9.9.9" not in page


def test_body_over_the_limit_is_refused_in_the_one_error_shape_and_to_people_in_words(site, visitor):
    files = {"file": ("large.jpg", b"\0" * (16 * MIB + 1))}
    answer = visitor.post("/api/predict", files=files)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert "POST /api/predict" not in webs_said(site)
    answer = visitor.post("/accounts/login/", files=files)
    assert (answer.status_code, "too large" in answer.text) == (413, True)

    within = visitor.post("/api/predict", files={"file": ("large.jpg", b"\0" * (15 * MIB))})
    assert within.status_code in (400, 413)
    wait_until(lambda: "POST /api/predict" in webs_said(site), "a web to log it")


def test_large_batch_is_the_sites_to_refuse_or_take_and_a_worker_does_it(site, keeper, visitor):
    large = ASTRONAUT.ljust(9 * MIB, b"\0")
    files = [("files", (f"{number}.jpg", large)) for number in range(2)]
    refused = visitor.post("/api/batches/", files=files)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_too_large")

    taken = keeper.post("/api/batches/", files=files)
    assert taken.status_code == 202, taken.text[:2000]
    address = f"/api/batches/{taken.json()['id']}/"
    wait_until(lambda: keeper.get(address).json()["state"] == "succeeded", "the batch to be done")


def test_workers_answer_their_health_checks(site):
    # One that trains tells nobody; its container has no check. Now it has nothing to do.
    site.services["training"]["healthcheck"] = {
        "test": site.services["batch"]["healthcheck"]["test"].replace("batch@", "training@")
    }
    for name in ("batch", "webhooks", "training"):
        wait_until(lambda name=name: site.is_healthy(name), f"{name} to answer")


def test_names_that_containers_have_lead_visitors_nowhere(site, visitor):
    with client_of(site, "127.0.0.22", headers={"Origin": site.url}) as client:
        assert sign_in(client, "/accounts/login/?next=https://web/") == "/"
    reset = visitor.get("/accounts/password/reset/", headers={"Host": "web"})
    assert reset.status_code == 421
    assert httpx.get(f"http://{WEBS[0]}:{site.web_port}/").status_code == 400


async def test_pages_at_names_that_containers_have_open_no_socket(site):
    address = f"wss://localhost:{site.https_port}/ws/live/"
    with pytest.raises(InvalidStatus, match="403"):
        await connect(address, ssl=trusting(site), origin="http://web:99")


def test_metrics_are_for_those_inside(site, visitor):
    token = (site.secrets / "metrics_token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/metrics", "//metrics", "/metrics/", "/%6detrics", "/static/../metrics"):
        assert visitor.get(site.url + path, headers=headers).status_code == 404, path
    inside = httpx.get(f"http://{WEBS[0]}:{site.web_port}/metrics", headers=headers)
    assert "hamster_live_places" in inside.text


def test_body_that_drips_is_ended_by_the_site(site):
    with (
        socket.create_connection(("localhost", site.https_port), timeout=0.2) as plain,
        trusting(site).wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(
            b"POST /api/predict/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: application/json\r\n\r\n"
        )
        answer, started = b"", time.monotonic()
        while not answer and time.monotonic() - started < SLOW_SECONDS + 10:
            client.sendall(b"{")
            with contextlib.suppress(TimeoutError):
                answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request_too_slow" in answer


def test_when_a_web_stops_the_other_serves_and_when_both_do_the_proxy_says_so(site, visitor):
    assert site.is_healthy("proxy")
    site.stop(f"web-{WEBS[0]}")
    assert [visitor.get("/health").status_code for _ in range(12)] == [200] * 12
    assert [visitor.post("/api/predict/stream", json={}).status_code for _ in range(12)] == [400] * 12
    site.stop(f"web-{WEBS[1]}")
    answer = visitor.get("/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
    assert visitor.get("/").status_code == 503
    assert not site.is_healthy("proxy")
