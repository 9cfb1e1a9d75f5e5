"""The page's pure modules, run where they live: in the browser."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page


@pytest.fixture
def run(open_page: Callable[..., Page], browser: Browser) -> Callable[[str, str], Any]:
    """`run(module, body)`: the value that a function body returns, with the module as `m`."""
    page = open_page(browser)
    return lambda module, body: page.evaluate(
        f"async () => {{ const m = await import('/static/webui/js/{module}.js'); {body} }}"
    )


def test_waits_between_tries_double_up_to_fifteen_seconds(
    run: Callable[..., Any],
) -> None:
    least = run("socket", "return [0, 1, 2, 9].map((attempt) => m.backoff(attempt, () => 0))")
    most = run("socket", "return [0, 1, 2, 9].map((attempt) => m.backoff(attempt, () => 1))")
    assert most == [500, 1000, 2000, 15000]
    assert least == [wait / 2 for wait in most]


def test_pacer_keeps_at_most_two_frames_in_flight(run: Callable[..., Any]) -> None:
    allowed = run(
        "pacer",
        """const pacer = new m.Pacer({ fps: 10 });
        const allowed = [pacer.mayStart(0)];
        pacer.sent(1, 0); pacer.sent(2, 100);
        allowed.push(pacer.mayStart(5000));
        pacer.answered(1, 5001);
        allowed.push(pacer.mayStart(10000));
        return allowed;""",
    )
    assert allowed == [True, False, True]


def test_frames_whose_turn_is_long_in_coming_are_replaced_by_fresh_ones(run: Callable[..., Any]) -> None:
    """The server answers every six seconds, whatever it holds then; the way there takes 40 ms or a second."""
    ages = run(
        "pacer",
        """const ages = (link) => {
            const pacer = new m.Pacer({ fps: 10 });
            let frame = 0, seen = [];
            for (let now = 0; now < 60_000; now += 10) {
                pacer.giveUp(now, 2000);
                if (pacer.mayStart(now)) pacer.sent((frame += 1), now);
                if (now > 0 && now % 6000 === 0) {
                    const sent = [...pacer.late, ...pacer.waiting];
                    const arrived = sent.filter(([, at]) => now - at >= link / 2);
                    const [newest, sentAt] = arrived.at(-1);
                    const queue = now - sentAt - link / 2;
                    seen.push(pacer.answered(newest, now + link / 2, { queue, decode: 1, inference: 9 }));
                }
            }
            return [Math.max(...seen.slice(1)), frame];
        };
        return [ages(40), ages(1000)];""",
    )
    (near, frames), (far, _) = ages
    assert near <= 320
    assert frames <= 4.1 * 60
    assert far > 1000


def test_pacer_slows_down_when_answers_slow_down(run: Callable[..., Any]) -> None:
    intervals = run(
        "pacer",
        """const pacer = new m.Pacer({ fps: 25 });
        const before = pacer.interval;
        for (let frame = 0; frame < 60; frame += 1) {
            pacer.sent(frame, frame * 1000);
            pacer.answered(frame, frame * 1000 + 400);
        }
        return [before, pacer.interval];""",
    )
    assert intervals == [40, pytest.approx(200, rel=0.01)]


def test_answer_frees_older_frames_that_the_server_replaced(run: Callable[..., Any]) -> None:
    waiting = run(
        "pacer",
        """const pacer = new m.Pacer();
        pacer.sent(1, 0); pacer.sent(2, 40);
        pacer.answered(2, 80);
        return pacer.waiting.size;""",
    )
    assert waiting == 0


def test_answer_to_a_frame_of_an_earlier_connection_does_not_count(run: Callable[..., Any]) -> None:
    assert run("pacer", "const p = new m.Pacer(); p.sent(5, 0); return [p.answered(4, 9), p.rate(9)]") == [
        None,
        0,
    ]


def test_lost_frames_do_not_block_the_line(run: Callable[..., Any]) -> None:
    state = run(
        "pacer",
        """const pacer = new m.Pacer();
        pacer.sent(1, 0); pacer.sent(2, 0);
        return [pacer.giveUp(1999, 2000), pacer.giveUp(2001, 2000), pacer.mayStart(9000)];""",
    )
    assert state == [0, 2, True]


def test_crop_is_what_object_fit_cover_shows(run: Callable[..., Any]) -> None:
    crop = run("geometry", "return m.coverCrop({ width: 1280, height: 720 }, { width: 400, height: 300 })")
    assert crop == {"x": 160, "y": 0, "width": 960, "height": 720}


def test_boxes_mirror_with_the_video(run: Callable[..., Any]) -> None:
    box = run(
        "geometry",
        """return m.placeBox({ x1: 0.1, y1: 0.2, x2: 0.3, y2: 0.6 },
            { x: 0, y: 0, width: 100, height: 100 }, true)""",
    )
    assert box == {"x": pytest.approx(70), "y": 20, "width": pytest.approx(20), "height": pytest.approx(40)}


@pytest.mark.parametrize(
    "box",
    [
        {"x": 100, "y": 100, "width": 80, "height": 90},
        {"x": 100, "y": 2, "width": 80, "height": 90},
        {"x": 150, "y": 2, "width": 80, "height": 296},
        {"x": 2, "y": 2, "width": 80, "height": 296},
        {"x": 315, "y": 4, "width": 80, "height": 90},
    ],
    ids=["middle", "top", "full height", "left edge", "right corner"],
)
def test_label_stays_in_the_card_and_off_the_face(run: Callable[..., Any], box: dict[str, int]) -> None:
    place, hidden = run(
        "geometry",
        f"""const box = {box};
        const place = m.placeLabel(box, {{ width: 110, height: 26 }}, {{ width: 400, height: 300 }}, [box]);
        return [place, m.overlap(place, box)];""",
    )
    assert hidden == 0
    assert 0 <= place["x"] <= 400 - 110
    assert 0 <= place["y"] <= 300 - 26


FACES = "[{ id: 7, x1: 0.6, x2: 0.8 }, { id: 3, x1: 0.1, x2: 0.3 }, { id: 9, x1: 0.4, x2: 0.5 }]"


@pytest.mark.parametrize(("mirrored", "order"), [(False, [3, 9, 7]), (True, [7, 9, 3])])
def test_hamsters_stand_as_the_picture_shows_the_faces(
    run: Callable[..., Any], mirrored: bool, order: list[int]
) -> None:
    assert run("lineup", f"return m.orderOf({FACES}, {str(mirrored).lower()})") == order


@pytest.mark.parametrize(("shift", "order"), [(0.02, [1, 2]), (0.1, [2, 1])], ids=["a little", "clearly"])
def test_hamsters_change_places_only_when_the_faces_clearly_did(
    run: Callable[..., Any], shift: float, order: list[int]
) -> None:
    faces = f"[{{ id: 1, x1: {0.4 + shift}, x2: {0.6 + shift} }}, {{ id: 2, x1: 0.4, x2: 0.6 }}]"
    assert run("lineup", f"return m.orderOf({faces}, false, [1, 2])") == order


@pytest.mark.parametrize(("width", "height"), [(560, 408), (358, 286)])
@pytest.mark.parametrize("count", range(1, 7))
def test_places_of_hamsters_lie_in_the_card_in_order_and_apart(
    run: Callable[..., Any], count: int, width: int, height: int
) -> None:
    places = run("lineup", f"return m.placesFor({count}, {{ width: {width}, height: {height} }}, 52)")
    assert len(places) == count
    for place in places:
        assert place["x"] >= -0.01
        assert place["x"] + place["size"] <= width + 0.01
        assert place["y"] >= -0.01
        assert place["y"] + place["size"] <= height + 0.01
    for one, other in pairwise(places):
        beside = one["x"] + one["size"] <= other["x"] + 0.01 and one["y"] == other["y"]
        below = one["y"] + one["size"] <= other["y"] + 0.01
        assert beside or below
    if count == 1:
        assert places[0]["size"] == height
    if count == 2:
        assert places[0]["y"] == places[1]["y"]


def test_slow_machine_sends_fewer_frames(run: Callable[..., Any]) -> None:
    assert run("pacer", "const p = new m.Pacer({ fps: 25 }); p.least = 90; return p.interval;") == 90


def test_biggest_face_is_followed(run: Callable[..., Any]) -> None:
    label = run(
        "emotions",
        """const face = (label, side, score) => ({ label, score, x1: 0, y1: 0, x2: side, y2: side });
        return m.mainFace([face("sad", 0.1, 0.95), face("happy", 0.4, 0.7)]).label;""",
    )
    assert label == "happy"


def test_an_answer_that_comes_after_the_frame_was_given_up_still_counts(run: Callable[..., Any]) -> None:
    """On a slow uplink every answer is late; the page must not go blind there."""
    answered, delay = run(
        "pacer",
        """const pacer = new m.Pacer();
        pacer.sent(1, 0);
        pacer.giveUp(2500, 2000);
        pacer.delay = null;
        return [pacer.answered(1, 3000), pacer.delay];""",
    )
    assert answered
    assert delay == 3000


def test_a_face_is_cut_out_with_a_margin_and_its_box_moves_along(run: Callable[..., Any]) -> None:
    cut = run("crop", "return m.aroundFace({x1: 0.4, y1: 0.4, x2: 0.5, y2: 0.6}, {width: 1000, height: 500})")
    assert cut["part"] == {"x": 360, "y": 160, "width": 180, "height": 180}
    assert cut["size"] == {"width": 180, "height": 180}
    expected = {"x1": 40 / 180, "y1": 40 / 180, "x2": 140 / 180, "y2": 140 / 180}
    assert cut["box"] == pytest.approx(expected)


def test_a_face_at_the_edge_is_cut_at_the_edge(run: Callable[..., Any]) -> None:
    cut = run(
        "crop", "return m.aroundFace({x1: -0.1, y1: 0.7, x2: 0.5, y2: 1.2}, {width: 2000, height: 2000})"
    )
    assert cut["part"] == {"x": 0, "y": 920, "width": 1480, "height": 1080}
    assert max(cut["size"].values()) == 320
    assert cut["box"] == pytest.approx({"x1": 0, "y1": 480 / 1080, "x2": 1000 / 1480, "y2": 1})


def test_a_still_is_of_the_frame_whose_answer_is_shown(run: Callable[..., Any]) -> None:
    kept = run(
        "stills",
        """const stills = new m.Stills();
        const made = [];
        const still = async (shade) => {
            const source = new OffscreenCanvas(4, 4);
            source.getContext("2d").fillStyle = `rgb(${shade} 0 0)`;
            source.getContext("2d").fillRect(0, 0, 4, 4);
            made.push(await createImageBitmap(source));
            return made.at(-1);
        };
        const red = () => {
            if (!stills.answered) return null;
            const context = new OffscreenCanvas(4, 4).getContext("2d");
            context.drawImage(stills.answered, 0, 0);
            return context.getImageData(1, 1, 1, 1).data[0];
        };
        const seen = [];
        for (let frame = 1; frame <= 9; frame += 1) stills.keep(frame, await still(frame * 20));
        stills.show(1); seen.push(red());
        stills.show(7); seen.push(red());
        for (let frame = 10; frame <= 12; frame += 1) stills.keep(frame, await still(frame * 20));
        seen.push(red());
        stills.show(9); seen.push(red());
        stills.clear(); seen.push(red());
        return [seen, stills.waiting.size, made.filter(({ width }) => width > 0).length];""",
    )
    assert kept == [[None, 140, 140, 180, None], 0, 0]  # all are closed


def test_damaged_codes_in_the_browser_are_passed_over(run: Callable[..., Any]) -> None:
    kept = run(
        "kept_corrections",
        """localStorage.setItem("hamster-corrections", "{broken");
        const seen = [m.keptCorrections().length];
        localStorage.setItem("hamster-corrections", JSON.stringify([null, {id: "x"}, {id: 4, code: "A"}]));
        seen.push(m.keptCorrections().length);
        m.keepCorrection({ id: 5, code: "B" });
        m.forgetCorrection(4);
        seen.push(m.keptCorrections().map(({ id }) => id));
        return seen;""",
    )
    assert kept == [0, 1, [5]]


def test_file_is_named_by_the_visitors_own_time(open_page: Callable[..., Page], browser: Browser) -> None:
    page = open_page(browser, timezone_id="Asia/Tokyo")
    name = page.evaluate("""async () => {
        const { fileName } = await import("/static/webui/js/files.js");
        return fileName("csv", new Date("2026-01-31T20:05:09Z"));
    }""")
    assert name == "hamster-2026-02-01-050509.csv"
