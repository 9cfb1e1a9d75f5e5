import io
import json
import logging
import re
import struct
import sys
from datetime import datetime, timedelta

import pytest
from django.test import Client
from PIL import Image

from detector.origin import connection_id, on_behalf_of, task_id
from hamster_site.logging import FORMATS
from ml.images import BadImage, decode_image

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (\w+) +(\S+) (\S+) \[(\S+)\] (.*)")


def logged(message: str, form: str = "line", **context: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATS[form]())
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
        raise ValueError("no such cell\n2026-01-01 00:00:00.000 ERROR")
    except ValueError:
        text = logged("decoding failed", exc_info=sys.exc_info())
    assert "decoding failed\n  Traceback" in text
    assert text.endswith("  ValueError: no such cell\n  2026-01-01 00:00:00.000 ERROR\n")


def test_line_of_a_task_has_the_id_of_the_request_that_asked_for_it_too():
    token = task_id.set("5d3c9f80-1111-4222-8333-444455556666")
    try:
        assert " [-/5d3c9f80] started" in logged("started")
        with on_behalf_of("1f0c9a2b"):
            assert " [1f0c9a2b/5d3c9f80] looked" in logged("looked")
    finally:
        task_id.reset(token)


def test_json_has_one_object_a_line_with_the_ids_that_there_are_and_the_fields(monkeypatch):
    monkeypatch.setenv("COMPONENT", "web")
    with on_behalf_of("1f0c9a2b"):
        text = logged("GET /a\n2026", "json", extra={"fields": {"path": "/a\n"}})
    entry = json.loads(text)
    assert text.count("\n") == 1
    assert datetime.fromisoformat(entry.pop("time")).utcoffset() == timedelta()
    assert entry == {
        "level": "WARNING",
        "component": "web",
        "logger": "detector.live",
        "request": "1f0c9a2b",
        "message": "GET /a\n2026",
        "path": "/a\n",
    }
    assert "request" not in json.loads(logged("started", "json"))


def test_json_has_the_traceback_in_the_object():
    try:
        raise ValueError("no such cell")
    except ValueError:
        text = logged("decoding failed", "json", exc_info=sys.exc_info())
    assert text.count("\n") == 1
    assert json.loads(text)["exception"].endswith("ValueError: no such cell")


def test_message_cannot_forge_a_second_line():
    text = logged("GET /a\n2026-01-01 00:00:00.000 ERROR\r\x1b[31m\x85\u2028\u2029 404")
    assert len(text.splitlines()) == 1
    assert r"GET /a\n2026-01-01 00:00:00.000 ERROR\r\x1b[31m\x85\u2028\u2029 404" in text


def test_a_wrong_host_is_a_warning_without_a_traceback(caplog):
    assert Client().get("/", headers={"Host": "evil.example"}).status_code == 400
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert "evil.example" in FORMATS["line"]().format(record)


def test_a_damaged_picture_is_refused_and_nothing_is_logged_as_an_error(caplog):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "TIFF")
    samples_per_pixel = struct.pack("<HHL", 277, 3, 1)
    damaged = buffer.getvalue().replace(samples_per_pixel + b"\3", samples_per_pixel + b"\x63")
    with pytest.raises(BadImage):
        decode_image(damaged, max_pixels=100)
    assert caplog.records == []
