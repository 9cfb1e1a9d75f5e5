"""Registering detector files, and deciding which one is served. Every act leaves an audit entry."""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.models import AuditEntry, DetectorVersion
from detector.selectors.versions import active_detector
from detector.services.locks import Lock, hold
from ml.predictor import DetectorFileError, Predictor, sha256_of

logger = logging.getLogger(__name__)
State = DetectorVersion.State
Source = DetectorVersion.Source
Action = AuditEntry.Action


class VersionError(HamsterError):
    """A detector version can't be registered, promoted or rolled back."""

    status = 409


class UnusableDetectorFile(VersionError):
    """The file is missing, damaged, altered, of other classes, or fails its trial run."""

    code = "bad_detector"
    status = 400


class AlreadyActive(VersionError):
    """Promoting what is served already."""

    code = "already_active"
    message = _("This detector version is already the active one.")


class NothingToRollBackTo(VersionError):
    """Rolling back past the first version."""

    code = "nothing_to_roll_back_to"
    message = _("No detector version was active before this one.")


class ChangedMeanwhile(VersionError):
    """Somebody else promoted or rolled back at the same time, and was first."""

    code = "changed_meanwhile"

    def __init__(self, active: DetectorVersion | None) -> None:
        name = active.name if active else None
        said = gettext(
            "Somebody else has just decided what is served: now it is {name}. Look again before you do."
        )
        super().__init__(said.format(name=name), details={"active": name})


def detector_name(card: Mapping[str, Any]) -> str:
    """The name that a detector's own card gives it, such as "hamster-1"."""
    return str(card["version"])[:100]


def _free_name(wanted: str, sha256: str) -> str:
    """`wanted`, cut to what the column holds; with the file's first hash digits if another file has it."""
    longest = DetectorVersion._meta.get_field("name").max_length
    name = wanted[:longest]
    if not DetectorVersion.objects.filter(name=name).exists():
        return name
    suffix = f"-{sha256[:8]}"
    return name[: longest - len(suffix)] + suffix


def register_version(
    *,
    onnx: Path,
    source: str,
    name: str = "",
    card: Mapping[str, Any] | None = None,
    actor: AbstractBaseUser | None = None,
) -> DetectorVersion:
    """Store a detector file as a candidate; the same file again returns the row that already holds it.

    `name` defaults to the card's; a name already taken by another file gets the file's first hash digits.
    `card` replaces the one inside the file, for a fuller one written beside it.
    Raises `UnusableDetectorFile`.
    """
    onnx = Path(onnx)
    sha256 = _hash(onnx)
    if (known := _known(sha256, onnx)) is not None:
        return known
    own_card = _try_out(onnx, sha256=sha256)
    with transaction.atomic():
        hold(Lock.DETECTOR_FILES)
        if (known := _known(sha256, onnx)) is not None:  # another process was quicker
            return known
        name = _free_name(name or detector_name(own_card), sha256)
        version = DetectorVersion(name=name, source=source, sha256=sha256, card=dict(card or own_card))
        with onnx.open("rb") as content:
            version.onnx.save(onnx.name, File(content), save=False)
        version.save()
        record(Action.REGISTER, version, actor, source=source, sha256=sha256)
    logger.info("registered detector %s (%s)", version.name, sha256[:12])
    return version


def register_shipped_detector() -> DetectorVersion:
    """Register the detector that comes with the product; safe to call at every start.

    It becomes active if nothing is, or if an older shipped one is; a version that somebody promoted stays.
    Raises `UnusableDetectorFile`.
    """
    version = register_version(onnx=config.shipped_detector, source=Source.SHIPPED)
    _complete_card(version, Path(config.shipped_detector).with_name("card.json"))
    active = active_detector()
    updates_older_one = (
        active is not None
        and active.source == version.source == Source.SHIPPED
        and version.state == State.CANDIDATE
    )
    if active is None or updates_older_one:
        with suppress(AlreadyActive, ChangedMeanwhile):  # another process, started at the same moment, did
            promote_version(version=version, actor=None)
        version.refresh_from_db()
    return version


def _complete_card(version: DetectorVersion, beside: Path) -> None:
    """Take over the card that lies beside a file, which has the tables that the one inside does without."""
    try:
        card = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        logger.warning("%s can't be read: %s", beside, error)
        return
    complete = version.card | card
    if card.get("version") == version.card.get("version") and complete != version.card:
        version.card = complete
        version.save(update_fields=["card"])


