"""Rows that name folders of this machine, when a site has moved to other ones."""

from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from detector.models import Dataset, TrainingRun


def relocate(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rewrite what rows say of these folders, each (before, now), and of what is in them. The first that fits
    counts."""
    with transaction.atomic():
        for dataset in Dataset.objects.only("folder"):
            Dataset.objects.filter(pk=dataset.pk).update(folder=_moved(dataset.folder, moves))
        for run in TrainingRun.objects.only("run_dir", "init_weights", "data_dirs"):
            TrainingRun.objects.filter(pk=run.pk).update(
                run_dir=_moved(run.run_dir, moves),
                init_weights=_moved(run.init_weights, moves),
                data_dirs=[_moved(folder, moves) for folder in run.data_dirs],
            )


def _moved(text: str, moves: Sequence[tuple[Path, Path]]) -> str:
    for before, now in moves:
        if text and Path(text).is_relative_to(before):
            return str(now / Path(text).relative_to(before))
    return text
