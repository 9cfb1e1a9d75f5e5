"""Reads of corrections."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, QuerySet, Sum
from django.utils.crypto import salted_hmac

from detector.models import RIGHT_LABELS, Correction
from ml.duplicates import Twin, find_twins, group_alike, stack

State = Correction.State
USED = (State.ACCEPTED, State.RELABELLED)
DECIDED = (*USED, State.REJECTED)
# Wider than between the splits of a data set: a camera has the same face a little further to the side. Of 800
# photographs of faces two are taken for another's.
MOST_BITS, MOST_GREY = 10, 8.0


def corrections_of(*, owner: AbstractBaseUser) -> QuerySet[Correction]:
    """Somebody's own, newest first."""
    return Correction.objects.filter(owner=owner).order_by("-created_at", "-id")


def hash_code(code: str) -> str:
    """What is kept of a withdrawal code; small letters, blanks and hyphens make no difference."""
    plain = "".join(code.upper().split()).replace("-", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def correction_with_code(code: str) -> Correction | None:
    """The one that this code withdraws."""
    if not code.strip():
        return None
    return Correction.objects.filter(code_hash=hash_code(code)).first()


def kept_bytes() -> int:
    """Bytes of all crops together."""
    return Correction.objects.aggregate(total=Sum("size"))["total"] or 0


def hash_sender(address: str | None) -> str:
    """What is kept of the network address of somebody without an account: tells whether two are the same, to
    this site only."""
    return salted_hmac("correction sender", address or "", algorithm="sha256").hexdigest()


def waiting_bytes(*, owner: AbstractBaseUser | None, sender: str) -> int:
    """Bytes of an account's crops that nobody has decided on or, without an account, of a `sender`'s."""
    whose = {"owner": owner} if owner else {"owner": None, "sender": sender}
    return Correction.objects.filter(state=State.WAITING, **whose).aggregate(total=Sum("size"))["total"] or 0


def waiting_corrections() -> QuerySet[Correction]:
    """Those that nobody has decided on, the longest waiting first."""
    return Correction.objects.filter(state=State.WAITING).order_by("id")


def next_waiting(*, after: int = 0) -> Correction | None:
    """The next in line behind the one with this id; from the front again where that was the last."""
    waiting = waiting_corrections().select_related("owner")
    return waiting.filter(pk__gt=after).first() or waiting.first()


def used_corrections() -> QuerySet[Correction]:
    """Those that a data set is made of."""
    return Correction.objects.filter(state__in=USED).exclude(crop="").order_by("id")


def last_decision_of(reviewer: AbstractBaseUser) -> Correction | None:
    """What this person decided on last; None where that was rejected and its picture is erased."""
    decided = Correction.objects.filter(reviewer=reviewer, state__in=DECIDED).order_by("-reviewed_at")
    last = decided.first()
    return last if last is not None and last.signature else None


def counts_by_label() -> dict[str, int]:
    """How many accepted ones there are of each expression, and of what is no face."""
    rows = used_corrections().order_by().values("final_label").annotate(count=Count("pk"))
    counted = {row["final_label"]: row["count"] for row in rows}
    return {label: counted.get(label, 0) for label in RIGHT_LABELS}


def twin_of(correction: Correction) -> Correction | None:
    """The correction that looks most like the same face, of those in use first; None where none does."""
    others = Correction.objects.exclude(pk=correction.pk).exclude(signature=b"").order_by("id")
    for rows in (others.filter(state__in=USED), others.exclude(state__in=USED)):
        found = list(rows.values_list("pk", "signature"))
        if twins := look_alikes(_signatures([correction.signature]), _signatures([row[1] for row in found])):
            return Correction.objects.filter(pk=found[twins[0].second][0]).first()
    return None


def _signatures(stored: Sequence[bytes]) -> np.ndarray:
    return stack([np.frombuffer(signature, np.uint8) for signature in stored])


def look_alikes(first: np.ndarray, second: np.ndarray) -> list[Twin]:
    """For each signature [72] of `first` [n, 72] the nearest in `second` that looks like the same face."""
    return find_twins(first, second, most_bits=MOST_BITS, most_grey=MOST_GREY)


def first_alike(corrections: Sequence[Correction]) -> list[int]:
    """For each the index of the earliest one that it looks like, directly or by others in between."""
    signatures = _signatures([correction.signature for correction in corrections])
    return group_alike(signatures, most_bits=MOST_BITS, most_grey=MOST_GREY)


def count_corrections(*, owner: AbstractBaseUser) -> int:
    """How many an account has."""
    return corrections_of(owner=owner).count()


def export_corrections(*, owner: AbstractBaseUser) -> Iterator[dict[str, Any]]:
    """All that is known of an account's corrections, as JSON-ready objects; `file` names the crop, which
    `detector.services.correction_files.read_crop` reads, and is null once that is erased."""
    for row in corrections_of(owner=owner):
        yield {
            "id": row.pk,
            "created_at": row.created_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
            "consent": {"version": row.consent_version, "at": row.consent_at.isoformat()},
            "shown": {"label": row.shown_label, "score": row.shown_score, "detector": row.detector},
            "box": {"x1": row.x1, "y1": row.y1, "x2": row.x2, "y2": row.y2},
            "label": row.label,
            "final_label": row.final_label or None,
            "state": row.state,
            "file": row.file_name if row.crop else None,
            "datasets": [dataset.name for dataset in row.datasets.all()],
        }
