"""`manage.py check --deploy`, as whoever puts the site on the internet runs it."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from django.core.management.utils import get_random_secret_key

from tests.site.compose_site import ROOT, compose_file

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


def checked(environment: dict[str, str]) -> str:
    """What the check says. It connects to nothing."""
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=os.environ | {"DEBUG": "false"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    is_clean = "no issues" in result.stdout
    assert is_clean == (result.returncode == 0), result.stderr
    return result.stderr


@pytest.mark.parametrize(
    "also_right",
    [
        {},
        {"METRICS_TOKEN": "a" * 20, "SECRET_KEY_FALLBACKS": get_random_secret_key()},
        {"ALLOWED_HOSTS": ".example.com", "CSRF_TRUSTED_ORIGINS": "https://*.example.com"},
        {"EMAIL_URL": "smtp://mail:25", "REDIS_URL": "redis://10.0.0.7:6379/0"},
        {"EMAIL_URL": "smtp://localhost:25", "REDIS_URL": "redis://redis.internal:6379/0"},
    ],
)
def test_the_deployment_check_is_silent_with_the_settings_of_production(tmp_path, also_right):
    assert checked(PRODUCTION | {"VAR_DIR": str(tmp_path)} | also_right) == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"ALLOWED_HOSTS": "*", "NUM_PROXIES": "0", "SECRET_KEY": "short", "EMAIL_URL": ""},
            ("hamster.W022", "hamster.W023", "security.W009", "hamster.W020"),
        ),
        (
            {
                "ALLOWED_HOSTS": "localhost, *",
                "CSRF_TRUSTED_ORIGINS": "https://*.com",
                "CORS_ALLOWED_ORIGINS": "null",
                "METRICS_TOKEN": "x",
                "SECRET_KEY": f"change-me-{get_random_secret_key()}",
                "HAMSTER_PREDICT_RATE": "",
                "EMAIL_URL": "smtp://user:password@mail.example.com:25",
                "REDIS_URL": "redis://redis.example.com:6379/0",
            },
            [f"hamster.W0{number}" for number in (22, 24, 25, 26, 27, 28, 29, 30)],
        ),
        (
            {
                "ALLOWED_HOSTS": ".com",
                "SIGN_UP_RATE": "",
                "EMAIL_URL": "consolemail://",
                "REDIS_URL": "rediss://redis.example.com:6379/0",
                "DATABASE_URL": "",
            },
            [f"hamster.W0{number}" for number in (20, 22, 28, 30, 31)],
        ),
        ({"REDIS_URL": ""}, ["hamster.W031"]),
        (
            {"HTTPS": "false", "DEBUG": "true"},
            [f"security.W0{number}" for number in ("04", "08", "12", "16", "18")],
        ),
    ],
)
def test_the_deployment_check_names_what_is_open(tmp_path, wrong, said):
    found = re.findall(r"\((\S+\.W\d+)\)", checked(PRODUCTION | {"VAR_DIR": str(tmp_path)} | wrong))
    assert sorted(said) == sorted(found)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl isn't installed")
def test_the_deployment_check_is_silent_in_the_container_that_the_readme_leads_to(tmp_path):
    steps = (ROOT / "README.md").read_text().split("### With Docker")[1].split("```")[1]
    lines = dict(line.split("=", 1) for line in steps.split("<<END\n")[1].split("\nEND")[0].splitlines())
    secrets = tmp_path / "secrets"
    subprocess.run(
        ["bash", "tools/make_secrets.sh"],
        cwd=ROOT,
        env=os.environ | {"SECRETS_DIR": str(secrets)},
        check=True,
    )
    (secrets / "email_url").write_text(re.search(r"echo '(.*)' > secrets/email_url", steps)[1])
    stated = lines | compose_file(lines)["services"]["web"]["environment"]
    inside = {name: value.replace("/run/secrets", str(secrets)) for name, value in stated.items()}
    assert checked(inside | {"VAR_DIR": str(tmp_path / "state")}) == ""
