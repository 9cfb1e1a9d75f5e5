"""API tokens: making one, revoking it, and telling whose it is.

A small model of our own. django-rest-knox has hashes and expiry, but no names, no last use, no revoked ones
that are told apart, and nothing for WebSockets; what it would leave to write is all of this module.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from detector.conf import config
from detector.errors import HamsterError
from detector.models import ApiToken
from detector.services.account_rows import lock_account

MARK = "hamster_"  # finds a token that lies about where none should, in a repository say
SHOWN = len(MARK) + 6
SECRET_BYTES = 32
LONGEST = 200  # characters of what somebody shows as a token
USE_INTERVAL = timedelta(minutes=1)
KEPT_AFTER_END = timedelta(days=30)
ENDED_MOST = 100
"""Tokens of an account that have ended and are still told apart from none."""
BEARER = "bearer"


class BadToken(HamsterError):
    """Shown in the place of a token, and opens nothing."""

    code = "bad_token"
    status = 401
    message = _("There is no such token.")


class MalformedAuthorization(BadToken):
    """No token where one belongs."""

    message = _("Send the token as: Authorization: Bearer hamster_...")


class TokenExpired(BadToken):
    """Its time is over."""

    code = "token_expired"
    message = _("This token has expired. Make a new one.")


class TokenRevoked(BadToken):
    """Its owner took it back."""

    code = "token_revoked"
    message = _("This token was revoked.")


class AccountClosed(BadToken):
    """Its owner's account is not active."""

    code = "account_closed"
    message = _("The account of this token is closed.")


class TooManyTokens(HamsterError):
    """The account has as many tokens as it may."""

    code = "too_many_tokens"
    status = 409

    def __init__(self) -> None:
        limit = config.token_max
        super().__init__(
            gettext("You have {limit} tokens. Revoke one that you don't need any more.").format(limit=limit),
            details={"max": limit},
        )


class TokenCantMakeTokens(HamsterError):
    """One that leaks must not be able to outlive its end."""

    code = "sign_in_needed"
    status = 403
    message = _("A token can't make tokens. Sign in and make it at /account/tokens/.")


def make_token(
    *, owner: AbstractBaseUser, name: str, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token, and its text, which is known to nobody afterwards. Raises TooManyTokens, AccountGone."""
    now = timezone.now()
    text = MARK + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        # Whoever else makes one for this account waits here, so that none is counted too late.
        lock_account(owner.pk)
        mine = ApiToken.objects.filter(owner=owner)
        mine.filter(revoked_at__lt=now - KEPT_AFTER_END).delete()
        mine.filter(expires_at__lt=now - KEPT_AFTER_END).delete()
        active = mine.filter(revoked_at=None).exclude(expires_at__lte=now)
        ended = mine.exclude(pk__in=active).order_by("-pk").values_list("pk", flat=True)
        mine.filter(pk__in=list(ended[ENDED_MOST:])).delete()
        if active.count() >= config.token_max:
            raise TooManyTokens()
        token = ApiToken.objects.create(
            owner=owner, name=name, prefix=text[:SHOWN], digest=digest_of(text), expires_at=expires_at
        )
    return token, text


def revoke_token(*, token: ApiToken) -> None:
    """End a token at once; one that is revoked already stays so. For a month it is told apart from none."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def revoke_all_tokens(*, owner: AbstractBaseUser) -> None:
    """End all of them at once."""
    ApiToken.objects.filter(owner=owner, revoked_at=None).update(revoked_at=timezone.now())


def token_in(authorization: str) -> str | None:
    """The token of an `Authorization` header; None for an empty one or another scheme. Raises BadToken."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != BEARER:
        return None
    text = rest.strip()
    if not text or " " in text or len(text) > LONGEST:
        raise MalformedAuthorization()
    return text


def check_token(text: str) -> ApiToken:
    """The token with this text, its owner with it; notes that it was used. Raises BadToken."""
    token = ApiToken.objects.select_related("owner").filter(digest=digest_of(text)).first()
    if token is None:
        raise BadToken()
    if token.state == ApiToken.State.REVOKED:
        raise TokenRevoked()
    if token.state == ApiToken.State.EXPIRED:
        raise TokenExpired()
    if not token.owner.is_active:
        raise AccountClosed()
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at <= now - USE_INTERVAL:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest_of(text: str) -> str:
    """What is kept of a token: its SHA-256."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
