"""How the pages of accounts show fields and browsers."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()
# Each names itself after those that it wants to pass for, so the first that is found is the one.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}


@register.simple_tag
def control(field: BoundField, hint: str) -> SafeString:
    """The field's control in the site's look, described by the hint that the page shows (empty: by none).

    Without a placeholder: that is a second, fading label.
    """
    field.help_text = hint
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs={"class": "text"})


@register.filter
def browser(user_agent: str) -> str:
    """Firefox, Linux; what names itself otherwise is called as it names itself."""
    found = [
        next((name for mark, name in names.items() if mark in user_agent), None)
        for names in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(name for name in found if name) or user_agent or _("A program without a name")


@register.filter
def picture_rate(text: str) -> str:
    """240 pictures a minute, for 240/minute."""
    number, _slash, period = text.partition("/")
    count = int(number)
    words = {
        "s": ngettext("{count} picture a second", "{count} pictures a second", count),
        "m": ngettext("{count} picture a minute", "{count} pictures a minute", count),
        "h": ngettext("{count} picture an hour", "{count} pictures an hour", count),
        "d": ngettext("{count} picture a day", "{count} pictures a day", count),
    }
    return words[period[0]].format(count=count)
