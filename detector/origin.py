"""What a log line belongs to: the request that asked for something, and the task that carries it out."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NONE = "-"
LONGEST = 64

connection_id: ContextVar[str] = ContextVar("connection_id", default=NONE)
"""Id of the HTTP request or the WebSocket that is being served, or that asked for what is being done."""

task_id: ContextVar[str] = ContextVar("task_id", default=NONE)
"""Id of the Celery task that is being carried out."""


@contextmanager
def on_behalf_of(asked_by: str) -> Iterator[None]:
    """What is done in the block was asked for by the request with this id; empty: nobody knows which."""
    before = connection_id.set(asked_by or NONE)
    try:
        yield
    finally:
        connection_id.reset(before)
