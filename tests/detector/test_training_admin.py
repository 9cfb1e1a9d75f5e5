"""Training runs in the admin."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from detector.models import Dataset, TrainingRun
from detector.services import training
from detector.services.training import NoCheckpoint, NotResumable
from tests.detector.training_runs import run_in, status_of

pytestmark = pytest.mark.django_db
Status = TrainingRun.Status


@pytest.fixture
def staff_client(client):
    client.force_login(get_user_model().objects.create_superuser("keeper", password="x"))
    return client


def form(**changes: object) -> dict[str, object]:
    values = {"name": "faces", "epochs": 3, "image_size": 96, "batch_size": 8, "learning_rate": 0.002}
    return {**values, "seed": 0, "device": "auto", "augment": "full", "patience": 0, **changes}


def test_staff_start_a_run_from_the_admin(
    staff_client, data_dir, training_queue, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff_client.post("/admin/detector/trainingrun/add/", form(data_dirs=f"{data_dir}\n"))
    assert answer.status_code == 302
    run = TrainingRun.objects.get()
    assert (run.status, run.owner.username, run.data_dirs) == (Status.QUEUED, "keeper", [str(data_dir)])
    assert training_queue.llen("training") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"data_dirs": "/no/such"},
        {"data_dirs": "~nobody-of-this-name"},
        {"image_size": 100},
        {"device": "toaster"},
    ],
)
def test_admin_refuses_settings_that_cannot_train(staff_client, data_dir, wrong):
    answer = staff_client.post(
        "/admin/detector/trainingrun/add/", form(**{"data_dirs": str(data_dir), **wrong})
    )
    assert answer.status_code == 200
    assert set(answer.context["adminform"].errors) == set(wrong)
    assert not TrainingRun.objects.exists()


def test_admin_says_that_the_folder_of_a_data_set_is_gone(staff_client, tmp_path):
    dataset = Dataset.objects.create(name="faces", folder=str(tmp_path / "gone"))
    answer = staff_client.post("/admin/detector/trainingrun/add/", form(datasets=[dataset.pk]))
    assert answer.status_code == 200
    errors = answer.context["adminform"].errors
    assert set(errors) == {"datasets"}
    assert "has no folder train/images" in errors["datasets"][0]
    assert not TrainingRun.objects.exists()


def test_admin_says_what_only_the_service_refuses(staff_client, data_dir, monkeypatch):
    def refuse(**_: object) -> None:
        raise NoCheckpoint

    monkeypatch.setattr("detector.training_admin.queue_training_run", refuse)
    wish = form(data_dirs=str(data_dir))
    page = staff_client.post("/admin/detector/trainingrun/add/", wish, follow=True).content.decode()
    assert str(NoCheckpoint.message) in page
    assert "was added successfully" not in page


def test_staff_cancel_a_run_from_the_admin_after_they_were_asked(staff_client):
    run = run_in(Status.QUEUED)
    action = {"action": "cancel", "_selected_action": [run.pk]}
    question = staff_client.post("/admin/detector/trainingrun/", action).content.decode()
    assert "Cancel these training runs?" in question
    assert status_of(run) == Status.QUEUED
    staff_client.post("/admin/detector/trainingrun/", {**action, "confirmed": "yes"})
    assert status_of(run) == Status.CANCELLED


def test_staff_start_a_failed_run_again_from_the_admin(staff_client):
    failed, done = run_in(Status.FAILED), run_in(Status.SUCCEEDED)
    answer = staff_client.post(
        "/admin/detector/trainingrun/",
        {"action": "resume", "_selected_action": [failed.pk, done.pk]},
        follow=True,
    )
    assert (status_of(failed), status_of(done)) == (Status.QUEUED, Status.SUCCEEDED)
    page = answer.content.decode()
    assert "is waiting for a worker again" in page
    assert str(NotResumable.message) in page


def test_page_of_a_run_shows_what_became_of_it_and_nothing_to_change(staff_client):
    run = run_in(Status.FAILED, error="no labels in train/", run_dir="/runs/7-faces", progress=0.25)
    page = staff_client.get(f"/admin/detector/trainingrun/{run.pk}/change/").content.decode()
    for shown in ("Failed", "no labels in train/", "/runs/7-faces", "25%"):
        assert shown in page
    assert 'name="epochs"' not in page


def test_only_who_may_change_runs_cancels_them_or_starts_them_again(client):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    client.force_login(viewer)
    run = run_in(Status.QUEUED)
    failed = run_in(Status.FAILED)
    client.post("/admin/detector/trainingrun/", {"action": "cancel", "_selected_action": [run.pk]})
    client.post("/admin/detector/trainingrun/", {"action": "resume", "_selected_action": [failed.pk]})
    assert (status_of(run), status_of(failed)) == (Status.QUEUED, Status.FAILED)


def test_training_pages_say_what_to_install_when_a_package_is_missing(staff_client, monkeypatch):
    assert "not installed" not in staff_client.get("/admin/detector/trainingrun/add/").content.decode()
    monkeypatch.setattr(training, "TRAINING_PACKAGES", ("torch", "no_such_package"))
    for path in ("/admin/detector/trainingrun/", "/admin/detector/trainingrun/add/"):
        page = staff_client.get(path).content.decode()
        assert "no_such_package" in page
        assert "pip install -r requirements.txt" in page
