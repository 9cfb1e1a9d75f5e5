"""Rows of training runs for tests."""

from detector.models import TrainingRun


def run_in(status: str, **values: object) -> TrainingRun:
    return TrainingRun.objects.create(name="run", status=status, **values)


def status_of(run: TrainingRun) -> str:
    return TrainingRun.objects.get(pk=run.pk).status
