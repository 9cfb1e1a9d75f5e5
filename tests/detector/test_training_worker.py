"""A real worker, a real queue, a real training process."""

import json
import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import redis
from celery import current_app
from celery.signals import worker_ready
from django.conf import settings
from django.db import connection
from django.utils import timezone
from kombu.asynchronous.timer import Timer

from detector import tasks  # noqa: F401  (listens for a worker that gets ready)
from detector.models import Dataset, DetectorVersion, TrainingRun
from detector.services import training_process
from detector.services.training import (
    HEARTBEAT_LIMIT,
    MOST_RESUMPTIONS,
    RESEND_AFTER,
    queue_training_run,
    request_cancel,
    resume,
)
from detector.services.training_process import training_command
from tests.detector.workers import training_worker, wait_until
from tests.ml.drawn_faces import make_dataset

SHIPPED = Path(settings.BASE_DIR) / "ml/weights/detector.pt"

pytestmark = pytest.mark.django_db(transaction=True)
Status = TrainingRun.Status


@pytest.fixture(scope="module")
def drawn_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("faces"), train=18, valid=9, size=64)


@pytest.fixture(autouse=True)
def broker() -> Iterator[redis.Redis]:
    """The queue, empty at first."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("training", "unacked", "unacked_index")
        yield client


def queue_run(
    data_dir: Path, *, epochs: int, datasets: Iterable[Dataset] = (), init_weights: str = ""
) -> TrainingRun:
    run = TrainingRun(
        name="drawn faces",
        init_weights=init_weights,
        data_dirs=[str(data_dir)],
        epochs=epochs,
        image_size=64,
        batch_size=8,
        learning_rate=0.002,
        device="cpu",
    )
    return queue_training_run(run=run, owner=None, datasets=datasets)


def now(run: TrainingRun) -> TrainingRun:
    return TrainingRun.objects.get(pk=run.pk)


def training_processes(run: TrainingRun) -> list[psutil.Process]:
    wanted = f"--run-dir={run.run_dir}"
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if wanted in (process.info["cmdline"] or []):
            found.append(process)
    return found


def test_queued_run_is_trained_once_and_leaves_a_candidate_detector(drawn_faces, broker, tmp_path):
    dataset = Dataset.objects.create(name="drawn faces", folder=str(drawn_faces))
    run = queue_run(drawn_faces, epochs=1, datasets=[dataset])
    current_app.send_task("detector.tasks.train", args=[run.pk])  # a second message, of an older version
    assert broker.llen("training") == 2
    with training_worker(tmp_path / "log") as worker:
        wait_until(lambda: now(run).finished_at is not None, "the run to end")
        wait_until(lambda: worker.said("no training run is waiting"), "the second message")
    done = now(run)
    assert (done.status, done.error, done.progress) == (Status.SUCCEEDED, "", 1.0)
    assert done.started_at < done.finished_at
    assert done.version.state == DetectorVersion.State.CANDIDATE
    assert done.version.source == DetectorVersion.Source.TRAINING
    assert done.version.card["train"]["epochs"] == 1
    assert done.version.card["metrics"]["frames"] == 9
    assert [(each.dataset, each.split) for each in done.version.evaluations.all()] == [(dataset, "valid")]
    assert shlex.split(done.command) == [*training_command(done)[:-1]]
    assert training_command(done)[-1] == "--resume"
    assert done.report["hardware"]["device"] == "cpu"
    assert done.report["memory_bytes"] > 2**26
    assert (done.report["epochs_done"], done.report["phase"]) == (1, "finishing")
    assert len((Path(run.run_dir) / "metrics.jsonl").read_text().splitlines()) == 1


def keeps_the_best_when_it_is_cancelled_as_soon_as_it_is_resumed(run: TrainingRun, folder: Path) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(version=None)
    resume(run=run)
    with training_worker(folder / "third"):
        wait_until(lambda: now(run).status == Status.RUNNING, "the run to be resumed")
        request_cancel(run=run)
        wait_until(lambda: now(run).finished_at is not None, "the run to end")
    assert (now(run).status, now(run).error) == (Status.CANCELLED, "")
    assert now(run).version is not None


def test_run_of_a_stopped_worker_goes_on_at_the_next_one_and_can_be_cancelled(drawn_faces, broker, tmp_path):
    run = queue_run(drawn_faces, epochs=500, init_weights=str(SHIPPED))
    checkpoint = Path(run.run_dir) / "last.pt"
    with training_worker(tmp_path / "first") as worker:
        wait_until(lambda: now(run).progress > 0, "the first epoch")
        wait_until(checkpoint.is_file, "the first checkpoint")
        worker.stop()
        assert now(run).status == Status.QUEUED
        assert broker.llen("training") == 1
        assert training_processes(run) == []
    reached = now(run).progress
    with training_worker(tmp_path / "second"):
        wait_until(lambda: now(run).progress > reached, "the run to go on")
        (process,) = training_processes(run)
        assert "--resume" in process.cmdline()
        request_cancel(run=run)
        wait_until(lambda: now(run).finished_at is not None, "the run to end")
    cancelled = now(run)
    assert (cancelled.status, cancelled.error) == (Status.CANCELLED, "")
    assert cancelled.version.state == DetectorVersion.State.CANDIDATE  # the best epoch so far
    assert training_processes(run) == []
    keeps_the_best_when_it_is_cancelled_as_soon_as_it_is_resumed(run, tmp_path)
    epochs = [
        json.loads(line)["epoch"] for line in (Path(run.run_dir) / "metrics.jsonl").read_text().splitlines()
    ]
    assert epochs == list(range(1, len(epochs) + 1))


def pass_time(run: TrainingRun) -> None:
    """Let the last heartbeat of a dead worker's run be too long ago."""
    TrainingRun.objects.filter(pk=run.pk).update(
        heartbeat_at=timezone.now() - HEARTBEAT_LIMIT - timedelta(seconds=1)
    )


