"""The review of corrections: accept, relabel, reject, and take the last decision back.

A decision is a conditional UPDATE, so of two people who decide on the same one at once the first decides and
the second is told.
"""

import logging

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from detector.errors import HamsterError
from detector.models import RIGHT_LABELS, Correction
from detector.selectors.corrections import last_decision_of
from detector.services.corrections import BadLabel

logger = logging.getLogger(__name__)
State = Correction.State
SAID = {
    State.ACCEPTED: _("Correction {id} was accepted meanwhile. Your decision was not noted."),
    State.RELABELLED: _("Correction {id} was given another label meanwhile. Your decision was not noted."),
    State.REJECTED: _("Correction {id} was rejected meanwhile. Your decision was not noted."),
    State.WITHDRAWN: _("Correction {id} was withdrawn meanwhile. Your decision was not noted."),
    State.WAITING: _("A decision on correction {id} was taken back meanwhile. Yours was not noted."),
}


class AlreadyDecided(HamsterError):
    """It does not wait any more."""

    code = "already_decided"
    status = 409

    def __init__(self, pk: int, state: State) -> None:
        super().__init__(SAID[state].format(id=pk))


class NothingToUndo(HamsterError):
    """No decision of this person stands."""

    code = "nothing_to_undo"
    status = 409
    message = _("There is no decision of yours to take back.")


def accept_correction(*, correction: Correction, reviewer: AbstractBaseUser) -> Correction:
    """Use it as its sender labelled it. Raises AlreadyDecided."""
    return _decide(correction, reviewer, State.ACCEPTED, correction.label)


def relabel_correction(*, correction: Correction, reviewer: AbstractBaseUser, label: str) -> Correction:
    """Use it with this label; with its sender's it is accepted. Raises BadLabel, AlreadyDecided."""
    if label not in RIGHT_LABELS:
        raise BadLabel()
    state = State.ACCEPTED if label == correction.label else State.RELABELLED
    return _decide(correction, reviewer, state, label)


def reject_correction(*, correction: Correction, reviewer: AbstractBaseUser) -> Correction:
    """Use it for nothing; soon its picture is erased. Raises AlreadyDecided."""
    return _decide(correction, reviewer, State.REJECTED, "")


def undo_decision(*, reviewer: AbstractBaseUser) -> Correction:
    """Let what this person decided on last wait again; data sets that were made stay as they are. Not so what
    was rejected more than a minute ago: its picture is erased.

    Raises NothingToUndo.
    """
    correction = last_decision_of(reviewer)
    if correction is None:
        raise NothingToUndo()
    standing = Correction.objects.filter(pk=correction.pk, reviewer=reviewer, state=correction.state)
    standing = standing.exclude(signature=b"")
    with transaction.atomic():  # so that nobody withdraws it in between
        if not standing.update(state=State.WAITING, final_label="", reviewer=None, reviewed_at=None):
            raise NothingToUndo()
        correction.refresh_from_db()
    logger.info("the decision on %s was taken back by %s", correction, reviewer)
    return correction


def _state_of(pk: int) -> State:
    """What became of the correction with this id: one that is gone was withdrawn."""
    found = Correction.objects.filter(pk=pk).first()
    return State(found.state) if found else State.WITHDRAWN


def _decide(correction: Correction, reviewer: AbstractBaseUser, state: State, label: str) -> Correction:
    waiting = Correction.objects.filter(pk=correction.pk, state=State.WAITING)
    with transaction.atomic():  # so that nobody withdraws it in between
        decided = waiting.update(
            state=state, final_label=label, reviewer=reviewer, reviewed_at=timezone.now(), sender=""
        )
        if not decided:
            raise AlreadyDecided(correction.pk, _state_of(correction.pk))
        correction.refresh_from_db()
    logger.info("%s was %s by %s", correction, state, reviewer)
    return correction
