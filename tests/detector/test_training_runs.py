from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from detector.models import TrainingRun
from detector.services import training
from detector.services.training import (
    HEARTBEAT_LIMIT,
    NotCancellable,
    UnusableDataDirs,
    check_data_dirs,
    claim_training_run,
    fail_abandoned_runs,
    queue_training_run,
    request_cancel,
)
from detector.services.training_process import training_command

pytestmark = pytest.mark.django_db
Status = TrainingRun.Status


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "train" / "images").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def broker():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("training")
        yield client
        client.delete("training")


def run_in(status: str, **values: object) -> TrainingRun:
    return TrainingRun.objects.create(name="run", status=status, **values)


def test_run_is_sent_to_a_worker_only_once_it_is_committed(
    data_dir, broker, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        run = queue_training_run(run=TrainingRun(name="My faces!", data_dirs=[str(data_dir)]), owner=None)
        assert broker.llen("training") == 0
    assert broker.llen("training") == 1
    assert run.status == Status.QUEUED
    assert Path(run.run_dir) == Path(settings.VAR_DIR) / "runs" / f"{run.pk}-my-faces"


@pytest.mark.parametrize("folders", [[], ["/no/such/folder"]])
def test_run_without_training_pictures_is_refused(folders):
    with pytest.raises(UnusableDataDirs):
        check_data_dirs(folders)


def test_only_one_of_two_workers_gets_a_run():
    run = run_in(Status.QUEUED)
    assert claim_training_run(run_id=run.pk).status == Status.RUNNING
    assert claim_training_run(run_id=run.pk) is None


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.RUNNING])
def test_message_for_a_run_that_is_not_waiting_does_nothing(status):
    run = run_in(status)
    assert claim_training_run(run_id=run.pk) is None
    run.refresh_from_db()
    assert run.status == status


def test_message_for_a_deleted_run_does_nothing():
    assert claim_training_run(run_id=987654) is None


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


def test_run_whose_worker_fell_silent_is_failed_and_a_living_one_is_not():
    now = timezone.now()
    silent = run_in(Status.RUNNING, heartbeat_at=now - HEARTBEAT_LIMIT - timedelta(seconds=1))
    living = run_in(Status.RUNNING, heartbeat_at=now)
    assert fail_abandoned_runs() == 1
    silent.refresh_from_db()
    living.refresh_from_db()
    assert silent.status == Status.FAILED
    assert "worker" in silent.error
    assert living.status == Status.RUNNING


def test_settings_of_a_run_cannot_smuggle_in_other_options(tmp_path):
    run = TrainingRun(name="--weights", data_dirs=["--json"], device="--resume", run_dir=str(tmp_path))
    options = training_command(run)
    assert {"--name=--weights", "--data-dir=--json", "--device=--resume"} <= set(options)
    assert "--resume" not in options


@pytest.fixture
def staff_client(client):
    client.force_login(get_user_model().objects.create_superuser("keeper", password="x"))
    return client


def form(**changes: object) -> dict[str, object]:
    values = {"name": "faces", "epochs": 3, "image_size": 96, "batch_size": 8, "learning_rate": 0.002}
    return {**values, "seed": 0, "device": "auto", **changes}


def test_staff_start_a_run_from_the_admin(staff_client, data_dir, broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff_client.post("/admin/detector/trainingrun/add/", form(data_dirs=f"{data_dir}\n"))
    assert answer.status_code == 302
    run = TrainingRun.objects.get()
    assert (run.status, run.owner.username, run.data_dirs) == (Status.QUEUED, "keeper", [str(data_dir)])
    assert broker.llen("training") == 1


@pytest.mark.parametrize("wrong", [{"data_dirs": "/no/such"}, {"image_size": 100}, {"device": "toaster"}])
def test_admin_refuses_settings_that_cannot_train(staff_client, data_dir, wrong):
    answer = staff_client.post(
        "/admin/detector/trainingrun/add/", form(**{"data_dirs": str(data_dir), **wrong})
    )
    assert answer.status_code == 200
    assert set(answer.context["adminform"].errors) == set(wrong)
    assert not TrainingRun.objects.exists()


def test_staff_cancel_a_run_from_the_admin(staff_client):
    run = run_in(Status.QUEUED)
    staff_client.post("/admin/detector/trainingrun/", {"action": "cancel", "_selected_action": [run.pk]})
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_training_pages_say_what_to_install_when_a_package_is_missing(staff_client, monkeypatch):
    assert "not installed" not in staff_client.get("/admin/detector/trainingrun/add/").content.decode()
    monkeypatch.setattr(training, "TRAINING_PACKAGES", ("torch", "no_such_package"))
    for path in ("/admin/detector/trainingrun/", "/admin/detector/trainingrun/add/"):
        page = staff_client.get(path).content.decode()
        assert "no_such_package" in page
        assert "pip install -r requirements.txt" in page
