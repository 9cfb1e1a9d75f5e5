"""What is kept about an account: seen, taken out and deleted by its owner."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db.models import CASCADE, SET_NULL
from django.test import Client

from detector.models import BatchItem, BatchJob, Correction, LiveSession, Prediction
from detector.my_data import safe_name
from detector.services.batches import create_batch
from detector.services.live_sessions import keep_session
from detector.services.predictions import keep_prediction
from detector.services.tokens import make_token
from detector.session_record import read_record
from tests.detector.batches import FACE, incoming
from tests.detector.corrections import send
from tests.detector.live_sessions import record

PASSWORD = "a long enough one"
pytestmark = pytest.mark.django_db


class Person:
    """Somebody with one of everything that is kept."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.user = get_user_model().objects.create_user(name, f"{name}@example.com", PASSWORD)
        EmailAddress.objects.create(user=self.user, email=self.user.email, primary=True)
        folder.mkdir()
        self.batch = create_batch(owner=self.user, files=incoming(folder, **{f"{name}_jpg": FACE}))
        self.token, self.text = make_token(owner=self.user, name=f"robot of {name}")
        self.client = Client()
        self.client.post("/accounts/login/", {"username": name, "password": PASSWORD})
        self.elsewhere = Client()
        self.elsewhere.force_login(self.user)
        self.elsewhere.get("/account/")

    def files(self) -> list[str]:
        return [name for name in (f"{self.batch.folder}/00001",) if default_storage.exists(name)]

    def can_use_its_token(self) -> bool:
        headers = {"Authorization": f"Bearer {self.text}"}
        return Client().get("/api/batches/", headers=headers).status_code == 200


@pytest.fixture
def mia(tmp_path, settings) -> Person:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    cache.clear()
    return Person("mia", tmp_path / "mia")


@pytest.fixture
def ben(mia, tmp_path) -> Person:
    return Person("ben", tmp_path / "ben")


def archive_of(person: Person) -> zipfile.ZipFile:
    answer = person.client.get("/account/data/download/")
    assert answer.headers["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def test_the_page_counts_what_is_kept(mia, ben):
    html = mia.client.get("/account/data/").content.decode()
    rows = {part.split('"')[0]: part.split('class="count">')[1][0] for part in html.split('data-kind="')[1:]}
    nothing = {"Results of pictures": "0", "Live sessions": "0", "Corrections": "0"}
    assert rows == {"Batches": "1", "API tokens": "1", "Sessions signed in": "2", "Account": "1", **nothing}


def test_everything_comes_as_one_archive_and_nothing_of_anybody_else(mia, ben):
    BatchItem.objects.filter(batch=mia.batch).update(result={"emotion": "happy"}, state="succeeded")
    archive = archive_of(mia)
    assert archive.testzip() is None
    folder = f"batches/{mia.batch.pk}"
    assert archive.read(f"{folder}/00001 mia.jpg") == FACE
    batch = json.loads(archive.read(f"{folder}/batch.json"))
    assert batch["items"][0]["prediction"] == {"emotion": "happy"}
    account = json.loads(archive.read("account.json"))
    assert (account["name"], account["email_addresses"][0]["email"]) == ("mia", "mia@example.com")
    assert [row["name"] for row in json.loads(archive.read("tokens.json"))] == ["robot of mia"]
    assert len(json.loads(archive.read("sessions.json"))) == 2
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for secret in ("ben", mia.text, mia.user.password, mia.token.digest, mia.client.session.session_key):
        assert secret.encode() not in everything


def test_everything_is_taken_out_so_often_an_hour_and_no_more(mia, ben, settings):
    settings.HAMSTER = {**settings.HAMSTER, "data_download_rate": "2/hour"}
    for _ in range(2):
        archive_of(mia)
    refused = mia.elsewhere.get("/account/data/download/")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert "Try again in 60 minutes." in refused.content.decode()
    archive_of(ben)


def test_a_picture_that_is_gone_meanwhile_is_left_out(mia):
    default_storage.delete(mia.files()[0])
    names = archive_of(mia).namelist()
    assert f"batches/{mia.batch.pk}/batch.json" in names
    assert not [name for name in names if name.endswith(".jpg")]


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\face.jpg", "face.jpg"),
        ("..", ".."),
        ("<script>.jpg", "_script_.jpg"),
        ("", "_"),
        ("א" * 300 + ".jpg", "א" * 96 + ".jpg"),
    ],
)
def test_names_in_the_archive_fit_any_file_system(given, safe):
    assert safe_name(given) == safe


def test_everything_but_the_account_is_deleted(mia, ben):
    assert mia.client.get("/account/data/delete/").status_code == 200
    assert mia.files()
    answer = mia.client.post("/account/data/delete/", follow=True)
    assert "Everything is deleted" in answer.content.decode()
    assert mia.files() == []
    assert not BatchJob.objects.filter(owner=mia.user).exists()
    assert not mia.can_use_its_token()
    assert mia.elsewhere.get("/account/").status_code == 302
    assert (ben.files() != [], ben.can_use_its_token()) == (True, True)
    # Whoever asked is still there, in a session of its own.
    assert UserSession.objects.get(user=mia.user).session_key == mia.client.session.session_key


