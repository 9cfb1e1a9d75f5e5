"""Data sets over REST: for staff, in the one error shape."""

from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from detector.jobs import WATCHABLE
from detector.models import Dataset
from detector.services.dataset_files import uploads_root
from tests.detector.datasets import check, drawn, upload, zipped_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    cache.clear()


def signed_in(name: str, *, is_staff: bool, **options: bool) -> Client:
    client = Client(**options)
    client.force_login(get_user_model().objects.create_user(name, is_staff=is_staff))
    return client


@pytest.fixture
def staff() -> Client:
    return signed_in("keeper", is_staff=True)


@pytest.fixture
def folder(tmp_path) -> Path:
    return drawn(tmp_path / "set")


@pytest.fixture
def archive(tmp_path) -> bytes:
    return zipped_set(tmp_path / "zipped")


def register(client: Client, folder: Path, name: str = "drawn"):
    body = {"name": name, "folder": str(folder)}
    return client.post("/api/datasets/", body, content_type="application/json")


def code_of(response) -> str:
    return response.json()["error"]["code"]


def test_a_folder_is_registered_checked_and_described(staff, folder):
    made = register(staff, folder)
    assert made.status_code == 201
    row = made.json()
    assert list(row) == [
        *("id", "name", "folder", "uploaded", "size", "owner", "state", "progress", "error"),
        *("images", "problems", "created_at", "checked_at", "report"),
    ]
    assert (row["state"], row["owner"], row["images"], row["report"]) == ("queued", "keeper", None, None)
    check(Dataset.objects.get())
    row = staff.get(f"/api/datasets/{row['id']}/").json()
    assert (row["state"], row["images"], row["problems"]) == ("succeeded", 18, 0)
    assert row["report"]["splits"]["train"]["faces"] == 9
    (listed,) = staff.get("/api/datasets/").json()["results"]
    assert "report" not in listed
    assert listed["images"] == 18


def test_an_archive_is_uploaded_and_deleted_with_its_files(staff, archive):
    made = upload(staff, archive)
    assert made.status_code == 201, made.json()
    row = made.json()
    assert (row["uploaded"], row["name"]) == (True, "drawn")
    assert row["size"] > 0
    assert [str(path) for path in uploads_root().iterdir()] == [row["folder"]]
    assert check(Dataset.objects.get()).problem_count == 0
    assert staff.delete(f"/api/datasets/{row['id']}/").status_code == 204
    assert list(uploads_root().iterdir()) == []
    assert staff.get(f"/api/datasets/{row['id']}/").status_code == 404


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_bad_upload_is_explained_and_leaves_nothing(staff, content):
    refused = upload(staff, content)
    assert (refused.status_code, code_of(refused)) == (400, "bad_archive")
    assert not Dataset.objects.exists()
    assert list(uploads_root().iterdir()) == []


def test_what_is_missing_or_taken_is_explained(staff, folder, archive, tmp_path):
    register(staff, folder)
    answers = [
        *(
            staff.post("/api/datasets/", {"name": "x"}),
            register(staff, tmp_path, "x"),
            upload(staff, archive, ""),
        ),
        *(register(staff, folder), register(staff, folder, "x"), upload(staff, archive)),
    ]
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [
        *((400, "invalid"), (400, "not_a_dataset"), (400, "invalid")),
        *((409, "name_taken"), (409, "folder_taken"), (409, "name_taken")),
    ]
    assert staff.post("/api/datasets/", "<x/>", content_type="text/xml").status_code == 415
    assert Dataset.objects.count() == 1


def test_limits_are_told(staff, archive, hamster):
    hamster(dataset_quota_bytes=1000)
    refused = upload(staff, archive)
    assert (refused.status_code, code_of(refused)) == (413, "dataset_too_large")
    hamster(dataset_quota_bytes=10**9, dataset_free_bytes=10**18)
    refused = upload(staff, archive)
    assert (refused.status_code, code_of(refused)) == (507, "disk_full")
    assert list(uploads_root().iterdir()) == []


