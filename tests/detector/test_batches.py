"""Batches as the services see them: made, cancelled, taken up again, expired; and the work on them."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from detector.models import BatchItem, BatchJob
from detector.services import batches as service
from detector.services.batch_intake import Incoming
from detector.services.batch_work import (
    MOST_ATTEMPTS,
    SILENCE,
    claim_chunk,
    look_at,
    recover_batches,
    work_on_next_chunk,
)
from detector.services.batches import (
    BatchTooLarge,
    NoFiles,
    NotCancellable,
    NothingToRetry,
    TooManyBatches,
    TooManyItems,
    create_batch,
    delete_batch,
    expire_batches,
    request_cancel,
    retry,
)
from tests.detector.batches import FACE, NO_FACE, incoming, now, zipped
from tests.detector.pictures import encoded, scene

pytestmark = pytest.mark.usefixtures("engine")
State = BatchJob.State
JUNK = b"not a picture"
SLOW = encoded(scene(size=(2000, 1500)), "PNG")


@pytest.fixture(autouse=True)
def broker():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("batch")
        yield client
        client.delete("batch")


def pictures(count: int) -> dict[str, bytes]:
    return {f"{number}_jpg": FACE for number in range(count)}


def states(batch: BatchJob) -> list[str]:
    return list(batch.items.order_by("number").values_list("state", flat=True))


def stored_files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("batches/**/*") if path.is_file()]


def work() -> None:
    while work_on_next_chunk():
        pass


def let_claims_grow_old() -> None:
    BatchItem.objects.filter(state="running").update(claimed_at=timezone.now() - timedelta(hours=1))


def test_a_batch_is_stored_queued_and_sent_to_as_many_workers_as_can_begin_on_it(
    make_batch, broker, hamster, owner
):
    hamster(batch_chunk=2)
    batch = make_batch(**pictures(5))
    assert (batch.state, batch.total, batch.owner) == (State.QUEUED, 5, owner)
    assert len(stored_files()) == 5
    assert broker.llen("batch") == 3


def test_work_finds_the_faces_and_names_the_detector(make_batch):
    batch = make_batch(a_jpg=FACE, b_jpg=NO_FACE)
    work()
    done = now(batch)
    assert (done.state, done.succeeded, done.detector) == (State.SUCCEEDED, 2, "shipped")
    assert done.finished_at is not None
    face, none = (item.result for item in batch.items.order_by("number"))
    assert set(face) == {"emotion", "confidence", "boxes", "detector", "timing_ms"}
    assert (face["emotion"], len(face["boxes"]), none["emotion"]) == ("happy", 1, "unknown")


def test_what_is_no_picture_fails_on_its_own_and_is_not_stored(make_batch):
    archive = zipped([("../evil.jpg", FACE), ("good.jpg", FACE)])
    batch = make_batch(a_jpg=FACE, notes_txt=JUNK, z_zip=archive, cut_jpg=FACE[:900])
    assert len(stored_files()) == 3
    work()
    assert states(batch) == ["succeeded", "failed", "failed", "succeeded", "failed"]
    assert list(batch.items.order_by("number").values_list("error_code", flat=True)) == [
        *("", "bad_image", "unsafe_path", "", "bad_image")
    ]
    assert now(batch).state == State.SUCCEEDED


def test_a_batch_of_nothing_usable_has_failed_at_once(make_batch, broker):
    batch = make_batch(a_txt=JUNK)
    assert now(batch).state == State.FAILED
    assert broker.llen("batch") == 0


def test_no_files_are_refused(owner):
    with pytest.raises(NoFiles):
        create_batch(owner=owner, files=[])


@pytest.mark.parametrize(
    ("limits", "contents", "error"),
    [
        ({"batch_max_items": 2}, pictures(3), TooManyItems),
        ({"batch_max_items": 2}, {"z_zip": zipped([("1", FACE), ("2", FACE)]), "b_jpg": FACE}, TooManyItems),
        ({"batch_max_bytes": 2 * len(FACE)}, pictures(3), BatchTooLarge),
        (
            {"batch_max_bytes": 2 * len(FACE)},
            {"z_zip": zipped([("1", FACE), ("2", FACE)]), "b_jpg": FACE},
            BatchTooLarge,
        ),
    ],
)
def test_what_is_over_a_limit_is_refused_as_a_whole_and_nothing_is_kept(
    make_batch, hamster, limits, contents, error
):
    hamster(**limits)
    with pytest.raises(error):
        make_batch(**contents)
    assert not BatchJob.objects.exists()
    assert stored_files() == []
    assert list((Path(settings.MEDIA_ROOT) / "batches").glob("*")) == []


def test_one_file_of_200_megabytes_is_an_item_that_says_why_and_is_not_kept(owner, tmp_path):
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(FACE)
    os.truncate(huge, 200_000_000)
    batch = create_batch(owner=owner, files=[Incoming("huge.jpg", huge)])
    item = batch.items.get()
    assert (now(batch).state, item.error_code, item.size) == (State.FAILED, "image_too_large", 200_000_000)
    assert stored_files() == []


def test_an_account_has_only_so_many_open_batches(make_batch, hamster):
    hamster(batch_max_open=1)
    first = make_batch(a_jpg=FACE)
    with pytest.raises(TooManyBatches):
        make_batch(a_jpg=FACE)
    request_cancel(batch=first)
    make_batch(a_jpg=FACE)
    with pytest.raises(TooManyBatches):
        retry(batch=first)


def test_nothing_is_kept_of_a_batch_whose_rows_cannot_be_written(make_batch, monkeypatch):
    monkeypatch.setattr(BatchItem.objects, "bulk_create", None)
    with pytest.raises(TypeError):
        make_batch(a_jpg=FACE)
    assert stored_files() == []
    assert not BatchJob.objects.exists()


def test_two_workers_get_different_pictures_and_a_message_too_many_gets_none(make_batch, hamster):
    hamster(batch_chunk=2)
    batch = make_batch(**pictures(3))
    first, second = claim_chunk(), claim_chunk()
    assert [len(first), len(second)] == [2, 1]
    assert {item.number for item in (*first, *second)} == {1, 2, 3}
    assert not work_on_next_chunk()
    assert now(batch).state == State.RUNNING


def test_work_goes_round_the_batches(make_batch, hamster):
    hamster(batch_chunk=1)
    first, second = make_batch(**pictures(2)), make_batch(**pictures(2))
    assert [claim_chunk()[0].batch_id for _ in range(4)] == 2 * [first.pk, second.pk]


def test_a_waiting_batch_is_cancelled_at_once(make_batch):
    batch = make_batch(**pictures(2))
    request_cancel(batch=batch)
    assert (now(batch).state, now(batch).cancelled) == (State.CANCELLED, 2)
    assert not work_on_next_chunk()
    with pytest.raises(NotCancellable):
        request_cancel(batch=batch)


def test_what_a_worker_has_is_finished_when_its_batch_is_cancelled(make_batch, hamster):
    hamster(batch_chunk=1)
    batch = make_batch(**pictures(3))
    (item,) = claim_chunk()
    request_cancel(batch=batch)
    assert now(batch).state == State.RUNNING
    request_cancel(batch=batch)  # once more does no harm
    assert look_at(items=[item])
    assert service.conclude(batch_id=batch.pk)
    assert states(batch) == ["succeeded", "cancelled", "cancelled"]
    assert now(batch).state == State.CANCELLED


def test_what_a_dead_worker_had_of_a_cancelled_batch_is_cancelled(make_batch):
    batch = make_batch(a_jpg=FACE)
    claim_chunk()
    request_cancel(batch=batch)
    let_claims_grow_old()
    recover_batches()
    work()
    assert (states(batch), now(batch).state) == (["cancelled"], State.CANCELLED)


def test_pictures_that_failed_are_tried_again_and_others_are_not(make_batch, broker):
    batch = make_batch(a_jpg=FACE, b_jpg=FACE, c_txt=JUNK)
    lost = batch.items.get(number=2)
    default_storage.delete(lost.file.name)
    work()
    lost.refresh_from_db()
    assert (lost.state, lost.error_code) == ("failed", "missing_file")
    before = batch.items.get(number=1)
    default_storage.save(lost.file.name, incoming(Path(settings.MEDIA_ROOT), x=FACE)[0].path.open("rb"))
    broker.delete("batch")
    retry(batch=batch)
    assert now(batch).state == State.QUEUED
    assert broker.llen("batch") == 1
    work()
    assert states(batch) == ["succeeded", "succeeded", "failed"]
    assert batch.items.get(number=1).finished_at == before.finished_at
    assert batch.items.get(number=2).error_code == ""
    with pytest.raises(NothingToRetry):
        retry(batch=batch)
    assert now(batch).state == State.SUCCEEDED


def test_a_cancelled_batch_goes_on_when_it_is_tried_again(make_batch):
    batch = make_batch(**pictures(2))
    request_cancel(batch=batch)
    retry(batch=batch)
    work()
    assert now(batch).state == State.SUCCEEDED


def test_a_batch_that_is_tried_again_while_another_worker_waits_to_end_it_goes_on(make_batch, monkeypatch):
    batch = make_batch(**pictures(1))
    batch.items.update(state="failed")
    atomic = transaction.atomic

    def wait_for_the_lock() -> object:
        monkeypatch.setattr(transaction, "atomic", atomic)
        assert service.conclude(batch_id=batch.pk)
        retry(batch=batch)
        return atomic()

    monkeypatch.setattr(transaction, "atomic", wait_for_the_lock)
    assert not service.conclude(batch_id=batch.pk)
    assert now(batch).state == State.QUEUED
    work()
    assert now(batch).state == State.SUCCEEDED


def test_an_open_batch_cannot_be_tried_again(make_batch):
    with pytest.raises(NothingToRetry):
        retry(batch=make_batch(a_jpg=FACE))


def test_a_worker_that_comes_back_too_late_changes_nothing(make_batch):
    batch = make_batch(a_jpg=FACE)
    (late,) = claim_chunk()
    let_claims_grow_old()
    assert recover_batches() == 1
    (again,) = claim_chunk()
    assert not look_at(items=[late])
    assert states(batch) == ["running"]
    assert look_at(items=[again])
    finished = batch.items.get().finished_at
    assert not look_at(items=[again])
    assert batch.items.get().finished_at == finished


def test_a_picture_that_kills_its_workers_is_given_up_and_takes_no_other_along(make_batch):
    batch = make_batch(**pictures(3))
    assert len(claim_chunk()) == 3
    deaths = 1
    while True:
        let_claims_grow_old()
        recover_batches()
        claimed = claim_chunk()
        if not claimed:
            break
        assert len(claimed) == 1  # after the first death each is taken alone
        if claimed[0].number == 1:
            deaths += 1
        else:
            look_at(items=claimed)
    assert deaths == MOST_ATTEMPTS
    recover_batches()
    assert states(batch) == ["failed", "succeeded", "succeeded"]
    assert batch.items.get(number=1).error_code == "worker_died"
    assert now(batch).state == State.SUCCEEDED


def test_a_worker_that_is_slow_gives_back_what_it_would_not_finish_in_time(make_batch, hamster, monkeypatch):
    hamster(batch_claim_seconds=0, engine_workers=1)
    monkeypatch.setattr("detector.services.batch_work.WRITE_INTERVAL", 0.001)
    batch = make_batch(**{f"{number}_png": SLOW for number in range(10)})
    work_on_next_chunk()
    assert "queued" in states(batch)
    for state, attempts in batch.items.values_list("state", "attempts"):
        assert (state, attempts) in {("succeeded", 1), ("queued", 0)}
    work()
    assert states(batch) == 10 * ["succeeded"]


def test_what_is_not_begun_is_given_back_and_cancelled_when_its_batch_is(make_batch, hamster, monkeypatch):
    hamster(engine_workers=1)
    monkeypatch.setattr("detector.services.batch_work.WRITE_INTERVAL", 0.001)
    batch = make_batch(**{f"{number}_png": SLOW for number in range(10)})
    claimed = claim_chunk()
    request_cancel(batch=batch)
    assert look_at(items=claimed) < 10
    work()
    assert set(states(batch)) <= {"succeeded", "cancelled"}
    assert (now(batch).state, "cancelled" in states(batch)) == (State.CANCELLED, True)


def test_results_of_one_claim_are_written_whole_with_their_expressions(make_batch):
    batch = make_batch(a_jpg=FACE, b_jpg=NO_FACE, cut_jpg=FACE[:900])
    assert look_at(items=claim_chunk()) == 3
    rows = batch.items.order_by("number").values_list("state", "emotion", "error_code", "result__emotion")
    assert list(rows) == [
        ("succeeded", "happy", "", "happy"),
        ("succeeded", "unknown", "", "unknown"),
        ("failed", "", "bad_image", None),
    ]
    assert batch.items.filter(result__isnull=True).count() == 1


def test_a_batch_whose_last_worker_died_before_it_said_so_is_concluded(make_batch):
    batch = make_batch(a_jpg=FACE)
    (item,) = claim_chunk()
    look_at(items=[item])
    assert now(batch).state == State.RUNNING
    recover_batches()
    assert now(batch).state == State.SUCCEEDED


def test_messages_lost_with_redis_are_sent_again(make_batch, broker):
    batch = make_batch(a_jpg=FACE)
    broker.delete("batch")
    recover_batches()
    assert broker.llen("batch") == 0  # its message may be on its way
    BatchJob.objects.filter(pk=batch.pk).update(created_at=timezone.now() - 2 * SILENCE)
    recover_batches()
    assert broker.llen("batch") > 0


def test_an_expired_batch_goes_with_its_files_and_the_others_stay(make_batch, hamster):
    hamster(batch_retention_hours=2)
    old, young = make_batch(a_jpg=FACE), make_batch(a_jpg=FACE)
    assert timedelta(hours=1.9) < old.expires_at - timezone.now() <= timedelta(hours=2)
    BatchJob.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    assert expire_batches() == 1
    assert list(BatchJob.objects.all()) == [young]
    assert BatchItem.objects.count() == 1
    assert default_storage.listdir("batches")[0] == [Path(young.folder).name]


def test_files_that_belong_to_no_batch_are_deleted_after_a_day(make_batch):
    batch = make_batch(a_jpg=FACE)
    lost, old = "20200101-000000-0123456789abcdef", "20200101-000000-fedcba9876543210"
    young = f"{timezone.now():%Y%m%d-%H%M%S}-0123456789abcdef"
    for name in (lost, old, young, "mine"):
        (Path(settings.MEDIA_ROOT) / "batches" / name).mkdir()
        (Path(settings.MEDIA_ROOT) / "batches" / name / "00001").write_bytes(FACE)
    BatchJob.objects.create(folder=f"batches/{old}", expires_at=timezone.now() + timedelta(hours=1))
    expire_batches()
    assert set(default_storage.listdir("batches")[0]) == {Path(batch.folder).name, old, young, "mine"}
    assert len(stored_files()) == 4


def test_what_a_killed_request_left_is_deleted_after_a_day(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    old, young = tmp_path / "hamster-batch-old", tmp_path / "hamster-batch-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "1").write_bytes(FACE)
    os.utime(old, (0, 0))
    expire_batches()
    assert (old.exists(), young.exists()) == (False, True)


def test_a_batch_can_be_deleted_while_a_worker_has_some_of_it(make_batch):
    batch = make_batch(a_jpg=FACE)
    (item,) = claim_chunk()
    delete_batch(batch=batch)
    assert not look_at(items=[item])
    assert stored_files() == []


def test_the_batches_of_a_deleted_account_wait_for_their_expiry(make_batch, owner):
    batch = make_batch(a_jpg=FACE)
    owner.delete()
    batch.refresh_from_db()
    assert batch.owner is None
    work()
    assert now(batch).state == State.SUCCEEDED
