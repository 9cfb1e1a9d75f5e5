"""One real Redis and one folder of its own for every test run, made before Django reads its settings."""

import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest

VAR_DIR = Path(tempfile.mkdtemp(prefix="hamster-tests-"))
os.environ.update(
    DJANGO_SETTINGS_MODULE="hamster_site.settings",
    VAR_DIR=str(VAR_DIR),
    DATABASE_URL=f"sqlite:///{VAR_DIR / 'db.sqlite3'}",
    REDIS_URL="",
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS="localhost,127.0.0.1,[::1],testserver",
    CORS_ALLOWED_ORIGINS="",
    COMPONENT="tests",
    OMP_NUM_THREADS="1",  # tests run side by side, and threads that share a core only wait for each other
)

from hamster_site.embedded_redis import EmbeddedRedis  # noqa: E402

django.setup()
REDIS = EmbeddedRedis(VAR_DIR)
LONGEST = ("test_train.py", "test_train_runs.py")
ALONE = ("test_kills.py", "test_two_webs.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Processes that run tests side by side would read their settings, our Redis and database in them, before
    they come here, if they were told of them."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_sessionstart() -> None:
    """Start the Redis that the settings point to."""
    REDIS.start()


def pytest_unconfigure() -> None:
    """Stop Redis and remove what the tests wrote."""
    REDIS.stop()
    shutil.rmtree(VAR_DIR, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser, and with it whatever else needs the machine to itself; put the longest
    files first, so that of two processes none has to wait for the other's at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker("e2e")
        if "e2e" in item.path.parts or item.path.name in ALONE:
            item.add_marker("alone")
