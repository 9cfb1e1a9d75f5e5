"""One error shape for the whole API: every address with every mistake, walked by one test."""

import base64
import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import get_resolver

from detector.api.errors import exception_handler

JSON = "application/json"
GETTABLE = (
    *("1/", "items/", "download/", "webhook-attempts/"),
    *("evaluations/", "samples/", "epochs/", "thumbnail/"),
)
FOR_STAFF = ("api/datasets/", "api/training-runs/", "api/detectors/", "api/evaluations/")
pytestmark = pytest.mark.usefixtures("engine")


def addresses() -> list[str]:
    """Every address of the API and of health, of a row that is not there where it names one."""
    return [
        re.sub(r"<int:\w+>", "1", str(pattern.pattern))
        for pattern in get_resolver("detector.api.urls").url_patterns
        if str(pattern.pattern).startswith(("api/", "health"))
    ]


def mistakes(client: Client):
    """(expected status, response) for every way to get it wrong."""
    yield 404, client.get("/api/nothing-here")
    yield 404, client.post("/api/nothing/here/", {})
    yield 404, client.get("/health/nothing")
    yield 404, client.get("/api/predict/stream/more")
    for address in addresses():
        own = ("api/batches/", "api/predictions/", "api/live-sessions/", "api/tokens/")
        is_closed = address.startswith((*own, *FOR_STAFF)) or address == "api/corrections/"
        refusal = 404 if address == "api/corrections/1/" else 405
        yield 403 if is_closed else refusal, client.delete(f"/{address}")
        if address.startswith("api/"):
            yield 400, client.get(f"/{address}", headers={"Host": "evil.example"})
    for address in ("/api/predict", "/api/predict/stream"):
        yield 405, client.get(address)
        yield 415, client.post(address, "<xml/>", "application/xml")
    yield 400, client.post("/api/predict", b"not multipart", "multipart/form-data; boundary=x")
    yield 400, client.post("/api/predict", b"", "multipart/form-data")
    yield 400, client.post("/api/predict", {})
    yield 400, client.post("/api/predict/stream", "{", JSON)
    yield 400, client.post("/api/predict/stream", b"\xff\xfe", JSON)
    yield 400, client.post("/api/predict/stream", "{}", JSON)
    yield 400, client.post("/api/predict/stream", json.dumps({"image": "!"}), JSON)
    yield 413, client.post("/api/predict/stream", json.dumps({"image": "A" * 20_000_000}), JSON)
    yield 406, client.get("/health", headers={"Accept": "image/png"})
    yield 403, client.post("/api/predict?keep=true")
    yield 403, client.get("/api/batches/")
    yield 403, client.post("/api/batches/", {})
    yield 403, client.get("/api/corrections/")
    yield 400, client.post("/api/corrections/", {})
    yield 400, client.post("/api/corrections/", b"not multipart", "multipart/form-data; boundary=x")
    yield 415, client.post("/api/corrections/", "{}", JSON)
    yield 404, client.delete("/api/corrections/1/", headers={"X-Withdrawal-Code": "guess"})


def mistakes_of_somebody_signed_in(client: Client):
    """The same for who may have batches."""
    client.force_login(get_user_model().objects.get_or_create(username="somebody")[0])
    for address in addresses():
        if address.startswith(FOR_STAFF):
            yield 403, client.get(f"/{address}")
        elif "1" in address:
            yield 404, ask_for_row(client, address)
    yield 404, client.get("/api/batches/99999999999999999999/")
    yield 400, client.post("/api/predict?keep=perhaps")
    yield 405, client.post("/api/predictions/")
    yield 400, client.get("/api/predictions/?emotion=joyful")
    yield 404, client.get("/api/predictions/?cursor=nonsense")
    yield 405, client.put("/api/batches/")
    yield 405, client.get("/api/batches/1/cancel/")
    yield 400, client.post("/api/batches/", {})
    yield 400, client.post("/api/batches/", b"not multipart", "multipart/form-data; boundary=x")
    yield 400, client.post("/api/batches/", b"", "multipart/form-data; boundary=x; charset=utf-16")
    yield 415, client.post("/api/batches/", "{}", JSON)
    yield 404, client.get("/api/batches/?cursor=nonsense")
    yield 404, client.get("/api/corrections/?cursor=nonsense")
    yield 405, client.put("/api/corrections/")
    yield 405, client.patch("/api/corrections/1/", "{}", JSON)
    yield 405, client.put("/api/live-sessions/")
    yield 400, client.post("/api/live-sessions/", "[]", JSON)
    yield 400, client.post("/api/live-sessions/", "[" * 100_000, JSON)
    yield 400, client.post("/api/live-sessions/", "{}", "application/json; charset=utf-7")
    yield 413, client.post("/api/live-sessions/", json.dumps({"name": "x" * 300_000}), JSON)
    yield 415, client.post("/api/live-sessions/", {})
    yield 404, client.get("/api/live-sessions/?cursor=nonsense")


