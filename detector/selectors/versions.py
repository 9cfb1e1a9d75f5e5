"""Reads of detector versions."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from detector.models import AuditEntry, DetectorVersion, ShadowPace, TrainingRun
from detector.selectors.training import finished_epochs


def detector_versions() -> QuerySet[DetectorVersion]:
    """All registered versions, newest first."""
    return DetectorVersion.objects.select_related("previous").order_by("-created_at", "-id")


def active_detector() -> DetectorVersion | None:
    """The version every process should be serving, or None before the first one is registered."""
    return (
        DetectorVersion.objects.filter(state=DetectorVersion.State.ACTIVE).select_related("previous").first()
    )


def shadow_detector() -> DetectorVersion | None:
    """The version that looks at live frames beside the active one, if there is one."""
    return DetectorVersion.objects.filter(is_shadow=True).first()


def file_size(version: DetectorVersion) -> int | None:
    """Bytes of a version's file; None if it is not there."""
    try:
        return version.onnx.size
    except OSError:
        return None


def training_run_of(version: DetectorVersion) -> TrainingRun | None:
    """The run that this version came from, if it is known here."""
    return version.training_runs.order_by("-id").first()


def learning_curves(version: DetectorVersion) -> list[dict[str, Any]]:
    """A row an epoch of the run that the version came from; empty where that is not known here."""
    run = training_run_of(version)
    return finished_epochs(run) if run is not None else []


def audit_entries(version: DetectorVersion) -> QuerySet[AuditEntry]:
    """Who did what to a version, newest first."""
    return AuditEntry.objects.filter(subject=version.name)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a shadow agreed on one expression of the live version; `share` is that of disagreements."""

    emotion: str
    agreed: int
    disagreed: int

    @property
    def total(self) -> int:
        return self.agreed + self.disagreed

    @property
    def share(self) -> float:
        return self.disagreed / self.total


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What was counted of a version as a shadow, by expression, and its pace; milliseconds a frame."""

    live: list[str]
    by_emotion: list[Agreement]
    frames: int
    gave_way: int
    shadow_ms: float | None
    live_ms: float | None
    slowest_ms: float | None

    @property
    def total(self) -> Agreement:
        agreed = sum(row.agreed for row in self.by_emotion)
        return Agreement("all", agreed, sum(row.disagreed for row in self.by_emotion))


def shadow_report(version: DetectorVersion) -> ShadowReport | None:
    """What all processes have counted of a version as a shadow; None if it never looked at a frame."""
    pace = ShadowPace.objects.filter(version=version).first()
    if pace is None:
        return None
    rows = list(version.shadow_counts.all())
    by_emotion = [
        Agreement(
            emotion,
            sum(row.agreed for row in rows if row.emotion == emotion),
            sum(row.disagreed for row in rows if row.emotion == emotion),
        )
        for emotion in sorted({row.emotion for row in rows})
    ]
    return ShadowReport(
        live=sorted({row.live for row in rows}),
        by_emotion=by_emotion,
        frames=pace.frames,
        gave_way=pace.gave_way,
        shadow_ms=pace.shadow_ms / pace.frames if pace.frames else None,
        live_ms=pace.live_ms / pace.frames if pace.frames else None,
        slowest_ms=pace.slowest_ms if pace.frames else None,
    )
