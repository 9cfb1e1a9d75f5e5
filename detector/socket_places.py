"""How many WebSockets one address and one account may have open in this process, and open in a minute."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from asgiref.sync import sync_to_async

from detector.addresses import address_of
from detector.api.throttles import SocketRate
from detector.errors import ServerBusy


class Places:
    """The open connections of one kind, counted by whose they are. Thread-safe."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def held(self, owners: Iterable[tuple[str, int]]) -> Iterator[None]:
        """A place for whoever it belongs to, each with how many it may have (0: no limit), until the end of
        the block. Raises ServerBusy, and then takes none."""
        with self._lock:
            mine = dict(owners)
            for name, most in mine.items():
                if most and self._taken[name] >= most:
                    raise ServerBusy(f"{name} has {most} connections open already; no more are taken.")
            self._taken.update(mine.keys())
        try:
            yield
        finally:
            with self._lock:
                self._taken.subtract(mine.keys())
                for name in mine:
                    if self._taken[name] <= 0:
                        del self._taken[name]


async def may_open(scope: dict) -> None:
    """Count the opening of a WebSocket of this ASGI scope. Raises TooOften."""
    await sync_to_async(SocketRate(address_of(scope)).spend, thread_sensitive=False)()
