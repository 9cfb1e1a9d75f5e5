"""The live WebSocket `/ws/live/`; docs/PROTOCOL.md is its description.

A plain ASGI application rather than a channels consumer: frames need no channel layer, and channels'
dispatch sends every message through a thread to tidy database connections, which costs more than
everything done here.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.utils.translation import activate

from detector import protocol
from detector.addresses import address_of
from detector.api.throttles import TooOften
from detector.close_codes import CLOSE_NORMAL, CLOSE_POLICY, CLOSE_TRY_AGAIN
from detector.conf import config
from detector.engine import get_engine
from detector.engine.pictures import Outcome, Picture
from detector.engine.queues import Mailbox
from detector.errors import HamsterError, ServerBusy
from detector.live import FaceTracks
from detector.metrics import FRAMES_DROPPED, FRAMES_RECEIVED, count_failure
from detector.pace import Pace, Verdict
from detector.services.tokens import BadToken
from detector.socket_accounts import caller_of
from detector.socket_languages import language_of
from detector.socket_places import Places, may_open, owners_of
from detector.stored_texts import translated

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Answers that may wait for the server to take them; with more, frames are dropped until some have gone.
MAX_UNSENT = 8
PLACES = Places()


async def live(scope: Message, receive: Receive, send: Send) -> None:
    """ASGI application for one live connection."""
    activate(language_of(dict(scope["headers"])))
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    try:
        await may_open(scope)
        account = await _account(scope)
        owners = owners_of(
            address_of(scope), account, config.live_max_per_address, config.live_max_per_account
        )
        with PLACES.held(owners):
            await _serve(receive, send, has_account=account is not None)
    except BadToken as error:
        await _refuse(send, error, CLOSE_POLICY)
    except (ServerBusy, TooOften) as error:
        logger.warning("live connection refused: %s", error.message)
        await _refuse(send, error, CLOSE_TRY_AGAIN)


async def _serve(receive: Receive, send: Send, *, has_account: bool) -> None:
    connection = LiveConnection(receive, send, has_account=has_account)
    mailbox = get_engine().open_mailbox(connection.outcome_ready, connection.detector_changed)
    try:
        await connection.serve(mailbox)
    finally:
        if mailbox.waiting is not None:
            FRAMES_DROPPED.labels("gone").inc()
        mailbox.close()


async def _account(scope: Message) -> AbstractBaseUser | None:
    try:
        return await caller_of(scope).account_now()
    except DatabaseError as error:  # the camera goes on without it
        logger.warning("can't tell whose a live connection is: %s", error)
        return None


async def _refuse(send: Send, error: HamsterError, code: int) -> None:
    text = json.dumps(protocol.error(error.code, translated(error.message)))
    await send({"type": "websocket.send", "text": text})
    await send({"type": "websocket.close", "code": code})


class LiveConnection:
    """Frames and settings in, answers out; the engine works in between, never awaited by the reading side."""

    def __init__(self, receive: Receive, send: Send, *, has_account: bool = False) -> None:
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._outbox: asyncio.Queue[Outcome | dict[str, Any]] = asyncio.Queue()
        self._options = protocol.LiveOptions()
        self._tracks = FaceTracks(self._options.smoothing)
        self._answered = 0
        self._dropped = 0
        self._has_account = has_account
        self._max_fps = protocol.max_fps(has_account=has_account)
        self._pace = Pace(
            frames_per_second=self._max_fps,
            abuse_factor=config.live_abuse_factor,
            abuse_seconds=config.live_abuse_seconds,
            now=time.monotonic(),
        )

    def outcome_ready(self, outcome: Outcome) -> None:
        """Called from an engine thread."""
        self._loop.call_soon_threadsafe(self._outbox.put_nowait, outcome)

    def detector_changed(self, version: str) -> None:
        """Called from the thread that swapped the detector."""
        self._loop.call_soon_threadsafe(self._outbox.put_nowait, protocol.detector_changed(version))

    async def serve(self, mailbox: Mailbox) -> None:
        """Greet, then read and answer until either side closes."""
        await self.send_json(protocol.hello(get_engine().detector_name, has_account=self._has_account))
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(self._answer())
            await self._read(mailbox)
            answering.cancel()
        logger.info("live connection closed: %d frames answered, %d dropped", self._answered, self._dropped)

    async def send_json(self, message: dict[str, Any]) -> None:
        """Send one message at once."""
        text = json.dumps(message, separators=(",", ":"))
        await self._send({"type": "websocket.send", "text": text})

    async def _read(self, mailbox: Mailbox) -> None:
        while (message := await self._next_message())["type"] == "websocket.receive":
            frame = message.get("bytes")
            now = time.monotonic()
            verdict = self._pace.control(now) if frame is None else self._pace.frame(now)
            if verdict is Verdict.CLOSE:
                logger.warning("live connection closed: it flooded the server")
                await self.send_json(self._error(protocol.TooFast(self._max_fps)))
                await self._send({"type": "websocket.close", "code": CLOSE_POLICY})
                return
            is_full = self._outbox.qsize() >= MAX_UNSENT
            if frame is not None:
                FRAMES_RECEIVED.inc()
            if verdict is not Verdict.USE or (is_full and frame is not None):
                if frame is not None:
                    self._drop("unread" if verdict is Verdict.USE else "too_fast")
                if verdict is Verdict.WARN:
                    self._outbox.put_nowait(self._error(protocol.TooFast(self._max_fps)))
                continue
            try:
                if frame is not None:
                    self._take_frame(frame, mailbox)
                else:
                    self._take_control(message["text"])
            except protocol.ProtocolError as error:
                if frame is not None:
                    count_failure("live", error.code)
                if not is_full:
                    self._outbox.put_nowait(self._error(error))

    async def _next_message(self) -> Message:
        try:
            async with asyncio.timeout(config.live_idle_seconds):
                return await self._receive()
        except TimeoutError:
            logger.info("live connection has sent nothing for %d s", config.live_idle_seconds)
            await self._send({"type": "websocket.close", "code": CLOSE_NORMAL})
            return {"type": "websocket.disconnect"}

    def _take_frame(self, message: bytes, mailbox: Mailbox) -> None:
        number, data = protocol.parse_frame(message)
        replaced = mailbox.put(
            Picture(
                data,
                max_pixels=config.live_max_pixels,
                max_faces=self._options.max_faces,
                min_score=self._options.min_score,
                number=number,
            )
        )
        if replaced is not None:
            self._drop("replaced")

    def _drop(self, reason: str) -> None:
        self._dropped += 1
        FRAMES_DROPPED.labels(reason).inc()

    def _take_control(self, text: str) -> None:
        self._options = self._options.configured(protocol.parse_control(text))
        self._tracks.smoothing = self._options.smoothing

    async def _answer(self) -> None:
        while True:
            item = await self._outbox.get()
            await self.send_json(self._answer_to(item) if isinstance(item, Outcome) else item)

    def _answer_to(self, outcome: Outcome) -> dict[str, Any]:
        if outcome.error is not None:
            return protocol.error(outcome.error.code, translated(outcome.error.message), outcome.number)
        self._answered += 1
        faces = self._tracks.update(outcome.detections, time.monotonic())
        return protocol.prediction(outcome, faces, self._dropped)

    @staticmethod
    def _error(error: protocol.ProtocolError) -> dict[str, Any]:
        return protocol.error(error.code, error.message, error.frame)
