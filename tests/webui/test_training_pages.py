"""The pages of training runs as the server sends them."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from detector.models import Dataset, TrainingRun
from ml.config import TrainConfig

pytestmark = pytest.mark.django_db
Status = TrainingRun.Status


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("keeper", is_staff=True))
    return client


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "faces" / "train" / "images").mkdir(parents=True)
    return Dataset.objects.create(name="my <faces>", folder=str(tmp_path / "faces"))


def filled_in(dataset: Dataset, **changes: object) -> dict[str, object]:
    values = {"name": "mine", "datasets": [dataset.pk], "epochs": 3, "image_size": 96, "batch_size": 8}
    values |= {"learning_rate": 0.002, "seed": 0, "augment": "light", "patience": 2, "device": "cpu"}
    return values | changes


def test_form_has_the_recipe_filled_in_and_a_hint_for_every_setting(staff, dataset):
    page = staff.get("/training/new/").content.decode()
    recipe = TrainConfig()
    for name, value in (
        ("epochs", recipe.epochs),
        ("image_size", recipe.image_size),
        ("learning_rate", recipe.lr),
    ):
        assert f'name="{name}" value="{value}"' in page
    for name in ("name", "start_from", "epochs", "seed", "augment", "patience", "device"):
        assert f'for="id_{name}"' in page
        assert f'aria-describedby="id_{name}_helptext"' in page
        assert f'id="id_{name}_helptext"' in page
    assert "my &lt;faces&gt;" in page
    assert "From scratch" in page


def test_form_queues_a_run_and_leads_to_its_page(staff, dataset):
    answer = staff.post("/training/new/", filled_in(dataset))
    run = TrainingRun.objects.get()
    assert answer.headers["Location"] == f"/training/{run.pk}/"
    assert (run.status, run.owner.username, run.data_dirs) == (Status.QUEUED, "keeper", [dataset.folder])
    assert list(run.datasets.all()) == [dataset]
    assert (run.epochs, run.augment, run.patience, run.device) == (3, "light", 2, "cpu")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"datasets": "9" * 24}, "no such data set"),
        ({"start_from": "9" * 24}, "Select a valid choice"),
        ({"seed": 2**63}, "less than or equal to 2147483647"),
        ({"batch_size": 5000}, "less than or equal to 4096"),
        ({"datasets": []}, "Choose at least one data set."),
        ({"image_size": 100}, "multiple of step size 32"),
        ({"device": "toaster"}, "Write auto, cpu, cuda or cuda:0."),
        ({"epochs": 0}, "greater than or equal to 1"),
    ],
)
def test_form_says_what_is_wrong_beside_the_setting_and_keeps_the_rest(staff, dataset, wrong, said):
    answer = staff.post("/training/new/", filled_in(dataset, **wrong))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert said in page
    assert 'value="mine"' in page
    assert not TrainingRun.objects.exists()


def test_form_says_that_a_folder_is_gone(staff, dataset):
    Path(dataset.folder, "train", "images").rmdir()
    page = staff.post("/training/new/", filled_in(dataset)).content.decode()
    assert "has no folder train/images" in page
    assert not TrainingRun.objects.exists()


def test_list_shows_runs_and_chooses_by_state(staff):
    TrainingRun.objects.create(name="waiting one", status=Status.QUEUED)
    TrainingRun.objects.create(name="broken one", status=Status.FAILED)
    page = staff.get("/training/").content.decode()
    assert "waiting one" in page
    assert "broken one" in page
    assert "number 1 in line" in page
    chosen = staff.get("/training/?status=failed").content.decode()
    assert "broken one" in chosen
    assert "waiting one" not in chosen
    assert staff.get("/training/?status=nonsense").status_code == 200


def test_page_of_a_run_shows_its_error_its_command_and_the_buttons_that_fit(staff, tmp_path):
    (tmp_path / "last.pt").touch()
    run = TrainingRun.objects.create(
        name="broken", status=Status.FAILED, error="The disk is full.", run_dir=str(tmp_path)
    )
    page = staff.get(f"/training/{run.pk}/").content.decode()
    assert "The disk is full." in page
    assert f"--run-dir={tmp_path}" in page
    assert f'id="resume" action="/training/{run.pk}/resume/">' in page
    assert f'id="cancel" action="/training/{run.pk}/cancel/" hidden>' in page
    assert "style=" not in page
    assert "<style" not in page


def test_page_of_a_run_that_stopped_before_its_first_checkpoint_has_the_button_to_resume_it(staff):
    run = TrainingRun.objects.create(name="broken", status=Status.CANCELLED)
    page = staff.get(f"/training/{run.pk}/").content.decode()
    assert f'id="resume" action="/training/{run.pk}/resume/">' in page


def test_buttons_cancel_and_resume_and_say_what_cannot_be_done(staff):
    run = TrainingRun.objects.create(name="mine", status=Status.QUEUED)
    page = staff.post(f"/training/{run.pk}/cancel/", follow=True).content.decode()
    assert "is being cancelled" in page
    assert "has ended already" in staff.post(f"/training/{run.pk}/cancel/", follow=True).content.decode()
    assert (
        "waits for the training worker"
        in staff.post(f"/training/{run.pk}/resume/", follow=True).content.decode()
    )
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert staff.get(f"/training/{run.pk}/cancel/").status_code == 405


def test_pages_are_for_staff():
    run = TrainingRun.objects.create(name="mine", status=Status.QUEUED)
    pages = ["/training/", "/training/new/", f"/training/{run.pk}/"]
    stranger, somebody = Client(), Client()
    somebody.force_login(get_user_model().objects.create_user("somebody"))
    for page in pages:
        assert stranger.get(page).headers["Location"] == f"/accounts/login/?next={page}"
        assert somebody.get(page).status_code == 403
    assert stranger.post(f"/training/{run.pk}/cancel/").status_code == 302
    assert somebody.post(f"/training/{run.pk}/cancel/").status_code == 403
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert "/training/" not in somebody.get("/").content.decode()


def test_navigation_names_the_present_place(staff):
    page = staff.get("/training/").content.decode()
    assert '<a class="place" href="/training/" aria-current="page">Training</a>' in page


def test_run_that_is_not_there_is_404(staff):
    assert staff.get("/training/987654/").status_code == 404
    assert staff.post("/training/987654/cancel/").status_code == 404
