"""System checks of the settings of accounts and mail."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

CONFIRMATIONS = ("none", "optional", "mandatory")


@register("hamster")
def check_accounts(**_: Any) -> list[CheckMessage]:
    """Whether mails can leave the site where people need them."""
    chosen = settings.ACCOUNT_EMAIL_VERIFICATION
    if chosen not in CONFIRMATIONS:
        message = f"EMAIL_CONFIRMATION is {chosen!r}, not one of {', '.join(CONFIRMATIONS)}."
        return [Error(message, id="hamster.E020")]
    if settings.EMAIL_URL or settings.DEBUG:
        return []
    if chosen == "mandatory":
        message = "EMAIL_CONFIRMATION=mandatory lets nobody in without mails, and EMAIL_URL is not set."
        return [Error(message, id="hamster.E021")]
    if settings.HTTPS:
        message = "Mails, with links that set a password, are printed into the log: EMAIL_URL is not set."
        return [Warning(message, id="hamster.W020")]
    return []