def promote_version(
    *, version: DetectorVersion, actor: AbstractBaseUser | None, instead_of: int | None = None
) -> DetectorVersion:
    """Make a version the active one, after a trial run of its file. Web processes follow within seconds.

    `actor` is None for the command line and the system; `instead_of` is the id of the version that the actor
    takes for the active one. Raises `AlreadyActive`, `UnusableDetectorFile`, `ChangedMeanwhile`.
    """
    expected = _expected(instead_of)
    if expected == version:
        raise AlreadyActive(details={"name": version.name})
    try_out(version=version)
    with transaction.atomic():
        before = _locked_active(expected)
        version = DetectorVersion.objects.get(pk=version.pk)
        version.previous = before
        _activate(version, instead_of=before)
        record(Action.PROMOTE, version, actor, previous=before.name if before else None)
    logger.info("promoted detector %s", version.name)
    return version


def roll_back(*, actor: AbstractBaseUser | None, instead_of: int | None = None) -> DetectorVersion:
    """Return to the version that was active before the current one, and return it.

    `instead_of` is the id of the version that the actor takes for the active one.
    Raises `NothingToRollBackTo`, `UnusableDetectorFile`, `ChangedMeanwhile`.
    """
    expected = _expected(instead_of)
    if expected is None or expected.previous is None:
        raise NothingToRollBackTo()
    try_out(version=expected.previous)
    with transaction.atomic():
        current = _locked_active(expected)
        target = current.previous
        _activate(target, instead_of=current)
        record(Action.ROLL_BACK, target, actor, previous=current.name)
    logger.info("rolled back from detector %s to %s", current.name, target.name)
    return target


def try_out(*, version: DetectorVersion) -> None:
    """Load a version's file as a web process would, and run it once. Raises `UnusableDetectorFile`."""
    _try_out(Path(version.onnx.path), sha256=version.sha256)


def record(
    action: str, version: DetectorVersion, actor: AbstractBaseUser | None, **details: Any
) -> AuditEntry:
    """Write down who did what to a version."""
    return AuditEntry.objects.create(
        action=action,
        subject=version.name,
        actor=actor,
        actor_name=actor.get_username() if actor else "system",
        details=details,
    )


def _hash(onnx: Path) -> str:
    try:
        return sha256_of(onnx)
    except OSError as error:
        raise UnusableDetectorFile(f"Can't read the detector file {onnx}: {error.strerror}.") from error


def _known(sha256: str, onnx: Path) -> DetectorVersion | None:
    version = DetectorVersion.objects.filter(sha256=sha256).first()
    if version is not None:
        _restore_missing_file(version, onnx)
    return version


def _restore_missing_file(version: DetectorVersion, onnx: Path) -> None:
    """Media folders get lost more easily than databases."""
    if not version.onnx.storage.exists(version.onnx.name):
        logger.warning("the stored file of detector %s was missing and is restored", version.name)
        with onnx.open("rb") as content:
            version.onnx.save(onnx.name, File(content))


def _try_out(onnx: Path, *, sha256: str | None) -> dict[str, Any]:
    """Load the file, run it once, and return its card. Raises `UnusableDetectorFile`."""
    try:
        predictor = Predictor(onnx, sha256=sha256)
        predictor.warm_up()
    except DetectorFileError as error:
        raise UnusableDetectorFile(error.message) from error
    except Exception as error:  # the file loads but its network fails; ONNX Runtime's errors share no base
        raise UnusableDetectorFile(f"{onnx.name} fails its trial run: {error}") from error
    return predictor.card


def _expected(instead_of: int | None) -> DetectorVersion | None:
    """The version that must still be active when it is replaced. Raises `ChangedMeanwhile`."""
    active = active_detector()
    if instead_of is not None and (active is None or active.pk != instead_of):
        raise ChangedMeanwhile(active)
    return active


def _locked_active(expected: DetectorVersion | None) -> DetectorVersion | None:
    """The active version, in a transaction that nobody else's act on versions can come between."""
    # All rows: whoever waited for one that has ceased to be active would not see the one that is instead.
    versions = list(DetectorVersion.objects.select_for_update().order_by("pk"))
    active = next((version for version in versions if version.state == State.ACTIVE), None)
    if active != expected:
        raise ChangedMeanwhile(active)
    return active


def _activate(version: DetectorVersion, *, instead_of: DetectorVersion | None) -> None:
    if instead_of is not None:
        instead_of.state = State.RETIRED
        instead_of.save(update_fields=["state"])
    version.state = State.ACTIVE
    version.activated_at = timezone.now()
    version.is_shadow = False
    version.save(update_fields=["state", "activated_at", "previous", "is_shadow"])
