import logging

import pytest
from asgiref.testing import ApplicationCommunicator

from detector.origin import connection_id
from hamster_site.connections import NamedConnections


async def echo_the_id(scope, receive, send):
    """Answers with the id that a log line written here would carry."""
    await receive()
    body = connection_id.get().encode()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": body.decode()})
        await send({"type": "websocket.close", "code": 4000})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


async def request(headers=(), path="/api/predict"):
    scope = {"type": "http", "method": "GET", "path": path, "headers": list(headers)}
    connection = ApplicationCommunicator(NamedConnections(echo_the_id), scope)
    await connection.send_input({"type": "http.request", "body": b""})
    start = await connection.receive_output()
    body = await connection.receive_output()
    await connection.wait()
    return dict(start["headers"])[b"x-request-id"], body["body"]


async def test_each_request_gets_its_own_id_in_logs_and_header():
    first, logged = await request()
    second, _ = await request()
    assert first == logged
    assert first != second


async def test_id_given_by_a_proxy_is_kept():
    name, logged = await request([(b"x-request-id", b"abc-123")])
    assert name == logged == b"abc-123"


@pytest.mark.parametrize("forged", [b"two\nlines", b"", b"x" * 65, b"a b", "ü".encode()])
async def test_id_that_could_forge_a_log_line_is_replaced(forged):
    name, _ = await request([(b"x-request-id", forged)])
    assert name != forged


async def test_request_is_logged_once_with_method_path_and_status(caplog):
    with caplog.at_level(logging.INFO, "hamster_site.connections"):
        await request(path="/api/predict")
    (record,) = caplog.records
    assert record.getMessage().startswith("GET /api/predict 200 in ")


@pytest.mark.parametrize("link", ["password/reset/key/1-d2x4-0b8c5f/", "confirm-email/Mg:1vXyZ:Kp_3-s/"])
async def test_the_key_in_a_mailed_link_is_not_logged(caplog, link):
    with caplog.at_level(logging.INFO, "hamster_site.connections"):
        await request(path=f"/accounts/{link}")
    (record,) = caplog.records
    start = link.rsplit("/", 2)[0]
    assert record.getMessage().startswith(f"GET /accounts/{start}/.../ 200 in ")
    assert record.fields["path"] == f"/accounts/{start}/.../"


async def test_health_checks_and_static_files_do_not_fill_the_log(caplog):
    with caplog.at_level(logging.INFO, "hamster_site.connections"):
        await request(path="/health")
        await request(path="/static/webui/page.js")
    assert not caplog.records


async def test_websocket_is_named_in_its_answer_and_logged_with_its_close_code(caplog):
    scope = {"type": "websocket", "path": "/ws/live/", "headers": []}
    connection = ApplicationCommunicator(NamedConnections(echo_the_id), scope)
    with caplog.at_level(logging.INFO, "hamster_site.connections"):
        await connection.send_input({"type": "websocket.connect"})
        accepted = await connection.receive_output()
        message = await connection.receive_output()
        await connection.receive_output()
        await connection.wait()
    assert dict(accepted["headers"])[b"x-request-id"].decode() == message["text"]
    opened, closed = [record.getMessage() for record in caplog.records]
    assert opened == "WebSocket /ws/live/ opened"
    assert closed.startswith("WebSocket /ws/live/ closed with 4000 in ")
