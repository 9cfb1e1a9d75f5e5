"""Evaluations: a version looks at a data set's pictures, a few seconds at a time, on the batch workers.

What a turn has found is written in one transaction with how far it has come, and only while the worker's
claim stands; so after a killed worker the next goes on. A message says from which picture on its turn is: one
that comes twice, or late, finds that the evaluation has gone on and does nothing.
"""

import logging
import secrets
import time
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.evaluation_results import frame_results, look_at
from detector.models import OPEN, Dataset, DetectorVersion, Evaluation, EvaluationPart
from detector.selectors.evaluations import pictures_of
from detector.services.account_rows import lock_account
from ml.dataset import DatasetError, Sample, find_split, load_split
from ml.metrics import summarize
from ml.predictor import DetectorFileError, Predictor

logger = logging.getLogger(__name__)
State = Evaluation.State
MOST_ATTEMPTS = 3
WORKER_DIED = (
    f"The worker died {MOST_ATTEMPTS} times at the same place. Often it has run out of memory: see its log."
)


class UnusableDataset(HamsterError):
    """The data set has nothing to evaluate on."""

    code = "bad_dataset"


class EvaluationIsOpen(HamsterError):
    """The same is being evaluated just now."""

    code = "evaluation_open"
    status = 409
    message = _("This version is being evaluated on this data set already.")


def request_evaluation(
    *, version: DetectorVersion, dataset: Dataset, owner: AbstractBaseUser | None, split: str = "valid"
) -> Evaluation:
    """Queue a version over one split of a data set.

    Raises `UnusableDataset`, `EvaluationIsOpen`, `AccountGone`.
    """
    if find_split(Path(dataset.folder), split) is None:
        raise UnusableDataset(
            gettext("{name} has no folder {split}/images.").format(name=dataset.name, split=split),
            details={"dataset": dataset.name},
        )
    try:
        with transaction.atomic():
            lock_account(owner and owner.pk)
            evaluation = Evaluation.objects.create(version=version, dataset=dataset, split=split, owner=owner)
            # Robust: when Redis is away the row is there all the same, and a worker finds it later.
            transaction.on_commit(lambda: send_evaluation(evaluation.pk), robust=True)
    except IntegrityError as error:
        raise EvaluationIsOpen() from error
    return evaluation


def send_evaluation(evaluation_id: int) -> None:
    """A message for the batch workers: the next turn of this evaluation."""
    done = Evaluation.objects.filter(pk=evaluation_id).values_list("done", flat=True).first()
    current_app.send_task("detector.tasks.evaluate", args=[evaluation_id, done])


def work_on_evaluation(*, evaluation_id: int, done: int | None = None) -> bool:
    """Take one turn at an open evaluation that nobody has; whether there is more to do.

    With `done`: only while so many pictures are looked at.
    """
    evaluation = _claim(evaluation_id, done)
    if evaluation is None:
        return False
    try:
        return _take_turn(evaluation)
    except (DatasetError, DetectorFileError, OSError) as error:
        _end(evaluation, state=State.FAILED, error=getattr(error, "message", str(error)))
    except DatabaseError:
        raise  # nothing can be written down: another worker goes on when the claim is old
    except Exception as error:  # such as ONNX Runtime's, which share no base
        logger.exception("evaluation %s failed", evaluation.pk)
        _end(evaluation, state=State.FAILED, error=f"{type(error).__name__}: {error}")
    return False


def recover_evaluations() -> int:
    """Send those that nobody has worked on for long to a worker again; returns how many there were."""
    limit = timezone.now() - timedelta(seconds=config.evaluation_claim_seconds)
    silent = Evaluation.objects.alias(touched=Coalesce("claimed_at", "created_at")).filter(
        state__in=OPEN, touched__lt=limit
    )
    silent.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=State.FAILED, error=WORKER_DIED, finished_at=timezone.now()
    )
    found = 0
    for evaluation_id in silent.filter(attempts__lt=MOST_ATTEMPTS).values_list("pk", flat=True):
        # Only one of the workers that look sends it.
        if silent.filter(pk=evaluation_id).update(claim="", claimed_at=timezone.now()):
            send_evaluation(evaluation_id)
            found += 1
    return found


