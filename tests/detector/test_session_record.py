"""What is and what is not taken for a live session."""

import math

import pytest

from detector.session_record import MAX_ROWS, BadSession, read_name, read_record
from ml.config import EMOTIONS
from tests.detector.live_sessions import HAPPY, NO_FACE, SAD, moment, record, row

INVISIBLE = ("\u200b", "\u200d \u200b", "\u3164", "\u2800", "\ufe0f")


def refused(data: object) -> str:
    with pytest.raises(BadSession) as caught:
        read_record(data)
    return caught.value.details["field"]


def samples(*rows: object, step: object = 250) -> dict[str, object]:
    return {"samples": {"step_ms": step, "rows": list(rows)}}


def test_a_session_of_the_camera_page_is_taken_as_it_is():
    read = read_record(record(name="  Before breakfast "))
    assert read.name == "Before breakfast"
    assert (read.duration_ms, read.frames_sent, read.frames_answered) == (1000, 12, 10)
    assert read.rows[2] == row(500, SAD)
    assert read.moments == [moment(120, "happy")]


def test_shares_are_those_of_the_samples_and_sum_to_one():
    summary = read_record(record()).summary()
    assert {name: share for name, share in summary.items() if share} == {
        "happy": 0.5,
        "sad": 0.25,
        "unknown": 0.25,
    }
    assert set(summary) == {*EMOTIONS, "unknown"}


def test_the_ribbon_has_sixty_signs_in_the_order_of_time():
    ribbon = read_record(record()).ribbon()
    assert ribbon == str(HAPPY) * 30 + str(SAD) * 15 + "-" * 15


def test_in_the_ribbon_a_late_answer_is_bridged_and_a_long_silence_is_a_gap():
    rows = [row(0, HAPPY), row(1500, SAD), row(4500, NO_FACE)]
    ribbon = read_record(record(duration_ms=6000, **samples(*rows, step=500))).ribbon()
    assert ribbon == str(HAPPY) * 15 + str(SAD) * 5 + "." * 25 + "-" * 15


def test_a_step_of_any_length_makes_a_ribbon():
    read = read_record(
        record(duration_ms=3_600_000, **samples(row(0, SAD), row(1_800_000, HAPPY), step=1_800_000))
    )
    assert read.ribbon() == str(SAD) * 30 + str(HAPPY) * 30


@pytest.mark.parametrize("data", [None, [], "session", 3, True], ids=repr)
def test_what_is_no_object_is_refused(data):
    assert refused(data) == "session"


