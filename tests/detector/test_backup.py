"""A backup of a site has everything, is whole or not there, and comes back in another place as it was."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from detector.models import ApiToken, BatchJob, Correction, Dataset, DetectorVersion, LiveSession
from detector.services.batch_work import work_on_next_chunk
from detector.services.datasets import upload_dataset
from detector.services.live_sessions import keep_session
from detector.services.tokens import make_token
from detector.services.versions import register_shipped_detector
from detector.session_record import read_record
from hamster_site.database_copies import FILES
from hamster_site.up_lock import only_one_here
from tests.databases import POSTGRES, database_url
from tests.detector.batches import FACE
from tests.detector.corrections import send
from tests.detector.datasets import drawn, files_of, zip_file
from tests.detector.live_sessions import record
from tests.detector.training_runs import run_in

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "secret-enough"
LIST = "/api/batches/"
RESTORE = """
from django.core.management import call_command
call_command("restore", {file!r})
"""
LOOK = """
import json
from pathlib import Path
from django.contrib.auth import authenticate, get_user_model
from detector.models import *
from ml.predictor import sha256_of
run, version, batch = TrainingRun.objects.get(), DetectorVersion.objects.get(), BatchJob.objects.get()
dataset = Dataset.objects.get()
print(json.dumps({
    "accounts": list(get_user_model().objects.values_list("username", flat=True)),
    "signs_in": authenticate(username="keeper", password="secret-enough") is not None,
    "detector": [version.name, version.state, sha256_of(Path(version.onnx.path)) == version.sha256],
    "batch": [batch.state, [item.result["emotion"] for item in batch.items.all()]],
    "picture": len(batch.items.get().file.read()),
    "session": LiveSession.objects.get().samples,
    "crop": len(Correction.objects.get().crop.read()),
    "run": [run.data_dirs, (Path(run.run_dir) / "metrics.jsonl").read_text()],
    "dataset": [dataset.folder, len(list(Path(dataset.folder).glob("train/images/*")))],
}))
"""


@pytest.fixture(autouse=True)
def programs(monkeypatch) -> None:
    """PostgreSQL's own, where the tests run on it."""
    if POSTGRES:
        monkeypatch.setenv("PATH", f"{POSTGRES.programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def var_dir(settings, tmp_path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    settings.VAR_DIR, settings.MEDIA_ROOT = folder, str(folder / "media")
    return folder


@pytest.fixture
def full_site(engine, var_dir, make_batch, tmp_path, settings, owner) -> Path:
    """A site with something of every kind that has files; its folder."""
    settings.MEDIA_ROOT = str(var_dir / "media")
    get_user_model().objects.create_user("keeper", password=PASSWORD)
    register_shipped_detector()
    make_batch(face_jpg=FACE)
    assert work_on_next_chunk()
    keep_session(owner=owner, record=read_record(record()))
    send(owner=owner)
    archive = zip_file(tmp_path / "set.zip", files_of(drawn(tmp_path / "drawn")))
    dataset = upload_dataset(name="drawn", archive=archive, owner=None)
    run = run_in("failed", data_dirs=[dataset.folder, "/elsewhere"])
    run.run_dir = str(var_dir / "runs" / str(run.pk))
    run.save()
    Path(run.run_dir).mkdir(parents=True)
    (Path(run.run_dir) / "metrics.jsonl").write_text("what was learned")
    (var_dir / "secret_key").write_text("a key of its own")
    return var_dir


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another disk than the temporary ones, where the machine has one."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def look_after_restoring(file: Path, folder: Path, database: Path) -> dict:
    """Restore a backup into another site, its state and its database in these folders; what is there."""
    environment = os.environ | {
        "VAR_DIR": str(folder),
        "MEDIA_ROOT": str(folder / "media"),
        "DATABASE_URL": database_url(database),
        "LOG_LEVEL": "WARNING",
    }
    command = [
        sys.executable,
        "manage.py",
        "shell",
        "--no-imports",
        "-c",
        RESTORE.format(file=str(file)) + LOOK,
    ]
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


def test_a_site_comes_back_in_an_empty_folder_with_everything(full_site, tmp_path, other_disk):
    file, elsewhere = tmp_path / "site.zip", tmp_path / "elsewhere"
    call_command("backup", str(file), "--with-datasets")
    assert file.stat().st_mode & 0o777 == 0o600
    before = {
        "picture": len(BatchJob.objects.get().items.get().file.read()),
        "crop": len(Correction.objects.get().crop.read()),
        "session": LiveSession.objects.get().samples,
        "detector": DetectorVersion.objects.get().name,
    }

    found = look_after_restoring(file, elsewhere, other_disk)
    assert sorted(found["accounts"]) == ["keeper", "owner"]
    assert found["signs_in"]
    assert found["detector"] == [before["detector"], "active", True]
    assert found["batch"] == ["succeeded", ["happy"]]
    assert [found[name] for name in ("picture", "crop", "session")] == [
        before[name] for name in ("picture", "crop", "session")
    ]
    folder = found["dataset"][0]
    assert Path(folder).parent == elsewhere / "datasets"
    assert found["dataset"][1] == 9
    assert found["run"] == [[folder, "/elsewhere"], "what was learned"]
    assert (elsewhere / "secret_key").read_text() == "a key of its own"


def test_a_site_that_is_there_is_replaced_only_if_that_is_said(full_site, tmp_path):
    file, later = tmp_path / "site.zip", full_site / "media" / "later.jpg"
    call_command("backup", str(file))
    later.write_bytes(b"later")
    LiveSession.objects.all().delete()
    get_user_model().objects.create_user("later")
    with pytest.raises(CommandError, match="There is a site here already"):
        call_command("restore", str(file))
    with pytest.raises(CommandError, match="unrecognized arguments: --y"):
        call_command("restore", str(file), "--y")
    assert later.is_file()
    assert not LiveSession.objects.exists()
    call_command("restore", str(file), "--yes")
    assert not later.exists()
    assert LiveSession.objects.count() == 1
    assert not get_user_model().objects.filter(username="later").exists()
    assert Path(Dataset.objects.get().folder).is_dir()  # the backup has none, so they are left alone


def test_a_restore_has_the_sessions_and_tokens_of_then_unless_they_are_to_end(full_site, tmp_path, client):
    file, keeper = tmp_path / "site.zip", get_user_model().objects.get(username="keeper")
    _, text = make_token(owner=keeper, name="robot")
    program = {"Authorization": f"Bearer {text}"}
    client.force_login(keeper)
    call_command("backup", str(file))
    ApiToken.objects.update(revoked_at=timezone.now())

    def statuses() -> list[int]:
        return [client.get(LIST).status_code, Client().get(LIST, headers=program).status_code]

    assert statuses() == [200, 401]
    assert UserSession.objects.exists()
    call_command("restore", str(file), "--yes")
    assert statuses() == [200, 200]
    call_command("restore", str(file), "--yes", "--end-access")
    assert statuses() == [403, 401]
    assert not UserSession.objects.exists()


def test_a_backup_that_is_cut_off_leaves_nothing(full_site, tmp_path, settings, monkeypatch):
    target = tmp_path / "backups"
    target.mkdir()
    settings.MEDIA_ROOT = "\0"  # no folder can be called this
    with pytest.raises((CommandError, ValueError)):
        call_command("backup", str(target / "site.zip"))
    assert not list(target.iterdir())


def test_a_backup_does_not_overwrite_another_file(full_site, tmp_path):
    file = tmp_path / "precious.zip"
    file.write_text("precious")
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(file))
    assert file.read_text() == "precious"


