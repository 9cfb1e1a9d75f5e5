"""Who is next: one-slot mailboxes for live connections, a short line for single requests.

Fair: a connection stands in line at most once, so with N connections waiting each gets every N-th turn,
however fast it sends. Bounded: a connection holds at most one waiting frame and one in work.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Condition, Event, Lock
from typing import NamedTuple, Protocol

from detector.engine.pictures import Outcome, Picture
from detector.errors import ServerBusy


class Job(Protocol):
    """Something a worker can take a picture from and hand the outcome to."""

    def deliver(self, outcome: Outcome) -> None: ...


class Request:
    """One picture of one HTTP request; its result is a future."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.future: Future[Outcome] = Future()

    def deliver(self, outcome: Outcome) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(outcome)


class Mailbox:
    """The one-slot mailbox of a live connection: the latest frame wins.

    `on_outcome` and `on_detector` are called from engine threads and must return at once.
    """

    def __init__(
        self,
        line: "Line",
        on_outcome: Callable[[Outcome], None],
        on_detector: Callable[[str], None],
    ) -> None:
        self._line = line
        self.deliver = on_outcome
        self.announce = on_detector
        self.waiting: Picture | None = None
        self.in_work = False
        self.closed = False

    def put(self, picture: Picture) -> Picture | None:
        """Leave a frame; returns the older frame that it replaced, if one was still waiting."""
        return self._line.put(self, picture)

    def close(self) -> None:
        """Give the place back. Nothing is delivered afterwards."""
        self._line.close(self)


class LineState(NamedTuple):
    """How full a line is at one moment."""

    mailboxes: int
    max_mailboxes: int
    waiting_frames: int
    waiting_requests: int


class Line:
    """Everything that waits for a worker. Thread-safe; workers call `take` and `done`."""

    def __init__(self, *, max_mailboxes: int, max_requests: int, max_requests_in_work: int) -> None:
        lock = Lock()
        self._changed = Condition(lock)
        # Of its own, so that a notice meant for one worker never goes to somebody who waits for idleness.
        self._idle = Condition(lock)
        self._in_work = 0
        self._max_mailboxes = max_mailboxes
        self._max_requests = max_requests
        self._max_requests_in_work = max_requests_in_work
        self._mailboxes: set[Mailbox] = set()
        self._ready: deque[tuple[float, Mailbox]] = deque()
        self._requests: deque[tuple[float, Request]] = deque()
        self._turns: deque[tuple[float, Event]] = deque()
        self._requests_in_work = 0
        self._stopped = False

    def open_mailbox(
        self, on_outcome: Callable[[Outcome], None], on_detector: Callable[[str], None]
    ) -> Mailbox:
        """A place for a live connection. Raises `ServerBusy` when all are taken."""
        mailbox = Mailbox(self, on_outcome, on_detector)
        with self._changed:
            if len(self._mailboxes) >= self._max_mailboxes:
                raise ServerBusy("All places for live cameras are taken. Please try again in a moment.")
            self._mailboxes.add(mailbox)
        return mailbox

    def mailboxes(self) -> list[Mailbox]:
        with self._changed:
            return list(self._mailboxes)

    def state(self) -> LineState:
        with self._changed:
            waiting = sum(mailbox.waiting is not None for mailbox in self._mailboxes)
            return LineState(len(self._mailboxes), self._max_mailboxes, waiting, len(self._requests))

    def put(self, mailbox: Mailbox, picture: Picture) -> Picture | None:
        with self._changed:
            if mailbox.closed:
                return None
            replaced, mailbox.waiting = mailbox.waiting, picture
            if replaced is None and not mailbox.in_work:
                self._ready.append((time.monotonic(), mailbox))
                self._changed.notify()
            return replaced

    def close(self, mailbox: Mailbox) -> None:
        with self._changed:
            mailbox.closed = True
            mailbox.waiting = None
            self._mailboxes.discard(mailbox)

    def add_request(self, request: Request) -> None:
        """Stand a request in line. Raises `ServerBusy` when the line is full."""
        with self._changed:
            if self._stopped or len(self._requests) >= self._max_requests:
                raise ServerBusy()
            self._requests.append((time.monotonic(), request))
            self._changed.notify()

    def withdraw(self, request: Request) -> None:
        """Take a request that nobody waits for any more out of the line."""
        request.future.cancel()
        with self._changed:
            self._requests = deque(entry for entry in self._requests if entry[1] is not request)
            self._grant_turns()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Work as heavy as a request's, done by the calling thread: it waits in line among the requests, and
        counts as one in work. No worker is taken from the live connections for it."""
        turn = Event()
        with self._changed:
            self._turns.append((time.monotonic(), turn))
            self._grant_turns()
        turn.wait()
        try:
            yield
        finally:
            with self._changed:
                self._requests_in_work -= 1
                self._grant_turns()
                self._changed.notify()

    def take(self) -> tuple[Job, Picture] | None:
        """Wait for the next picture, oldest first; None when the line is closed down."""
        with self._changed:
            while not self._stopped:
                job = self._next()
                if job is not None:
                    self._in_work += 1
                    return job
                self._changed.wait()
            return None

    def done(self, job: Job) -> None:
        """The worker has delivered; a mailbox that holds a newer frame goes to the end of the line."""
        with self._changed:
            self._in_work -= 1
            if isinstance(job, Mailbox):
                job.in_work = False
                if job.waiting is not None:
                    self._ready.append((time.monotonic(), job))
            else:
                self._requests_in_work -= 1
                self._grant_turns()
            self._changed.notify()
            if self._is_idle():
                self._idle.notify_all()

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is in work and nothing waits, `timeout` seconds at most; whether it is so."""
        with self._idle:
            return self._idle.wait_for(self._is_idle, timeout)

    def stop(self) -> None:
        """Let every worker go, and fail the requests still in line."""
        with self._changed:
            self._stopped = True
            waiting, self._requests = self._requests, deque()
            self._grant_turns()
            self._changed.notify_all()
        for _, request in waiting:
            if request.future.set_running_or_notify_cancel():
                request.future.set_exception(ServerBusy("The server is shutting down."))

    def _is_idle(self) -> bool:
        if self._in_work or self._requests:
            return False
        return all(mailbox.waiting is None for _, mailbox in self._ready)

    def _grant_turns(self) -> None:
        """Whoever has waited longer than the requests may begin, as far as there are places."""
        while self._turns and self._requests_in_work < self._max_requests_in_work:
            asked_at, turn = self._turns[0]
            if self._requests and self._requests[0][0] < asked_at:
                return
            self._turns.popleft()
            self._requests_in_work += 1
            turn.set()

    def _next(self) -> tuple[Job, Picture] | None:
        while self._ready and self._ready[0][1].waiting is None:
            self._ready.popleft()  # its connection has closed
        may_take_request = self._requests and self._requests_in_work < self._max_requests_in_work
        if may_take_request and (not self._ready or self._requests[0][0] <= self._ready[0][0]):
            _, request = self._requests.popleft()
            self._requests_in_work += 1
            self._grant_turns()
            return request, request.picture
        if not self._ready:
            return None
        _, mailbox = self._ready.popleft()
        picture, mailbox.waiting, mailbox.in_work = mailbox.waiting, None, True
        return mailbox, picture
