"""One log line everywhere: time, level, process, logger, ids of the request and the task, message.

LOG_FORMAT says how it is written: as a line for people, or as a JSON object for programs.
"""

import json
import logging
import os
import time
from datetime import UTC, datetime
from typing import Any

from detector.origin import NONE, connection_id, task_id

# A line break in a message, such as %0a in a request's path, would let strangers write log lines; so would
# Unicode's separators of lines and paragraphs (the last two) in some programs that show logs.
BREAKING = (*range(32), *range(127, 160), 0x2028, 0x2029)
ESCAPED = {code: chr(code).encode("unicode_escape").decode() for code in BREAKING}
INDENT = "  "


def _component() -> str:
    """The process is named by the environment variable COMPONENT (web, batch, training), else "manage"."""
    return os.environ.get("COMPONENT", "manage")


class LineFormatter(logging.Formatter):
    """`2026-01-31 12:00:00.123 INFO    web detector.live [1f0c9a2b] message`, tracebacks indented below it.

    The id is that of the request or the WebSocket; in a worker `request/task`, where a task without a request
    has a dash for it.
    """

    def __init__(self) -> None:
        super().__init__(
            "{asctime} {levelname:<7} {component} {name} [{ids}] {message}",
            style="{",
            defaults={"component": _component()},
        )

    def format(self, record: logging.LogRecord) -> str:
        """The record as text, with the ids of the context that logged it."""
        task = task_id.get()
        record.ids = connection_id.get() if task == NONE else f"{connection_id.get()}/{task[:8]}"
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line itself, always one; a traceback comes after it."""
        record.message = record.message.translate(ESCAPED)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback, indented: what an exception says can't pass for a line of its own."""
        lines = super().formatException(ei).splitlines()
        return "\n".join(INDENT + line.translate(ESCAPED) for line in lines)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Local time with milliseconds and a dot, so that lines sort and parse."""
        seconds = time.strftime(datefmt or "%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        return f"{seconds}.{int(record.msecs):03d}"


class JsonFormatter(logging.Formatter):
    """The same as one JSON object a line: `time` (UTC, ISO 8601), `level`, `component`, `logger`, `message`;
    `request` and `task`, the ids, where there are any; `exception`; and the `fields` that the logger was
    given in `extra`."""

    def __init__(self) -> None:
        super().__init__()
        self._known = {"component": _component()}

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, with the ids of the context that logged it."""
        ids = {"request": connection_id.get(), "task": task_id.get()}
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            **self._known,
            "logger": record.name,
            **{name: value for name, value in ids.items() if value != NONE},
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def as_warning(record: logging.LogRecord) -> bool:
    """A filter that lets everything pass, as a warning in one line: what a stranger did wrong is no error of
    the site, and where it was noticed tells nothing."""
    record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    record.exc_info = record.exc_text = None
    return True


FORMATS = {"line": LineFormatter, "json": JsonFormatter}
