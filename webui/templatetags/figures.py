"""Figures as people read them: `{{ value|figure }}`, `{{ value|percent }}`, `{{ value|difference }}`."""

from django import template

register = template.Library()
MINUS = "\N{MINUS SIGN}"
NOT_MEASURED = "not measured"


@register.filter
def figure(value: float | None) -> str:
    """0.789; "not measured" for what is no number."""
    return f"{value:.3f}" if isinstance(value, int | float) else NOT_MEASURED


@register.filter
def percent(value: float | None) -> str:
    """78.9 %; "not measured" for what is no number."""
    return f"{100 * value:.1f} %" if isinstance(value, int | float) else NOT_MEASURED


@register.filter
def difference(value: float | None) -> str:
    """+0.012 or −0.012; ±0 where nothing can be seen of it."""
    if value is None:
        return "not comparable"
    if abs(value) < 0.0005:
        return "±0"
    return f"+{value:.3f}" if value > 0 else f"{MINUS}{-value:.3f}"


@register.filter
def milliseconds(value: float | None) -> str:
    """5.3 ms; "not measured" for what is no number."""
    return f"{value:.1f} ms" if isinstance(value, int | float) else NOT_MEASURED