def _claim(evaluation_id: int, done: int | None) -> Evaluation | None:
    now, claim = timezone.now(), secrets.token_hex(16)
    given_up = now - timedelta(seconds=config.evaluation_claim_seconds)
    free = Evaluation.objects.filter(Q(claim="") | Q(claimed_at__lt=given_up), pk=evaluation_id)
    if done is not None:
        free = free.filter(done=done)
    taken = free.filter(state__in=OPEN, attempts__lt=MOST_ATTEMPTS).update(
        state=State.RUNNING, claim=claim, claimed_at=now, attempts=F("attempts") + 1
    )
    if not taken:
        return None
    return Evaluation.objects.select_related("version", "dataset").filter(pk=evaluation_id).first()


def _take_turn(evaluation: Evaluation) -> bool:
    folder = Path(evaluation.dataset.folder)
    samples = _samples(evaluation.pk, folder, evaluation.split)
    if evaluation.total not in (0, len(samples)):
        raise DatasetError("The data set was changed while the version was looking at it. Evaluate it again.")
    version = evaluation.version
    predictor = _predictor(version.onnx.path, version.sha256)
    if evaluation.done < len(samples):
        _look_at_some(evaluation, samples, predictor, folder)
        return True
    pictures = pictures_of(evaluation)
    figures = summarize(frame_results(pictures), fast=True, curves=True, min_score=predictor.min_score)
    figures["min_score"] = predictor.min_score
    figures["unreadable"] = sum(bool(picture["problem"]) for picture in pictures)
    _end(evaluation, state=State.SUCCEEDED, figures=figures)
    return False


def _look_at_some(evaluation: Evaluation, samples: list[Sample], predictor: Predictor, folder: Path) -> None:
    end_at = time.monotonic() + config.evaluation_slice_seconds
    pictures: list[dict[str, Any]] = []
    for sample in samples[evaluation.done :]:
        picture = look_at(predictor, sample, folder)
        if picture["problem"] and find_split(folder, evaluation.split) is None:
            raise DatasetError(f"{folder} has no folder {evaluation.split}/images any more.")
        pictures.append(picture)
        if time.monotonic() > end_at:
            break
    with transaction.atomic():
        ours = Evaluation.objects.filter(pk=evaluation.pk, claim=evaluation.claim, state=State.RUNNING)
        if ours.update(
            done=evaluation.done + len(pictures),
            total=len(samples),
            claim="",
            claimed_at=timezone.now(),
            attempts=0,
        ):
            EvaluationPart.objects.create(evaluation=evaluation, start=evaluation.done, pictures=pictures)


def _end(evaluation: Evaluation, **values: Any) -> None:
    ours = Evaluation.objects.filter(pk=evaluation.pk, claim=evaluation.claim, state=State.RUNNING)
    with transaction.atomic():
        if ours.update(claim="", finished_at=timezone.now(), **values) and values["state"] == State.SUCCEEDED:
            _delete_superseded_parts(evaluation)
    logger.info(
        "evaluation %s (%s) %s %s", evaluation.pk, evaluation, values["state"], values.get("error", "")
    )


def _delete_superseded_parts(evaluation: Evaluation) -> None:
    """The pages show the newest one's pictures; of the ones before only the figures are kept."""
    before = Evaluation.objects.filter(
        version=evaluation.version_id, dataset=evaluation.dataset_id, split=evaluation.split
    ).exclude(pk=evaluation.pk)
    EvaluationPart.objects.filter(evaluation__in=before.exclude(state__in=OPEN)).delete()


@lru_cache(maxsize=1)
def _samples(evaluation_id: int, folder: Path, split: str) -> list[Sample]:
    """One evaluation's pictures, read once and not again at each turn."""
    name = folder.resolve().name
    return [replace(sample, source=sample.source or name) for sample in load_split(folder, split).samples]


@lru_cache(maxsize=1)
def _predictor(onnx: str, sha256: str) -> Predictor:
    predictor = Predictor(Path(onnx), sha256, runtime=config.engine_runtime)
    predictor.warm_up()
    return predictor
