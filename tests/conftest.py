"""One real Redis, one database and one folder for every test run, made before Django reads its settings."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

from tests.databases import POSTGRES

VAR_DIR = Path(tempfile.mkdtemp(prefix="hamster-tests-"))
os.environ.update(
    DJANGO_SETTINGS_MODULE="hamster_site.settings",
    VAR_DIR=str(VAR_DIR),
    DATABASE_URL=POSTGRES.url("hamster") if POSTGRES else f"sqlite:///{VAR_DIR / 'db.sqlite3'}",
    REDIS_URL="",
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS="localhost,127.0.0.1,[::1],testserver",
    CORS_ALLOWED_ORIGINS="",
    COMPONENT="tests",
    OMP_NUM_THREADS="1",  # tests run side by side, and threads that share a core only wait for each other
)

from django.utils import translation  # noqa: E402

from hamster_site.embedded_redis import EmbeddedRedis  # noqa: E402

django.setup()
REDIS = EmbeddedRedis(VAR_DIR)
LONGEST = ("test_train.py", "test_train_runs.py", "test_kills.py", "test_training_page.py")
ALONE = ("test_two_webs.py",)
PAGES = (
    "test_account_pages.py",
    "test_batch_page.py",
    "test_dataset_pages.py",
    "test_every_page.py",
    "test_installed.py",
    "test_languages.py",
    "test_modules.py",
    "test_picture_page.py",
    "test_pictures.py",
    "test_speed_modules.py",
    "test_timeline_modules.py",
    "test_training_page.py",
)
"""Of the browser tests those that a busy machine only makes slower: nothing in them is a camera's pace."""
DATABASE = {"detector", "webui", "site", "fuzz"}
"""Folders of tests in which there is a database. tools/test.sh runs them on PostgreSQL too."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Processes that run tests side by side would read their settings, our Redis and database in them, before
    they come here, if they were told of them."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request leaves its language behind, which the next test would speak."""
    yield
    translation.deactivate()


def pytest_sessionstart() -> None:
    """Start the Redis that the settings point to."""
    REDIS.start()


def pytest_unconfigure() -> None:
    """Stop what was started and remove what the tests wrote."""
    REDIS.stop()
    if POSTGRES:
        POSTGRES.stop()
    shutil.rmtree(VAR_DIR, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser, has a database or needs the machine to itself; put the longest
    files first, so that of two processes none has to wait for the other's at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        is_e2e = "e2e" in item.path.parts
        if is_e2e:
            item.add_marker("e2e")
        if DATABASE & set(item.path.parts) and item.path.name not in ALONE:
            item.add_marker("database")
        if item.path.name in ALONE or (is_e2e and item.path.name not in PAGES):
            item.add_marker("alone")
