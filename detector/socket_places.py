"""How many WebSockets one address and one account may have open in this process, and open in a minute."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext

from detector.addresses import address_of
from detector.api.throttles import SocketRate
from detector.errors import ServerBusy

logger = logging.getLogger(__name__)


class Places:
    """The open connections of one kind, counted by whose they are. Thread-safe."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def held(self, mine: Mapping[str, int]) -> Iterator[None]:
        """A place for whoever it belongs to, each with how many it may have (0: no limit), until the end of
        the block. Raises ServerBusy, and then takes none."""
        with self._lock:
            for name, most in mine.items():
                if most and self._taken[name] >= most:
                    logger.warning("%s has %d WebSockets open already", name, most)
                    message = gettext("{most} connections of yours are open already; no more are taken.")
                    raise ServerBusy(message.format(most=most))
            self._taken.update(mine.keys())
        try:
            yield
        finally:
            with self._lock:
                self._taken.subtract(mine.keys())
                for name in mine:
                    if self._taken[name] <= 0:
                        del self._taken[name]


def owners_of(
    address: str | None, account: AbstractBaseUser | None, most_per_address: int, most_per_account: int
) -> dict[str, int]:
    """Whom a connection is counted for, and how many each may have; nobody where no address is known."""
    owners = {address: most_per_address} if address else {}
    return owners | ({f"account {account.pk}": most_per_account} if account else {})


async def may_open(scope: dict) -> None:
    """Count the opening of a WebSocket of this ASGI scope. Raises TooOften."""
    await sync_to_async(SocketRate(address_of(scope)).spend, thread_sensitive=False)()