def test_run_whose_workers_are_killed_goes_on_until_they_die_too_often_without_an_epoch(
    drawn_faces, tmp_path
):
    run = queue_run(drawn_faces, epochs=500)
    with training_worker(tmp_path / "first") as worker:
        wait_until((Path(run.run_dir) / "last.pt").is_file, "the first checkpoint")
        worker.kill()
    pass_time(run)
    with training_worker(tmp_path / "second") as worker:
        wait_until(lambda: now(run).resumptions == 1, "the run to be taken up again")
        wait_until(lambda: now(run).resumptions == 0, "another epoch, which gives it all its tries again")
        worker.kill()
    pass_time(run)
    deaths = 0
    while now(run).status != Status.FAILED:
        assert deaths < 3 * MOST_RESUMPTIONS, "it is taken up again without end"
        with training_worker(tmp_path / f"later-{deaths}") as worker:
            wait_until(lambda: now(run).status != Status.QUEUED, "the run to be taken up again or to fail")
            worker.kill()  # long before an epoch is finished
        deaths += now(run).status == Status.RUNNING
        pass_time(run)
    assert deaths >= MOST_RESUMPTIONS  # more if the machine was so slow that an epoch was finished
    assert "died" in now(run).error
    assert training_processes(run) == []


def test_run_whose_process_is_killed_goes_on_until_it_dies_too_often_without_an_epoch(drawn_faces, tmp_path):
    run = queue_run(drawn_faces, epochs=500)
    with training_worker(tmp_path / "log"):
        wait_until((Path(run.run_dir) / "last.pt").is_file, "the first checkpoint")
        for deaths in range(1, MOST_RESUMPTIONS + 2):
            wait_until(lambda: training_processes(run), "the run to be taken up")
            (process,) = training_processes(run)
            process.kill()
            process.wait()
            wait_until(
                lambda died=deaths: now(run).resumptions == died or now(run).finished_at, "that to be noticed"
            )
    failed = now(run)
    assert (failed.status, failed.resumptions) == (Status.FAILED, MOST_RESUMPTIONS)
    assert "died" in failed.error


