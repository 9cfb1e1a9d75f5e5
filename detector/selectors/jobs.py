"""Reads over all kinds of background work."""

from django.db.models import Count, Model

from detector.models import BatchItem, BatchJob, Dataset, Evaluation, JobState, TrainingRun

KINDS: dict[str, tuple[type[Model], str]] = {
    "batch": (BatchJob, "state"),
    "batch_item": (BatchItem, "state"),
    "training_run": (TrainingRun, "status"),
    "dataset_check": (Dataset, "state"),
    "evaluation": (Evaluation, "state"),
}
"""Each kind of job, and the field that says where it stands."""


def jobs_by_state() -> dict[tuple[str, str], int]:
    """How many there are of each kind in each state, noughts included."""
    counts = {(kind, state.value): 0 for kind in KINDS for state in JobState}
    for kind, (model, field) in KINDS.items():
        rows = model.objects.order_by().values_list(field).annotate(count=Count("pk"))
        counts |= {(kind, state): count for state, count in rows}
    return counts
