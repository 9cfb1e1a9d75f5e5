"""The WebSocket `/ws/jobs/`: how jobs come along; docs/PROTOCOL.md is its description.

Rows are the truth about jobs, so a connection looks at the rows that it watches once a second and tells what
changed. Nothing has to be sent by the workers, so nothing is lost when Redis or a process dies in between.
"""

import asyncio
import json
import logging
from contextlib import ExitStack
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError
from django.utils.translation import activate
from django.utils.translation import gettext_lazy as _

from detector.api.throttles import TooOften
from detector.close_codes import CLOSE_POLICY, CLOSE_TRY_AGAIN
from detector.conf import config
from detector.errors import HamsterError, ServerBusy
from detector.jobs import WATCHABLE
from detector.services.tokens import BadToken
from detector.socket_accounts import caller_of
from detector.socket_languages import language_of
from detector.socket_places import Places, may_open, owners_of

logger = logging.getLogger(__name__)
LOOK_INTERVAL = 1.0  # seconds
MOST_WATCHED = 20
LONGEST_MESSAGE = 1000  # characters
PLACES = Places()
LARGEST_ID = 2**63 - 1

Watched = tuple[str, int]


class NotSignedIn(HamsterError):
    """The connection belongs to no account, or no longer does."""

    code = "not_signed_in"
    message = _("Sign in, or send a token, to watch jobs.")


class BadMessage(HamsterError):
    """A message that can't be used. The connection stays open."""

    code = "bad_message"
    message = 'Send {"type": "watch" or "unwatch", "kind": "...", "id": 1} as text.'


class TooManyWatched(HamsterError):
    """More jobs than one connection may watch."""

    code = "too_many_watched"
    message = f"One connection can watch {MOST_WATCHED} jobs."


class JobsConsumer(AsyncJsonWebsocketConsumer):
    """One connection: which jobs it watches, and what it last said of each."""

    # Nothing comes over the channel layer, and waiting on it would end the connection with Redis.
    channel_layer_alias = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one WebSocket (ASGI 3). However it ends, its place is given back and nothing goes on looking:
        a server that takes too long to disconnect is not waited for."""
        self._looking: asyncio.Task | None = None
        with ExitStack() as self._place:
            self._place.callback(self._stop_looking)
            await super().__call__(scope, receive, send)

    async def connect(self) -> None:
        """Accept everybody: a browser's page learns nothing from a refusal. Strangers are told why not."""
        self._said: dict[Watched, Any] = {}
        self._caller = caller_of(self.scope)
        activate(language_of(dict(self.scope["headers"])))  # of jobs' errors; threads and tasks inherit it
        await self.accept()
        try:
            await may_open(self.scope)
            account = await self._caller.account_now()
            if account is None:
                raise NotSignedIn
            owners = owners_of(
                self._caller.address, account, config.jobs_max_per_address, config.jobs_max_per_account
            )
            self._place.enter_context(PLACES.held(owners))
        except HamsterError as error:
            await self._turn_away(error)
            return
        self._looking = asyncio.create_task(self._keep_looking())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take in one message."""
        if self._looking is None:
            return
        try:
            await self._take(text_data)
        except HamsterError as error:
            await self._say_error(error)

    async def _take(self, text: str | None) -> None:
        is_watch, watched = _parse(text)
        if not is_watch:
            self._said.pop(watched, None)
        elif watched not in self._said:
            if len(self._said) >= MOST_WATCHED:
                raise TooManyWatched
            self._said[watched] = None
            await self._look([watched])

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            await self._look(list(self._said))

    async def _look(self, at: list[Watched]) -> None:
        try:
            # On threads of its own: all that is thread-sensitive stands in one line.
            found = await database_sync_to_async(self._read, thread_sensitive=False)(at)
        except DatabaseError as error:
            logger.warning("jobs cannot be looked at: %s", error)
            return
        except (NotSignedIn, BadToken, TooOften) as error:
            await self._turn_away(error)
            return
        for watched, job in found.items():
            if watched not in self._said:
                continue
            kind, pk = watched
            if job is None:
                del self._said[watched]
                await self.send_json({"type": "gone", "kind": kind, "id": pk})
            elif job != self._said[watched]:
                self._said[watched] = job
                await self.send_json({"type": "job", "kind": kind, "id": pk, "job": job})

    def _read(self, at: list[Watched]) -> dict[Watched, Any]:
        """What the account may see of these jobs now. Raises NotSignedIn, BadToken, TooOften."""
        user = self._caller.account()
        if user is None:
            raise NotSignedIn
        return {(kind, pk): WATCHABLE[kind](user, pk) for kind, pk in at}

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking, looking = None, self._looking
            if looking is not asyncio.current_task():
                looking.cancel()

    async def _turn_away(self, error: HamsterError) -> None:
        self._stop_looking()
        await self._say_error(error)
        await self.close(CLOSE_TRY_AGAIN if isinstance(error, ServerBusy | TooOften) else CLOSE_POLICY)

    async def _say_error(self, error: HamsterError) -> None:
        await self.send_json({"type": "error", "code": error.code, "message": error.message})


def _parse(text: str | None) -> tuple[bool, Watched]:
    """Whether to watch or to stop watching, and what. Raises BadMessage."""
    try:
        if text is None or len(text) > LONGEST_MESSAGE:
            raise BadMessage
        message = json.loads(text)
        kind, pk, wish = message["kind"], message["id"], message["type"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadMessage from error
    is_known = wish in ("watch", "unwatch") and isinstance(kind, str) and kind in WATCHABLE
    if not is_known or type(pk) is not int or not 0 < pk <= LARGEST_ID:
        raise BadMessage
    return wish == "watch", (kind, pk)
