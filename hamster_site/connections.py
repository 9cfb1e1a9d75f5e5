"""The outermost ASGI layer: names every request and WebSocket, and writes one line when it ends."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from detector.origin import LONGEST, connection_id

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)
ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9_.-]{1,%d}" % LONGEST)
KEY_IN_PATH = re.compile(r"(/accounts/(?:confirm-email|password/reset/key)/)[^/]{6,}")
"""Of a mailed link: whoever has it can do what the mail was sent for."""
QUIET_PATHS = ("/static/", "/health", "/metrics")


class NamedConnections:
    """Gives each HTTP request and WebSocket an id for the logs and for its `X-Request-ID` header.

    A proxy's own `X-Request-ID` is kept when it is at most 64 letters, digits, `_`, `.` or `-`.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        name = _given_id(scope) or secrets.token_hex(4)
        connection_id.set(name)
        started = time.monotonic()
        outcome = "no answer"

        async def send_named(message: Message) -> None:
            nonlocal outcome
            if message["type"] in ("http.response.start", "websocket.accept"):
                outcome = str(message.get("status", "opened"))
                message = {
                    **message,
                    "headers": [*message.get("headers", []), (b"x-request-id", name.encode())],
                }
                if message["type"] == "websocket.accept":
                    logger.info("WebSocket %s opened", scope["path"])
            elif message["type"] == "websocket.close":
                outcome = f"closed with {message.get('code', 1000)}"
            await send(message)

        try:
            await self.application(scope, receive, send_named)
        finally:
            quiet = scope["path"].startswith(QUIET_PATHS) and outcome.startswith(("2", "3"))
            outcome = "ended" if outcome == "opened" else outcome
            path = KEY_IN_PATH.sub(r"\1...", scope["path"])
            said = (scope.get("method", "WebSocket"), path, outcome)
            took = (time.monotonic() - started) * 1000
            fields = dict(zip(("method", "path", "outcome"), said, strict=True)) | {"ms": round(took, 1)}
            logger.log(
                logging.DEBUG if quiet else logging.INFO,
                "%s %s %s in %.0f ms",
                *said,
                took,
                extra={"fields": fields},
            )


def _given_id(scope: Message) -> str | None:
    for header, value in scope["headers"]:
        if header == b"x-request-id" and ACCEPTABLE_ID.fullmatch(value):
            return value.decode()
    return None
