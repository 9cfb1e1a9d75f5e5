"""A shadow: a version that looks at a share of the live frames beside the active one, and is only counted."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.models import AuditEntry, DetectorVersion, ShadowCount, ShadowPace
from detector.services.versions import VersionError, record, try_out
from detector.shadow_tally import ShadowTally

logger = logging.getLogger(__name__)
Action = AuditEntry.Action


class AlreadyShadow(VersionError):
    """Another version is the shadow, or this one."""

    code = "already_shadow"

    def __init__(self, name: str) -> None:
        said = gettext("{name} is running as a shadow. Stop it first: there is one at a time.")
        super().__init__(said.format(name=name), details={"shadow": name})


class ActiveCantShadow(VersionError):
    """The active version beside itself would always agree."""

    code = "active_version"
    message = _("This version is the active one: as a shadow it would only be compared with itself.")


class NotShadow(VersionError):
    """Stopping what does not run."""

    code = "not_shadow"
    message = _("This version is not running as a shadow.")


class BadShare(VersionError):
    """A share of the frames that is none."""

    code = "bad_share"
    status = 400
    message = _("The share of the live frames must be more than 0 and at most 1.")


def start_shadow(
    *, version: DetectorVersion, actor: AbstractBaseUser | None, share: float | None = None
) -> DetectorVersion:
    """Let a version look at `share` of the live frames (the setting by default); counting begins anew.

    Raises `UnusableDetectorFile`, `AlreadyShadow`, `ActiveCantShadow`, `BadShare`.
    """
    share = config.shadow_share if share is None else share
    if not 0 < share <= 1:
        raise BadShare()
    try_out(version=version)
    with transaction.atomic():
        versions = list(DetectorVersion.objects.select_for_update().order_by("pk"))
        running = next((other for other in versions if other.is_shadow), None)
        if running is not None:
            raise AlreadyShadow(running.name)
        version = next(other for other in versions if other.pk == version.pk)
        if version.state == DetectorVersion.State.ACTIVE:
            raise ActiveCantShadow()
        ShadowCount.objects.filter(version=version).delete()
        ShadowPace.objects.filter(version=version).delete()
        version.is_shadow, version.shadow_share, version.shadow_since = True, share, timezone.now()
        version.shadow_refusal = ""
        version.save(update_fields=["is_shadow", "shadow_share", "shadow_since", "shadow_refusal"])
        record(Action.START_SHADOW, version, actor, share=share)
    logger.info("detector %s looks at %.0f %% of the live frames as a shadow", version.name, 100 * share)
    return version


def stop_shadow(*, version: DetectorVersion, actor: AbstractBaseUser | None) -> DetectorVersion:
    """End a version's run as a shadow; what was counted stays. Raises `NotShadow`."""
    with transaction.atomic():
        if not DetectorVersion.objects.filter(pk=version.pk, is_shadow=True).update(is_shadow=False):
            raise NotShadow()
        record(Action.STOP_SHADOW, version, actor)
    version.refresh_from_db()
    logger.info("detector %s is not a shadow any more", version.name)
    return version


def note_refusal(*, version: DetectorVersion, refusal: str) -> None:
    """Write down why a process can't run this shadow, or with "" that it can by now."""
    run = DetectorVersion.objects.filter(pk=version.pk, shadow_since=version.shadow_since)
    run.exclude(shadow_refusal=refusal).update(shadow_refusal=refusal)


def add_tally(*, version_id: int, since: datetime | None, tally: ShadowTally) -> None:
    """Add what a process has counted of the run that began at `since` to what all have.

    Nothing if the version is gone or has begun another run, which counts anew.
    """
    with transaction.atomic():
        run = DetectorVersion.objects.select_for_update().filter(pk=version_id, shadow_since=since)
        if not run.exists():
            return
        for (live, emotion), (agreed, disagreed) in sorted(tally.counts.items()):
            row, _ = ShadowCount.objects.get_or_create(version_id=version_id, live=live, emotion=emotion)
            ShadowCount.objects.filter(pk=row.pk).update(
                **_more(agreed=agreed, disagreed=disagreed),
            )
        pace, _ = ShadowPace.objects.get_or_create(version_id=version_id)
        ShadowPace.objects.filter(pk=pace.pk).update(
            **_more(frames=tally.frames, gave_way=tally.gave_way),
            **_more(shadow_ms=tally.shadow_ms, live_ms=tally.live_ms),
            slowest_ms=Greatest(F("slowest_ms"), tally.slowest_ms),
        )


def _more(**amounts: float) -> Mapping[str, object]:
    return {name: F(name) + amount for name, amount in amounts.items()}
