"""Long answers go out no faster than they are read, and not at all to somebody who has stopped reading.

daphne takes every piece of a streamed answer at once, so that the archive of a whole account would wait in
memory for a client with a slow line. Here the application that sends it waits instead; a client that takes
nothing more for `http_unread_seconds` is disconnected.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

from daphne.server import Server

from detector.conf import config

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.02
_handle_reply = Server.handle_reply


async def handle_reply_when_read(server: Server, protocol: Any, message: MutableMapping[str, Any]) -> None:
    """daphne's own; for a piece that is not the last it ends when the client has taken what came before."""
    await _handle_reply(server, protocol, message)
    now = asyncio.get_running_loop().time
    unsent, since = None, now()
    while message.get("more_body") and _is_behind(protocol):
        if (unsent_now := _unsent(protocol.channel.transport)) != unsent:
            unsent, since = unsent_now, now()
        elif now() - since > config.http_unread_seconds:
            logger.warning(
                "%s has taken nothing of an answer for %d s and is disconnected",
                protocol.client_addr,
                config.http_unread_seconds,
            )
            protocol.channel.transport.abortConnection()
            return
        await asyncio.sleep(LOOK_SECONDS)


def _is_behind(protocol: Any) -> bool:
    channel = getattr(protocol, "channel", None)  # none any more when the client has gone
    return channel is not None and channel._waitingForTransport


def _unsent(transport: Any) -> int:
    """Bytes that the kernel has not taken from Twisted yet."""
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


def guard_server() -> None:
    """Put it in the place of daphne's own, for servers started afterwards."""
    Server.handle_reply = handle_reply_when_read
