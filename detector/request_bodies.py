"""The bodies of HTTP requests, below what an ASGI application can see.

Bodies above `http_max_body_bytes` are cut off while they arrive; daphne would collect them whole before
Django could refuse them. A whole batch of pictures may be larger when its sender is signed in, and a data set
when it is staff. These wait on a disk and are handed on no faster than they are taken, so that they are never
in memory.

Memory and disk are shared: a body is only read while all bodies under way have room together. One that is to
stay in memory waits a moment for it.
"""

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from tempfile import TemporaryFile, gettempdir
from typing import Any, ClassVar

from daphne import http_protocol
from django.conf import settings
from django.db import connections
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from detector.addresses import client_address
from detector.api.throttles import TooOften
from detector.conf import config
from detector.errors import FULL, DiskFull, HamsterError, ServerBusy
from detector.services.disk_room import room
from detector.services.tokens import BadToken, token_in
from detector.socket_accounts import account_of_session
from detector.socket_languages import language_of
from detector.token_entry import enter_with_token

logger = logging.getLogger(__name__)

LINGER_SECONDS = 3.0
PIECE = 256 * 1024
PIECES_AHEAD = 8
# Of a large body in the temporary folder: this one's and Django's, then Django's and the files in it.
COPIES = 2
LOOK_SECONDS = 0.005
# A body in memory waits so long for room. Smaller ones than a piece need not, or nobody could sign in.
ROOM_SECONDS = 8.0
ROOM_LOOK_SECONDS = 0.02
# What a large body may have beside the files: boundaries and names.
OVERHEAD = 4 * 1024 * 1024


class RequestTooLarge(HamsterError):
    """A body over the limit of bytes."""

    code = "request_too_large"
    status = 413
    message = _("The request is larger than {limit} bytes.")


@dataclass(frozen=True, slots=True)
class Large:
    """Where bodies may be larger: the setting that says how large, and who may send them."""

    limit: str
    staff_only: bool


LARGE_BODIES = {
    b"/api/batches/": Large("batch_max_bytes", staff_only=False),
    b"/api/datasets/": Large("dataset_max_bytes", staff_only=True),
}


