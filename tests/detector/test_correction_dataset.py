"""A data set made of corrections: good for training, and without what is withdrawn."""

import csv
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from PIL import Image

from detector.models import Correction, Dataset, JobState
from detector.selectors.corrections import twin_of
from detector.services import correction_dataset
from detector.services.correction_dataset import NothingAccepted, make_dataset, split_of_each
from detector.services.correction_review import (
    accept_correction,
    reject_correction,
    relabel_correction,
    undo_decision,
)
from detector.services.corrections import expire_corrections, withdraw_correction
from detector.services.dataset_checks import carry_out_check, claim_check
from detector.services.dataset_intake import ArchiveTooLarge
from detector.services.datasets import BadName, NameTaken, delete_dataset
from ml.config import EMOTIONS
from ml.dataset import load_split
from tests.detector.corrections import BOX, drawn_face, send
from tests.detector.datasets import check
from tests.detector.pictures import encoded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def var(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var"


@pytest.fixture
def staff() -> Any:
    return get_user_model().objects.create_user("keeper", is_staff=True)


@pytest.fixture
def accepted(staff) -> list[Correction]:
    """Twenty with labels in turn, the last not a face; one waits and one is rejected beside them."""
    made = []
    for seed in range(20):
        correction, _ = send(seed=seed, label=("sad", "fear", "angry")[seed % 3])
        accept_correction(correction=correction, reviewer=staff)
        made.append(correction)
    nothing, _ = send(seed=20)
    made.append(relabel_correction(correction=nothing, reviewer=staff, label="not_a_face"))
    send(seed=21)
    reject_correction(correction=send(seed=22)[0], reviewer=staff)
    return made


def folder_of(dataset: Dataset) -> Path:
    return Path(dataset.folder)


def pictures(dataset: Dataset) -> dict[str, str]:
    """File name -> split."""
    return {path.name: path.parts[-3] for path in folder_of(dataset).glob("*/images/*")}


def manifest(dataset: Dataset) -> list[dict[str, str]]:
    with (folder_of(dataset) / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def size_of(dataset: Dataset) -> int:
    return sum(path.stat().st_size for path in folder_of(dataset).rglob("*") if path.is_file())


def test_accepted_ones_become_a_data_set_that_a_check_finds_nothing_wrong_with(accepted, staff, var):
    dataset = check(make_dataset(name="from people", owner=staff))
    assert (dataset.state, dataset.images, dataset.problem_count) == (JobState.SUCCEEDED, 21, 0)
    assert (dataset.uploaded, dataset.from_corrections, dataset.owner) == (True, True, staff)
    assert folder_of(dataset).parent == var / "datasets"
    assert dataset.size == size_of(dataset)
    assert dataset.report["duplicates"]["count"] == 0
    assert set(dataset.corrections.all()) == set(accepted)
    splits = dataset.report["splits"]
    assert set(splits) == {"train", "valid"}
    assert sum(split["per_class"]["sad"] for split in splits.values()) == 7
    assert sum(split["without_face"] for split in splits.values()) == 1


def test_the_training_code_reads_it_with_its_labels_boxes_and_source(accepted, staff):
    root = folder_of(make_dataset(name="from people", owner=staff))
    samples = [
        sample for split in ("train", "valid") for sample in load_split(root, split, strict=True).samples
    ]
    found = {sample.path.stem: sample for sample in samples}
    for correction in accepted:
        sample = found[correction.key]
        assert sample.source == "corrections"
        if correction.final_label == "not_a_face":
            assert len(sample.labels) == 0
        else:
            assert [EMOTIONS[label] for label in sample.labels] == [correction.final_label]
            assert sample.boxes[0] == pytest.approx(list(BOX.values()), abs=1e-5)


def test_the_manifest_names_each_picture_with_its_split(accepted, staff):
    dataset = make_dataset(name="from people", owner=staff)
    rows = manifest(dataset)
    assert {row["file"]: row["split"] for row in rows} == pictures(dataset)
    assert {row["source"] for row in rows} == {"corrections"}


def test_made_again_it_is_another_data_set_with_the_same_splits(accepted, staff):
    first = make_dataset(name="one", owner=staff)
    later, _ = send(seed=40)
    accept_correction(correction=later, reviewer=staff)
    second = make_dataset(name="two", owner=staff)
    assert first.folder != second.folder
    shared = pictures(first)
    assert {name: split for name, split in pictures(second).items() if name in shared} == shared
    assert len(pictures(second)) == len(shared) + 1


def test_look_alikes_are_in_the_same_split(staff):
    for seed in range(12):
        for quality in (95, 70, 50):
            correction, _ = send(picture=encoded(drawn_face(seed), quality=quality))
            accept_correction(correction=correction, reviewer=staff)
    rows = list(Correction.objects.order_by("id"))
    splits = split_of_each(rows)
    for start in range(0, len(rows), 3):
        assert len({splits[row.pk] for row in rows[start : start + 3]}) == 1
    assert set(splits.values()) == {"train", "valid"}


def blocks(cells: np.ndarray) -> bytes:
    """A picture of 8x9 grey fields, which are its signature."""
    image = Image.fromarray(cells.astype(np.uint8)).resize((180, 160), Image.Resampling.NEAREST)
    return encoded(image.convert("RGB"), quality=95)


def test_those_that_look_alike_only_by_another_in_between_are_in_the_same_split(staff):
    rng = np.random.default_rng(3)
    lighter_above = np.repeat([1, -1], 4)[:, None]
    for _ in range(12):
        cells = rng.integers(30, 220, (8, 9))
        for levels in (0, 12, 6):
            correction, _ = send(picture=blocks(cells + levels * lighter_above))
            accept_correction(correction=correction, reviewer=staff)
    rows = list(Correction.objects.order_by("id"))
    assert twin_of(rows[1]) == rows[2]
    Correction.objects.filter(pk=rows[2].pk).update(signature=b"")
    assert twin_of(rows[1]) is None  # the first two of each three are no look-alikes
    splits = split_of_each(rows)
    for start in range(0, len(rows), 3):
        assert len({splits[row.pk] for row in rows[start : start + 3]}) == 1
    assert set(splits.values()) == {"train", "valid"}


@pytest.mark.parametrize(("count", "splits"), [(1, {"train"}), (2, {"train", "valid"})])
def test_few_pictures_leave_something_to_train_on_and_if_they_can_to_measure_on(staff, count, splits):
    for seed in range(count):
        accept_correction(correction=send(seed=seed)[0], reviewer=staff)
    assert set(pictures(make_dataset(name="few", owner=staff)).values()) == splits


def test_without_accepted_ones_or_a_good_name_nothing_is_made(staff, var, accepted, hamster):
    make_dataset(name="taken", owner=staff)
    for name, error in (("taken", NameTaken), ("  ", BadName), ("two\nlines", BadName)):
        with pytest.raises(error):
            make_dataset(name=name, owner=staff)
    hamster(dataset_quota_bytes=1000)
    with pytest.raises(ArchiveTooLarge):
        make_dataset(name="no room", owner=staff)
    Correction.objects.update(state="rejected")
    with pytest.raises(NothingAccepted):
        make_dataset(name="nothing", owner=staff)
    assert Dataset.objects.count() == 1
    assert len(list((var / "datasets").iterdir())) == 1


def test_a_withdrawn_crop_goes_from_all_data_sets_made_with_it(accepted, staff):
    one, two = (check(make_dataset(name=name, owner=staff)) for name in ("one", "two"))
    gone = accepted[4]
    withdraw_correction(correction=gone)
    for dataset in (one, two):
        assert not list(folder_of(dataset).rglob(f"{gone.key}*"))
        assert gone.file_name not in {row["file"] for row in manifest(dataset)}
        assert len(manifest(dataset)) == 20
        dataset.refresh_from_db()
        assert dataset.size == size_of(dataset)
        assert not dataset.samples.filter(file__contains=gone.key).exists()
        assert dataset.state == JobState.QUEUED  # its report spoke of the picture
        assert check(dataset).images == 20
        assert dataset.problem_count == 0
    assert gone.datasets.count() == 0


def test_a_check_that_is_going_on_begins_anew_when_a_crop_goes(accepted, staff):
    dataset = make_dataset(name="one", owner=staff)
    claimed = claim_check(dataset_id=dataset.pk)
    withdraw_correction(correction=accepted[0])
    assert not carry_out_check(dataset=claimed)  # what it saw is not written down
    assert check(dataset).images == 20


def test_one_that_is_rejected_on_second_thoughts_goes_from_data_sets_too(accepted, staff):
    dataset = check(make_dataset(name="one", owner=staff))
    gone = accepted[-1]
    Correction.objects.filter(pk=gone.pk).update(reviewed_at=timezone.now() + timedelta(days=1))
    assert undo_decision(reviewer=staff) == gone
    reject_correction(correction=gone, reviewer=staff)
    Correction.objects.filter(pk=gone.pk).update(reviewed_at=timezone.now() - timedelta(minutes=1))
    expire_corrections()
    assert not list(folder_of(dataset).rglob(f"{gone.key}*"))
    assert gone.file_name not in {row["file"] for row in manifest(dataset)}


def test_an_expired_crop_goes_from_data_sets_too(accepted, staff):
    dataset = make_dataset(name="one", owner=staff)
    Correction.objects.filter(pk=accepted[0].pk).update(expires_at=accepted[0].created_at)
    expire_corrections()
    assert not list(folder_of(dataset).rglob(f"{accepted[0].key}*"))


def test_one_that_is_withdrawn_while_the_data_set_is_being_made_is_not_in_it(accepted, staff, monkeypatch):
    gone = accepted[2]
    read = correction_dataset.read_crop

    def read_and_withdraw(correction: Correction) -> bytes | None:
        content = read(correction)
        if correction == accepted[-1]:  # all are copied by now
            withdraw_correction(correction=gone)
        return content

    monkeypatch.setattr(correction_dataset, "read_crop", read_and_withdraw)
    dataset = make_dataset(name="one", owner=staff)
    assert not list(folder_of(dataset).rglob(f"{gone.key}*"))
    assert len(manifest(dataset)) == len(pictures(dataset)) == 20
    assert gone not in dataset.corrections.all()


def test_two_withdrawals_at_once_both_leave_the_manifest(accepted, staff):
    dataset = make_dataset(name="one", owner=staff)
    gone = accepted[:4]
    together = Barrier(len(gone))

    def withdraw(correction: Correction) -> None:
        together.wait()
        try:
            withdraw_correction(correction=correction)
        finally:
            connection.close()

    threads = [Thread(target=withdraw, args=(correction,)) for correction in gone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = {correction.file_name for correction in accepted[4:]}
    assert {row["file"] for row in manifest(dataset)} == left == set(pictures(dataset))


def test_deleting_the_data_set_keeps_the_corrections(accepted, staff):
    dataset = make_dataset(name="one", owner=staff)
    delete_dataset(dataset=dataset)
    assert not folder_of(dataset).exists()
    assert Correction.objects.filter(state="accepted").count() == 20
    withdraw_correction(correction=accepted[0])
    assert not Correction.objects.filter(pk=accepted[0].pk).exists()
