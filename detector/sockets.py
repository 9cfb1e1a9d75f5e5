"""Limits at daphne's sockets, below what an ASGI application can see.

daphne 4.2 hands every message on at once and writes every answer without asking whether the client reads.
Here a client that does not take its answers, or sends more messages a second than anybody needs, is simply
not read from for a while: TCP then slows it down, its memory here stays flat and nobody else waits. One
that takes nothing for `live_unread_seconds` is disconnected.
"""

import logging
import socket
from contextlib import suppress
from typing import Any

from autobahn.exception import Disconnected
from daphne import http_protocol, ws_protocol
from twisted.internet import reactor
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from detector.conf import config
from detector.request_bodies import GuardedRequest

logger = logging.getLogger(__name__)

# Bytes read in one go and unsent bytes at which a client counts as not reading.
BUFFER = 16 * 1024
SEND_BUFFER = 64 * 1024


@implementer(IPushProducer)
class GuardedWebSocket(ws_protocol.WebSocketProtocol):
    """daphne's WebSocket with both limits. As its transport's producer it hears when writes pile up."""

    def onOpen(self) -> None:  # noqa: N802
        super().onOpen()
        # A second may hold twice what the consumer warns about: it has to see floods to close them.
        fastest = max(config.live_max_fps, config.account_live_max_fps)
        self._messages_a_second = fastest * config.live_abuse_factor * 2
        self._messages = 0
        self._second: Any = None
        self._giving_up: Any = None
        # A message over daphne's limit then closes with 1009 rather than without a word.
        self.failByDrop = False
        self.transport.bufferSize = BUFFER
        handle = self.transport.getHandle()
        if isinstance(handle, socket.socket) and handle.family != socket.AF_UNIX:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        # The HTTP channel of before the upgrade is still registered, and ignores what it is told.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        if self.state == self.STATE_OPEN:
            super().onMessage(payload, isBinary)

    def onMessageFrameBegin(self, length: int) -> None:  # noqa: N802
        """A frame of a message; a message may come in any number of them, empty ones too."""
        self._count()
        super().onMessageFrameBegin(length)

    def onPing(self, payload: bytes) -> None:  # noqa: N802
        self._count()
        super().onPing(payload)

    def onPong(self, payload: bytes) -> None:  # noqa: N802
        self._count()
        super().onPong(payload)

    def _count(self) -> None:
        self._messages += 1
        if self._second is None:
            self._second = reactor.callLater(1.0, self._end_second)
        if self._messages >= self._messages_a_second:
            self.transport.pauseProducing()

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:  # noqa: N802
        """To nobody if the socket is closing: daphne itself only knows those that are closed."""
        with suppress(Disconnected):
            super().serverSend(content, binary)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802
        """Close with any code: daphne's own way only knows 1000 and 3000 to 4999."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802, N803
        for timer in (getattr(self, "_second", None), getattr(self, "_giving_up", None)):
            if timer is not None and timer.active():
                timer.cancel()
        super().onClose(wasClean, code, reason)

    def pauseProducing(self) -> None:  # noqa: N802
        """The client leaves its answers lying: stop listening to it."""
        self.transport.pauseProducing()
        if self._giving_up is None:  # we are told again with every further write
            self._giving_up = reactor.callLater(config.live_unread_seconds, self._give_up)

    def resumeProducing(self) -> None:  # noqa: N802
        """It has taken them."""
        if self._giving_up is not None and self._giving_up.active():
            self._giving_up.cancel()
        self._giving_up = None
        self._read_again()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is gone; `onClose` follows."""

    def _end_second(self) -> None:
        self._second = None
        self._messages = 0
        self._read_again()

    def _read_again(self) -> None:
        if self._giving_up is None and self._messages < self._messages_a_second:
            self.transport.resumeProducing()

    def _give_up(self) -> None:
        logger.warning(
            "%s has taken no answer for %d s and is disconnected",
            self.client_addr,
            config.live_unread_seconds,
        )
        self.transport.abortConnection()


def guard_daphne() -> None:
    """Put these classes in the place of daphne's own, for servers started afterwards."""
    ws_protocol.WebSocketFactory.protocol = GuardedWebSocket
    http_protocol.WebRequest = GuardedRequest
