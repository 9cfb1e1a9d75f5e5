from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from detector import tasks
from detector.models import Dataset, TrainingRun
from detector.selectors.training import last_log_lines, queue_place
from detector.services import training
from detector.services.training import (
    HEARTBEAT_LIMIT,
    MOST_RESUMPTIONS,
    RESEND_AFTER,
    BadSettings,
    NotCancellable,
    NotResumable,
    UnusableDataDirs,
    check_data_dirs,
    claim_training_run,
    fail_run,
    give_back,
    queue_training_run,
    recover_abandoned_runs,
    request_cancel,
    resend_next_run,
    resume,
)
from detector.services.training_process import training_command
from detector.tasks import LOOK_AFTER_INTERVAL
from tests.detector.training_runs import run_in, status_of

pytestmark = pytest.mark.django_db
Status = TrainingRun.Status


def test_run_is_sent_to_a_worker_only_once_it_is_committed(
    data_dir, training_queue, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        run = queue_training_run(run=TrainingRun(name="My faces!", data_dirs=[str(data_dir)]), owner=None)
        assert training_queue.llen("training") == 0
    assert training_queue.llen("training") == 1
    assert run.status == Status.QUEUED
    assert Path(run.run_dir) == Path(settings.VAR_DIR) / "runs" / f"{run.pk}-my-faces"


@pytest.mark.parametrize(
    "folders", [[], ["/no/such/folder"], ["~nobody-of-this-name/faces"], ["long" * 100]], ids=str
)
def test_run_without_training_pictures_is_refused(folders):
    with pytest.raises(UnusableDataDirs):
        check_data_dirs(folders)


def test_only_one_of_two_workers_gets_a_run():
    run_in(Status.QUEUED)
    assert claim_training_run().status == Status.RUNNING
    assert claim_training_run() is None


def test_a_run_that_is_taken_from_under_a_workers_eyes_is_left_and_the_next_one_taken(monkeypatch):
    taken, next_one = run_in(Status.RUNNING), run_in(Status.QUEUED)
    stale = iter([TrainingRun.objects.filter(pk=taken.pk), TrainingRun.objects.filter(pk=next_one.pk)])
    monkeypatch.setattr(training, "waiting_runs", lambda: next(stale))
    assert claim_training_run() == next_one


def test_runs_are_taken_in_the_order_that_their_places_say_whatever_messages_name(monkeypatch):
    given_back, later = run_in(Status.QUEUED), run_in(Status.QUEUED)
    assert claim_training_run() == given_back
    give_back(run=TrainingRun.objects.get(pk=given_back.pk))
    assert (queue_place(TrainingRun.objects.get(pk=given_back.pk)), queue_place(later)) == (1, 2)
    carried_out = []
    monkeypatch.setattr(tasks, "supervise_training", lambda run, is_stopping: carried_out.append(run))
    tasks.train(later.pk)  # as messages of older versions
    tasks.train()
    assert carried_out == [given_back, later]


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.RUNNING])
def test_message_when_no_run_waits_does_nothing(status):
    run = run_in(status)
    assert claim_training_run() is None
    run.refresh_from_db()
    assert run.status == status


def test_waiting_run_is_cancelled_at_once():
    run = run_in(Status.QUEUED)
    request_cancel(run=run)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert run.finished_at is not None


def test_running_run_is_only_asked_to_stop():
    run = run_in(Status.RUNNING)
    request_cancel(run=run)
    run.refresh_from_db()
    assert (run.status, run.cancel_requested) == (Status.RUNNING, True)


def test_ended_run_cannot_be_cancelled():
    with pytest.raises(NotCancellable):
        request_cancel(run=run_in(Status.SUCCEEDED))


def abandoned(run_dir: Path, **values: object) -> TrainingRun:
    """A run of a worker that died, in a folder of its own."""
    run_dir.mkdir()
    long_ago = timezone.now() - HEARTBEAT_LIMIT - timedelta(seconds=1)
    return run_in(Status.RUNNING, heartbeat_at=long_ago, started_at=long_ago, run_dir=str(run_dir), **values)


