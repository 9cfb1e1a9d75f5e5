"""Reads. Pages, views and the engine ask here; nothing in this module writes."""

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, Q, QuerySet

from detector.models import BatchJob, DetectorVersion

COUNTED_STATES = ("running", "succeeded", "failed", "cancelled")


def detector_versions() -> QuerySet[DetectorVersion]:
    """All registered versions, newest first."""
    return DetectorVersion.objects.all()


def active_detector() -> DetectorVersion | None:
    """The version every process should be serving, or None before the first one is registered."""
    return (
        DetectorVersion.objects.filter(state=DetectorVersion.State.ACTIVE).select_related("previous").first()
    )


def batches() -> QuerySet[BatchJob]:
    """All batches, newest first, each with how many of its items are `running`, `succeeded`, `failed` and
    `cancelled`."""
    counts = {state: Count("items", filter=Q(items__state=state)) for state in COUNTED_STATES}
    return BatchJob.objects.annotate(**counts).order_by("-created_at", "-id")


def batches_of(*, owner: AbstractBaseUser) -> QuerySet[BatchJob]:
    """The batches of one account, newest first, with their counts; nobody's for a stranger."""
    return batches().filter(owner_id=owner.pk) if owner.pk is not None else batches().none()
