"""Corrections: taking one in, withdrawing it, erasing what is withdrawn or has had its time.

Whatever ends a correction first marks its row, in a transaction; the files go after that. A process that dies
in between leaves a marked row with files, and every worker's look finds those and goes on.
"""

import logging
import math
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.consent import consent_in_force
from detector.errors import HamsterError
from detector.models import RIGHT_LABELS, Correction
from detector.selectors.corrections import corrections_of, hash_code, kept_bytes
from detector.services.account_rows import lock_account
from detector.services.correction_files import delete_crop, redraw, remove_from_dataset, store
from detector.services.datasets import CheckRunning, check_again
from ml.config import EMOTIONS

logger = logging.getLogger(__name__)
State = Correction.State
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read as something else
CODE_LENGTH, CODE_GROUP = 24, 4  # 120 bits: not to be guessed, and as good as a salt
LEAST_SIDE = 0.05  # of the crop: a smaller box shows no face in 320 pixels


class NoConsent(HamsterError):
    """Sent without a word on whether the picture may be kept."""

    code = "no_consent"
    message = _(
        "Without consent nothing is kept. Send the version of the text that was agreed to as `consent`."
    )


class ConsentChanged(HamsterError):
    """The text that was agreed to is not the one in force."""

    code = "consent_changed"
    status = 409
    message = _("What is asked has changed since this page was loaded. Load it again and look at it.")


class BadBox(HamsterError):
    """No box of a face inside the crop."""

    code = "bad_box"
    message = _(
        "The box has to lie inside the picture, as fractions of it, and to take a twentieth of each side."
    )


class BadLabel(HamsterError):
    """No expression."""

    code = "bad_label"

    def __init__(self) -> None:
        super().__init__(gettext("Choose one of {labels}.").format(labels=", ".join(RIGHT_LABELS)))


class NothingToCorrect(HamsterError):
    """The right label is the one that was shown."""

    code = "nothing_to_correct"
    message = _("That is what was shown. Choose what it looks like instead.")


class CorrectionsFull(HamsterError):
    """All crops together take as much room as they may."""

    code = "corrections_full"
    status = 507
    message = _("There is no room for more corrections at the moment. Nothing was kept.")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the detector had said: label, score 0..1, and the version's name."""

    label: str
    score: float
    detector: str


def submit_correction(
    *,
    owner: AbstractBaseUser | None,
    picture: bytes,
    box: Mapping[str, float],
    shown: Shown,
    label: str,
    consent: str,
) -> tuple[Correction, str]:
    """Keep a crop of a face with what it looks like; returns the row and, without an owner, the code that
    withdraws it (else ""). The code is nowhere else: only its hash is kept.

    `box` has x1, y1, x2, y2 as fractions of `picture`. Raises NoConsent, ConsentChanged, BadBox, BadLabel,
    NothingToCorrect, CorrectionsFull, DiskFull, AccountGone, ml.images.ImageError; then nothing is kept.
    """
    asked = consent_in_force()
    if not consent:
        raise NoConsent()
    if consent != asked.version:
        raise ConsentChanged()
    if label not in RIGHT_LABELS or shown.label not in EMOTIONS:
        raise BadLabel()
    if label == shown.label:
        raise NothingToCorrect()
    _check_box(box)
    crop = redraw(picture)
    _check_room(len(crop.jpeg))
    now, code = timezone.now(), "" if owner else new_code()
    correction = Correction(
        owner=owner,
        code_hash=code and hash_code(code),
        expires_at=now + timedelta(days=asked.days),
        consent_version=asked.version,
        consent_at=now,
        key=secrets.token_hex(16),
        signature=crop.signature,
        **{side: float(box[side]) for side in ("x1", "y1", "x2", "y2")},
        shown_label=shown.label,
        shown_score=shown.score,
        detector=shown.detector,
        label=label,
    )
    store(correction, crop.jpeg)
    try:
        with transaction.atomic():
            lock_account(owner and owner.pk)
            correction.save()
    except BaseException:
        delete_crop(correction.crop.name)
        raise
    logger.info("%s came in: shown %s, said to be %s", correction, shown.label, label)
    return correction, code


def withdraw_correction(*, correction: Correction) -> None:
    """End a correction and erase its picture, also in data sets. One that is withdrawn already stays so."""
    with transaction.atomic():
        Correction.objects.filter(pk=correction.pk).update(state=State.WITHDRAWN)
        transaction.on_commit(lambda: _erase(correction.pk))
    logger.info("%s was withdrawn", correction)


def delete_corrections(*, owner: AbstractBaseUser) -> int:
    """Erase all corrections of an account and forget them; returns how many there were.

    What can't be erased at once, on a disk that fails, say, belongs to nobody then and is tried again.
    """
    ids = list(corrections_of(owner=owner).values_list("pk", flat=True))
    with transaction.atomic():
        Correction.objects.filter(pk__in=ids).update(
            state=State.WITHDRAWN, owner=None, code_hash="", expires_at=timezone.now()
        )
        transaction.on_commit(expire_corrections)
    return len(ids)


def expire_corrections() -> int:
    """Erase what has had its time, what belongs to an account that is gone, and what a withdrawal left over;
    returns how many were ended here. Rows whose time is over are forgotten."""
    now = timezone.now()
    with transaction.atomic():
        is_over = Q(expires_at__lte=now) | Q(owner=None, code_hash="")
        going_on = Correction.objects.exclude(state=State.WITHDRAWN)
        ended = going_on.filter(is_over).update(state=State.WITHDRAWN)
    unfinished = Correction.objects.filter(Q(state=State.WITHDRAWN), ~Q(crop="") | Q(datasets__isnull=False))
    for pk in list(unfinished.values_list("pk", flat=True).distinct()):
        _erase(pk)
    erased = Correction.objects.filter(state=State.WITHDRAWN, crop="", datasets__isnull=True)
    erased.filter(Q(expires_at__lte=now) | Q(owner=None, code_hash="")).delete()
    return ended


def new_code() -> str:
    """A withdrawal code, in groups that can be read out: `AB2C-...`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[start : start + CODE_GROUP] for start in range(0, CODE_LENGTH, CODE_GROUP))


def _check_box(box: Mapping[str, float]) -> None:
    corners = [box[side] for side in ("x1", "y1", "x2", "y2")]
    if not all(math.isfinite(corner) and 0.0 <= corner <= 1.0 for corner in corners):
        raise BadBox()
    x1, y1, x2, y2 = corners
    if min(x2 - x1, y2 - y1) < LEAST_SIDE:
        raise BadBox()


def _check_room(size: int) -> None:
    if kept_bytes() + size > config.correction_quota_bytes:
        raise CorrectionsFull()


def _erase(pk: int) -> None:
    """Delete the files of a withdrawn correction and what could be told from them."""
    correction = Correction.objects.filter(pk=pk, state=State.WITHDRAWN).first()
    if correction is None:
        return
    for dataset in correction.datasets.all():
        if remove_from_dataset(dataset, correction.file_name):
            correction.datasets.remove(dataset)
            with suppress(CheckRunning):  # deleted just now
                check_again(dataset=dataset, begin_anew=True)  # its report spoke of the picture
    if correction.crop and delete_crop(correction.crop.name):
        Correction.objects.filter(pk=pk).update(crop="", size=0, signature=b"")
