"""Predictions that somebody asked to keep: keeping one, deleting it, deleting what is too old."""

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from detector.conf import KIB, config
from detector.errors import HamsterError
from detector.models import Prediction
from detector.selectors.predictions import predictions_of
from detector.services.account_rows import lock_account
from detector.services.batch_intake import tidy_name
from detector.services.disk_room import check_room_for_rows
from detector.thumbnails import SMALL, thumbnail
from ml.images import upright_size

logger = logging.getLogger(__name__)
MOST_BYTES = 256 * KIB  # of a row: a hundred faces, and a small picture


class TooManyKept(HamsterError):
    """The account keeps as many predictions as it may."""

    code = "too_many_kept"
    status = 409

    def __init__(self) -> None:
        limit = config.kept_max
        super().__init__(
            gettext(
                "You keep {limit} results already, and no more are possible. Delete some, or send this "
                "picture without keeping its result."
            ).format(limit=limit),
            details={"max_kept": limit},
        )


def check_room(*, owner: AbstractBaseUser) -> None:
    """Raises TooManyKept if the account may keep no more, DiskFull if the site has no room for it."""
    check_room_for_rows(MOST_BYTES)
    if Prediction.objects.filter(owner=owner).count() >= config.kept_max:
        raise TooManyKept()


def keep_prediction(
    *,
    owner: AbstractBaseUser,
    name: str,
    content: bytes,
    result: dict[str, Any],
    with_thumbnail: bool = False,
) -> Prediction:
    """Keep what was found in a picture, `result` as the API gives it, and a small copy if so wished.

    `content` is the picture's file, which is not kept. Raises TooManyKept, DiskFull, AccountGone or
    ml.images.ImageError.
    """
    width, height = upright_size(content, max_pixels=config.upload_max_pixels)
    prediction = Prediction(
        owner=owner,
        expires_at=timezone.now() + timedelta(days=config.kept_retention_days),
        name=tidy_name(name),
        width=width,
        height=height,
        result=result,
        emotion=result["emotion"],
        detector=result["detector"],
        thumbnail=thumbnail(content, side=SMALL) if with_thumbnail else None,
    )
    with transaction.atomic():
        # Whoever else keeps one for this account waits here, so that none is counted too late.
        lock_account(owner.pk)
        check_room(owner=owner)
        prediction.save()
    return prediction


def delete_prediction(*, prediction: Prediction) -> None:
    """Delete one, at once and for good."""
    Prediction.objects.filter(pk=prediction.pk).delete()


def delete_predictions(*, owner: AbstractBaseUser, emotion: str = "") -> int:
    """Delete what the account keeps, of one `emotion` or of all; how many these were."""
    return predictions_of(owner=owner, emotion=emotion).delete()[0]


def expire_predictions() -> int:
    """Delete the predictions whose time is over; how many these were."""
    count = Prediction.objects.filter(expires_at__lte=timezone.now()).delete()[0]
    if count:
        logger.info("%d kept predictions have expired", count)
    return count
