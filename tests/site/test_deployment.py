"""`manage.py check --deploy`, as whoever puts the site on the internet runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.utils import get_random_secret_key

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "ALLOWED_HOSTS": "hamster.example.com",
    "DATABASE_URL": "postgres://hamster:secret@db.example.com:5432/hamster",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
    "HSTS_INCLUDE_SUBDOMAINS": "true",
    "HSTS_PRELOAD": "true",
    "HSTS_SECONDS": "31536000",
    "HTTPS": "true",
    "NUM_PROXIES": "1",
    "REDIS_URL": "rediss://:secret@redis.example.com:6380/0",
    "SECRET_KEY": get_random_secret_key(),
}
"""As in docs/THREAT_MODEL.md."""


def checked(folder: Path, **environment: str) -> str:
    """What the check says. It connects to nothing."""
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=os.environ | PRODUCTION | {"VAR_DIR": str(folder), "DEBUG": "false"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    is_clean = "no issues (0 silenced)" in result.stdout
    assert is_clean == (result.returncode == 0), result.stderr
    return result.stderr


def test_the_deployment_check_is_silent_with_the_settings_of_production(tmp_path):
    assert checked(tmp_path) == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"ALLOWED_HOSTS": "*", "NUM_PROXIES": "0", "SECRET_KEY": "short", "EMAIL_URL": ""},
            ("hamster.W022", "hamster.W023", "security.W009", "hamster.W020"),
        ),
        ({"HTTPS": "false", "DEBUG": "true"}, ("security.W012", "security.W016", "security.W018")),
    ],
)
def test_the_deployment_check_names_what_is_open(tmp_path, wrong, said):
    found = checked(tmp_path, **wrong)
    assert [name for name in said if name not in found] == []