@pytest.mark.parametrize("name", ["started_at", "duration_ms", "frames", "samples"])
def test_what_is_missing_is_said(name):
    data = record()
    del data[name]
    assert refused(data) == "session"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"picture": "data:image/jpeg;base64,AAAA"}, "session"),
        ({"name": 3}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "ends\u202egnorw"}, "name"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"started_at": "2026-05-01T10:00:00"}, "started_at"),
        ({"started_at": "2026-02-31T10:00:00Z"}, "started_at"),
        ({"started_at": "2999-05-01T10:00:00Z"}, "started_at"),
        ({"started_at": "1066-05-01T10:00:00Z"}, "started_at"),
        ({"started_at": 1777629600}, "started_at"),
        ({"duration_ms": 0}, "duration_ms"),
        ({"duration_ms": 1000.0}, "duration_ms"),
        ({"duration_ms": "1000"}, "duration_ms"),
        ({"duration_ms": True}, "duration_ms"),
        ({"duration_ms": 10**12}, "duration_ms"),
        ({"frames": {"sent": 3}}, "frames"),
        ({"frames": {"sent": 3, "answered": 4}}, "frames.answered"),
        ({"frames": {"sent": 3, "answered": 0}}, "frames.answered"),
        ({"frames": {"sent": 10**10, "answered": 4}}, "frames.sent"),
        ({"detectors": "hamster-4"}, "detectors"),
        ({"detectors": ["a"] * 6}, "detectors"),
        ({"detectors": [""]}, "detectors[0]"),
        ({"detectors": ["a\nb"]}, "detectors[0]"),
        ({"detectors": ["x" * 121]}, "detectors[0]"),
        ({"moments": [moment(0, "happy")] * 7}, "moments"),
        ({"moments": [3]}, "moments[0]"),
        ({"moments": [moment(1001, "happy")]}, "moments[0].t"),
        ({"moments": [{**moment(1, "happy"), "label": "unknown"}]}, "moments[0].label"),
        ({"moments": [{**moment(1, "happy"), "label": ["happy"]}]}, "moments[0].label"),
        ({"moments": [moment(1, "happy", score=1.01)]}, "moments[0].score"),
        ({"moments": [{**moment(1, "happy"), "scores": {"happy": 1}}]}, "moments[0].scores"),
        ({"moments": [{**moment(1, "happy"), "picture": "x"}]}, "moments[0]"),
        (samples(step=0), "samples.step_ms"),
        (samples(step=250.0), "samples.step_ms"),
        (samples(), "samples.rows"),
        (samples(*[row(250 * index, SAD) for index in range(MAX_ROWS + 1)]), "samples.rows"),
        ({"samples": {"step_ms": 250, "rows": {"0": 1}}}, "samples.rows"),
        ({"samples": [row(0, SAD)]}, "samples"),
        (samples(row(0, SAD)[:-1]), "samples.rows[0]"),
        (samples({"t": 0}), "samples.rows[0]"),
        (samples(row(250, SAD), row(250, SAD)), "samples.rows[1][0]"),
        (samples(row(250, SAD), row(0, SAD)), "samples.rows[1][0]"),
        (samples(row(-250, SAD)), "samples.rows[0][0]"),
        (samples(row(100, SAD)), "samples.rows[0][0]"),
        (samples(row(1250, SAD)), "samples.rows[0][0]"),
        (samples([0.0, *row(0, SAD)[1:]]), "samples.rows[0][0]"),
        (samples([0, 9, *row(0, SAD)[2:]]), "samples.rows[0][1]"),
        (samples([0, -2, *row(0, SAD)[2:]]), "samples.rows[0][1]"),
        (samples([0, "sad", *row(0, SAD)[2:]]), "samples.rows[0][1]"),
        (samples([0, True, *row(0, SAD)[2:]]), "samples.rows[0][1]"),
        (samples([*row(0, SAD)[:-1], 1.5]), "samples.rows[0][10]"),
        (samples([*row(0, SAD)[:-1], -0.1]), "samples.rows[0][10]"),
        (samples([*row(0, SAD)[:-1], math.nan]), "samples.rows[0][10]"),
        (samples([*row(0, SAD)[:-1], math.inf]), "samples.rows[0][10]"),
        (samples([*row(0, SAD)[:-1], "0.5"]), "samples.rows[0][10]"),
        (samples([*row(0, SAD)[:-1], None]), "samples.rows[0][10]"),
        (samples([*row(0, SAD)[:-1], 10**400]), "samples.rows[0][10]"),
        (samples([0, -1, *row(0, SAD)[2:]]), "samples.rows[0]"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_can_not_be_is_refused_with_its_place(changes, field):
    assert refused(record(**changes)) == field


def test_numbers_are_kept_with_four_digits():
    read = read_record(record(**samples([*row(0, SAD)[:-1], 0.123456789])))
    assert read.rows[0][-1] == 0.1235


@pytest.mark.parametrize("name", ["", "Frühstück mit 👩‍👩‍👧", "=1+1", "<script>alert(1)</script>", "שלום"])
def test_names_of_any_language_are_taken(name):
    assert read_name(f" {name} ") == name


@pytest.mark.parametrize("name", ["a\u202eb", "\x00", "a\nb", "\u2066x", *INVISIBLE])
def test_names_that_turn_what_follows_or_can_not_be_seen_are_refused(name):
    with pytest.raises(BadSession):
        read_name(name)
