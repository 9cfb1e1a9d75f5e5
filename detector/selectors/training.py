"""Reads of training runs."""

import json
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from detector.models import Dataset, TrainingRun

LOG_LINES = 30
LOG_BYTES = 16_000
SILENT_AFTER = timedelta(seconds=15)
RESUMABLE = (TrainingRun.Status.FAILED, TrainingRun.Status.CANCELLED)


def training_runs() -> QuerySet[TrainingRun]:
    """All runs, newest first, with what their pages show."""
    rows = TrainingRun.objects.select_related("owner", "version", "start_from")
    rows = rows.defer("version__card", "start_from__card")
    return rows.prefetch_related(Prefetch("datasets", Dataset.objects.defer("report")))


def waiting_runs() -> QuerySet[TrainingRun]:
    """The queue: the run that is next comes first."""
    return TrainingRun.objects.filter(status=TrainingRun.Status.QUEUED).order_by("queued_at", "pk")


def queue_place(run: TrainingRun) -> int | None:
    """1 for the waiting run that is next; None for one that does not wait."""
    if run.status != TrainingRun.Status.QUEUED:
        return None
    earlier = Q(queued_at__lt=run.queued_at) | Q(queued_at=run.queued_at, pk__lt=run.pk)
    return TrainingRun.objects.filter(earlier, status=TrainingRun.Status.QUEUED).count() + 1


def is_silent(run: TrainingRun) -> bool:
    """Whether the worker of a running run has not been heard of for a while; it may have died."""
    return (
        run.status == TrainingRun.Status.RUNNING
        and run.heartbeat_at is not None
        and timezone.now() - run.heartbeat_at > SILENT_AFTER
    )


def can_resume(run: TrainingRun) -> bool:
    """Whether the run can be queued once more; without a checkpoint it begins anew."""
    return run.status in RESUMABLE


def has_checkpoint(run: TrainingRun) -> bool:
    """Whether the run left something that it can go on from."""
    return bool(run.run_dir) and (Path(run.run_dir) / "last.pt").is_file()


def finished_epochs(run: TrainingRun) -> list[dict[str, Any]]:
    """A row an epoch: losses and validation figures, as the run wrote them into its folder; without a line
    that is not written to its end."""
    try:
        text = (Path(run.run_dir) / "metrics.jsonl").read_text(encoding="utf-8") if run.run_dir else ""
    except OSError:
        return []
    rows = []
    for line in text.splitlines():
        with suppress(ValueError):
            rows.append(json.loads(line))
    return rows


def last_log_lines(run: TrainingRun, count: int = LOG_LINES) -> list[str]:
    """The end of what the run's process has logged."""
    if not run.run_dir:
        return []
    try:
        with (Path(run.run_dir) / "train.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return [line.rpartition("\r")[2] for line in lines][-count:]
