"""Reads: where the checkpoint of a detector version lies, from which a run can learn on."""

from pathlib import Path

from django.db.models import F, Prefetch

from detector.conf import config
from detector.models import DetectorVersion, TrainingRun
from ml.predictor import sha256_of


def checkpoint_of(version: DetectorVersion) -> Path | None:
    """The .pt of a version: beside the shipped file, or in the folder of the run that made it; None where
    there is none (any more)."""
    for run in version.training_runs.all():
        checkpoint = Path(run.run_dir) / "detector.pt"
        if run.run_dir and checkpoint.is_file():
            return checkpoint
    shipped = Path(config.shipped_detector)
    beside = shipped.with_suffix(".pt")
    if version.source == DetectorVersion.Source.SHIPPED and beside.is_file():
        return beside if shipped.is_file() and sha256_of(shipped) == version.sha256 else None
    return None


def versions_to_start_from() -> list[DetectorVersion]:
    """The versions that have a checkpoint, newest first."""
    runs = Prefetch("training_runs", TrainingRun.objects.order_by(F("finished_at").desc(nulls_last=True)))
    return [version for version in DetectorVersion.objects.prefetch_related(runs) if checkpoint_of(version)]
