"""Real workers, a real queue: batches are worked on once, whoever dies."""

import json
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import psutil
import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from detector.management.commands.batch import Command
from detector.models import BatchItem, BatchJob
from detector.services.batches import request_cancel, send_messages
from detector.services.versions import promote_version, register_version
from tests.detector.batches import FACE, NO_FACE, now, zipped
from tests.detector.pictures import encoded, scene
from tests.detector.workers import batch_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
State = BatchJob.State
# Takes a worker a few hundred times as long as a small picture, so that it can be caught at its work.
SLOW = encoded(scene(size=(4000, 3000)), "PNG")


@pytest.fixture(autouse=True)
def broker(settings, tmp_path):
    """The queue, empty at first; files in a folder of the test's own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("batch", "unacked", "unacked_index")
        yield client
        client.delete("batch", "unacked", "unacked_index")


def slow_pictures(count: int) -> dict[str, bytes]:
    return {f"{number}_png": SLOW for number in range(count)}


def finished(batch: BatchJob) -> dict[int, object]:
    """When each finished item was."""
    return dict(batch.items.filter(state="succeeded").values_list("number", "finished_at"))


def wait_for_end(batch: BatchJob) -> BatchJob:
    wait_until(lambda: now(batch).finished_at is not None, "the batch to end")
    return now(batch)


def let_claims_grow_old() -> None:
    BatchItem.objects.filter(state="running").update(claimed_at=timezone.now() - timedelta(hours=1))


def test_a_worker_looks_at_everything_once_and_messages_that_come_twice_change_nothing(
    make_batch, broker, red_one, tmp_path
):
    archive = zipped([("b.jpg", NO_FACE), ("../c.jpg", FACE)])
    batch = make_batch(a_jpg=FACE, z_zip=archive, notes_txt=b"junk")
    send_messages(3)
    with batch_worker(tmp_path / "log", red_one) as worker:
        done = wait_for_end(batch)
        first = finished(batch)
        send_messages(3)
        wait_until(lambda: not broker.llen("batch") and not broker.hlen("unacked"), "the queue to be empty")
        if sys.platform == "linux":
            (child,) = psutil.Process(worker.process.pid).children()
            libraries = Path(f"/proc/{child.pid}/maps").read_text()
            assert "onnxruntime" in libraries
            assert "libtorch" not in libraries
    assert (done.state, done.succeeded, done.failed, done.detector) == (State.SUCCEEDED, 2, 2, "shipped")
    assert [item.result and item.result["emotion"] for item in batch.items.order_by("number")] == [
        *("happy", "unknown", None, None)
    ]
    assert finished(batch) == first
    assert set(batch.items.filter(state="succeeded").values_list("attempts", flat=True)) == {1}


def test_killed_worker_loses_and_repeats_no_finished_picture_and_the_next_one_does_the_rest(
    make_batch, red_one, tmp_path
):
    batch = make_batch(**slow_pictures(30))
    with batch_worker(tmp_path / "first", red_one) as worker:
        wait_until(lambda: finished(batch), "the first picture")
        worker.kill()
    before = finished(batch)
    assert 0 < len(before) < 30
    assert batch.items.filter(state="running").exists()
    let_claims_grow_old()
    with batch_worker(tmp_path / "second", red_one):
        done = wait_for_end(batch)
    assert (done.state, done.succeeded) == (State.SUCCEEDED, 30)
    after = finished(batch)
    assert {number: after[number] for number in before} == before
    assert set(batch.items.filter(number__in=before).values_list("attempts", flat=True)) == {1}
    assert set(batch.items.values_list("attempts", flat=True)) == {1, 2}


def test_a_stopped_worker_hands_back_what_it_has_not_begun(make_batch, red_one, tmp_path):
    batch = make_batch(**slow_pictures(30))
    with batch_worker(tmp_path / "log", red_one, HAMSTER_BATCH_CLAIM_SECONDS="2") as worker:
        wait_until(lambda: finished(batch), "the first picture")
        worker.stop()
    states = list(batch.items.values_list("state", "attempts"))
    assert set(states) == {("succeeded", 1), ("queued", 0)}


def test_worker_whose_process_is_killed_goes_on_with_a_new_one(make_batch, red_one, tmp_path):
    batch = make_batch(**slow_pictures(30))
    with batch_worker(tmp_path / "log", red_one) as worker:
        wait_until(lambda: finished(batch), "the first picture")
        (child,) = psutil.Process(worker.process.pid).children()
        child.kill()
        before = finished(batch)
        had = set(batch.items.filter(state="running").values_list("number", flat=True))
        assert had
        wait_until(lambda: not batch.items.filter(state="queued").exists(), "the others to be taken")
        wait_until(
            lambda: set(batch.items.filter(state="running").values_list("number", flat=True)) <= had,
            "the others to be finished",
        )
        let_claims_grow_old()
        done = wait_for_end(batch)  # its own look after what was left
    assert (done.state, done.succeeded) == (State.SUCCEEDED, 30)
    assert {number: finished(batch)[number] for number in before} == before


def test_two_workers_share_a_batch(make_batch, red_one, tmp_path):
    with batch_worker(tmp_path / "one", red_one) as one, batch_worker(tmp_path / "two", red_one) as two:

        def both_took_part() -> bool:
            batch = make_batch(**slow_pictures(24))
            done = wait_for_end(batch)
            assert (done.state, done.succeeded) == (State.SUCCEEDED, 24)
            assert set(batch.items.values_list("attempts", flat=True)) == {1}
            return one.said("serving detector shipped") and two.said("serving detector shipped")

        # While one of them still loads its detector, the other may do a whole batch.
        wait_until(both_took_part, "both to take part in batches")


def test_a_cancelled_batch_ends_and_the_worker_goes_on_with_the_next(make_batch, red_one, tmp_path):
    batch, other = make_batch(**slow_pictures(40)), make_batch(a_jpg=FACE)
    with batch_worker(tmp_path / "log", red_one):
        wait_until(lambda: finished(batch), "the first picture")
        request_cancel(batch=batch)
        done = wait_for_end(batch)
        assert wait_for_end(other).state == State.SUCCEEDED
    assert done.state == State.CANCELLED
    assert done.succeeded + done.cancelled == 40
    assert done.cancelled > 0
    assert done.running == 0


def test_a_worker_follows_promotions(make_batch, red_one, red_two, tmp_path):
    promote_version(version=register_version(onnx=red_one, source="imported"), actor=None)
    with batch_worker(tmp_path / "log", red_one) as worker:
        first = wait_for_end(make_batch(a_jpg=FACE))
        promote_version(version=register_version(onnx=red_two, source="imported"), actor=None)
        wait_until(lambda: worker.said("serving detector red-2"), "the worker to follow")
        second = wait_for_end(make_batch(a_jpg=FACE))
    assert [first.detector, second.detector] == ["red-1", "red-2"]


def test_a_worker_that_starts_deletes_what_has_expired(make_batch, red_one, tmp_path):
    batch = make_batch(a_jpg=FACE)
    BatchJob.objects.filter(pk=batch.pk).update(expires_at=timezone.now())
    with batch_worker(tmp_path / "log", red_one):
        wait_until(lambda: not BatchJob.objects.exists(), "the batch to be deleted")
    assert not (Path(settings.MEDIA_ROOT) / batch.folder).exists()


def test_the_command_hands_in_a_folder_and_follows_it(owner, red_one, tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(FACE)
    (folder / "sub" / "b.jpg").write_bytes(b"broken")
    lines = tmp_path / "out.jsonl"
    said = StringIO()
    with batch_worker(tmp_path / "log", red_one):
        call_command("batch", str(folder), "--user", "owner", "--jsonl", str(lines), stdout=said)
    assert "succeeded: 1 succeeded, 1 failed of 2" in said.getvalue()
    items = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(item["name"], item["state"]) for item in items] == [
        ("a.jpg", "succeeded"),
        ("sub/b.jpg", "failed"),
    ]
    assert items[0]["prediction"]["emotion"] == "happy"
    assert (folder / "a.jpg").read_bytes() == FACE


def test_the_command_says_when_no_worker_answers_or_something_is_not_there(owner, tmp_path):
    (tmp_path / "a.jpg").write_bytes(FACE)
    with pytest.raises(CommandError, match="No batch worker answers"):
        call_command("batch", str(tmp_path / "a.jpg"), "--user", "owner")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="no images in"):
        call_command("batch", str(tmp_path / "empty"), "--user", "owner")
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("batch", str(tmp_path / "a.jpg"), "--user", "nobody")
    assert not BatchJob.objects.exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--jsonl", "a.jpg"], "one of the files to look at"),
        (["--jsonl", "a.jpg/out.jsonl"], "File exists"),
        (["--json", "a.jpg"], "unrecognized arguments: --json"),
    ],
    ids=["a picture", "no folder", "short form"],
)
def test_results_that_cannot_be_written_are_refused_first_and_no_picture_is_overwritten(
    owner, tmp_path, monkeypatch, options, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(FACE)
    with pytest.raises(CommandError, match=reason):
        call_command("batch", "a.jpg", "--user", "owner", *options)
    assert (tmp_path / "a.jpg").read_bytes() == FACE
    assert not BatchJob.objects.exists()


class InterruptedOutput(StringIO):
    """Somebody presses Ctrl-C as soon as they read how far the batch is."""

    def write(self, text: str) -> int:
        written = super().write(text)
        if " succeeded, " in text:
            signal.raise_signal(signal.SIGINT)
        return written


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests run in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_the_batch_to_the_workers_and_says_so(make_batch, ctrl_c):
    said = InterruptedOutput()
    Command(stdout=said).follow(make_batch(a_jpg=FACE))
    assert "The batch goes on without this command" in said.getvalue()
    assert BatchJob.objects.get().state == State.QUEUED
