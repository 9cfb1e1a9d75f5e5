"""Reads of detector versions."""

from django.db.models import QuerySet

from detector.models import DetectorVersion


def detector_versions() -> QuerySet[DetectorVersion]:
    """All registered versions, newest first."""
    return DetectorVersion.objects.all()


def active_detector() -> DetectorVersion | None:
    """The version every process should be serving, or None before the first one is registered."""
    return (
        DetectorVersion.objects.filter(state=DetectorVersion.State.ACTIVE).select_related("previous").first()
    )


def shadow_detector() -> DetectorVersion | None:
    """The version that looks at live frames beside the active one, if there is one."""
    return DetectorVersion.objects.filter(is_shadow=True).first()