def test_deleting_the_account_takes_the_password(mia):
    answer = mia.client.post("/account/delete/", {"password": "wrong"})
    assert "not your password" in answer.content.decode()
    for _ in range(5):
        answer = mia.client.post("/account/delete/", {"password": "wrong"})
    assert "Too many attempts" in answer.content.decode()
    assert "Too many" in mia.client.post("/account/delete/", {"password": PASSWORD}).content.decode()
    assert mia.files()
    assert User.objects.filter(username="mia").exists()


def test_a_wrong_password_withdraws_nothing_and_the_right_one_all(mia, django_capture_on_commit_callbacks):
    crops, codes = [], []
    for seed in range(2):
        correction, code = send(seed=seed)
        crops.append(correction.crop.name)
        codes.append(code)
    sent = {"codes": " ".join([*codes, "2222-2222-2222-2222-2222-2222"]), "withdraw": "on"}
    page = mia.client.post("/account/delete/", {**sent, "password": "wrong"}).content.decode()
    assert "not your password" in page
    assert "checked" in page.split('id="strangers-withdraw"')[1].split(">")[0]
    assert Correction.objects.count() == 2
    page = mia.client.post("/account/delete/", {"codes": sent["codes"]}).content.decode()
    assert "checked" not in page.split('id="strangers-withdraw"')[1].split(">")[0]
    pk = mia.user.pk
    with django_capture_on_commit_callbacks(execute=True):
        answer = mia.client.post("/account/delete/", {**sent, "password": PASSWORD}, follow=True)
    page = answer.content.decode()
    assert f'data-forget="{pk} codes"' in page
    assert "The 2 corrections that this browser sent without an account are withdrawn." in page
    assert not Correction.objects.exists()
    assert [default_storage.exists(crop) for crop in crops] == [False, False]


def test_codes_of_strangers_are_withdrawn_with_everything_if_that_is_wanted_and_so_many_at_most(
    mia, django_capture_on_commit_callbacks
):
    _, code = send()
    address = "/account/data/delete/"
    kept = mia.client.post(address, {"codes": code}, follow=True)
    assert f'data-forget="{mia.user.pk}"' in kept.content.decode()
    mia.client.post(address, {"codes": f"{'2222 ' * 1000}{code}", "withdraw": "on"})
    assert Correction.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        mia.client.post(address, {"codes": f"{'2222 ' * 999}{code}", "withdraw": "on"})
    assert not Correction.objects.exists()


def test_a_deleted_account_leaves_no_row_no_file_and_no_session(mia, ben):
    pk = mia.user.pk
    answer = mia.client.post("/account/delete/", {"password": PASSWORD}, follow=True)
    assert "Goodbye" in answer.content.decode()
    assert mia.files() == []
    assert not mia.can_use_its_token()
    assert not User.objects.filter(pk=pk).exists()
    owners = BatchJob.objects.values_list("owner__username", flat=True)
    assert list(owners) == ["ben"]  # none that belongs to nobody
    assert [row.user.username for row in UserSession.objects.all()] == ["ben", "ben"]
    of_mia = [row for row in Session.objects.all() if row.get_decoded().get("_auth_user_id") == str(pk)]
    assert of_mia == []
    for client in (mia.client, mia.elsewhere):
        assert client.get("/account/").headers["Location"].startswith("/accounts/login/")
    assert ben.files()


def test_what_was_kept_of_faces_is_taken_out_and_deleted(mia, ben, django_capture_on_commit_callbacks):
    crops = {}
    for seed, person in enumerate((mia, ben)):
        result = {"emotion": "happy", "confidence": 0.9, "boxes": [], "detector": "red-1"}
        name = f"{person.name}.jpg"
        keep_prediction(owner=person.user, name=name, content=FACE, result=result, with_thumbnail=True)
        keep_session(owner=person.user, record=read_record(record(name=f"evening of {person.name}")))
        crops[person] = send(owner=person.user, seed=seed)[0].crop.name
    archive = archive_of(mia)
    files = {name: archive.read(name) for name in archive.namelist()}
    assert [row["name"] for row in json.loads(files["pictures/results.json"])] == ["mia.jpg"]
    (session,) = (text for name, text in files.items() if name.startswith("live-sessions/"))
    assert json.loads(session)["name"] == "evening of mia"
    assert len(json.loads(files["corrections/corrections.json"])) == 1
    assert sum(content.startswith(b"\xff\xd8") for content in files.values()) == 3  # batch, small copy, crop
    with django_capture_on_commit_callbacks(execute=True):
        mia.client.post("/account/data/delete/")
    for model in (Prediction, LiveSession, Correction):
        assert model.objects.get().owner == ben.user
    assert [default_storage.exists(crops[person]) for person in (mia, ben)] == [False, True]


# What points to an account and stays when it is deleted. Things of the site are not of one person, and
# batches and corrections are deleted by `detector.my_data` before the account is.
STAYS = {
    *("detector.Dataset", "detector.TrainingRun", "detector.Evaluation", "detector.AuditEntry"),
    *("detector.BatchJob", "detector.Correction"),
}


def test_whatever_belongs_to_an_account_goes_with_it():
    """A new kind of row with an owner either goes by itself, or somebody has thought about it here."""
    kept = set()
    relations = [field for field in User._meta.get_fields(include_hidden=True) if field.auto_created]
    for relation in (field for field in relations if hasattr(field, "on_delete")):
        on_delete = relation.on_delete
        assert on_delete in (CASCADE, SET_NULL), relation
        if on_delete is SET_NULL:
            kept.add(relation.related_model._meta.label)
    assert kept == STAYS
