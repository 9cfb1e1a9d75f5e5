"""One log line everywhere: time, level, process, logger, request or connection id, message."""

import logging
import os
import time
from contextvars import ContextVar

# A line break in a message, such as %0a in a request's path, would let strangers write log lines.
ESCAPED = {code: chr(code).encode("unicode_escape").decode() for code in (*range(32), *range(127, 160))}

connection_id: ContextVar[str] = ContextVar("connection_id", default="-")
"""Id of the HTTP request, the WebSocket or the Celery task that is being served; "-" outside of one."""


class LineFormatter(logging.Formatter):
    """`2026-01-31 12:00:00.123 INFO    web detector.live [1f0c9a2b] message`, tracebacks below it.

    The process is named by the environment variable COMPONENT (web, batch, training), else it is "manage".
    """

    def __init__(self) -> None:
        super().__init__(
            "{asctime} {levelname:<7} {component} {name} [{connection_id}] {message}",
            style="{",
            defaults={"component": os.environ.get("COMPONENT", "manage")},
        )

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, with the id of the context that logged it."""
        if not hasattr(record, "connection_id"):
            record.connection_id = connection_id.get()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line itself, always one; a traceback comes after it."""
        record.message = record.message.translate(ESCAPED)
        return super().formatMessage(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Local time with milliseconds and a dot, so that lines sort and parse."""
        seconds = time.strftime(datefmt or "%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        return f"{seconds}.{int(record.msecs):03d}"
