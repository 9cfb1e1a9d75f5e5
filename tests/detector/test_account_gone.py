"""An account that is deleted while its request is on the way: a clear answer, and nothing left behind."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from rest_framework.views import APIView

from detector.models import ApiToken, BatchJob, Correction, Dataset, LiveSession, Prediction
from detector.services.accounts import delete_account, delete_everything
from detector.services.tokens import make_token
from tests.detector.batches import FACE
from tests.detector.batches import send as send_batch
from tests.detector.corrections import post as post_correction
from tests.detector.datasets import drawn, upload, zipped_set
from tests.detector.live_sessions import record

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = (ApiToken, BatchJob, Correction, Dataset, LiveSession, Prediction)
FOLDERS = ("batches", "corrections", "datasets")
ACTS: dict[str, Callable[[Client], HttpResponse]] = {
    "a batch": lambda client: send_batch(client, ("a.jpg", FACE)),
    "a correction": post_correction,
    "a live session": lambda client: client.post("/api/live-sessions/", record(), "application/json"),
    "a prediction": lambda client: client.post(
        "/api/predict?keep=true", {"file": SimpleUploadedFile("a.jpg", FACE)}
    ),
    "a token": lambda client: client.post("/api/tokens/", {"name": "robot"}, "application/json"),
}


@pytest.fixture(autouse=True)
def var(settings, tmp_path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = str(tmp_path)
    cache.clear()
    return tmp_path


@pytest.fixture
def staff() -> AbstractBaseUser:
    return get_user_model().objects.create_user("keeper", is_staff=True, is_superuser=True)


@pytest.fixture
def deleted_on_the_way(monkeypatch, staff) -> None:
    """The account is deleted after its request was let in and before it is carried out."""
    let_in = APIView.check_throttles

    def check_throttles(view: APIView, request: object) -> None:
        let_in(view, request)
        delete_account(user=get_user_model().objects.get(pk=staff.pk))

    monkeypatch.setattr(APIView, "check_throttles", check_throttles)


def left_files(var: Path) -> list[Path]:
    folders = (root / name for root in (var, Path(site_settings.MEDIA_ROOT)) for name in FOLDERS)
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("by", ["session", "token"])
def test_what_is_made_for_an_account_that_is_deleted_meanwhile_is_refused_and_leaves_nothing(
    engine, staff, var, act, by, deleted_on_the_way
):
    if by == "token":
        client = Client(headers={"Authorization": f"Bearer {make_token(owner=staff, name='robot')[1]}"})
    else:
        client = Client()
        client.force_login(staff)
    refused = act(client)
    expected = "sign_in_needed" if (by, act) == ("token", ACTS["a token"]) else "account_gone"
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, expected)
    assert not any(rows.objects.exists() for rows in ROWS)
    assert left_files(var) == []


@pytest.mark.parametrize("is_upload", [True, False])
def test_a_data_set_is_refused_too_and_not_as_if_its_name_were_taken(
    staff, var, is_upload, tmp_path_factory, deleted_on_the_way
):
    client = Client()
    client.force_login(staff)
    folder = drawn(tmp_path_factory.mktemp("elsewhere"), train=2, valid=1)
    if is_upload:
        refused = upload(client, zipped_set(folder))
    else:
        said = json.dumps({"name": "drawn", "folder": str(folder)})
        refused = client.post("/api/datasets/", said, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "account_gone")
    assert not Dataset.objects.exists()
    assert left_files(var) == []


@pytest.mark.parametrize("delete", [delete_account, delete_everything])
def test_an_account_that_is_gone_can_be_deleted_once_more(owner, delete):
    again = get_user_model().objects.get(pk=owner.pk)
    delete_account(user=owner)
    delete(user=again)
    assert not get_user_model().objects.exists()
