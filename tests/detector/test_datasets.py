"""Data sets: registering, uploading, checking, deleting."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from PIL import Image

from detector.models import Dataset, TrainingRun
from detector.selectors.datasets import samples_of
from detector.services import dataset_checks
from detector.services.dataset_checks import (
    MOST_ATTEMPTS,
    WORKER_DIED,
    carry_out_check,
    claim_check,
    recover_dataset_checks,
)
from detector.services.dataset_files import uploads_root
from detector.services.dataset_intake import ArchiveTooLarge
from detector.services.datasets import (
    BadName,
    CheckRunning,
    DatasetInUse,
    FolderTaken,
    NameTaken,
    NotADataset,
    check_again,
    delete_dataset,
    delete_forgotten_uploads,
    register_dataset,
    upload_dataset,
)
from detector.services.training import UnusableDataDirs, queue_training_run
from ml.config import EMOTIONS
from tests.detector.datasets import check, drawn, files_of, zip_file

pytestmark = pytest.mark.django_db(transaction=True)
State = Dataset.State


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def folder(tmp_path) -> Path:
    return drawn(tmp_path / "set")


@pytest.fixture
def registered(folder) -> Dataset:
    return register_dataset(name="drawn", folder=str(folder), owner=None)


@pytest.fixture
def archive(folder, tmp_path) -> Path:
    return zip_file(tmp_path / "set.zip", files_of(folder))


def listed(dataset: Dataset) -> list[tuple[str, int, str]]:
    found = dataset.report["problems"]["listed"]
    return [(problem["file"], problem["line"], problem["kind"]) for problem in found]


def test_a_registered_folder_is_queued_for_its_check_and_found_good(registered, folder):
    assert (registered.state, registered.folder, registered.uploaded) == (State.QUEUED, str(folder), False)
    done = check(registered)
    assert (done.state, done.progress, done.images, done.problem_count) == (State.SUCCEEDED, 1.0, 18, 0)
    train = done.report["splits"]["train"]
    assert train["per_class"] == {**dict.fromkeys(EMOTIONS, 1), "unknown": 0}
    assert (train["images"], train["faces"], train["broken"], train["without_face"]) == (9, 9, 0, 0)
    assert list(done.report["splits"]) == ["train", "valid"]
    assert sum(done.report["box_sizes"]["counts"]) == 18
    assert done.report["duplicates"]["count"] == 0
    assert done.samples.count() == 18


def test_every_fault_is_reported_with_its_file_and_line(registered, folder):
    images, labels = folder / "train" / "images", folder / "train" / "labels"
    first, second, third, fourth, *_ = sorted(images.iterdir())
    first.write_bytes(first.read_bytes()[:300])
    second.unlink()
    (labels / f"{third.stem}.txt").write_text(
        "0 0.5 0.5 0.2 0.2\n\n4 nan 0.5 0.2 0.2\n11 0.5 0.5 0.2 0.2\n4 0.9 0.5 0.5 0.2\nfour words are here\n"
    )
    (labels / f"{fourth.stem}.txt").write_bytes(b"\xff\xfe\0\0")
    done = check(registered)
    assert listed(done) == [
        (f"train/images/{first.name}", 0, "broken_image"),
        (f"train/labels/{second.stem}.txt", 0, "missing_image"),
        (f"train/labels/{third.stem}.txt", 3, "bad_line"),
        (f"train/labels/{third.stem}.txt", 4, "unknown_class"),
        (f"train/labels/{third.stem}.txt", 5, "box_outside"),
        (f"train/labels/{third.stem}.txt", 6, "bad_line"),
        (f"train/labels/{fourth.stem}.txt", 0, "bad_file"),
    ]
    assert done.report["problems"]["kinds"] == {
        **{"missing_image": 1, "broken_image": 1, "bad_line": 2},
        **{"unknown_class": 1, "box_outside": 1, "bad_file": 1},
    }
    assert done.report["splits"]["train"]["broken"] == 1
    assert [sample.file for sample in samples_of(done, problems=True)] == [
        f"train/images/{path.name}" for path in (first, third, fourth)
    ]


def test_classes_that_the_detector_does_not_have_are_named(registered, folder):
    (folder / "data.yaml").write_text(
        "names: [angry, bored, disgust, fear, happy, natural, sad, sleepy, wow]\n"
    )
    done = check(registered)
    message = done.report["problems"]["listed"][0]["message"]
    assert "bored, wow" in message
    assert listed(done)[0] == ("data.yaml", 0, "unknown_class")
    assert done.report["problems"]["kinds"] == {"unknown_class": 5}  # two pictures of each, and data.yaml


def test_a_broken_data_yaml_is_a_finding(registered, folder):
    (folder / "data.yaml").write_text("names: [angry\n")
    assert listed(check(registered))[0] == ("data.yaml", 0, "class_names")


def test_long_lists_are_cut_and_counted(registered, folder, hamster):
    hamster(dataset_max_listed=2)
    for path in (folder / "train" / "labels").iterdir():
        path.write_text("nonsense\n")
    problems = check(registered).report["problems"]
    assert (problems["count"], len(problems["listed"])) == (9, 2)


def test_a_picture_that_is_in_two_splits_is_found_in_another_size_and_quality(registered, folder):
    source = sorted((folder / "train" / "images").iterdir())[4]
    with Image.open(source) as picture:
        picture.resize((96, 96)).save(folder / "valid" / "images" / "again.jpg", quality=60)
    done = check(registered)
    (twin,) = done.report["duplicates"]["listed"]
    assert (twin["first"], twin["second"]) == (f"train/images/{source.name}", "valid/images/again.jpg")
    assert done.report["duplicates"]["count"] == 1


def test_links_out_of_the_folder_are_reported_and_not_opened(registered, folder, tmp_path):
    outside = tmp_path / "outside.jpg"
    next(iter((folder / "train" / "images").iterdir())).rename(outside)
    (folder / "train" / "images" / "link.jpg").symlink_to(outside)
    done = check(registered)
    assert ("train/images/link.jpg", 0, "outside_file") in listed(done)
    assert done.samples.get(file="train/images/link.jpg").width == 0


def test_a_set_without_a_valid_split_is_told(tmp_path):
    folder = drawn(tmp_path / "train_only", valid=0)
    for name in ("images", "labels"):
        (folder / "valid" / name).rmdir()
    done = check(register_dataset(name="half", folder=str(folder), owner=None))
    assert listed(done) == [("valid/images", 0, "no_split")]


def test_a_folder_that_is_gone_fails_the_check_in_plain_words(registered, folder):
    folder.rename(folder.with_name("elsewhere"))
    claimed = claim_check(dataset_id=registered.pk)
    assert carry_out_check(dataset=claimed)
    registered.refresh_from_db()
    assert (registered.state, registered.report) == (State.FAILED, None)
    assert registered.error == f"The folder {folder} is not there any more."
    folder.with_name("elsewhere").rename(folder)
    check_again(dataset=registered)
    assert check(registered).state == State.SUCCEEDED


def test_a_folder_that_disappears_during_the_check_fails_it(registered, folder, monkeypatch):
    monkeypatch.setattr(dataset_checks, "BEAT_INTERVAL", 0.0)
    claimed = claim_check(dataset_id=registered.pk)
    away = folder.with_name("elsewhere")
    carry_out_check(dataset=claimed, give_way=lambda: away.exists() or folder.rename(away))
    registered.refresh_from_db()
    assert registered.state == State.FAILED
    assert "disappeared" in registered.error


def test_a_check_is_taken_once_and_shows_its_progress(registered, monkeypatch):
    monkeypatch.setattr(dataset_checks, "BEAT_INTERVAL", 0.0)
    claimed = claim_check(dataset_id=registered.pk)
    assert claim_check(dataset_id=registered.pk) is None
    seen = []
    carry_out_check(
        dataset=claimed, give_way=lambda: seen.append(Dataset.objects.get(pk=registered.pk).progress)
    )
    assert len(seen) >= 18
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] <= 1


def test_a_data_set_deleted_during_its_check_is_let_go(registered, monkeypatch):
    monkeypatch.setattr(dataset_checks, "BEAT_INTERVAL", 0.0)
    claimed = claim_check(dataset_id=registered.pk)
    assert not carry_out_check(dataset=claimed, give_way=lambda: delete_dataset(dataset=claimed))
    assert not Dataset.objects.exists()


def test_a_check_that_is_on_is_not_begun_twice(registered):
    with pytest.raises(CheckRunning):
        check_again(dataset=registered)
    check(registered)
    check_again(dataset=registered)
    registered.refresh_from_db()
    assert (registered.state, registered.report, registered.progress) == (State.QUEUED, None, 0.0)
    assert check(registered).samples.count() == 18


def test_a_dead_workers_check_is_begun_anew_but_not_without_end(registered):
    for attempt in range(1, MOST_ATTEMPTS + 1):
        lost = claim_check(dataset_id=registered.pk)
        assert lost.attempts == attempt
        Dataset.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
        assert recover_dataset_checks() >= 1
    registered.refresh_from_db()
    assert (registered.state, registered.error) == (State.FAILED, WORKER_DIED)
    assert not carry_out_check(dataset=lost)  # it was not dead after all: too late
    registered.refresh_from_db()
    assert registered.report is None


def test_a_living_workers_check_is_left_alone(registered):
    claim_check(dataset_id=registered.pk)
    assert recover_dataset_checks() == 0
    assert Dataset.objects.get().state == State.RUNNING


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "two\nlines"])
def test_bad_names_are_refused(folder, name):
    with pytest.raises(BadName):
        register_dataset(name=name, folder=str(folder), owner=None)


def test_what_is_no_data_set_is_not_registered(tmp_path, registered):
    for folder in (
        str(tmp_path),
        "relative/set",
        str(tmp_path / "nowhere"),
        "/" + "x" * 300,
        "\0",
        "~nobody9/x",
    ):
        with pytest.raises(NotADataset):
            register_dataset(name="other", folder=folder, owner=None)
    assert Dataset.objects.count() == 1


def test_names_and_folders_are_taken_once(registered, folder, archive, tmp_path):
    with pytest.raises(NameTaken):
        register_dataset(name="drawn ", folder=str(drawn(tmp_path / "other")), owner=None)
    with pytest.raises(NameTaken):
        upload_dataset(name="drawn", archive=archive, owner=None)
    with pytest.raises(FolderTaken, match="drawn"):
        register_dataset(name="again", folder=f"{folder}/train/..", owner=None)
    assert list(uploads_root().glob("*")) == []


def test_an_upload_is_unpacked_checked_and_deleted_with_its_files(archive):
    owner = get_user_model().objects.create_user("mia")
    dataset = upload_dataset(name="up", archive=archive, owner=owner)
    folder = Path(dataset.folder)
    assert folder.parent == uploads_root()
    assert dataset.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert check(dataset).problem_count == 0
    delete_dataset(dataset=dataset)
    assert not Dataset.objects.exists()
    assert list(uploads_root().iterdir()) == []


def test_deleting_a_registered_data_set_touches_no_file(registered, folder):
    before = files_of(folder)
    check(registered)
    delete_dataset(dataset=registered)
    assert files_of(folder) == before


def test_an_uploaded_folder_is_not_registered_once_more(archive):
    dataset = upload_dataset(name="up", archive=archive, owner=None)
    with pytest.raises(NotADataset):
        register_dataset(name="thief", folder=dataset.folder, owner=None)


def test_an_uploaded_data_set_that_is_learned_from_is_not_deleted(archive, registered):
    dataset = upload_dataset(name="up", archive=archive, owner=None)
    run = TrainingRun.objects.create(name="run", data_dirs=[registered.folder, dataset.folder])
    with pytest.raises(DatasetInUse, match="run"):
        delete_dataset(dataset=dataset)
    assert Path(dataset.folder).is_dir()
    TrainingRun.objects.filter(pk=run.pk).update(status="failed")
    delete_dataset(dataset=dataset)


def meanwhile(monkeypatch, act: Callable[[], object]) -> None:
    """Do this when the next transaction is about to begin."""
    atomic = transaction.atomic

    def begin(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(transaction, "atomic", atomic)
        act()
        return atomic(*arguments, **options)

    monkeypatch.setattr(transaction, "atomic", begin)


def test_an_uploaded_data_set_is_not_deleted_under_a_run_that_is_queued_meanwhile(archive, monkeypatch):
    dataset = upload_dataset(name="up", archive=archive, owner=None)
    meanwhile(monkeypatch, lambda: TrainingRun.objects.create(name="run", data_dirs=[dataset.folder]))
    with pytest.raises(DatasetInUse):
        delete_dataset(dataset=dataset)
    assert Path(dataset.folder).is_dir()


def test_no_run_is_queued_on_a_data_set_that_is_deleted_meanwhile(archive, monkeypatch):
    dataset = upload_dataset(name="up", archive=archive, owner=None)
    meanwhile(monkeypatch, lambda: delete_dataset(dataset=dataset))
    with pytest.raises(UnusableDataDirs, match="up has just been deleted"):
        queue_training_run(run=TrainingRun(name="run"), owner=None, datasets=[dataset])
    assert not TrainingRun.objects.exists()


def test_all_uploads_together_have_a_quota(archive, hamster):
    first = upload_dataset(name="one", archive=archive, owner=None)
    hamster(dataset_quota_bytes=first.size * 2 - 1)
    with pytest.raises(ArchiveTooLarge):
        upload_dataset(name="two", archive=archive, owner=None)
    assert [path.name for path in uploads_root().iterdir()] == [Path(first.folder).name]
    delete_dataset(dataset=first)
    upload_dataset(name="two", archive=archive, owner=None)


def test_folders_of_uploads_that_were_cut_off_are_deleted_later(archive):
    dataset = upload_dataset(name="one", archive=archive, owner=None)
    (uploads_root() / "forgotten" / "train").mkdir(parents=True)
    delete_forgotten_uploads()
    assert (uploads_root() / "forgotten").is_dir()  # it may be unpacked right now
    old = (timezone.now() - timedelta(days=2)).timestamp()
    for path in uploads_root().iterdir():
        os.utime(path, (old, old))
    delete_forgotten_uploads()
    assert [str(path) for path in uploads_root().iterdir()] == [dataset.folder]


def test_the_command_registers_a_folder_and_says_why_not(folder, tmp_path, capsys):
    call_command("add_dataset", "drawn", str(folder))
    assert "the check is queued" in capsys.readouterr().out
    assert Dataset.objects.get().folder == str(folder)
    with pytest.raises(CommandError, match="no folder train/images"):
        call_command("add_dataset", "other", str(tmp_path))


def test_pictures_are_found_by_split_expression_and_problems(registered, folder):
    bad = sorted((folder / "valid" / "labels").iterdir())[2]
    bad.write_text("-1 0.5 0.5 0.2 0.2\nnonsense\n")
    done = check(registered)
    assert samples_of(done, split="valid").count() == 9
    happy = samples_of(done, emotion="happy")
    assert {face["label"] for sample in happy for face in sample.faces} == {"happy"}
    assert happy.count() == 2
    (unknown,) = samples_of(done, emotion="unknown")
    assert unknown.problems == [{"line": 2, "message": "1 values instead of 5 (class cx cy w h)"}]
    assert samples_of(done, split="valid", emotion="unknown", problems=True).count() == 1
    assert samples_of(done, split="train", problems=True).count() == 0
