"""The check of a data set: a worker takes it, looks through the files, and writes down what it found.

A check is taken by a conditional UPDATE that writes a claim drawn for this one time; progress and results are
written only where that claim still stands. One whose worker died is begun anew by the next.
"""

import logging
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import IntegrityError
from django.db.models import F, QuerySet
from django.utils import timezone

from detector.conf import config
from detector.models import Dataset, DatasetSample, JobState
from detector.selectors.datasets import CLASS_BITS
from detector.services.datasets import send_check
from ml.config import EMOTIONS, UNKNOWN
from ml.dataset import DatasetError
from ml.inspection import Inspection, Picture, inspect

logger = logging.getLogger(__name__)
BEAT_INTERVAL = 1.0  # seconds
MOST_ATTEMPTS = 3
SILENCE = timedelta(seconds=60)  # queued for this long: its message may have been lost
MOST_PROBLEMS_OF_A_SAMPLE = 20
ALL_BUT_WRITTEN = 0.99
ROWS = 500  # pictures written in one transaction
WORKER_DIED = (
    f"The worker died {MOST_ATTEMPTS} times while it checked this data set. Often it has run out of memory."
)
UNFORESEEN = "Something went wrong here; it is in the worker's log."


class CheckLost(Exception):
    """The data set was deleted, or somebody else checks it by now."""


def claim_check(*, dataset_id: int) -> Dataset | None:
    """Make a waiting check ours; None when it is someone else's, over, or gone."""
    claim = secrets.token_hex(16)
    waiting = Dataset.objects.filter(pk=dataset_id, state=JobState.QUEUED)
    if not waiting.update(
        state=JobState.RUNNING,
        claim=claim,
        progress=0.0,
        heartbeat_at=timezone.now(),
        attempts=F("attempts") + 1,
        error="",
    ):
        return None
    return Dataset.objects.filter(pk=dataset_id, claim=claim).first()


def carry_out_check(*, dataset: Dataset, give_way: Callable[[], object] = lambda: None) -> bool:
    """Look through a claimed data set; whether the outcome, good or bad, was written down.

    `give_way` is called about once a second, so that a long check lets other work in between.
    """
    last = time.monotonic()

    def beat(share: float) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_INTERVAL:
            _still_ours(dataset, progress=min(share, ALL_BUT_WRITTEN), heartbeat_at=timezone.now())
            give_way()
            last = time.monotonic()

    try:
        found = inspect(Path(dataset.folder), max_pixels=config.upload_max_pixels, on_step=beat)
        _succeed(dataset, found, beat)
    except CheckLost:
        logger.info("data set %s is not ours to check any more", dataset.pk)
        return False
    except DatabaseError:
        raise  # nothing can be written down: it is begun anew when the heartbeat has stopped for long
    except DatasetError as error:
        return _fail(dataset, error.message)
    except Exception:
        logger.exception("the check of data set %s failed", dataset.pk)
        return _fail(dataset, UNFORESEEN)
    return True


def recover_dataset_checks() -> int:
    """Queue the checks again whose worker died, and send those again that wait for long; returns how many."""
    now = timezone.now()
    limit = now - timedelta(seconds=config.dataset_claim_seconds)
    silent = Dataset.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=limit)
    given_up = silent.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=JobState.FAILED, error=WORKER_DIED, checked_at=now
    )
    if found := given_up + silent.update(state=JobState.QUEUED):
        logger.error("%d checks of data sets were abandoned by their worker", found)
    waiting = Dataset.objects.filter(state=JobState.QUEUED, heartbeat_at__lt=now - SILENCE)
    for dataset_id in waiting.values_list("pk", flat=True):
        # Only one of the workers that look sends it.
        if waiting.filter(pk=dataset_id).update(heartbeat_at=now):
            send_check(dataset_id)
            found += 1
    return found


def _rows(dataset: Dataset) -> QuerySet[Dataset]:
    return Dataset.objects.filter(pk=dataset.pk, claim=dataset.claim, state=JobState.RUNNING)


def _still_ours(dataset: Dataset, **values: object) -> None:
    if not _rows(dataset).update(**values):
        raise CheckLost()


def _succeed(dataset: Dataset, found: Inspection, beat: Callable[[float], None]) -> None:
    """Write the pictures a few at a time, so that others get at the database in between, then the report."""
    dataset.samples.exclude(claim=dataset.claim).delete()
    for start in range(0, len(found.pictures), ROWS):
        beat(ALL_BUT_WRITTEN)
        rows = [_sample(dataset, picture) for picture in found.pictures[start : start + ROWS]]
        try:
            DatasetSample.objects.bulk_create(rows)
        except IntegrityError as error:  # it was deleted just now
            raise CheckLost() from error
    report = found.report(most=config.dataset_max_listed)
    _still_ours(
        dataset,
        state=JobState.SUCCEEDED,
        progress=1.0,
        report=report,
        images=len(found.pictures),
        problem_count=report["problems"]["count"],
        checked_at=timezone.now(),
    )
    logger.info("data set %s has %d problems", dataset.pk, report["problems"]["count"])


def _fail(dataset: Dataset, error: str) -> bool:
    failed = _rows(dataset).update(state=JobState.FAILED, error=error, checked_at=timezone.now())
    logger.warning("data set %s could not be checked: %s", dataset.pk, error)
    return bool(failed)


def _sample(dataset: Dataset, picture: Picture) -> DatasetSample:
    names = [EMOTIONS[label] if label >= 0 else UNKNOWN for label in picture.labels]
    return DatasetSample(
        dataset=dataset,
        claim=dataset.claim,
        split=picture.split,
        file=picture.file,
        width=picture.width,
        height=picture.height,
        faces=_faces(picture, names),
        classes=sum(CLASS_BITS[name] for name in set(names)),
        problems=[
            {"line": finding.line, "message": finding.message}
            for finding in picture.findings[:MOST_PROBLEMS_OF_A_SAMPLE]
        ],
        has_problems=bool(picture.findings),
    )


def _faces(picture: Picture, names: list[str]) -> list[dict[str, object]]:
    return [
        {"label": name, **dict(zip(("x1", "y1", "x2", "y2"), (round(edge, 5) for edge in box), strict=True))}
        for name, box in zip(names, picture.boxes, strict=True)
    ]
