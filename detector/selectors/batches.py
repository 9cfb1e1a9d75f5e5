"""Reads of batches."""

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, Q, QuerySet

from detector.models import BatchJob

COUNTED_STATES = ("running", "succeeded", "failed", "cancelled")


def batches() -> QuerySet[BatchJob]:
    """All batches, newest first, each with how many of its items are `running`, `succeeded`, `failed` and
    `cancelled`."""
    counts = {state: Count("items", filter=Q(items__state=state)) for state in COUNTED_STATES}
    return BatchJob.objects.annotate(**counts).order_by("-created_at", "-id")


def batches_of(*, owner: AbstractBaseUser) -> QuerySet[BatchJob]:
    """The batches of one account, newest first, with their counts; nobody's for a stranger."""
    return batches().filter(owner_id=owner.pk) if owner.pk is not None else batches().none()
