"""Limits hold, and work is done once, when many come at the same moment, on connections of their own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from detector.conf import config
from detector.consent import consent_in_force
from detector.errors import HamsterError
from detector.models import ApiToken, BatchJob, Correction, Dataset, DetectorVersion, LiveSession, Prediction
from detector.services.batch_work import claim_chunk
from detector.services.batches import TooManyBatches, create_batch
from detector.services.corrections import CorrectionsFull, CorrectionShareFull, submit_correction
from detector.services.dataset_checks import claim_check
from detector.services.dataset_intake import ArchiveTooLarge
from detector.services.datasets import upload_dataset
from detector.services.live_sessions import TooManySessions, keep_session
from detector.services.predictions import TooManyKept, keep_prediction
from detector.services.tokens import TooManyTokens, make_token
from detector.services.training import claim_training_run
from detector.services.versions import register_shipped_detector
from detector.session_record import read_record
from tests.detector.batches import FACE, incoming
from tests.detector.corrections import BOX, SHOWN, face, send, stored
from tests.detector.datasets import drawn, files_of, zip_file
from tests.detector.live_sessions import record
from tests.detector.threads import at_once
from tests.detector.training_runs import run_in

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 6


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "media"


def assert_only(let_in: int, outcomes: Sequence[object], refusal: type[HamsterError]) -> None:
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(error) for error in refused] == [refusal] * (len(outcomes) - let_in)


def from_stranger(address: str, picture: bytes) -> Callable[[], object]:
    return lambda: submit_correction(
        owner=None,
        picture=picture,
        box=BOX,
        shown=SHOWN,
        label="sad",
        consent=consent_in_force().version,
        address=address,
    )


@pytest.mark.parametrize(
    ("setting", "addresses", "refusal"),
    [
        ("correction_share_bytes", ["203.0.113.7"] * MANY, CorrectionShareFull),
        ("correction_quota_bytes", [f"203.0.113.{number}" for number in range(MANY)], CorrectionsFull),
    ],
)
def test_strangers_send_no_more_than_there_is_room_for(setting, addresses, refusal, hamster, media):
    size = send(seed=1)[0].size
    Correction.objects.all().delete()
    before = set(stored(media))
    hamster(**{setting: 2 * size})
    outcomes = at_once(*(from_stranger(address, face(seed=1)) for address in addresses))
    assert_only(2, outcomes, refusal)
    assert Correction.objects.count() == len(set(stored(media)) - before) == 2


def test_an_account_opens_no_more_batches_than_it_may(owner, hamster, tmp_path):
    hamster(batch_max_open=2)
    files = incoming(tmp_path, a_jpg=FACE)
    assert_only(2, at_once(*[lambda: create_batch(owner=owner, files=files)] * MANY), TooManyBatches)
    assert BatchJob.objects.count() == 2


def test_of_batches_that_come_at_once_with_the_same_key_one_is_kept_and_all_are_told(owner, tmp_path, media):
    files, key = incoming(tmp_path, a_jpg=FACE), "k" * 32
    outcomes = at_once(*[lambda: create_batch(owner=owner, files=files, key=key)] * MANY)
    assert {outcome.pk for outcome in outcomes} == {BatchJob.objects.get().pk}
    assert len(list((media / config.batches_folder).iterdir())) == 1


def test_an_account_has_no_more_tokens_than_it_may(owner, hamster):
    hamster(token_max=2)
    assert_only(2, at_once(*[lambda: make_token(owner=owner, name="mine")] * MANY), TooManyTokens)
    assert ApiToken.objects.count() == 2


def test_an_account_keeps_no_more_results_than_it_may(owner, hamster):
    hamster(kept_max=2)
    result = {"emotion": "happy", "detector": "red-1", "boxes": []}
    keep = [lambda: keep_prediction(owner=owner, name="a.jpg", content=FACE, result=result)] * MANY
    assert_only(2, at_once(*keep), TooManyKept)
    assert Prediction.objects.count() == 2


def test_an_account_keeps_no_more_sessions_than_it_may(owner, hamster):
    hamster(live_session_max_kept=2)
    one = read_record(record())
    assert_only(2, at_once(*[lambda: keep_session(owner=owner, record=one)] * MANY), TooManySessions)
    assert LiveSession.objects.count() == 2


def test_the_first_uploads_of_data_sets_share_the_room(hamster, tmp_path):
    folder = drawn(tmp_path / "drawn")
    archive = zip_file(tmp_path / "set.zip", files_of(folder))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    hamster(dataset_quota_bytes=size + size // 2)
    uploads = (
        lambda name=f"set {number}": upload_dataset(name=name, archive=archive, owner=None)
        for number in range(4)
    )
    assert_only(1, at_once(*uploads), ArchiveTooLarge)
    assert Dataset.objects.count() == 1


def test_processes_that_start_together_register_the_shipped_detector_once(hamster, red_one):
    hamster(shipped_detector=red_one)
    outcomes = at_once(*[register_shipped_detector] * 4)
    version = DetectorVersion.objects.get()
    assert outcomes == [version] * 4
    assert version.state == DetectorVersion.State.ACTIVE


def test_a_waiting_picture_is_taken_by_one_worker(make_batch, hamster):
    hamster(batch_chunk=2)
    batch = make_batch(**{f"{name}_jpg": FACE for name in "abcdefgh"})
    taken = [item.pk for chunk in at_once(*[claim_chunk] * MANY) for item in chunk]
    assert sorted(taken) == list(batch.items.order_by("pk").values_list("pk", flat=True))


def test_jobs_that_come_twice_are_taken_by_one_worker():
    run = run_in("queued")
    dataset = Dataset.objects.create(name="drawn", folder="/nowhere")
    claims = [claim_training_run] * 3 + [lambda: claim_check(dataset_id=dataset.pk)] * 3
    taken = [claimed for claimed in at_once(*claims) if claimed is not None]
    assert sorted(taken, key=repr) == sorted([run, dataset], key=repr)
