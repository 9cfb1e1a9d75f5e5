"""Sessions in the database, as Django has them, found by keys only that can be some.

A cookie may hold any character. PostgreSQL refuses some in a text, and the visitor would get an error page.
"""

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions

LONGEST_KEY = 40


class SessionStore(DatabaseSessions):
    """Django's own; what is no key opens no session."""

    def _validate_session_key(self, key: str | None) -> bool:
        is_key = bool(key) and len(key) <= LONGEST_KEY and key.isascii() and key.isalnum()
        return is_key and super()._validate_session_key(key)
