"""Limits at daphne's sockets, below what an ASGI application can see.

daphne 4.2 hands every message on at once and writes every answer without asking whether the client reads.
Here a client that does not take its answers, or sends more messages a second than anybody needs, is simply
not read from for a while: TCP then slows it down, its memory here stays flat and nobody else waits. One
that takes nothing for `live_unread_seconds` is disconnected. HTTP bodies above `http_max_body_bytes` are
cut off while they arrive; daphne would collect them whole before Django could refuse them. A whole batch of
pictures may be larger when its sender is signed in, and a data set when it is staff. These wait on a disk and
are handed on no faster than they are taken, so that they are never in memory.
"""

import json
import logging
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from tempfile import TemporaryFile, gettempdir
from typing import Any

from autobahn.exception import Disconnected
from daphne import http_protocol, ws_protocol
from django.conf import settings
from django.db import connections
from django.utils.translation import gettext, gettext_noop, override
from twisted.internet import reactor
from twisted.internet.interfaces import IPushProducer
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from zope.interface import implementer

from detector.addresses import client_address
from detector.api.throttles import TooOften
from detector.conf import config
from detector.services.tokens import BadToken, token_in
from detector.socket_accounts import account_of_session
from detector.socket_languages import language_of
from detector.token_entry import enter_with_token

logger = logging.getLogger(__name__)

# Bytes read in one go and unsent bytes at which a client counts as not reading.
BUFFER = 16 * 1024
SEND_BUFFER = 64 * 1024
LINGER_SECONDS = 3.0
PIECE = 256 * 1024
PIECES_AHEAD = 8
COPIES = 2  # of a large body in the temporary folder: this one's and Django's
LOOK_SECONDS = 0.005
# What a large body may have beside the files: boundaries and names.
OVERHEAD = 4 * 1024 * 1024
TOO_LARGE = gettext_noop("The request is larger than {limit} bytes.")
NO_ROOM = gettext_noop("The server's disk has no room for this.")


@dataclass(frozen=True, slots=True)
class Large:
    """Where bodies may be larger: the setting that says how large, and who may send them."""

    limit: str
    staff_only: bool


LARGE_BODIES = {
    b"/api/batches/": Large("batch_max_bytes", staff_only=False),
    b"/api/datasets/": Large("dataset_max_bytes", staff_only=True),
}


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


