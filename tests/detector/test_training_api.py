"""Training runs over REST and as watched jobs: what comes back, what is refused, that they are staff's."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from detector.jobs import WATCHABLE
from detector.models import Dataset, DetectorVersion, TrainingRun
from detector.selectors.training import SILENT_AFTER

pytestmark = pytest.mark.django_db
Status = TrainingRun.Status
JSON = "application/json"


def account(name: str, **rights: bool):
    return get_user_model().objects.create_user(name, **rights)


def signed_in(name: str, **rights: bool) -> Client:
    client = Client()
    client.force_login(account(name, **rights))
    return client


@pytest.fixture
def staff() -> Client:
    return signed_in("keeper", is_staff=True)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "faces" / "train" / "images").mkdir(parents=True)
    return Dataset.objects.create(name="faces", folder=str(tmp_path / "faces"))


def run_in(status: str, **values: object) -> TrainingRun:
    return TrainingRun.objects.create(name="run", status=status, **values)


def code_of(response) -> str:
    return response.json()["error"]["code"]


def create(client: Client, **values: object):
    return client.post("/api/training-runs/", json.dumps(values), JSON)


def test_a_run_is_queued_with_the_recipes_settings_where_none_are_given(staff, dataset):
    made = create(staff, name="first", datasets=[dataset.pk], epochs=3, patience=2)
    assert made.status_code == 202
    row = made.json()
    run = TrainingRun.objects.get()
    assert (row["id"], row["status"], row["queue_place"], row["owner"]) == (run.pk, "queued", 1, "keeper")
    assert (row["epochs"], row["patience"], row["augment"]) == (3, 2, "full")
    assert (row["image_size"], row["learning_rate"]) == (run.image_size, run.learning_rate)
    assert row["datasets"] == [{"id": dataset.pk, "name": "faces"}]
    assert row["data_dirs"] == [dataset.folder]
    assert (row["start_from"], row["version"], row["report"]) == (None, None, {"seconds_left": None})
    for option in ("--epochs=3", "--patience=2", f"--data-dir={dataset.folder}", f"--run-dir={run.run_dir}"):
        assert option in row["command"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_size": 100},
        {"epochs": 0},
        {"device": "toaster"},
        {"augment": "wild"},
        {"learning_rate": 7},
        {"datasets": []},
        {"datasets": [987654]},
        {"start_from": 987654},
        {"name": ""},
        {"name": "two\nlines"},
    ],
    ids=str,
)
def test_settings_that_cannot_train_are_refused_by_name(staff, dataset, wrong):
    answer = create(staff, **{"name": "first", "datasets": [dataset.pk], **wrong})
    assert (answer.status_code, code_of(answer)) == (400, "invalid")
    assert set(answer.json()["error"]["details"]) == set(wrong)
    assert not TrainingRun.objects.exists()


def test_a_data_set_whose_folder_is_gone_is_refused(staff, dataset):
    Path(dataset.folder, "train", "images").rmdir()
    answer = create(staff, name="first", datasets=[dataset.pk])
    assert (answer.status_code, code_of(answer)) == (400, "bad_data_dirs")


def test_a_run_starts_from_a_version_that_a_run_here_has_made(staff, dataset, tmp_path):
    version = DetectorVersion.objects.create(name="made", source="training", sha256="0" * 64)
    run_in(Status.SUCCEEDED, version=version, run_dir=str(tmp_path))
    wish = {"name": "next", "datasets": [dataset.pk], "start_from": version.pk}
    refused = create(staff, **wish)
    assert (refused.status_code, code_of(refused)) == (400, "no_checkpoint")
    (tmp_path / "detector.pt").touch()
    row = create(staff, **wish).json()
    assert row["start_from"] == {"id": version.pk, "name": "made"}
    assert f"--init-weights={tmp_path / 'detector.pt'}" in row["command"]


def test_runs_are_listed_newest_first_in_pages_and_can_be_chosen_by_status(staff, monkeypatch):
    monkeypatch.setattr("detector.api.training_views.NewestFirst.page_size", 2)
    made = [run_in(status).pk for status in (Status.FAILED, Status.QUEUED, Status.FAILED)]
    page = staff.get("/api/training-runs/").json()
    rest = staff.get(page["next"]).json()
    assert [row["id"] for row in (*page["results"], *rest["results"])] == made[::-1]
    failed = staff.get("/api/training-runs/?status=failed").json()["results"]
    assert [row["id"] for row in failed] == [made[2], made[0]]
    assert code_of(staff.get("/api/training-runs/?status=lost")) == "invalid"


def test_waiting_runs_are_told_their_place_in_line(staff):
    now = timezone.now()
    second = run_in(Status.QUEUED, queued_at=now)
    first = run_in(Status.QUEUED, queued_at=now - timedelta(minutes=1))
    run_in(Status.RUNNING, queued_at=now - timedelta(minutes=2))
    places = {row["id"]: row["queue_place"] for row in staff.get("/api/training-runs/").json()["results"]}
    assert (places[first.pk], places[second.pk]) == (1, 2)
    assert set(places.values()) == {1, 2, None}


def test_a_run_shows_its_log_and_its_epochs(staff, tmp_path):
    run = run_in(Status.RUNNING, run_dir=str(tmp_path))
    assert staff.get(f"/api/training-runs/{run.pk}/").json()["log"] == []
    assert staff.get(f"/api/training-runs/{run.pk}/epochs/").json() == []
    (tmp_path / "train.log").write_text("".join(f"line {number}\n" for number in range(5000)))
    row = {"epoch": 1, "epochs": 2, "train": {"loss": 1.5}, "train_seconds": 1.0, "seconds": 2.0}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    log = staff.get(f"/api/training-runs/{run.pk}/").json()["log"]
    assert (log[0], log[-1]) == ("line 4970", "line 4999")
    assert staff.get(f"/api/training-runs/{run.pk}/epochs/").json() == [row]


def test_a_run_whose_worker_is_silent_says_so(staff):
    run = run_in(Status.RUNNING, heartbeat_at=timezone.now())
    assert staff.get(f"/api/training-runs/{run.pk}/").json()["is_silent"] is False
    TrainingRun.objects.update(heartbeat_at=timezone.now() - SILENT_AFTER - timedelta(seconds=1))
    assert staff.get(f"/api/training-runs/{run.pk}/").json()["is_silent"] is True


def test_cancel_and_resume_answer_with_the_row_and_say_why_not(staff, tmp_path):
    run = run_in(Status.QUEUED, run_dir=str(tmp_path))
    address = f"/api/training-runs/{run.pk}/"
    assert staff.get(address).json()["can_cancel"] is True
    cancelled = staff.post(address + "cancel/")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (cancelled.json()["can_cancel"], cancelled.json()["can_resume"]) == (False, True)
    assert cancelled.json()["has_checkpoint"] is False
    again = staff.post(address + "cancel/")
    assert (again.status_code, code_of(again)) == (409, "not_cancellable")
    assert "ended already" in again.json()["error"]["message"]
    (tmp_path / "last.pt").touch()
    assert staff.get(address).json()["has_checkpoint"] is True
    resumed = staff.post(address + "resume/")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "queued")
    again = staff.post(address + "resume/")
    assert (again.status_code, code_of(again)) == (409, "not_resumable")


def test_training_runs_are_for_staff(dataset):
    run = run_in(Status.QUEUED)
    addresses = [f"/api/training-runs/{rest}" for rest in ("", f"{run.pk}/", f"{run.pk}/epochs/")]
    acts = [f"/api/training-runs/{run.pk}/{act}/" for act in ("cancel", "resume")]
    for client, code in ((Client(), "not_authenticated"), (signed_in("somebody"), "permission_denied")):
        answers = [
            *(client.get(address) for address in addresses),
            *(client.post(address) for address in acts),
            create(client, name="first", datasets=[dataset.pk]),
        ]
        assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, code)}
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert TrainingRun.objects.count() == 1


def test_staff_watch_a_run_as_the_api_describes_it_and_others_do_not(staff):
    run = run_in(Status.RUNNING, report={"phase": "training", "epoch": 1})
    watched = WATCHABLE["training-run"](get_user_model().objects.get(username="keeper"), run.pk)
    assert json.loads(json.dumps(watched)) == staff.get(f"/api/training-runs/{run.pk}/").json()
    assert WATCHABLE["training-run"](account("somebody"), run.pk) is None
    assert WATCHABLE["training-run"](get_user_model().objects.get(username="keeper"), 987654) is None


def test_a_run_that_is_not_there_is_404(staff):
    for answer in (staff.get("/api/training-runs/987654/"), staff.post("/api/training-runs/987654/cancel/")):
        assert (answer.status_code, code_of(answer)) == (404, "not_found")


def test_other_sites_pages_cannot_start_a_run_for_a_keeper(dataset):
    client = Client(enforce_csrf_checks=True)
    client.force_login(account("keeper", is_staff=True))
    answer = create(client, name="first", datasets=[dataset.pk])
    assert (answer.status_code, code_of(answer)) == (403, "permission_denied")


def test_the_shipped_detectors_checkpoint_is_one_to_start_from(staff, dataset):
    from detector.services.versions import register_shipped_detector

    shipped = register_shipped_detector()
    row = create(staff, name="finer", datasets=[dataset.pk], start_from=shipped.pk).json()
    checkpoint = Path(settings.BASE_DIR) / "ml" / "weights" / "detector.pt"
    assert f"--init-weights={checkpoint}" in row["command"]
