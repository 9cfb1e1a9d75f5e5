"""Corrections: taking one in, withdrawing it, erasing what is withdrawn or has had its time.

Whatever ends a correction first marks its row, in a transaction; from then on it belongs to nobody. The files
go after that, and the row last. A process that dies in between leaves a marked row, and every worker's look
finds those and goes on.
"""

import logging
import math
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from detector.conf import config
from detector.consent import consent_in_force
from detector.models import RIGHT_LABELS, Correction
from detector.selectors.corrections import corrections_of, hash_code, hash_sender, kept_bytes, waiting_bytes
from detector.services.account_rows import lock_account
from detector.services.correction_codes import new_code
from detector.services.correction_files import delete_crop, redraw, remove_from_dataset, store
from detector.services.correction_refusals import (
    BadBox,
    BadLabel,
    ConsentChanged,
    CorrectionsFull,
    CorrectionShareFull,
    NoConsent,
    NothingToCorrect,
)
from detector.services.datasets import CheckRunning, check_again
from detector.services.locks import Lock, hold
from detector.services.repeat_keys import KeyTaken, hash_key
from ml.config import EMOTIONS

logger = logging.getLogger(__name__)
State = Correction.State
UNDO_TIME = timedelta(minutes=1)
"""So long a rejected one can be taken back; then its picture is erased."""
TO_ERASE = Q(state=State.WITHDRAWN) | Q(state=State.REJECTED, signature=b"")
LEAST_SIDE = 0.05  # of the crop: a smaller box shows no face in 320 pixels


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
    address: str | None = None,
    key: str = "",
) -> tuple[Correction, str]:
    """Keep a crop of a face with what it looks like; returns the row and, without an owner, the code that
    withdraws it (else ""). The code is nowhere else: only its hash is kept. Where one came with this `key`
    already, that is returned, and nothing more is kept.

    `box` has x1, y1, x2, y2 as fractions of `picture`; `address` is where somebody without an account sends
    from. Raises NoConsent, ConsentChanged, BadBox, BadLabel, NothingToCorrect, CorrectionsFull,
    CorrectionShareFull, DiskFull, AccountGone, BadKey, KeyTaken, ml.images.ImageError; then nothing is kept.
    """
    said = {
        **{side: float(box[side]) for side in ("x1", "y1", "x2", "y2")},
        **{
            "shown_label": shown.label,
            "shown_score": shown.score,
            "detector": shown.detector,
            "label": label,
        },
    }
    repeat_key = key and hash_key(key, owner and owner.pk, of="correction")
    code = "" if owner else new_code(key)
    if (earlier := _sent_before(repeat_key, said, picture)) is not None:
        return earlier, code
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
    sender = "" if owner else hash_sender(address)
    _check_room(len(crop.jpeg), owner, sender)
    now = timezone.now()
    correction = Correction(
        owner=owner,
        code_hash=code and hash_code(code),
        sender=sender,
        repeat_key=repeat_key,
        expires_at=now + timedelta(days=asked.days),
        consent_version=asked.version,
        consent_at=now,
        key=secrets.token_hex(16),
        signature=crop.signature,
        **said,
    )
    store(correction, crop.jpeg)
    try:
        with transaction.atomic():
            lock_account(owner and owner.pk)
            hold(Lock.CORRECTIONS)  # strangers have no row to lock, and the room is everybody's
            _check_room(len(crop.jpeg), owner, sender)  # others may have come in meanwhile
            correction.save()
    except BaseException as error:
        delete_crop(correction.crop.name)
        if isinstance(error, IntegrityError) and (earlier := _sent_before(repeat_key, said, picture)):
            return earlier, code  # both came at once
        raise
    logger.info("%s came in: shown %s, said to be %s", correction, shown.label, label)
    return correction, code


def withdraw_correction(*, correction: Correction) -> None:
    """Erase a correction with its picture, also in data sets. One that is gone already stays so."""
    _withdraw(Correction.objects.filter(pk=correction.pk))


def withdraw_with_codes(codes: Iterable[str]) -> int:
    """Withdraw those with these codes; returns how many there were. Codes of none are passed over."""
    return _withdraw(Correction.objects.filter(code_hash__in={hash_code(code) for code in codes}))


