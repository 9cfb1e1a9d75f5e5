"""System checks of the settings of accounts and mail, and of those that face the internet."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register("hamster")
def check_accounts(**_: Any) -> list[CheckMessage]:
    """Whether mails can leave the site where people need them."""
    if settings.EMAIL_URL or settings.DEBUG:
        return []
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory":
        message = "EMAIL_CONFIRMATION=mandatory lets nobody in without mails, and EMAIL_URL is not set."
        return [Error(message, id="hamster.E021")]
    if settings.HTTPS:
        message = "Mails, with links that set a password, are printed into the log: EMAIL_URL is not set."
        return [Warning(message, id="hamster.W020")]
    return []


@register(Tags.security, deploy=True)
def check_internet(**_: Any) -> list[CheckMessage]:
    """What `check --deploy` adds to Django's own: host names and proxies."""
    found: list[CheckMessage] = []
    if any(host in ("*", ".") for host in settings.ALLOWED_HOSTS):
        message = "ALLOWED_HOSTS takes any name, so strangers choose the one in the links that are mailed."
        found.append(Warning(message, id="hamster.W022"))
    if settings.HTTPS and not settings.REST_FRAMEWORK["NUM_PROXIES"]:
        message = "NUM_PROXIES is not set: all visitors behind the proxy that ends TLS share one limit."
        found.append(Warning(message, id="hamster.W023"))
    return found