def test_run_whose_worker_died_is_queued_again_unless_it_was_to_be_cancelled(
    tmp_path, training_queue, django_capture_on_commit_callbacks
):
    living = run_in(Status.RUNNING, heartbeat_at=timezone.now(), started_at=timezone.now())
    resumable, fresh = abandoned(tmp_path / "one"), abandoned(tmp_path / "two")
    unwanted = abandoned(tmp_path / "three", cancel_requested=True)
    (tmp_path / "one" / "last.pt").touch()
    with django_capture_on_commit_callbacks(execute=True):
        assert recover_abandoned_runs() == 3
    assert training_queue.llen("training") == 2
    assert [status_of(run) for run in (living, resumable, fresh, unwanted)] == [
        Status.RUNNING,
        Status.QUEUED,
        Status.QUEUED,
        Status.CANCELLED,
    ]
    claimed = claim_training_run(), claim_training_run()
    assert claimed == (resumable, fresh)
    assert ["--resume" in training_command(run) for run in claimed] == [True, False]


def test_worker_that_comes_back_too_late_cannot_end_the_run_of_its_successor(tmp_path):
    late = abandoned(tmp_path / "one")
    (tmp_path / "one" / "last.pt").touch()
    recover_abandoned_runs()
    assert claim_training_run() is not None
    fail_run(run=late, error="too late")
    assert status_of(late) == Status.RUNNING


@pytest.mark.parametrize(
    "values", [{}, {"cancel_requested": True}, {"resumptions": MOST_RESUMPTIONS}], ids=str
)
def test_worker_that_is_heard_of_again_in_the_last_moment_keeps_its_run(tmp_path, monkeypatch, values):
    run = abandoned(tmp_path / "one", **values)

    def beat(*_: object) -> None:
        TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now())

    monkeypatch.setattr(training.logger, "error", beat)  # after the silent runs are read
    recover_abandoned_runs()
    assert status_of(run) == Status.RUNNING


def lose_worker(run: TrainingRun) -> None:
    """Take the run as the next worker would, and let its last heartbeat be too long ago."""
    assert claim_training_run() is not None
    long_ago = timezone.now() - HEARTBEAT_LIMIT - timedelta(seconds=1)
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=long_ago)
    recover_abandoned_runs()
    run.refresh_from_db()


def test_run_that_kills_every_worker_fails_in_plain_words_and_is_not_sent_again(
    tmp_path, training_queue, django_capture_on_commit_callbacks
):
    run = run_in(Status.QUEUED, run_dir=str(tmp_path))
    (tmp_path / "last.pt").touch()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(MOST_RESUMPTIONS):
            lose_worker(run)
            assert run.status == Status.QUEUED
        lose_worker(run)
    assert training_queue.llen("training") == MOST_RESUMPTIONS
    assert run.status == Status.FAILED
    assert run.finished_at is not None
    assert "died" in run.error
    assert "press Resume" in run.error


def test_stopping_workers_in_order_does_not_use_up_the_tries_of_a_run(tmp_path):
    run = run_in(Status.QUEUED, run_dir=str(tmp_path))
    (tmp_path / "last.pt").touch()
    for _ in range(MOST_RESUMPTIONS + 1):
        give_back(run=claim_training_run())
    lose_worker(run)
    assert run.status == Status.QUEUED


def test_failed_run_is_started_again_with_all_its_tries(
    tmp_path, training_queue, django_capture_on_commit_callbacks
):
    run = run_in(
        Status.FAILED, run_dir=str(tmp_path), error="died", progress=0.4, resumptions=MOST_RESUMPTIONS
    )
    (tmp_path / "last.pt").touch()
    with django_capture_on_commit_callbacks(execute=True):
        resume(run=run)
    run.refresh_from_db()
    assert training_queue.llen("training") == 1
    assert (run.status, run.error, run.finished_at, run.progress) == (Status.QUEUED, "", None, 0.4)
    lose_worker(run)
    assert run.status == Status.QUEUED


def test_failed_run_without_a_checkpoint_is_started_from_the_beginning(tmp_path):
    run = run_in(Status.FAILED, run_dir=str(tmp_path), progress=0.4)
    resume(run=run)
    run.refresh_from_db()
    assert (run.status, run.progress) == (Status.QUEUED, 0.0)
    assert "--resume" not in training_command(run)


def test_run_without_a_folder_has_no_log_and_gets_a_folder_when_it_is_resumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.log").write_text("of something else")
    run = run_in(Status.FAILED)
    assert last_log_lines(run) == []
    resume(run=run)
    run.refresh_from_db()
    assert Path(run.run_dir) == Path(settings.VAR_DIR) / "runs" / f"{run.pk}-run"


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED])
def test_only_a_run_that_has_stopped_can_be_resumed(status):
    run = run_in(status)
    with pytest.raises(NotResumable):
        resume(run=run)
    assert status_of(run) == status


