"""What templates say of corrections."""

from django import template

from detector.consent import Consent, consent_in_force
from detector.models import RIGHT_LABELS
from detector.selectors.corrections import waiting_corrections

register = template.Library()


@register.simple_tag
def corrections_waiting() -> int:
    """How many wait for somebody to decide on them."""
    return waiting_corrections().count()


@register.simple_tag
def consent() -> Consent:
    """What is asked before a picture is kept: `text`, `days`, `version`."""
    return consent_in_force()


@register.simple_tag
def right_labels() -> tuple[str, ...]:
    """What a face may look like, and not_a_face."""
    return RIGHT_LABELS


@register.filter
def in_words(label: str) -> str:
    """A label as people read it: `not_a_face` is "not a face"."""
    return label.replace("_", " ")
