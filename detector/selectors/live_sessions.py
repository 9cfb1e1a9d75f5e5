"""Reads of kept live sessions."""

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from detector.models import LiveSession


def live_sessions_of(*, owner: AbstractBaseUser) -> QuerySet[LiveSession]:
    """The sessions that one account has kept, newest first; none for a stranger."""
    kept = LiveSession.objects.order_by("-created_at", "-id")
    return kept.filter(owner_id=owner.pk) if owner.pk is not None else kept.none()


def listed_live_sessions_of(*, owner: AbstractBaseUser) -> QuerySet[LiveSession]:
    """The same for a list, which shows neither moments nor samples."""
    return live_sessions_of(owner=owner).defer("moments", "samples")
