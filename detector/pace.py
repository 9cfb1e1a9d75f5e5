"""How fast one live connection may send. Pure: the caller passes the time."""

from enum import Enum, auto


class Verdict(Enum):
    """What to do with a message."""

    USE = auto()
    DROP = auto()
    WARN = auto()
    CLOSE = auto()


class Pace:
    """A token bucket for frames, and a count of messages a second against floods.

    Frames above `frames_per_second` are dropped. Above `abuse_factor` times as many messages of any kind
    within a second all are dropped, with one warning in that second; after `abuse_seconds` such seconds in
    a row the verdict is to close.
    """

    def __init__(
        self, *, frames_per_second: float, abuse_factor: float, abuse_seconds: int, now: float
    ) -> None:
        self._rate = frames_per_second
        # Frames that were evenly spaced when sent may arrive in bunches.
        self._burst = max(2.0, frames_per_second / 3)
        self._tokens = self._burst
        self._filled_at = now
        self._too_many = frames_per_second * abuse_factor
        self._abuse_seconds = abuse_seconds
        self._second_began = now
        self._messages = 0
        self._bad_seconds = 0

    def control(self, now: float) -> Verdict:
        """The verdict on a text message that arrives `now` (seconds)."""
        self._begin_second(now)
        self._messages += 1
        if self._messages <= self._too_many:
            return Verdict.USE
        if self._bad_seconds >= self._abuse_seconds:
            return Verdict.CLOSE
        return Verdict.WARN if self._messages <= self._too_many + 1 else Verdict.DROP

    def frame(self, now: float) -> Verdict:
        """The verdict on a frame that arrives `now` (seconds)."""
        verdict = self.control(now)
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if verdict is Verdict.USE:
            if self._tokens < 1.0:
                return Verdict.DROP
            self._tokens -= 1.0
        return verdict

    def _begin_second(self, now: float) -> None:
        passed = now - self._second_began
        if passed < 1.0:
            return
        calm_since = passed >= 2.0 or self._messages <= self._too_many
        self._bad_seconds = 0 if calm_since else self._bad_seconds + 1
        self._second_began = now
        self._messages = 0
