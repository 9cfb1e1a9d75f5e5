import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests.databases import ON_POSTGRES

ROOT = Path(__file__).resolve().parents[2]


PROGRAM = (
    "import json; from django.conf import settings as s; print(json.dumps([s.HAMSTER, "
    "s.DATABASES['default']['ENGINE'], s.CELERY_BROKER_URL, s.DEBUG, s.SECRET_KEY]))"
)


def settings_with(program: str = PROGRAM, **environment: str) -> subprocess.CompletedProcess:
    """What a process of its own reads in the settings, under this environment."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "SECRET_KEY": "", "DATABASE_URL": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_hamster_variables_become_typed_detector_settings(tmp_path: Path):
    result = settings_with(
        VAR_DIR=str(tmp_path), HAMSTER_LIVE_MAX_FPS="20", HAMSTER_API_RATE="5/minute", HAMSTER_X="0.5"
    )
    assert json.loads(result.stdout)[0] == {"live_max_fps": 20, "api_rate": "5/minute", "x": 0.5}


def test_site_in_a_local_folder_needs_no_configuration(tmp_path: Path):
    _, engine, broker, debug, key = json.loads(settings_with(VAR_DIR=str(tmp_path), DATABASE_URL="").stdout)
    assert engine.endswith("sqlite3")
    assert broker.startswith("redis+socket:///")
    assert debug is False
    assert key == (tmp_path / "secret_key").read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        *("PORT=abc", "NUM_PROXIES=x", "DATABASE_URL=foo", "EMAIL_CONFIRMATION=yes"),
        *("LOG_LEVEL=verbose", "LOG_FORMAT=xml", "HAMSTER_LIVE_MAXFPS=3"),
        *("NUM_PROXIES=-1", "SIGN_UP_RATE=abc", "PORT=99999", "PORT=0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_in_one_line(tmp_path: Path, wrong: str):
    name, value = wrong.split("=")
    environment = {**os.environ, "DATABASE_URL": "", "VAR_DIR": str(tmp_path), name: value}
    command = [sys.executable, "-W", "ignore", "manage.py", "check"]
    checked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert name.removeprefix("HAMSTER_").lower() in checked.stderr.lower()
    assert len(checked.stderr.splitlines()) == 1


def test_shared_database_without_a_secret_key_is_refused(tmp_path: Path):
    result = settings_with(VAR_DIR=str(tmp_path), DATABASE_URL="postgres://u:p@localhost/hamster")
    assert result.returncode != 0
    assert "Set SECRET_KEY" in result.stderr


def test_a_site_behind_https_draws_no_key_of_its_own_and_says_how_to_make_one(tmp_path: Path):
    result = settings_with(VAR_DIR=str(tmp_path), HTTPS="true")
    assert result.returncode != 0
    *_, why = result.stderr.splitlines()
    assert "ImproperlyConfigured: Set SECRET_KEY" in why
    assert not (tmp_path / "secret_key").exists()
    command = shlex.split(re.search(r"`(.*)`", why)[1])
    made = subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True, check=True).stdout
    assert len(made.strip()) >= 50


def test_secrets_come_from_files_which_may_end_with_a_line(tmp_path: Path):
    (tmp_path / "key").write_text("of-a-file\n")
    (tmp_path / "address").write_text("postgres://u:p@localhost/hamster\n")
    result = settings_with(
        VAR_DIR=str(tmp_path),
        SECRET_KEY="of-the-environment",
        SECRET_KEY_FILE=str(tmp_path / "key"),
        DATABASE_URL_FILE=str(tmp_path / "address"),
    )
    _, engine, *_, key = json.loads(result.stdout)
    assert (engine.rpartition(".")[2], key) == ("postgresql", "of-a-file")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("SECRET_KEY", None, ": No such file or directory."),
        ("SECRET_KEY", b"hush\xff", ": what it holds makes no sense."),
        *((name, b" \n", ": it is empty.") for name in ("SECRET_KEY", "DATABASE_URL", "METRICS_TOKEN")),
        ("PORT", b"hush", ": what it holds makes no sense."),
        ("LOG_FORMAT", b"hush", ": what it holds is none of line, json."),
    ],
    ids=["missing", "not UTF-8", "no key", "no database", "no token", "no number", "no choice"],
)
def test_a_file_that_gives_no_setting_is_named_and_what_it_holds_is_not_shown(
    tmp_path: Path, name: str, content: bytes | None, why: str
):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    result = settings_with(**{"VAR_DIR": str(tmp_path), f"{name}_FILE": str(file)})
    assert result.returncode != 0
    assert result.stderr.splitlines()[-1].endswith(f"ImproperlyConfigured: {name}_FILE={file}{why}")
    assert "hush" not in result.stderr


def test_a_secret_that_looks_like_the_name_of_a_variable_is_one_all_the_same(tmp_path: Path):
    key = json.loads(settings_with(VAR_DIR=str(tmp_path), SECRET_KEY="$HOME").stdout)[-1]
    assert key == "$HOME"


def test_lists_may_have_blanks_behind_their_commas(tmp_path: Path):
    program = "from django.conf import settings as s; print(s.ALLOWED_HOSTS, s.SECRET_KEY_FALLBACKS)"
    result = settings_with(
        program, VAR_DIR=str(tmp_path), ALLOWED_HOSTS="a.com, .b.com,", SECRET_KEY_FALLBACKS="old\nolder"
    )
    assert result.stdout.strip() == "['a.com', '.b.com'] ['old', 'older']"


def test_folder_that_the_site_makes_for_itself_is_its_owners_alone(tmp_path: Path):
    settings_with(VAR_DIR=str(tmp_path / "new"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(ON_POSTGRES, reason="of SQLite only")
@pytest.mark.django_db(transaction=True)
def test_sqlite_is_in_wal_mode_and_takes_the_write_lock_at_the_start_of_a_transaction():
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with transaction.atomic():
        other = connection.copy()
        try:
            other.settings_dict["OPTIONS"] = {**other.settings_dict["OPTIONS"], "timeout": 0}
            with pytest.raises(Exception, match="locked"), other.cursor() as cursor:
                cursor.execute("BEGIN IMMEDIATE")
        finally:
            other.close()
