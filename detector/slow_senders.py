"""A request that trickles in gives its connection back.

Twisted closes a connection on which nothing comes for a minute, so that one byte now and then holds it for
ever. Here a whole request, head and body, has `http_slow_seconds` and a second more for every
`http_least_rate` bytes of it that have come; the rule and its numbers are those of Apache's mod_reqtimeout.
"""

import json
import logging
import socket
from typing import Any

from daphne.http_protocol import HTTPFactory
from twisted.internet import reactor
from twisted.web import http

from detector.conf import config

logger = logging.getLogger(__name__)
# Of the kernel's. It would take megabytes, and the work of making them, for each client that never reads.
SEND_BUFFER = 256 * 1024
TOO_SLOW = {"code": "request_too_slow", "message": "The request came too slowly.", "details": {}}


class PatientChannel(http.HTTPChannel):
    """Twisted's HTTP connection, with an end to its patience."""

    _began = 0.0
    _came = 0
    _watch: Any = None

    def connectionMade(self) -> None:  # noqa: N802
        super().connectionMade()
        handle = self.transport.getHandle()
        if isinstance(handle, socket.socket) and handle.family != socket.AF_UNIX:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self._watch is None and not self._handlingRequest:
            self._began, self._came = reactor.seconds(), 0
            self._watch = reactor.callLater(config.http_slow_seconds, self._look)
        self._came += len(data)
        super().dataReceived(data)

    def allContentReceived(self) -> None:  # noqa: N802
        self._end_watch()
        super().allContentReceived()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self._end_watch()
        super().connectionLost(reason)

    def _look(self) -> None:
        self._watch = None
        allowed = config.http_slow_seconds + self._came / config.http_least_rate
        left = self._began + allowed - reactor.seconds()
        if left > 0:
            self._watch = reactor.callLater(left, self._look)
        else:
            self._give_up()

    def _give_up(self) -> None:
        peer = self.transport.getPeer()
        logger.warning(
            "%s sends a request too slowly and is disconnected", getattr(peer, "host", "a local program")
        )
        body = json.dumps({"error": TOO_SLOW}).encode()
        self.transport.write(
            b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        self.timeoutConnection()

    def _end_watch(self) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
        self._watch = None


def _new_channel(factory: HTTPFactory) -> http._GenericHTTPChannelProtocol:
    return http._GenericHTTPChannelProtocol(PatientChannel())


def guard_senders() -> None:
    """Put it in the place of Twisted's own, for servers started afterwards."""
    HTTPFactory.protocol = _new_channel
