"""Reads of API tokens."""

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from detector.models import ApiToken


def tokens_of(*, owner: AbstractBaseUser) -> QuerySet[ApiToken]:
    """The tokens of one account, newest first, those that have ended too; nobody's for a stranger."""
    return ApiToken.objects.filter(owner_id=owner.pk) if owner.pk is not None else ApiToken.objects.none()
