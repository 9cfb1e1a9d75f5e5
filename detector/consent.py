"""What people agree to before a picture of a face is kept."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from detector.conf import config

TEXT_VERSION = 2  # to be raised whenever the words change, in any language
TEXT = _(
    "Send this small picture of the face to the people who run this site, to improve the detector. "
    "Kept until you withdraw it, at most {days} days. What a detector has learned from it by then stays."
)


@dataclass(frozen=True, slots=True)
class Consent:
    """The words, the days they promise, and what tells them from earlier ones."""

    text: str
    days: int
    version: str


def consent_in_force() -> Consent:
    """What is asked just now."""
    days = config.correction_retention_days
    return Consent(text=TEXT.format(days=days), days=days, version=f"{TEXT_VERSION}-{days}")