def delete_corrections(*, owner: AbstractBaseUser) -> int:
    """Withdraw all corrections of an account; returns how many there were."""
    return _withdraw(corrections_of(owner=owner))


def _withdraw(corrections: QuerySet[Correction]) -> int:
    """What can't be erased at once, on a disk that fails, say, belongs to nobody then and is tried again."""
    ids = list(corrections.values_list("pk", flat=True))
    with transaction.atomic():
        _end(Correction.objects.filter(pk__in=ids))
        transaction.on_commit(lambda: _erase_all(Correction.objects.filter(pk__in=ids)))
    for pk in ids:
        logger.info("correction %s was withdrawn", pk)
    return len(ids)


def _end(corrections: QuerySet[Correction]) -> int:
    """From here on nobody finds them; returns how many there were."""
    return corrections.update(
        state=State.WITHDRAWN, owner=None, code_hash="", sender="", repeat_key="", signature=b""
    )


def expire_corrections() -> int:
    """Erase what has had its time, what belongs to an account that is gone, the pictures of rejected ones,
    and what a withdrawal left over; returns how many were ended here."""
    now = timezone.now()
    with transaction.atomic():
        is_over = Q(expires_at__lte=now) | Q(owner=None, code_hash="")
        going_on = Correction.objects.exclude(state=State.WITHDRAWN)
        ended = _end(going_on.filter(is_over))
        # From here on its reviewer can't take it back.
        to_forget = going_on.filter(state=State.REJECTED, reviewed_at__lte=now - UNDO_TIME)
        to_forget.exclude(signature=b"").update(signature=b"")
    _erase_all(Correction.objects.filter(TO_ERASE))
    return ended


def _check_box(box: Mapping[str, float]) -> None:
    corners = [box[side] for side in ("x1", "y1", "x2", "y2")]
    if not all(math.isfinite(corner) and 0.0 <= corner <= 1.0 for corner in corners):
        raise BadBox()
    x1, y1, x2, y2 = corners
    if min(x2 - x1, y2 - y1) < LEAST_SIDE:
        raise BadBox()


def _sent_before(repeat_key: str, said: Mapping[str, object], picture: bytes) -> Correction | None:
    """The correction that came with this key. Raises KeyTaken if it said something else or, as long as that
    can be told, showed something else."""
    earlier = Correction.objects.filter(repeat_key=repeat_key).first() if repeat_key else None
    if earlier is None:
        return None
    looks = bytes(earlier.signature)
    if any(getattr(earlier, name) != value for name, value in said.items()) or (
        looks and looks != redraw(picture).signature
    ):
        raise KeyTaken()
    return earlier


def _check_room(size: int, owner: AbstractBaseUser | None, sender: str) -> None:
    if waiting_bytes(owner=owner, sender=sender) + size > config.correction_share_bytes:
        raise CorrectionShareFull()
    if kept_bytes() + size > config.correction_quota_bytes:
        raise CorrectionsFull()


def _erase_all(corrections: QuerySet[Correction]) -> None:
    """Delete the files of withdrawn and rejected ones, and the rows of withdrawn ones without any."""
    unfinished = corrections.filter(~Q(crop="") | Q(datasets__isnull=False))
    for pk in list(unfinished.values_list("pk", flat=True).distinct()):
        _erase(pk)
    corrections.filter(state=State.WITHDRAWN, crop="", datasets__isnull=True).delete()


def _erase(pk: int) -> None:
    """Delete the files of a withdrawn or rejected correction and what could be told from them."""
    correction = Correction.objects.filter(TO_ERASE, pk=pk).first()
    if correction is None:
        return
    for dataset in correction.datasets.all():
        if remove_from_dataset(dataset, correction.file_name):
            correction.datasets.remove(dataset)
            with suppress(CheckRunning):  # deleted just now
                check_again(dataset=dataset, begin_anew=True)  # its report spoke of the picture
    if correction.crop and delete_crop(correction.crop.name):
        Correction.objects.filter(pk=pk).update(crop="", size=0, signature=b"")
