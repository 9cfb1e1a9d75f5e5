"""How django-allauth fits into this site: whose address counts, what is said, what happens on failures."""

import ipaddress
import logging
import math
import time
import unicodedata
from collections.abc import Callable
from smtplib import SMTPException
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm, SignupForm
from allauth.core import ratelimit
from allauth.core.internal.ratelimit import get_cache_key, get_rates
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from detector.addresses import address_of_request

logger = logging.getLogger(__name__)
SEEN_INTERVAL = 60  # seconds between two notes of when a session was last used
# An address to write down, where a connection has none.
NOWHERE = "0.0.0.0"  # noqa: S104  # nosec B104
# Of ACCOUNT_RATE_LIMITS.
NEW_ACCOUNT, WRONG_ANYWHERE = "new_account", "login_failed_anywhere"
MISMATCH = _("That name and password don't go together. Try again.")


class AccountAdapter(DefaultAccountAdapter):
    """What allauth asks the site."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": MISMATCH,
        "email_password_mismatch": _("That e-mail address and password don't go together. Try again."),
        "too_many_login_attempts": _("Too many attempts. Wait a few minutes, then try again."),
        WRONG_ANYWHERE: _(
            "Too many wrong passwords for this name, from several places. Try again in an hour, or choose a "
            "new password by mail and sign in with your e-mail address."
        ),
        "incorrect_password": _("That is not your password. Try again."),
        "enter_current_password": _("That is not your password. Try again."),
        "username_taken": _("That name is taken. Choose another one."),
        "duplicate_email": _("That is your address already."),
        "invalid_password_reset": _("This link has been used, or it is too old."),
    }

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages only: programs have the API."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that attempts are counted by, as everywhere on this site."""
        address = address_of_request(request)
        try:
            return str(ipaddress.ip_address(address or NOWHERE))
        except ValueError:  # a proxy that writes something else into the header
            return NOWHERE

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError when too many passwords of this name were wrong, from here or altogether."""
        name = super()._get_login_attempts_cache_key(request, **credentials)
        if not ratelimit.consume(request, action=WRONG_ANYWHERE, key=name, dry_run=True):
            raise self.validation_error(WRONG_ANYWHERE)
        super().pre_authenticate(request, **credentials)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        name = super()._get_login_attempts_cache_key(request, **credentials)
        ratelimit.consume(request, action=WRONG_ANYWHERE, key=name)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """With the address: else anybody could keep the owner of an account out by wrong passwords."""
        name = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{name} from {self.get_client_ip(request)}"

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        super()._delete_login_attempts_cached_email(request, **credentials)
        name = super()._get_login_attempts_cache_key(request, **credentials)
        ratelimit.clear(request, action=WRONG_ANYWHERE, key=name)

    def clean_email(self, email: str) -> str:
        """What the database has room for; Django's own fields take a longer one."""
        if len(email) > app_settings.EMAIL_MAX_LENGTH:
            said = gettext("An address has at most {most} characters.")
            raise ValidationError(said.format(most=app_settings.EMAIL_MAX_LENGTH))
        return super().clean_email(email)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """As Django itself does for accounts that the admin makes: one form of letters that look the same."""
        return super().clean_username(unicodedata.normalize("NFKC", username), shallow)

    def save_user(
        self, request: HttpRequest, user: AbstractBaseUser, form: BaseForm, commit: bool = True
    ) -> AbstractBaseUser:
        """Two who choose the same name at the same moment: the second is told as everybody is."""
        try:
            with transaction.atomic():
                return super().save_user(request, user, form, commit)
        except IntegrityError as error:
            form.add_error("username", self.error_messages["username_taken"])
            raise NameTaken(form) from error

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail that could not be sent is logged and said; what the person did is done all the same."""
        try:
            super().send_mail(template_prefix, email, context)
        except (SMTPException, OSError):
            logger.exception("no mail could be sent through EMAIL_URL")
            if self.request is not None:
                messages.error(self.request, gettext("The mail could not be sent. Try again later."))


class NameTaken(Exception):
    """The name went to somebody else after the form had been checked."""

    def __init__(self, form: BaseForm) -> None:
        self.form = form
        super().__init__("the name is taken")


class SignInForm(LoginForm):
    """allauth's, with the field for the name called as it always was on this site."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autocomplete"] = "username"

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else super().add_prefix(field_name)

    def clean_login(self) -> str:
        return unicodedata.normalize("NFKC", super().clean_login())


class SignUpForm(SignupForm):
    """allauth's; what counts for SIGN_UP_RATE is only a form with nothing wrong in it."""

    def try_save(self, request: HttpRequest) -> tuple[AbstractBaseUser | None, HttpResponse | None]:
        """Make the account, or give the answer to send instead."""
        if ratelimit.consume(request, action=NEW_ACCOUNT):
            return super().try_save(request)
        wait = str(_seconds_until_allowed(request, NEW_ACCOUNT))
        return None, HttpResponse(status=429, headers={"Retry-After": wait})


def _seconds_until_allowed(request: HttpRequest, action: str) -> int:
    """Until allauth's rates for an action by one address let it happen once more; at least 1."""
    waits, now = [1.0], time.time()
    for rate in get_rates(app="allauth.account", action=action):
        done = cache.get(get_cache_key(request, app="allauth.account", action=action, rate=rate), [])
        if len(done) >= rate.amount:
            waits.append(min([now, *done]) + rate.duration - now)
    return math.ceil(max(waits))


class AccountsMiddleware:
    """Notes once a minute which sessions are in use, keeps what is somebody's out of all caches, and says it
    when accounts can't work for now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; whose it was is only noted if the answer depended on it."""
        response = self.get_response(request)
        user = getattr(request, "_cached_user", None)  # of Django's middleware, once somebody has asked
        is_known = user is not None and user.is_authenticated
        if is_known and request.session.session_key:
            _note_session(request, user)
        if is_known or "Authorization" in request.headers:
            # On a shared computer the next person's back button would show it, too.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Without Redis nobody counts attempts, so nobody may try a password."""
        if isinstance(exception, NameTaken):
            return render(request, "account/signup.html", {"form": exception.form}, status=409)
        if isinstance(exception, RedisError) and request.path.startswith("/account"):
            logger.error("attempts can't be counted: %s", exception)
            return render(request, "503.html", status=503)
        return None


def _note_session(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Write down where and when a session was last used: also of one that was opened before this list was
    kept, or by the admin's own pages."""
    try:
        if cache.add(f"seen:{request.session.session_key}", True, SEEN_INTERVAL):
            UserSession.objects.create_from_request(request, user=user)
    except (RedisError, DatabaseError) as error:
        logger.warning("the use of a session could not be noted: %s", error)


def sign_up_open(request: HttpRequest) -> dict[str, bool]:
    """For templates: whether the pages offer an account."""
    return {"sign_up_open": settings.ACCOUNT_SIGNUP_ENABLED}