def test_an_archive_without_room_is_refused_before_it_is_read(staff, hamster):
    hamster(dataset_free_bytes=10**18)
    refused = upload(staff, b"not even a zip archive")
    assert (refused.status_code, code_of(refused)) == (507, "disk_full")


def test_a_check_is_asked_for_again(staff, folder):
    pk = register(staff, folder).json()["id"]
    again = staff.post(f"/api/datasets/{pk}/check/")
    assert (again.status_code, code_of(again)) == (409, "check_running")
    check(Dataset.objects.get())
    again = staff.post(f"/api/datasets/{pk}/check/")
    assert (again.status_code, again.json()["state"], again.json()["report"]) == (202, "queued", None)


def test_lists_are_filtered_and_come_in_pages(staff, folder, archive, monkeypatch):
    monkeypatch.setattr("detector.api.dataset_views.NewestFirst.page_size", 1)
    first = register(staff, folder).json()["id"]
    second = upload(staff, archive, "up").json()["id"]
    check(Dataset.objects.get(pk=first))
    page = staff.get("/api/datasets/").json()
    rest = staff.get(page["next"]).json()
    assert [page["results"][0]["id"], rest["results"][0]["id"]] == [second, first]

    def ids(query: str) -> list[int]:
        return [row["id"] for row in staff.get(f"/api/datasets/?{query}").json()["results"]]

    assert (ids("state=succeeded"), ids("state=queued")) == ([first], [second])
    assert (ids("uploaded=true"), ids("uploaded=false")) == ([second], [first])
    wrong = staff.get("/api/datasets/?state=lost")
    assert (wrong.status_code, code_of(wrong)) == (400, "invalid")


def test_samples_are_filtered_and_come_in_pages(staff, folder, monkeypatch):
    monkeypatch.setattr("detector.api.dataset_views.InOrder.page_size", 5)
    pk = register(staff, folder).json()["id"]
    check(Dataset.objects.get())
    address = f"/api/datasets/{pk}/samples/"
    page = staff.get(address).json()
    assert len(page["results"]) == 5
    assert staff.get(page["next"]).json()["results"][0]["id"] == page["results"][-1]["id"] + 1
    (happy,) = staff.get(f"{address}?split=train&emotion=happy").json()["results"]
    assert [face["label"] for face in happy["faces"]] == ["happy"]
    assert set(happy["faces"][0]) == {"label", "x1", "y1", "x2", "y2"}
    assert staff.get(f"{address}?problems=true").json()["results"] == []
    assert code_of(staff.get(f"{address}?emotion=bored")) == "invalid"


def test_only_staff_are_let_in(staff, folder, archive):
    pk = register(staff, folder).json()["id"]
    somebody = signed_in("somebody", is_staff=False)
    for client, code in ((Client(), "not_authenticated"), (somebody, "permission_denied")):
        answers = [
            *(client.get(f"/api/datasets/{rest}") for rest in ("", f"{pk}/", f"{pk}/samples/", "99/")),
            *(client.post(f"/api/datasets/{pk}/check/"), client.delete(f"/api/datasets/{pk}/")),
            *(register(client, folder, "mine"), upload(client, archive, "mine")),
        ]
        assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, code)}
    assert Dataset.objects.count() == 1
    assert not any(uploads_root().iterdir())


def test_other_sites_pages_cannot_upload_for_a_visitor(archive):
    victim = signed_in("victim", is_staff=True, enforce_csrf_checks=True)
    assert upload(victim, archive).status_code == 403
    assert not Dataset.objects.exists()


def test_staff_watch_a_check_and_nobody_else_does(staff, folder):
    pk = register(staff, folder).json()["id"]
    keeper = get_user_model().objects.get(username="keeper")
    assert WATCHABLE["dataset"](keeper, pk) == staff.get(f"/api/datasets/{pk}/").json()
    assert WATCHABLE["dataset"](keeper, pk + 1) is None
    assert WATCHABLE["dataset"](get_user_model().objects.create_user("somebody"), pk) is None
