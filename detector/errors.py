"""Errors that a caller can act on: each class has a code, a message, and the HTTP status it maps to."""

import errno
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FULL = (errno.ENOSPC, errno.EDQUOT)  # what an OSError says when there is no room


class HamsterError(Exception):
    """A named failure. `code` is for programs, `message` for people, `details` for both."""

    code = "error"
    status = 400
    message: str | Promise = _("The request could not be carried out.")

    def __init__(self, message: str | None = None, *, details: dict[str, Any] | None = None) -> None:
        self.message = str(message or type(self).message)
        self.details = details or {}
        super().__init__(self.message)


class ServerBusy(HamsterError):
    """All places are taken; trying again a little later is right."""

    code = "server_busy"
    status = 503
    message = _("The server is busy. Please try again in a moment.")
    retry_after = 1


class DatabaseDown(ServerBusy):
    """The database does not answer just now."""

    code = "database_unavailable"
    retry_after = 5


def is_database_down(error: Exception) -> bool:
    """Whether this says that the database cannot be reached or is locked, not that a question is wrong."""
    if not isinstance(error, OperationalError):
        return isinstance(error, InterfaceError)
    sqlite_name = getattr(error.__cause__, "sqlite_errorname", None)
    if sqlite_name is not None:
        return sqlite_name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN"))
    # PostgreSQL's: connection exceptions, operator intervention, or no connection that could say.
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


class NoDetector(HamsterError):
    """The process has no usable detector file."""

    code = "no_detector"
    status = 503
    message = _("No detector is loaded. An administrator has to register one.")
    retry_after = 10


class DiskFull(HamsterError):
    """No room for it on the disk."""

    code = "disk_full"
    status = 507
    message = _("There is not enough room on the server's disk for this. Delete what is not needed first.")
