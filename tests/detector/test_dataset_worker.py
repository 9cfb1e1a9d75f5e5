"""A real worker, a real queue: data sets are checked, whoever dies, and batches do not wait for them."""

from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from detector.models import Dataset
from detector.services.datasets import delete_dataset, register_dataset
from tests.detector.batches import FACE, now
from tests.detector.datasets import drawn
from tests.detector.pictures import encoded, scene
from tests.detector.workers import batch_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
State = Dataset.State
SLOW = encoded(scene(size=(4000, 3000)), "PNG")
COUNT = 24


@pytest.fixture(autouse=True)
def broker(settings, tmp_path):
    """The queue, empty at first; files in a folder of the test's own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("batch", "unacked", "unacked_index")
        yield client
        client.delete("batch", "unacked", "unacked_index")


def as_it_is(dataset: Dataset) -> Dataset:
    return Dataset.objects.get(pk=dataset.pk)


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> str:
    """A data set that keeps a worker busy for some seconds: pictures of twelve million pixels."""
    folder = tmp_path_factory.mktemp("large")
    images = folder / "train" / "images"
    images.mkdir(parents=True)
    (folder / "valid" / "images").mkdir(parents=True)
    for number in range(COUNT):
        (images / f"{number}.png").write_bytes(SLOW)
    return str(folder)


def test_a_worker_checks_a_data_set(red_one, tmp_path):
    dataset = register_dataset(name="drawn", folder=str(drawn(tmp_path / "set")), owner=None)
    with batch_worker(tmp_path / "log", red_one):
        wait_until(lambda: as_it_is(dataset).checked_at is not None, "the check to end")
    done = as_it_is(dataset)
    assert (done.state, done.images, done.problem_count, done.attempts) == (State.SUCCEEDED, 18, 0, 1)
    assert done.samples.count() == 18


def test_a_killed_workers_check_is_done_by_the_next_and_a_batch_is_served_meanwhile(
    red_one, tmp_path, large, make_batch
):
    dataset = register_dataset(name="large", folder=large, owner=None)
    with batch_worker(tmp_path / "first", red_one) as worker:
        wait_until(lambda: as_it_is(dataset).progress > 0, "the check to come along")
        worker.kill()
    lost = as_it_is(dataset)
    assert lost.state == State.RUNNING
    Dataset.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    with batch_worker(tmp_path / "second", red_one):
        wait_until(
            lambda: as_it_is(dataset).progress > 0 and as_it_is(dataset).attempts == 2, "the next to take it"
        )
        batch = make_batch(a_jpg=FACE)
        wait_until(lambda: now(batch).finished_at is not None, "the batch to end")
        assert as_it_is(dataset).checked_at is None
        wait_until(lambda: as_it_is(dataset).checked_at is not None, "the check to end")
    done = as_it_is(dataset)
    assert (done.state, done.images, done.samples.count()) == (State.SUCCEEDED, COUNT, COUNT)


def test_a_check_whose_message_was_lost_is_found(red_one, tmp_path, broker):
    dataset = register_dataset(name="drawn", folder=str(drawn(tmp_path / "set")), owner=None)
    assert broker.delete("batch") == 1
    Dataset.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    with batch_worker(tmp_path / "log", red_one):
        wait_until(lambda: as_it_is(dataset).state == State.SUCCEEDED, "the check to be found")


def test_a_worker_lets_go_of_a_data_set_that_is_deleted(red_one, tmp_path, large):
    dataset = register_dataset(name="large", folder=large, owner=None)
    with batch_worker(tmp_path / "log", red_one) as worker:
        wait_until(lambda: as_it_is(dataset).progress > 0, "the check to come along")
        delete_dataset(dataset=dataset)
        wait_until(lambda: worker.said("is not ours to check any more"), "the worker to notice")
        other = register_dataset(name="drawn", folder=str(drawn(tmp_path / "set")), owner=None)
        wait_until(lambda: as_it_is(other).state == State.SUCCEEDED, "the next check")