def rewritten(source: Path, target: Path, inside: str, change) -> Path:
    """A backup in which the content of one file is another."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, change(content) if name == inside else content)
    return target


def with_manifest(**changed: object):
    return lambda content: json.dumps({**json.loads(content), **changed})


def test_what_is_damaged_newer_or_no_backup_is_refused_and_nothing_is_replaced(full_site, tmp_path):
    file = tmp_path / "site.zip"
    call_command("backup", str(file))
    (full_site / "media" / "later.jpg").write_bytes(b"later")
    LiveSession.objects.all().delete()
    picture = next(name for name in zipfile.ZipFile(file).namelist() if name.endswith(".onnx"))
    newer = [["detector", "9999_not_thought_of"]]
    out, unnamed = ({name: "", FILES[connection.vendor]: ""} for name in ("../out", ""))
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "cut.zip").write_bytes(file.read_bytes()[:-1000])
    refused = {
        rewritten(file, tmp_path / "bad.zip", picture, lambda content: content[:-1] + b"?"): "is damaged",
        rewritten(file, tmp_path / "new.zip", "manifest.json", with_manifest(migrations=newer)): "newer",
        rewritten(file, tmp_path / "out.zip", "manifest.json", with_manifest(sha256=out)): "name '../out'",
        rewritten(file, tmp_path / "dot.zip", "manifest.json", with_manifest(sha256=unnamed)): "name ''",
        rewritten(file, tmp_path / "bare.zip", "manifest.json", with_manifest(sha256={})): "has no database",
        rewritten(file, tmp_path / "odd.zip", "manifest.json", with_manifest(database="mysql")): "on mysql",
        tmp_path / "text.zip": "could not be restored",
        tmp_path / "cut.zip": "could not be restored",
        tmp_path / "missing.zip": "could not be restored",
    }
    for archive, why in refused.items():
        with pytest.raises(CommandError, match=why):
            call_command("restore", str(archive), "--yes")
        assert (full_site / "media" / "later.jpg").is_file()
        assert not LiveSession.objects.exists()
        assert not list((full_site / "media").glob(".*"))


def test_nothing_is_restored_below_a_running_site(full_site, tmp_path):
    file = tmp_path / "site.zip"
    call_command("backup", str(file))
    with (
        only_one_here(full_site, "http://127.0.0.1:8000/"),
        pytest.raises(CommandError, match="already runs"),
    ):
        call_command("restore", str(file), "--yes")


def test_nothing_is_restored_below_processes_that_were_started_one_by_one(var_dir):
    nowhere = "redis://127.0.0.1:1/0"  # which a worker tries again and again
    environment = os.environ | {"VAR_DIR": str(var_dir), "REDIS_URL": nowhere, "DATABASE_URL": ""}
    workers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "start", name],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("webhooks", "training")
    ]
    try:
        for worker in workers:
            assert any("Cannot connect" in line for line in worker.stdout)
        for worker in workers:
            with pytest.raises(CommandError, match=r"runs from this folder: manage\.py start"):
                call_command("restore", "site.zip", "--yes")
            worker.kill()
            worker.wait()
    finally:
        for worker in workers:
            worker.kill()
            worker.stdout.close()
    with only_one_here(var_dir, "a restore"), pytest.raises(CommandError, match="a restore"):
        call_command("start", "webhooks")
