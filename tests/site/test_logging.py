import io
import logging
import re
import sys

from hamster_site.logging import LineFormatter, connection_id

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (\w+) +(\S+) (\S+) \[(\S+)\] (.*)")


def logged(message: str, **context: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logger = logging.Logger("detector.live")
    logger.addHandler(handler)
    logger.warning(message, **context)
    return stream.getvalue()


def test_line_has_time_level_process_logger_id_and_message(monkeypatch):
    monkeypatch.setenv("COMPONENT", "web")
    token = connection_id.set("1f0c9a2b")
    try:
        line = logged("frame refused")
    finally:
        connection_id.reset(token)
    assert LINE.fullmatch(line.strip()).groups() == (
        "WARNING",
        "web",
        "detector.live",
        "1f0c9a2b",
        "frame refused",
    )


def test_line_outside_of_a_request_has_a_dash_for_the_id():
    assert " [-] started" in logged("started")


def test_traceback_follows_the_line():
    try:
        raise ValueError("no such cell")
    except ValueError:
        text = logged("decoding failed", exc_info=sys.exc_info())
    assert "decoding failed\nTraceback" in text
    assert text.endswith("ValueError: no such cell\n")


def test_message_cannot_forge_a_second_line():
    text = logged("GET /a\n2026-01-01 00:00:00.000 ERROR\r\x1b[31m\x85 404")
    assert text.count("\n") == 1
    assert "GET /a\\n2026-01-01 00:00:00.000 ERROR\\r\\x1b[31m\\x85 404" in text
