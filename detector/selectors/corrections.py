"""Reads of corrections."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, QuerySet, Sum

from detector.models import RIGHT_LABELS, Correction
from ml.duplicates import find_twins, stack

State = Correction.State
USED = (State.ACCEPTED, State.RELABELLED)
DECIDED = (*USED, State.REJECTED)


def corrections_of(*, owner: AbstractBaseUser) -> QuerySet[Correction]:
    """Somebody's own, newest first; withdrawn ones are among them until their time is over."""
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
    """What this person decided on last, unless it was withdrawn since."""
    return Correction.objects.filter(reviewer=reviewer, state__in=DECIDED).order_by("-reviewed_at").first()


def counts_by_label() -> dict[str, int]:
    """How many accepted ones there are of each expression, and of what is no face."""
    rows = used_corrections().order_by().values("final_label").annotate(count=Count("pk"))
    counted = {row["final_label"]: row["count"] for row in rows}
    return {label: counted.get(label, 0) for label in RIGHT_LABELS}


def twin_of(correction: Correction) -> Correction | None:
    """The other correction whose crop looks most like this one's, where one looks alike at all."""
    others = Correction.objects.exclude(pk=correction.pk).exclude(crop="").order_by("id")
    rows = list(others.values_list("pk", "signature"))
    ours = stack([np.frombuffer(correction.signature, np.uint8)])
    twins = find_twins(ours, stack([np.frombuffer(signature, np.uint8) for _, signature in rows]))
    return Correction.objects.filter(pk=rows[twins[0].second][0]).first() if twins else None


def count_corrections(*, owner: AbstractBaseUser) -> int:
    """How many an account has, withdrawn ones too while they are listed."""
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
