"""Figures as people read them: `{{ value|figure }}`, `{{ value|percent }}`, `{{ value|difference }}`."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

register = template.Library()
MINUS = "\N{MINUS SIGN}"
NOT_MEASURED = _("not measured")


def written(value: float, digits: int) -> str:
    """A number with so many digits after the point, or the comma, of the page's language."""
    return number_format(Decimal(f"{value:.{digits}f}"), digits)


@register.filter
def figure(value: float | None) -> str:
    """0.789; "not measured" for what is no number."""
    return written(value, 3) if isinstance(value, int | float) else str(NOT_MEASURED)


@register.filter
def percent(value: float | None) -> str:
    """78.9 %; "not measured" for what is no number."""
    if not isinstance(value, int | float):
        return str(NOT_MEASURED)
    # xgettext:no-python-format
    return gettext("{number} %").format(number=written(100 * value, 1))


@register.filter
def difference(value: float | None) -> str:
    """+0.012 or −0.012; ±0 where nothing can be seen of it."""
    if value is None:
        return gettext("not comparable")
    if abs(value) < 0.0005:
        return "±0"
    return f"+{written(value, 3)}" if value > 0 else f"{MINUS}{written(-value, 3)}"


@register.filter
def milliseconds(value: float | None) -> str:
    """5.3 ms; "not measured" for what is no number."""
    return f"{written(value, 1)} ms" if isinstance(value, int | float) else str(NOT_MEASURED)
