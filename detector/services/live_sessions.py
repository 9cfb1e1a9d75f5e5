"""Live sessions: keeping one, naming it, deleting it. What nobody keeps is stored nowhere."""

import logging

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext

from detector.conf import config
from detector.errors import HamsterError
from detector.models import LiveSession
from detector.services.account_rows import lock_account
from detector.services.disk_room import check_room_for_rows
from detector.session_record import MAX_BYTES, SessionRecord

logger = logging.getLogger(__name__)


class TooManySessions(HamsterError):
    """The account keeps as many as it may."""

    code = "too_many_sessions"
    status = 409

    def __init__(self) -> None:
        limit = config.live_session_max_kept
        super().__init__(
            gettext("You keep {limit} sessions, as many as fit. Delete one first.").format(limit=limit),
            details={"max_kept": limit},
        )


def keep_session(*, owner: AbstractBaseUser, record: SessionRecord) -> LiveSession:
    """Store a session for its owner. Raises TooManySessions, DiskFull, AccountGone; then nothing is kept."""
    check_room_for_rows(MAX_BYTES)
    session = LiveSession(
        owner=owner,
        name=record.name,
        started_at=record.started_at,
        duration_ms=record.duration_ms,
        frames_sent=record.frames_sent,
        frames_answered=record.frames_answered,
        detectors=record.detectors,
        summary=record.summary(),
        ribbon=record.ribbon(),
        moments=record.moments,
        samples=record.samples,
    )
    with transaction.atomic():
        # Whoever else keeps one for this account waits here, so that none is counted too late.
        lock_account(owner.pk)
        if LiveSession.objects.filter(owner=owner).count() >= config.live_session_max_kept:
            raise TooManySessions()
        session.save()
    logger.info("live session %s is kept, %d samples", session.pk, len(record.rows))
    return session


def rename_session(*, session: LiveSession, name: str) -> None:
    """Call it something else; `name` is one that `read_name` gave."""
    LiveSession.objects.filter(pk=session.pk).update(name=name)


def delete_session(*, session: LiveSession) -> None:
    """Delete it for good."""
    LiveSession.objects.filter(pk=session.pk).delete()
    logger.info("live session %s is deleted", session.pk)