class Consumer(NamedTuple):
    """What a worker that gets ready hands to those who listen."""

    timer: Timer


def test_worker_goes_on_looking_for_abandoned_runs_when_the_database_was_not_there_at_its_start():
    run = TrainingRun.objects.create(name="abandoned", status=Status.RUNNING)
    pass_time(run)
    rows = TrainingRun._meta.db_table
    timer = Timer()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {rows} RENAME TO away")
    try:
        worker_ready.send(sender=Consumer(timer))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {rows}")
    assert now(run).status == Status.RUNNING
    (later,) = timer.queue
    later.entry()
    assert now(run).status == Status.QUEUED


def test_waiting_run_whose_message_was_lost_is_taken_up_by_the_next_worker(broker, tmp_path):
    (tmp_path / "data" / "train" / "images").mkdir(parents=True)
    run = queue_run(tmp_path / "data", epochs=1)
    broker.delete("training")
    TrainingRun.objects.filter(pk=run.pk).update(sent_at=now(run).sent_at - RESEND_AFTER)
    with training_worker(tmp_path / "log"):
        wait_until(lambda: now(run).finished_at is not None, "the run to end")


def test_run_beats_while_its_result_is_registered(monkeypatch, tmp_path):
    began = timezone.now()
    run = TrainingRun.objects.create(
        name="done", status=Status.RUNNING, started_at=began, heartbeat_at=began, run_dir=str(tmp_path)
    )

    def register(**_: object) -> None:
        deadline = time.monotonic() + 60
        while now(run).heartbeat_at == began:
            assert time.monotonic() < deadline, "no heartbeat"
            time.sleep(0.05)

    monkeypatch.setattr(training_process, "keep_result", register)
    monkeypatch.setattr(training_process, "LOOK_INTERVAL", 0.05)
    watch = training_process._Watch(run, None)
    watch.done = {}
    training_process._conclude(run, 0, watch)
    assert now(run).status == Status.SUCCEEDED


def test_run_that_cannot_train_fails_with_the_reason(tmp_path):
    (tmp_path / "data" / "train" / "images").mkdir(parents=True)
    run = queue_run(tmp_path / "data", epochs=1)
    with training_worker(tmp_path / "log"):
        wait_until(lambda: now(run).finished_at is not None, "the run to end")
    failed = now(run)
    assert failed.status == Status.FAILED
    assert failed.version is None
    assert str(tmp_path / "data") in failed.error


def fails_in_plain_words(run: TrainingRun, log: Path, meanwhile: Callable[[], None]) -> TrainingRun:
    with training_worker(log):
        meanwhile()
        wait_until(lambda: now(run).finished_at is not None, "the run to end")
    failed = now(run)
    assert failed.status == Status.FAILED
    assert "Traceback" not in failed.error
    return failed


def test_full_disk_is_said_in_plain_words(drawn_faces, tmp_path):
    run = queue_run(drawn_faces, epochs=2)
    Path(run.run_dir).mkdir(parents=True)
    (Path(run.run_dir) / "last.pt.part").symlink_to("/dev/full")
    failed = fails_in_plain_words(run, tmp_path / "log", lambda: None)
    assert failed.error.startswith("The disk is full")


def test_data_set_that_disappears_is_said_in_plain_words_and_the_run_can_be_resumed(tmp_path):
    folder = make_dataset(tmp_path / "faces", train=18, valid=9, size=64)
    run = queue_run(folder, epochs=500)

    def disappear() -> None:
        wait_until((Path(run.run_dir) / "last.pt").is_file, "the first checkpoint")
        folder.rename(tmp_path / "away")

    failed = fails_in_plain_words(run, tmp_path / "log", disappear)
    assert f"The pictures of {folder} disappeared" in failed.error
    (tmp_path / "away").rename(folder)
    resume(run=run)
    reached = now(run).progress
    with training_worker(tmp_path / "next"):
        wait_until(lambda: now(run).progress > reached, "the run to go on")
