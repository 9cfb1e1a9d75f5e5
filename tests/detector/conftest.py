from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings as site_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from detector.engine import start_engine, stop_engine
from detector.engine.inference import InferenceEngine
from detector.models import BatchJob
from detector.services.batches import create_batch
from tests.detector.batches import incoming
from tests.detector.live_site import UNREAD_SECONDS, LiveSite
from tests.ml.red_cell_detector import write_red_cell_detector


@pytest.fixture(scope="session")
def red_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector file that takes red for a happy face."""
    return write_red_cell_detector(tmp_path_factory.mktemp("one") / "one.onnx", version="red-1")


@pytest.fixture(scope="session")
def red_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another file, of a later version."""
    return write_red_cell_detector(tmp_path_factory.mktemp("two") / "two.onnx", version="red-2")


@pytest.fixture
def hamster(settings):
    """Override settings of HAMSTER: `hamster(live_max_fps=5)`."""

    def override(**values: object) -> None:
        settings.HAMSTER = {**settings.HAMSTER, **values}

    return override


@pytest.fixture
def engine(transactional_db, hamster, red_one, tmp_path, settings) -> Iterator[InferenceEngine]:
    """The process's engine, serving the red detector as the shipped one; nothing is registered yet."""
    settings.MEDIA_ROOT = str(tmp_path)
    hamster(shipped_detector=red_one, engine_watch_seconds=0.05)
    stop_engine()  # one that an earlier test of this process caused to start
    yield start_engine()
    stop_engine()


@pytest.fixture(scope="module")
def site(tmp_path_factory, red_one) -> Iterator[LiveSite]:
    """A real web process that soon loses patience with clients that do not read or do not stop."""
    site = LiveSite(
        tmp_path_factory.mktemp("site"),
        red_one,
        HAMSTER_LIVE_UNREAD_SECONDS=str(UNREAD_SECONDS),
        HAMSTER_LIVE_ABUSE_SECONDS="3",
    )
    site.start()
    yield site
    site.stop()


@pytest.fixture
def owner() -> AbstractBaseUser:
    """Somebody with batches."""
    return get_user_model().objects.create_user("owner")


@pytest.fixture
def make_batch(owner, tmp_path) -> Callable[..., BatchJob]:
    """A batch of these files: `make_batch(a_jpg=content)`."""

    def make(**contents: bytes) -> BatchJob:
        folder = tmp_path / "incoming"
        folder.mkdir(exist_ok=True)
        return create_batch(owner=owner, files=incoming(folder, **contents))

    return make


@pytest.fixture
def data_dir(tmp_path) -> Path:
    """A folder that passes for a data set until somebody trains on it."""
    (tmp_path / "train" / "images").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def training_queue() -> Iterator[redis.Redis]:
    """Redis with nothing in the queue `training`, before and after."""
    with redis.Redis.from_url(site_settings.REDIS_URL) as client:
        client.delete("training")
        yield client
        client.delete("training")