class GuardedRequest(http_protocol.WebRequest):
    """daphne's HTTP request, refused with 413 as soon as its body is known to be over the limit.

    The body stays in memory, which the limit makes safe: pictures are never written to a disk. Only a batch
    or a data set that is larger waits in a temporary file until it is there.
    """

    _body_bytes = 0
    _limit = 0
    _refused = False
    _is_large = False

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django does that. Twisted takes ten times a form's size in memory for it, in the reactor's thread.
        super().__init__(*args, parsePOSTFormSubmission=False, **options)

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        self.content = BytesIO()  # Twisted's own choice for larger bodies is a temporary file
        self._limit = config.http_max_body_bytes
        if length is None or length <= self._limit:
            return
        large = self._large()
        if large is not None:
            self._limit = getattr(config, large.limit) + OVERHEAD
        if large is None or length > self._limit:
            self._refuse()
        elif COPIES * length > shutil.disk_usage(gettempdir()).free:
            self._refuse(b"507 Insufficient Storage", "disk_full", NO_ROOM)
        else:
            self._is_large = True
            self.content = TemporaryFile()  # noqa: SIM115  (Twisted closes it)
            self._ask_who_sends(large)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        self._body_bytes += len(data)
        if self._body_bytes > self._limit:
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if self._refused:
            return None
        if not self.requestHeaders.hasHeader(b"content-length") and self._body_bytes:
            # Sent in chunks. Django takes a body without a length for an empty one.
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % self._body_bytes])
        # daphne hands the whole body on in one go, which takes far longer in many small pieces.
        self.server.request_buffer_size = PIECE
        if not self._is_large:
            return super().process()
        # daphne gets an empty body to hand on, and the application, which has not begun yet, the pieces.
        body, self.content = self.content, BytesIO()
        body.seek(0)
        processed = super().process()
        self.content = body
        if self.application_queue is not None and not self.application_queue.empty():
            self.application_queue.get_nowait()
            self._hand_on()
        return processed

    def _hand_on(self) -> None:
        """A few pieces of the body, and the next ones when these have been taken."""
        while not self.content.closed and self.application_queue.qsize() < PIECES_AHEAD:
            piece = self.content.read(PIECE)
            more = len(piece) == PIECE
            self.application_queue.put_nowait({"type": "http.request", "body": piece, "more_body": more})
            if not more:
                return
        if not self.content.closed:
            reactor.callLater(LOOK_SECONDS, self._hand_on)

    def _large(self) -> Large | None:
        command, path = self.channel._command, self.channel._path  # not yet the request's own
        return LARGE_BODIES.get(path.partition(b"?")[0]) if command == b"POST" else None

    def _ask_who_sends(self, large: Large) -> None:
        """Read nothing of the body before it is clear that its sender may send it."""
        self.channel.transport.pauseProducing()
        session = (self.getCookie(settings.SESSION_COOKIE_NAME.encode()) or b"").decode("ascii", "replace")
        authorization = self.getHeader(b"authorization") or b""
        forwarded_for = (self.getHeader(b"x-forwarded-for") or b"").decode("latin1")
        peer = getattr(self.channel.transport.getPeer(), "host", None)  # none of a Unix socket
        asked = deferToThread(
            _may_send,
            session,
            authorization.decode("latin1"),
            client_address(peer, forwarded_for),
            staff_only=large.staff_only,
        )
        asked.addCallbacks(self._let_in, self._cannot_tell)

    def _let_in(self, may_send: bool) -> None:
        if not may_send:
            self._limit = config.http_max_body_bytes
            self._refuse()
        if self.channel is not None:
            self.channel.transport.resumeProducing()

    def _cannot_tell(self, failure: Failure) -> None:
        logger.error("can't tell who sends a large body: %s", failure.getErrorMessage())
        self._let_in(False)

    def _refuse(
        self, status: bytes = b"413 Content Too Large", code: str = "request_too_large", message: str = ""
    ) -> None:
        if self._refused or self.channel is None:
            return
        self._refused = True
        self.content.truncate(0)
        limit = self._limit
        headers = {name.lower(): values[0] for name, values in self.requestHeaders.getAllRawHeaders()}
        with override(language_of(headers)):
            message = gettext(message) if message else gettext(TOO_LARGE).format(limit=limit)
            advice = gettext("Go back and choose less.")
        if self.channel._path.startswith(b"/api/"):
            error = {"code": code, "message": message, "details": {"max_bytes": limit}}
            kind, body = b"application/json", json.dumps({"error": error}).encode()
        else:  # a page's form, sent by a person
            kind, body = b"text/plain; charset=utf-8", f"{message} {advice}".encode()
        transport = self.channel.transport
        transport.write(
            b"HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (status, kind, len(body), body)
        )
        # Closing at once would reset the connection and lose the answer of a client that is still sending.
        transport.loseWriteConnection()
        reactor.callLater(LINGER_SECONDS, transport.abortConnection)


def _may_send(session: str, authorization: str, address: str | None, *, staff_only: bool) -> bool:
    """Whether this is a token or the key of a session of somebody's, or of a member of the staff's. Asks the
    database, so not for the reactor's thread."""
    try:
        text = token_in(authorization)
        if text is None:
            account = account_of_session(session)
        else:
            account = enter_with_token(text, address=address).owner
        return account is not None and (account.is_staff or not staff_only)
    except (BadToken, TooOften):
        return False
    finally:
        connections.close_all()


def guard_daphne() -> None:
    """Put these classes in the place of daphne's own, for servers started afterwards."""
    ws_protocol.WebSocketFactory.protocol = GuardedWebSocket
    http_protocol.WebRequest = GuardedRequest
