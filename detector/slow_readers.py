"""Long answers go out no faster than they are read.

daphne takes every piece of a streamed answer at once, so that the archive of a whole account would wait in
memory for a client with a slow line. Here the application that sends it waits instead.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from daphne.server import Server

LOOK_SECONDS = 0.02
_handle_reply = Server.handle_reply


async def handle_reply_when_read(server: Server, protocol: Any, message: MutableMapping[str, Any]) -> None:
    """daphne's own; for a piece that is not the last it ends when the client has taken what came before."""
    await _handle_reply(server, protocol, message)
    while message.get("more_body") and _is_behind(protocol):
        await asyncio.sleep(LOOK_SECONDS)


def _is_behind(protocol: Any) -> bool:
    channel = getattr(protocol, "channel", None)  # none any more when the client has gone
    return channel is not None and channel._waitingForTransport


def guard_server() -> None:
    """Put it in the place of daphne's own, for servers started afterwards."""
    Server.handle_reply = handle_reply_when_read