class GuardedRequest(http_protocol.WebRequest):
    """daphne's HTTP request, refused with 413 as soon as its body is known to be over the limit.

    The body stays in memory, which the limits make safe: pictures are never written to a disk. Only a batch
    or a data set that is larger waits in a temporary file until it is there.
    """

    under_way: ClassVar[set["GuardedRequest"]] = set()
    """Those with a body that takes room until their application has ended."""

    _body_bytes = 0
    _limit = 0
    _refused = False
    _is_large = False
    _memory = 0  # bytes of `http_bodies_bytes`
    _disk = 0  # bytes still to be written to the temporary folder
    _address: str | None = None
    _waiting: Any = None

    def __init__(self, *args: Any, **options: Any) -> None:
        # Django does that. Twisted takes ten times a form's size in memory for it, in the reactor's thread.
        super().__init__(*args, parsePOSTFormSubmission=False, **options)

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        self.content = BytesIO()  # Twisted's own choice for larger bodies is a temporary file
        self._limit = config.http_max_body_bytes
        if length is None or length <= PIECE:
            return
        if length <= self._limit:
            self._ask_for_memory(length)
            return
        large = self._large()
        if large is not None:
            self._limit = getattr(config, large.limit) + OVERHEAD
        if large is None or length > self._limit:
            self._refuse(RequestTooLarge)
        else:
            self._is_large = True
            self.content = TemporaryFile()  # noqa: SIM115  (Twisted closes it)
            self._ask_who_sends(large, length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        self._body_bytes += len(data)
        if self._body_bytes > self._limit:
            self._refuse(RequestTooLarge)
        if self._refused:
            return
        if self._body_bytes > PIECE and not (self._memory or self._is_large or self._waiting):
            self._ask_for_memory(self._limit)  # sent in chunks
        try:
            super().handleContentChunk(data)
        except OSError as error:
            self._give_up(error)
        if self._is_large:
            self._disk -= len(data)

    def process(self) -> Any:
        self._wait_no_more()
        if self._refused:
            return None
        if not self.requestHeaders.hasHeader(b"content-length") and self._body_bytes:
            # Sent in chunks. Django takes a body without a length for an empty one.
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % self._body_bytes])
        # daphne hands the whole body on in one go, which takes far longer in many small pieces.
        self.server.request_buffer_size = PIECE
        try:
            self.content.seek(0)
        except OSError as error:  # what was still to be written
            self._give_up(error)
            return None
        # Of a large body daphne gets nothing, and the application, which has not begun yet, the pieces.
        body = self.content
        if self._is_large:
            self.content = BytesIO()
        processed = super().process()
        if not self._is_large:
            self.content = BytesIO()  # the application has it
        else:
            self.content = body
            if self.application_queue is not None and not self.application_queue.empty():
                self.application_queue.get_nowait()
                self._hand_on()
        self._leave_with_application()
        return processed

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        super().connectionLost(reason)
        self._wait_no_more()
        self._leave_with_application()

    def handle_exception(self, exception: Exception) -> None:
        """The application failed without an answer; with no room for Django's copy of a large body, say."""
        if not self._response_started and isinstance(exception, OSError) and exception.errno in FULL:
            self._refuse(DiskFull)
        else:
            super().handle_exception(exception)

    def _hand_on(self) -> None:
        """A few pieces of the body, and the next ones when these have been taken."""
        while not self.content.closed and self.application_queue.qsize() < PIECES_AHEAD:
            piece = self.content.read(PIECE)
            more = len(piece) == PIECE
            self.application_queue.put_nowait({"type": "http.request", "body": piece, "more_body": more})
            if not more:
                self.content.close()
                self._disk = self._body_bytes  # the files that Django finds in its copy
                return
            self._disk -= len(piece)
        if not self.content.closed:
            reactor.callLater(LOOK_SECONDS, self._hand_on)

    def _large(self) -> Large | None:
        command, path = self.channel._command, self.channel._path  # not yet the request's own
        return LARGE_BODIES.get(path.partition(b"?")[0]) if command == b"POST" else None

    def _client_address(self) -> str | None:
        forwarded_for = (self.getHeader(b"x-forwarded-for") or b"").decode("latin1")
        peer = getattr(self.channel.transport.getPeer(), "host", None)  # none of a Unix socket
        return client_address(peer, forwarded_for)

    def _ask_for_memory(self, size: int) -> None:
        """Read nothing more of the body before there is room for it."""
        self._address = self._client_address()
        self.channel.transport.pauseProducing()
        self._wait_for_memory(size, reactor.seconds() + ROOM_SECONDS)

    def _wait_for_memory(self, size: int, until: float) -> None:
        if not self._has_memory(size) and reactor.seconds() < until:
            self._waiting = reactor.callLater(ROOM_LOOK_SECONDS, self._wait_for_memory, size, until)
            return
        self._waiting = None
        if self._has_memory(size):
            self._memory = size
            self.under_way.add(self)
        else:
            self._refuse(ServerBusy)
        self.channel.transport.resumeProducing()

    def _wait_no_more(self) -> None:
        """The connection is gone, or the body was all there already and is a small one."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _has_memory(self, size: int) -> bool:
        """One address takes no more than half of it; a body that is the only one always has room."""
        taken = sum(other._memory for other in self.under_way)
        theirs = sum(other._memory for other in self.under_way if other._address == self._address)
        most = config.http_bodies_bytes
        return (not taken or taken + size <= most) and (not theirs or theirs + size <= most // 2)

    def _ask_who_sends(self, large: Large, length: int) -> None:
        """Read nothing of the body before it is clear that its sender may send it."""
        self.channel.transport.pauseProducing()
        session = (self.getCookie(settings.SESSION_COOKIE_NAME.encode()) or b"").decode("ascii", "replace")
        authorization = self.getHeader(b"authorization") or b""
        asked = deferToThread(
            _may_send,
            session,
            authorization.decode("latin1"),
            self._client_address(),
            staff_only=large.staff_only,
        )
        asked.addErrback(self._cannot_tell)
        asked.addCallback(self._let_in, length)

    def _cannot_tell(self, failure: Failure) -> bool:
        logger.error("can't tell who sends a large body: %s", failure.getErrorMessage())
        return False

    def _let_in(self, may_send: bool, length: int) -> None:
        if not may_send:
            self._limit = config.http_max_body_bytes
            self._refuse(RequestTooLarge)
        elif COPIES * length > room(gettempdir()) - sum(other._disk for other in self.under_way):
            self._refuse(DiskFull)
        elif self.channel is not None:
            self._disk += COPIES * length
            self.under_way.add(self)
        if self.channel is not None:
            self.channel.transport.resumeProducing()

    def _give_up(self, error: OSError) -> None:
        """The body could not be written."""
        if error.errno not in FULL:
            raise error
        logger.error("no room for a large body: %s", error)
        self._refuse(DiskFull)

    def _leave_with_application(self) -> None:
        application = self.server.connections.get(self, {}).get("application_instance")
        if application is None:
            self.under_way.discard(self)
        else:
            application.add_done_callback(lambda _: self.under_way.discard(self))

    def _refuse(self, error: type[HamsterError]) -> None:
        if self._refused or self.channel is None:
            return
        self._refused = True
        self.under_way.discard(self)
        with suppress(OSError):  # what was still to be written has no room
            self.content.close()
        self.content = BytesIO()
        headers = {name.lower(): values[0] for name, values in self.requestHeaders.getAllRawHeaders()}
        details = {"max_bytes": self._limit} if error is RequestTooLarge else {}
        with override(language_of(headers)):
            message = str(error.message).format(limit=self._limit)
            advice = gettext("Go back and choose less.") if error is RequestTooLarge else ""
        path = getattr(self.channel, "_path", self.uri)  # once all is there only the request has it
        if path.startswith(b"/api/"):
            shape = {"code": error.code, "message": message, "details": details}
            kind, body = b"application/json", json.dumps({"error": shape}).encode()
        else:  # a page's form, sent by a person
            kind, body = b"text/plain; charset=utf-8", f"{message} {advice}".strip().encode()
        retry = b"Retry-After: %d\r\n" % error.retry_after if issubclass(error, ServerBusy) else b""
        transport = self.channel.transport
        transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nConnection: close\r\n%s"
            b"Content-Length: %d\r\n\r\n%s"
            % (error.status, HTTPStatus(error.status).phrase.encode(), kind, retry, len(body), body)
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
