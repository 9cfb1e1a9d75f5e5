"""What signing in, signing out and a forgotten password bring with them."""

from datetime import timedelta
from typing import Any

from allauth.account.signals import password_reset
from allauth.usersessions.models import UserSession
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from detector.services.tokens import revoke_all_tokens

SURELY_SAVED = timedelta(hours=1)
"""A session is noted before its own row is saved."""


@receiver(user_logged_out)
def forget_this_session(request: HttpRequest, **_: Any) -> None:
    """Where somebody was signed in is known until the end of it."""
    UserSession.objects.filter(session_key=request.session.session_key or "").delete()


@receiver(user_logged_in)
def forget_ended_sessions(**_: Any) -> None:
    """Everybody's that ended by themselves: no other moment comes as surely."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    long_ago = timezone.now() - SURELY_SAVED
    UserSession.objects.filter(~Exists(alive), last_seen_at__lt=long_ago).delete()


@receiver(password_reset)
def end_all_tokens(user: AbstractBaseUser, **_: Any) -> None:
    """Whoever has forgotten a password, or fears that somebody else knows it, ends what was made with it."""
    revoke_all_tokens(owner=user)
