"""What leaves the site for Sentry when something fails: a real site, and a real server that takes it."""

import gzip
import json
import subprocess
import sys

import pytest
from django.db import connection

from tests.detector.live_site import FRAME, ROOT, LiveSite
from tests.detector.receiver import receiver
from tests.detector.test_live_site_http import post
from tests.detector.workers import wait_until

SETUP = """
from django.contrib.auth import get_user_model
from django.db import connection
from detector.services.tokens import make_token
mia = get_user_model().objects.create_user("mia-of-the-meadow", "mia@meadow.example")
print("token", make_token(owner=mia, name="robot")[1])
connection.cursor().execute("DROP TABLE detector_prediction")
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory, red_one) -> dict:
    """What Sentry gets when a picture can't be kept, and what it must not have."""
    with receiver(answer=b"{}") as sentry:
        dsn = f"http://public@127.0.0.1:{sentry.port}/7"
        site = LiveSite(tmp_path_factory.mktemp("site"), red_one, SENTRY_DSN=dsn, SENTRY_ENVIRONMENT="tests")
        try:
            site.start()
            printed = site.manage("shell", "-c", SETUP)
            (token,) = [line.split()[1] for line in printed.splitlines() if line.startswith("token ")]
            disposition = b'Content-Disposition: form-data; name="file"; filename="holiday.jpg"'
            body = b"--b\r\n" + disposition + b"\r\n\r\n" + FRAME + b"\r\n--b--\r\n"
            headers = [
                *("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}"),
                *(f"Authorization: Bearer {token}", "Cookie: sessionid=a-cookie-of-mia"),
                *("User-Agent: the-browser-of-mia", "X-Request-ID: it-broke-here"),
            ]
            status, answer = post(site, "/api/predict?keep=true&searched=for-something", headers, [body])
            assert status == 500, answer
            wait_until(lambda: sentry.got, "an event")
        finally:
            site.stop()
    headers, body = sentry.got[0]
    sent = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
    return {"path": headers["path"], "sent": sent, "token": token, "log": site.log.read_text()}


def event_in(envelope: bytes) -> dict:
    lines = [json.loads(line) for line in envelope.splitlines()]
    return next(line for line in lines if "exception" in line)


def test_a_failure_is_told_with_its_kind_its_place_and_the_id_that_the_log_has(told):
    event = event_in(told["sent"])
    assert told["path"] == "/api/7/envelope/"
    missing_table = "ProgrammingError" if connection.vendor == "postgresql" else "OperationalError"
    assert event["exception"]["values"][-1]["type"] == missing_table
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert any(frame["module"] == "detector.services.predictions" and frame["lineno"] for frame in frames)
    assert (event["environment"], event["server_name"], event["level"]) == ("tests", "web", "error")
    assert event["tags"] == {"request": "it-broke-here"}
    assert event["logentry"] == {"message": "%s failed"}
    assert "[it-broke-here] /api/predict failed" in told["log"]


def test_nothing_of_anybody_is_told(told):
    event = event_in(told["sent"])
    assert {"request", "user", "breadcrumbs", "extra", "contexts", "modules", "transaction"}.isdisjoint(event)
    assert b'"vars"' not in told["sent"]
    for secret in (
        *(
            told["token"],
            told["token"][8:],
            "mia",
            "meadow",
            "holiday",
            "a-cookie",
            "searched",
            "no such table",
        ),
        *("127.0.0.1", "JFIF", "\\\\xff\\\\xd8"),
    ):
        assert secret.encode() not in told["sent"], secret


def test_without_an_address_sentry_is_not_even_loaded(tmp_path):
    program = (
        "import django, sys; django.setup(); import hamster_site.celery; print('sentry_sdk' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=LiveSite(tmp_path, tmp_path, DJANGO_SETTINGS_MODULE="hamster_site.settings").environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