def test_settings_of_a_run_cannot_smuggle_in_other_options(tmp_path):
    run = TrainingRun(name="--weights", data_dirs=["--json"], device="--resume", run_dir=str(tmp_path))
    options = training_command(run)
    assert {"--name=--weights", "--data-dir=--json", "--device=--resume"} <= set(options)
    assert "--resume" not in options


def test_silent_run_is_found_within_a_minute():
    assert HEARTBEAT_LIMIT.total_seconds() + LOOK_AFTER_INTERVAL < 60


def test_cancelled_run_is_resumed(tmp_path, training_queue, django_capture_on_commit_callbacks):
    run = run_in(Status.CANCELLED, run_dir=str(tmp_path), cancel_requested=True, progress=0.5)
    (tmp_path / "last.pt").touch()
    with django_capture_on_commit_callbacks(execute=True):
        resume(run=run)
    run.refresh_from_db()
    assert (run.status, run.cancel_requested, run.progress) == (Status.QUEUED, False, 0.5)
    assert training_queue.llen("training") == 1


def long_ago(run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(sent_at=timezone.now() - RESEND_AFTER)


def test_lost_message_is_sent_again_for_the_next_run_even_while_others_run(training_queue):
    run_in(Status.RUNNING)
    later, first = run_in(Status.QUEUED), run_in(Status.QUEUED, queued_at=timezone.now() - timedelta(hours=1))
    long_ago(later)
    assert not resend_next_run()  # the first one has just been sent
    long_ago(first)
    assert resend_next_run()
    assert not resend_next_run()
    assert training_queue.llen("training") == 1


def test_messages_for_workers_that_are_busy_do_not_pile_up(training_queue):
    run = run_in(Status.QUEUED)
    for _ in range(3):
        long_ago(run)
        resend_next_run()
    assert training_queue.llen("training") == 1
    training_queue.delete("training")
    long_ago(run)
    assert resend_next_run()


def test_without_redis_a_run_waits(data_dir, django_capture_on_commit_callbacks, monkeypatch, caplog):
    nowhere = Celery(training_queue="redis://127.0.0.1:1", broker_connection_timeout=1, set_as_current=False)
    nowhere.conf.task_publish_retry = False
    monkeypatch.setattr(training, "current_app", nowhere)
    with django_capture_on_commit_callbacks(execute=True):
        run = queue_training_run(run=TrainingRun(name="faces", data_dirs=[str(data_dir)]), owner=None)
    assert status_of(run) == Status.QUEUED
    assert "waits until Redis answers" in caplog.text
    long_ago(run)
    with pytest.raises(BrokerError):
        resend_next_run()


def test_settings_that_cannot_train_are_refused_by_the_service(data_dir):
    with pytest.raises(BadSettings) as refused:
        queue_training_run(
            run=TrainingRun(name="faces", data_dirs=[str(data_dir)], image_size=100), owner=None
        )
    assert set(refused.value.details) == {"image_size"}
    assert not TrainingRun.objects.exists()


def test_folders_of_data_sets_and_free_ones_are_learned_from_once_each(data_dir):
    dataset = Dataset.objects.create(name="faces", folder=str(data_dir))
    run = queue_training_run(
        run=TrainingRun(name="faces", data_dirs=[str(data_dir)]), owner=None, datasets=[dataset]
    )
    assert run.data_dirs == [str(data_dir)]
    assert list(run.datasets.all()) == [dataset]


def manage_train(*arguments: str) -> str:
    output = StringIO()
    call_command("train", *arguments, "--no-follow", stdout=output)
    return output.getvalue()


def test_a_run_is_queued_from_the_command_line(data_dir):
    Dataset.objects.create(name="faces", folder=str(data_dir))
    said = manage_train("--dataset", "faces", "--epochs", "3", "--name", "mine", "--augment", "none")
    run = TrainingRun.objects.get()
    assert (run.name, run.epochs, run.augment, run.data_dirs) == ("mine", 3, "none", [str(data_dir)])
    assert f"training run {run.pk}, mine, is queued" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "at least one data folder"),
        (["--dataset", "nobody's"], 'There is no dataset "nobody\'s"; there are: none.'),
        (["--data-dir", "/no/such"], "has no folder train/images"),
        (["--data-dir", "{data}", "--image-size", "100"], "image_size"),
        (["--data-dir", "{data}", "--start-from", "x"], "There is no detector version 'x'"),
    ],
)
def test_command_line_says_in_one_line_what_cannot_train(data_dir, arguments, said):
    with pytest.raises(CommandError) as refused:
        manage_train(*(argument.format(data=data_dir) for argument in arguments))
    assert said in str(refused.value)
    assert not TrainingRun.objects.exists()
