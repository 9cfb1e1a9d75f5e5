"""Whose a WebSocket is: a program's by its token, a page's by its session."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, parse_cookie

from detector.addresses import address_of
from detector.services.tokens import token_in
from detector.token_entry import enter_with_token


class Caller:
    """Who opened a connection, by what its first request says. Asks the database each time it is asked."""

    def __init__(self, headers: Mapping[bytes, bytes], address: str | None) -> None:
        self.address = address
        self._authorization = headers.get(b"authorization", b"").decode("latin1")
        cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin1"))
        self._session_key = cookies.get(settings.SESSION_COOKIE_NAME)

    @property
    def is_anonymous(self) -> bool:
        """Whether it says nothing of itself, so that nobody needs to be asked."""
        return not self._authorization and not self._session_key

    def account(self) -> AbstractBaseUser | None:
        """Whose it is now; None for a stranger. Raises BadToken, TooOften. Not for the event loop."""
        text = token_in(self._authorization)
        if text is None:
            return account_of_session(self._session_key)
        return enter_with_token(text, address=self.address).owner

    async def account_now(self) -> AbstractBaseUser | None:
        """The same for the event loop. Raises BadToken, TooOften."""
        if self.is_anonymous:
            return None
        # All that is thread-sensitive stands in one line, behind whatever else looks at the database.
        return await database_sync_to_async(self.account, thread_sensitive=False)()


def account_of_session(key: str | None) -> AbstractBaseUser | None:
    """Whose session this is the key of, if it is one and its password is still the same."""
    if not key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    # A session of an earlier SECRET_KEY would get a new key here, and a socket can't tell its browser.
    request.session.cycle_key = lambda: None
    user = get_user(request)
    return user if user.is_authenticated else None


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Who opened the connection of this ASGI scope."""
    return Caller(dict(scope["headers"]), address_of(scope))
