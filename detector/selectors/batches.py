"""Reads of batches."""

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, F, Q, QuerySet

from detector.models import BatchItem, BatchJob, WebhookAttempt
from ml.config import EMOTIONS, UNKNOWN

COUNTED_STATES = ("running", "succeeded", "failed", "cancelled")


def batches() -> QuerySet[BatchJob]:
    """All batches, newest first, each with how many of its items are `running`, `succeeded`, `failed` and
    `cancelled`, and how many have `ended`."""
    counts = {state: Count("items", filter=Q(items__state=state)) for state in COUNTED_STATES}
    ended = F("succeeded") + F("failed") + F("cancelled")
    counted = BatchJob.objects.annotate(**counts).annotate(ended=ended)
    return counted.select_related("webhook").order_by("-created_at", "-id")


def batches_of(*, owner: AbstractBaseUser) -> QuerySet[BatchJob]:
    """The batches of one account, newest first, with their counts; nobody's for a stranger."""
    return batches().filter(owner_id=owner.pk) if owner.pk is not None else batches().none()


def expressions_of(*, batch: BatchJob) -> dict[str, int]:
    """How many of its pictures show which expression, by the surest face of each; `unknown` has no face."""
    looked_at = batch.items.filter(state=BatchItem.State.SUCCEEDED).order_by()
    found = dict(looked_at.values_list("emotion").annotate(Count("pk")))
    return {name: found.get(name, 0) for name in (*EMOTIONS, UNKNOWN)}


def retryable_items(batch: BatchJob) -> QuerySet[BatchItem]:
    """What can be looked at once more: what failed or was cancelled, but for what was never kept."""
    again = (BatchItem.State.FAILED, BatchItem.State.CANCELLED)
    return batch.items.filter(state__in=again).exclude(file="")


def webhook_attempts_of(*, batch: BatchJob) -> QuerySet[WebhookAttempt]:
    """Every call of its webhook, newest first."""
    return WebhookAttempt.objects.filter(webhook__batch=batch).order_by("-id")
