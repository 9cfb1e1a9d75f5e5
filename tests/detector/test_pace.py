"""How fast one connection may send."""

import pytest

from detector.pace import Pace, Verdict


@pytest.fixture
def pace() -> Pace:
    """30 frames a second; above 120 messages a second is abuse, five seconds of it too much."""
    return Pace(frames_per_second=30, abuse_factor=4, abuse_seconds=5, now=0.0)


def verdicts(pace: Pace, *, a_second: int, seconds: float, start: float = 0.0) -> list[Verdict]:
    return [pace.frame(start + index / a_second) for index in range(int(a_second * seconds))]


def test_the_allowed_rate_is_never_dropped(pace):
    assert set(verdicts(pace, a_second=30, seconds=20)) == {Verdict.USE}


def test_a_short_bunch_after_a_pause_is_used(pace):
    assert [pace.frame(5.0) for _ in range(8)] == [Verdict.USE] * 8


def test_frames_above_the_rate_are_dropped_and_the_rate_is_kept(pace):
    used = verdicts(pace, a_second=60, seconds=10).count(Verdict.USE)
    assert 300 <= used <= 311


def test_twice_the_rate_is_no_abuse(pace):
    assert {Verdict.WARN, Verdict.CLOSE}.isdisjoint(verdicts(pace, a_second=60, seconds=20))


def test_a_flood_is_warned_at_most_once_a_second(pace):
    assert verdicts(pace, a_second=1000, seconds=4).count(Verdict.WARN) == 4


def test_a_lasting_flood_is_closed_after_five_seconds(pace):
    answers = verdicts(pace, a_second=1000, seconds=7)
    assert 5.0 <= answers.index(Verdict.CLOSE) / 1000 <= 6.2


def test_a_flood_that_stops_is_forgiven(pace):
    verdicts(pace, a_second=1000, seconds=4)
    verdicts(pace, a_second=20, seconds=3, start=4.0)
    assert Verdict.CLOSE not in verdicts(pace, a_second=1000, seconds=4, start=7.0)


def test_settings_are_not_dropped_for_the_frames_sake(pace):
    verdicts(pace, a_second=60, seconds=1)
    assert pace.control(1.0) is Verdict.USE


def test_text_messages_count_towards_a_flood(pace):
    assert Verdict.WARN in [pace.control(0.001 * index) for index in range(200)]
