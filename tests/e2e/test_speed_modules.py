"""How fast the page sends, why, and where the time of a frame goes: the pure modules, in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

PACES = """
const pace = ({ trip, queue = 0, decode = 1, inference = 10, capture = 5, camera }) => {
    const pacer = new m.Pacer({ fps: 25 });
    for (let frame = 0; frame < 80; frame += 1) {
        pacer.captured(capture);
        pacer.sent(frame, frame * 1000);
        pacer.answered(frame, frame * 1000 + trip, { queue, decode, inference });
    }
    return pacer.pace(camera);
};
"""


@pytest.fixture
def run(open_page: Callable[..., Page], browser: Browser) -> Callable[[str, str], Any]:
    """`run(module, body)`: the value that a function body returns, with the module as `m`."""
    page = open_page(browser)
    return lambda module, body: page.evaluate(
        f"async () => {{ const m = await import('/static/webui/js/{module}.js'); {body} }}"
    )


@pytest.mark.parametrize(
    ("conditions", "rate", "reason", "takes"),
    [
        ("{ trip: 30 }", 25, "full", 0),
        ("{ trip: 211 }", 9.5, "link", 200),
        ("{ trip: 160, queue: 100 }", 12.5, "server", 111),
        ("{ trip: 110, inference: 99 }", 10, "server", 100),
        ("{ trip: 30, capture: 200 }", 5, "device", 200),
        ("{ trip: 30, camera: 12 }", 12, "camera", 0),
    ],
    ids=["nothing in the way", "slow link", "busy server", "slow server", "slow device", "slow camera"],
)
def test_page_sends_as_fast_as_the_slowest_part_and_names_it(
    run: Callable[..., Any], conditions: str, rate: float, reason: str, takes: float
) -> None:
    pace = run("pacer", f"{PACES} return pace({conditions})")
    assert pace == {
        "rate": pytest.approx(rate, rel=0.02),
        "reason": reason,
        "takes": pytest.approx(takes, rel=0.02),
    }


def test_frames_are_not_sent_faster_than_the_server_works(run: Callable[..., Any]) -> None:
    """Two would be on their way all the same, and the second would only get old in the server's mailbox."""
    interval = run(
        "pacer",
        """const pacer = new m.Pacer();
        for (let frame = 0; frame < 80; frame += 1) {
            pacer.sent(frame, frame * 1000);
            pacer.answered(frame, frame * 1000 + 220, { queue: 0, decode: 1, inference: 199 });
        }
        return pacer.interval;""",
    )
    assert interval == pytest.approx(200, rel=0.01)


def test_one_slow_frame_hardly_changes_the_pace(run: Callable[..., Any]) -> None:
    interval = run(
        "pacer",
        """const pacer = new m.Pacer();
        const send = (frame, trip) => {
            pacer.sent(frame, frame * 1000);
            pacer.answered(frame, frame * 1000 + trip, { queue: 0, decode: 1, inference: 10 });
        };
        for (let frame = 0; frame < 40; frame += 1) send(frame, 30);
        send(40, 900);
        return pacer.interval;""",
    )
    assert interval == 40


def test_answers_that_do_not_come_are_blamed_on_nobody(run: Callable[..., Any]) -> None:
    pace = run(
        "pacer",
        """const pacer = new m.Pacer();
        pacer.sent(0, 0);
        pacer.answered(0, 30, { queue: 0, decode: 1, inference: 10 });
        pacer.sent(1, 100); pacer.sent(2, 140);
        pacer.giveUp(3000, 2000);
        return pacer.pace();""",
    )
    assert (pace["reason"], pace["takes"]) == ("answers", 1000)


def test_page_that_was_asked_for_fewer_frames_sends_fewer_and_later_tries_more(
    run: Callable[..., Any],
) -> None:
    asked, soon, later = run(
        "pacer",
        """const pacer = new m.Pacer({ fps: 20 });
        pacer.slowDown(1000);
        const asked = pacer.pace();
        pacer.recover(5000);
        const soon = pacer.pace();
        for (let now = 12000; now < 15000; now += 500) pacer.recover(now);
        return [asked, soon, pacer.pace()];""",
    )
    assert asked == {"rate": pytest.approx(15), "reason": "asked", "takes": 0}
    assert soon == asked
    assert later == {"rate": pytest.approx(20), "reason": "full", "takes": 0}


def test_reason_is_said_in_plain_words(run: Callable[..., Any]) -> None:
    said = run(
        "speed/words",
        """return [
            m.sayPace({ rate: 9.97, reason: "link", takes: 200.6 }),
            m.sayPace({ rate: 0.66, reason: "server", takes: 1500 }),
            m.sayPace({ rate: 25, reason: "full", takes: 0 }),
        ]""",
    )
    assert said == [
        "10 a second: your link takes 201 ms a frame.",
        "0.7 a second: the server takes 1500 ms a frame.",
        "25 a second: as many as are of use, and nothing slows them down.",
    ]


def test_parts_of_a_frame_sum_to_all_of_its_time(run: Callable[..., Any]) -> None:
    last, whole = run(
        "speed/frame_times",
        """const times = new m.FrameTimes();
        times.captured(7, 6);
        times.answered(7, 50, { queue: 3, decode: 1, inference: 12 });
        times.drawn(7, 9);
        return [times.last, m.total(times.last)];""",
    )
    assert last == {"capture": 6, "upload": 34, "queue": 3, "decode": 1, "inference": 12, "draw": 9}
    assert whole == 6 + 50 + 9


def test_only_frames_that_were_answered_and_drawn_count(run: Callable[..., Any]) -> None:
    found = run(
        "speed/frame_times",
        """const times = new m.FrameTimes();
        times.captured(1, 6);
        times.captured(2, 6);
        times.drawn(1, 9);
        const none = [times.last, times.typical];
        times.answered(2, 50, { queue: 3, decode: 1, inference: 12 });
        times.drawn(2, 9);
        times.answered(1, 90, { queue: 3, decode: 1, inference: 12 });
        times.drawn(1, 9);
        return [none, times.done.length, times.open.size];""",
    )
    assert found == [[None, None], 1, 0]


def test_typical_is_the_middle_one_of_each_part(run: Callable[..., Any]) -> None:
    typical = run(
        "speed/frame_times",
        """const times = new m.FrameTimes();
        [10, 500, 20].forEach((capture, frame) => {
            times.captured(frame, capture);
            times.answered(frame, 40, { queue: 0, decode: 0, inference: 0 });
            times.drawn(frame, 1);
        });
        return times.typical.capture;""",
    )
    assert typical == 20