def mistakes_of_staff(client: Client):
    """The same for who may do everything."""
    client.force_login(get_user_model().objects.create_superuser("keeper"))
    for address in addresses():
        if "1" in address and address.startswith(FOR_STAFF):
            yield 404, ask_for_row(client, address)
    yield 409, client.post("/api/detectors/rollback/")
    for address in ("training-runs", "datasets", "detectors/1/promote", "detectors/1/shadow"):
        yield 400, client.post(f"/api/{address}/", "[" * 100_000, JSON)
        yield 400, client.post(f"/api/{address}/", "{}", "application/json; charset=utf-7")
        yield 400, client.post(f"/api/{address}/", json.dumps({"datasets": [1] * 2000}), JSON)
    for cursor in (b"p=2026", b"p=none", b"p=%00", b"p=" + b"9" * 22, b"o=" + b"9" * 22 + b"&p=1"):
        for address in ("batches", "predictions", "live-sessions", "training-runs", "datasets", "detectors"):
            yield 404, client.get(f"/api/{address}/?cursor={base64.b64encode(cursor).decode()}")
    yield 405, client.put("/api/detectors/")
    yield 400, client.get("/api/detectors/?state=lost")
    yield 404, client.get("/api/detectors/?cursor=nonsense")
    yield 400, client.post("/api/training-runs/", "{", JSON)
    yield 400, client.post("/api/training-runs/", {"name": "x", "datasets": [1]}, JSON)
    yield 405, client.delete("/api/training-runs/")
    yield 400, client.get("/api/training-runs/?status=lost")
    yield 404, client.get("/api/training-runs/?cursor=nonsense")
    yield 405, client.put("/api/datasets/")
    yield 405, client.get("/api/datasets/1/check/")
    yield 400, client.post("/api/datasets/", {})
    yield 400, client.post("/api/datasets/", {"name": "x", "folder": "/nowhere"}, JSON)
    yield 400, client.post("/api/datasets/", "[]", JSON)
    yield 400, client.post("/api/datasets/", "[" * 100_000, JSON)
    yield 400, client.post("/api/datasets/", b"not multipart", "multipart/form-data; boundary=x")
    yield 415, client.post("/api/datasets/", "<xml/>", "application/xml")
    yield 400, client.get("/api/datasets/?state=lost")
    yield 404, client.get("/api/datasets/?cursor=nonsense")


def ask_for_row(client: Client, address: str):
    """Read the row that is not there, or act on it where it can't be read."""
    return client.get(f"/{address}") if address.endswith(GETTABLE) else client.post(f"/{address}")


def assert_shape(status: int, response) -> None:
    where = f"{response.request['REQUEST_METHOD']} {response.request['PATH_INFO']}"
    assert response.status_code == status, f"{where}: {response.content[:300]!r}"
    assert response.headers["Content-Type"].startswith(JSON), where
    body = response.json()
    assert set(body) == {"error"}, where
    assert set(body["error"]) == {"code", "message", "details"}, where
    assert isinstance(body["error"]["code"], str), where
    assert body["error"]["code"] == body["error"]["code"].lower(), where
    assert body["error"]["message"], where
    assert isinstance(body["error"]["details"], dict), where


@pytest.mark.parametrize("debug", [False, True])
def test_every_error_has_the_one_shape(settings, hamster, monkeypatch, debug):
    settings.DEBUG = debug
    hamster(predict_rate="", stream_rate="", api_rate="")
    cache.clear()
    client = Client(raise_request_exception=False)
    for find in (mistakes, mistakes_of_somebody_signed_in, mistakes_of_staff):
        for status, response in find(client):
            assert_shape(status, response)

    monkeypatch.setattr("detector.api.health.get_engine", None)
    assert_shape(500, client.get("/health"))
    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", None)
    assert_shape(500, client.get("/api/detectors/"))
    monkeypatch.undo()

    hamster(account_predict_rate="1/minute")
    client.post("/api/predict", {})
    assert_shape(429, client.post("/api/predict", {}))


def test_a_database_that_does_not_answer_is_a_503_and_one_line_of_log(caplog):
    request = RequestFactory().get("/api/batches/")
    response = exception_handler(OperationalError("connection refused"), {"request": request})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.data["error"]["code"] == "database_unavailable"
    (record,) = caplog.records
    assert "connection refused" in record.getMessage()
    assert record.exc_info is None
