"""Data sets in the admin."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from detector.models import Dataset, TrainingRun
from detector.services.datasets import register_dataset, upload_dataset
from tests.detector.datasets import check, drawn, files_of, zip_file

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/detector/dataset/"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def folder(tmp_path) -> Path:
    return drawn(tmp_path / "set")


def act(client, action: str, dataset: Dataset) -> str:
    data = {"action": action, "_selected_action": [dataset.pk]}
    return client.post(PAGE, data, follow=True).content.decode()


def test_a_folder_is_registered_and_nonsense_is_explained(admin_client, admin_user, folder, tmp_path):
    page = admin_client.post(f"{PAGE}add/", {"name": "drawn", "folder": str(tmp_path)}).content.decode()
    assert "has no folder train/images" in page
    assert admin_client.post(f"{PAGE}add/", {"name": "drawn", "folder": str(folder)}).status_code == 302
    dataset = Dataset.objects.get()
    assert (dataset.folder, dataset.owner, dataset.state) == (str(folder), admin_user, "queued")
    page = admin_client.post(f"{PAGE}add/", {"name": "other", "folder": str(folder)}).content.decode()
    assert "registered already" in page


def test_the_list_and_the_page_show_what_was_found_and_a_check_is_asked_for(admin_client, folder):
    dataset = check(register_dataset(name="drawn", folder=str(folder), owner=None))
    assert "drawn" in admin_client.get(f"{PAGE}?state__exact=succeeded&q=draw").content.decode()
    page = admin_client.get(f"{PAGE}{dataset.pk}/change/").content.decode()
    assert f'href="/datasets/{dataset.pk}/"' in page
    assert "_save" not in page
    assert "is waiting for its check" in act(admin_client, "look_again", dataset)
    assert "is being checked already" in act(admin_client, "look_again", dataset)
    assert admin_client.get("/admin/detector/datasetsample/?split=train").status_code == 200


def test_deleting_asks_and_takes_the_uploaded_files_along(admin_client, folder, tmp_path):
    archive = zip_file(tmp_path / "set.zip", files_of(folder))
    dataset = check(upload_dataset(name="up", archive=archive, owner=None))
    address = f"{PAGE}{dataset.pk}/delete/"
    page = admin_client.get(address).content.decode()
    assert "18 pictures; its files are deleted" in page
    assert Path(dataset.folder).is_dir()
    TrainingRun.objects.create(name="run", data_dirs=[dataset.folder])
    assert admin_client.post(address, {"post": "yes"}).status_code == 403
    TrainingRun.objects.update(status="cancelled")
    assert admin_client.post(address, {"post": "yes"}).status_code == 302
    assert not Dataset.objects.exists()
    assert not Path(dataset.folder).exists()


def test_only_who_may_change_data_sets_has_them_checked(client, folder):
    dataset = check(register_dataset(name="drawn", folder=str(folder), owner=None))
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_dataset"))
    client.force_login(viewer)
    act(client, "look_again", dataset)
    dataset.refresh_from_db()
    assert dataset.state == "succeeded"
