"""System checks of the settings of accounts and mail, and of those that face the internet."""

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from detector.checks import RATES

SMTP = "django.core.mail.backends.smtp.EmailBackend"
SHORTEST_TOKEN = 20  # characters
PLACEHOLDER = re.compile("change.?me", re.IGNORECASE)
ANY_HOST = re.compile(r"\*|\.[^.]*")
"""`*`, and all names below one of the internet's own, as in .com."""
ANY_ORIGIN = re.compile(r"\w+://\*(\.[^.]*)?")
PRIVATE_NAMES = (".internal", ".local", ".localhost")


@register("hamster")
def check_accounts(**_: Any) -> list[CheckMessage]:
    """Whether mails can leave the site where people need them."""
    if settings.DEBUG:
        return []
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory" and not settings.EMAIL_URL:
        message = "EMAIL_CONFIRMATION=mandatory lets nobody in without mails, and EMAIL_URL is not set."
        return [Error(message, id="hamster.E021")]
    if settings.HTTPS and settings.EMAIL_BACKEND != SMTP:
        message = "Mails, with links that set a password, are printed or lost: EMAIL_URL names no server."
        return [Warning(message, id="hamster.W020")]
    return []


@register(Tags.security, deploy=True)
def check_internet(**_: Any) -> list[CheckMessage]:
    """What `check --deploy` adds to Django's own: host names, origins and proxies."""
    return _warnings(
        (
            "hamster.W022",
            any(ANY_HOST.fullmatch(host) for host in settings.ALLOWED_HOSTS),
            "ALLOWED_HOSTS takes any name, so strangers choose the one in the links that are mailed.",
        ),
        (
            "hamster.W023",
            settings.HTTPS and not settings.REST_FRAMEWORK["NUM_PROXIES"],
            "NUM_PROXIES is not set: all visitors behind the proxy that ends TLS share one limit.",
        ),
        (
            "hamster.W024",
            any(ANY_ORIGIN.fullmatch(origin) for origin in settings.CSRF_TRUSTED_ORIGINS),
            "CSRF_TRUSTED_ORIGINS takes the pages of strangers, which may then act for who is signed in.",
        ),
        (
            "hamster.W025",
            "null" in settings.CORS_ALLOWED_ORIGINS,
            "CORS_ALLOWED_ORIGINS=null is the origin of anybody's files and sandboxed frames.",
        ),
    )


@register(Tags.security, deploy=True)
def check_secrets(**_: Any) -> list[CheckMessage]:
    """Secrets that can be guessed, and limits on guessing that are not there."""
    rates = {f"HAMSTER_{name.upper()}": settings.HAMSTER.get(name) for name in RATES}
    rates["SIGN_UP_RATE"] = settings.ACCOUNT_RATE_LIMITS["new_account"]
    empty = [name for name, rate in rates.items() if rate == ""]
    return _warnings(
        (
            "hamster.W026",
            0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN,
            f"METRICS_TOKEN can be guessed: it has fewer than {SHORTEST_TOKEN} characters.",
        ),
        (
            "hamster.W027",
            PLACEHOLDER.match(settings.SECRET_KEY) is not None,
            "SECRET_KEY is a placeholder, which everybody can know.",
        ),
        ("hamster.W028", bool(empty), f"An empty rate limits nothing: {', '.join(empty)}."),
    )


@register(Tags.security, deploy=True)
def check_servers(**_: Any) -> list[CheckMessage]:
    """The servers that the site talks to: whether they are there, and who can listen."""
    redis = urlsplit(settings.REDIS_URL)
    servers = {"DATABASE_URL": settings.DATABASE_IS_LOCAL_FILE, "REDIS_URL": settings.REDIS_IS_EMBEDDED}
    missing = [name for name, is_local in servers.items() if is_local]
    return _warnings(
        (
            "hamster.W029",
            settings.EMAIL_BACKEND == SMTP
            and not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)
            and not _is_near(settings.EMAIL_HOST),
            "EMAIL_URL sends passwords and mails through other networks in the clear: take smtp+tls://.",
        ),
        (
            "hamster.W030",
            not _is_near(redis.hostname or "") and not (redis.scheme == "rediss" and redis.password),
            "REDIS_URL leads through other networks without TLS or a password: take rediss://:password@...",
        ),
        (
            "hamster.W031",
            settings.HTTPS and bool(missing),
            f"{' and '.join(missing)}: no server is named, which does for one web process only.",
        ),
    )


def _is_near(host: str) -> bool:
    """Whether a name or address is, by the look of it, one of this machine or of a private network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(PRIVATE_NAMES)


def _warnings(*checks: tuple[str, bool, str]) -> list[CheckMessage]:
    return [Warning(message, id=name) for name, is_wrong, message in checks if is_wrong]
