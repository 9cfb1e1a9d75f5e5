"""The timeline, the record of a session and its exports: the pure modules, in the browser."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from detector.session_downloads import as_csv
from detector.session_record import read_record
from ml.config import EMOTIONS

FACES = """
const { EMOTIONS } = await import("/static/webui/js/emotions.js");
const face = (label, score = 0.9) => ({
    label, score, scores: Object.fromEntries(EMOTIONS.map((name) => [name, name === label ? score : 0.01])),
});
const filled = (samples, labels, every = samples.step) => {
    labels.forEach((label, index) => samples.add(index * every, label && face(label)));
    return samples;
};
"""


@pytest.fixture
def run(open_page: Callable[..., Page], browser: Browser) -> Callable[[str, str], Any]:
    """`run(module, body)`: the value that a function body returns, with the module as `m`."""
    page = open_page(browser)
    return lambda module, body: page.evaluate(
        f"async () => {{ const m = await import('/static/webui/js/{module}.js'); {FACES} {body} }}"
    )


def test_frames_of_one_step_become_one_sample_with_their_mean(run: Callable[..., Any]) -> None:
    rows = run(
        "timeline/samples",
        """const samples = new m.Samples({ step: 250 });
        samples.add(0, face("happy", 0.8));
        samples.add(100, face("happy", 0.6));
        samples.add(240, face("sad", 0.5));
        samples.add(260, null);
        return samples.rows.map(({ t, label, scores, frames }) => [t, label, scores[4], frames]);""",
    )
    assert rows == [[0, "happy", pytest.approx((0.8 + 0.6 + 0.01) / 3), 3], [250, "unknown", 0, 1]]


def test_the_last_minutes_forget_the_oldest(run: Callable[..., Any]) -> None:
    times = run(
        "timeline/samples",
        """const samples = new m.Samples({ step: 100, most: 5, keep: "newest" });
        filled(samples, Array(20).fill("happy"));
        return samples.rows.map(({ t }) => t);""",
    )
    assert times == [1500, 1600, 1700, 1800, 1900]


def test_long_name_on_the_card_ends_in_an_ellipsis_where_the_room_does(run: Callable[..., Any]) -> None:
    short, long, width = run(
        "session/picture",
        """const context = document.createElement("canvas").getContext("2d");
        context.font = "650 44px sans-serif";
        const long = m.cut(context, "evening ".repeat(10), 1088);
        return [m.cut(context, "evening", 1088), long, context.measureText(long).width];""",
    )
    assert short == "evening"
    assert "evening evening" in long
    assert long.endswith("…")
    assert 1000 < width <= 1088


def test_a_whole_session_keeps_all_of_it_in_longer_steps(run: Callable[..., Any]) -> None:
    step, rows = run(
        "timeline/samples",
        """const samples = new m.Samples({ step: 100, most: 8 });
        filled(samples, [...Array(30).fill("happy"), ...Array(10).fill("sad")]);
        return [samples.step, samples.rows.map(({ t, label, frames }) => [t, label, frames])];""",
    )
    assert step > 100
    assert len(rows) <= 9
    assert sum(frames for _, _, frames in rows) == 40
    assert [t for t, _, _ in rows] == [index * step for index in range(len(rows))]
    assert sum(frames for _, label, frames in rows if label == "sad") == pytest.approx(10, abs=step / 100)


def test_runs_bridge_late_answers_and_leave_long_silences_open(run: Callable[..., Any]) -> None:
    found = run(
        "timeline/samples",
        """const rows = [[0, "happy"], [250, "happy"], [1500, "happy"], [1750, "sad"], [9000, "sad"]]
            .map(([t, label]) => ({ t, label, scores: [], frames: 1 }));
        const at = [0, 1400, 1999, 2000, 10999, 11000].map((time) => m.sampleAt(rows, 250, time)?.t ?? null);
        return [m.runs(rows, 250), at];""",
    )
    assert found[0] == [
        {"label": "happy", "from": 0, "to": 1750},
        {"label": "sad", "from": 1750, "to": 2000},
        {"label": "sad", "from": 9000, "to": 11000},
    ]
    assert found[1] == [0, 250, 1750, None, 9000, None]


def test_shares_are_largest_first_and_sum_to_one(run: Callable[..., Any]) -> None:
    shares = run(
        "timeline/samples",
        """const samples = filled(new m.Samples(), ["happy", "happy", null, "sad", "happy"]);
        return m.shares(samples.rows);""",
    )
    assert shares == [
        {"label": "happy", "share": 0.6},
        {"label": "sad", "share": 0.2},
        {"label": "unknown", "share": 0.2},
    ]


def test_thinning_leaves_no_more_than_asked_for(run: Callable[..., Any]) -> None:
    count, step = run(
        "timeline/samples",
        """const samples = filled(new m.Samples({ step: 100 }), Array(1000).fill("happy"));
        const thin = m.thinned(samples.rows, samples.step, 300);
        return [thin.rows.length, thin.step];""",
    )
    assert (count, step) == (250, 400)


def test_times_and_shares_are_said_in_words(run: Callable[..., Any]) -> None:
    said = run(
        "timeline/words",
        """return [
            m.clock(127_900), m.clock(3_603_000), m.long(400), m.long(65_000), m.long(7_380_000),
            m.sayShares([{ label: "happy", share: 0.62 }, { label: "unknown", share: 0.38 }]),
            m.sayShares([]),
        ]""",
    )
    assert said == [
        *("2:07", "1:00:03", "1 second", "1 minute 5 seconds", "2 hours 3 minutes"),
        *("Happy 62\xa0%, no face 38\xa0%.", "Nothing seen yet."),
    ]


RECORD = """
const recorder = new m.Recorder();
recorder.detector("hamster-4"); recorder.detector("hamster-4"); recorder.detector(null);
const labels = ["natural", "happy", null, "sad", "happy", "happy"];
labels.forEach((label, index) => recorder.add(5000 + index * 700, label && face(label, 0.5 + index / 20)));
const session = recorder.end(9000, Date.UTC(2026, 4, 1, 10), 9);
"""


def test_a_session_is_taken_by_the_server_as_the_page_records_it(run: Callable[..., Any]) -> None:
    sent = run("session/recorder", RECORD + "return session;")
    read = read_record(json.loads(json.dumps(sent)))
    assert (read.duration_ms, read.frames_sent, read.frames_answered) == (4000, 9, 6)
    assert read.started_at.isoformat() == "2026-05-01T09:59:56+00:00"
    assert read.detectors == ["hamster-4"]
    assert [(moment["label"], moment["t"]) for moment in read.moments] == [
        *(("natural", 0), ("sad", 2100), ("happy", 3500)),
    ]
    assert read.summary()["happy"] == 0.5


def test_a_long_session_is_taken_by_the_server_too(run: Callable[..., Any]) -> None:
    sent = run(
        "session/recorder",
        """const recorder = new m.Recorder();
        for (let now = 0; now < 3 * 3600 * 1000; now += 200) {
            recorder.add(now, now % 7000 < 3000 ? face("happy") : null);
        }
        return recorder.end(3 * 3600 * 1000, Date.UTC(2026, 4, 1, 10), 54000);""",
    )
    read = read_record(json.loads(json.dumps(sent)))
    assert read.duration_ms == 3 * 3600 * 1000
    assert 600 <= len(read.rows) <= 1200


def test_one_answered_frame_is_a_session_and_none_is_none(run: Callable[..., Any]) -> None:
    sent = run(
        "session/recorder",
        """const recorder = new m.Recorder();
        recorder.add(9000, null);
        return recorder.end(9000, Date.UTC(2026, 4, 1), 1);""",
    )
    assert read_record(json.loads(json.dumps(sent))).frames_answered == 1
    assert run("session/recorder", "return new m.Recorder().end(9000, 0, 4)") is None


def test_best_moments_are_the_surest_and_a_calm_face_only_for_want_of_others(run: Callable[..., Any]) -> None:
    best = run(
        "session/recorder",
        """return m.best([["natural", 0.99], ["sad", 0.5], ["happy", 0.9], ["fear", 0.4], ["angry", 0.6]]
            .map(([label, score], t) => ({ t, label, score }))).map(({ label }) => label);""",
    )
    assert best == ["sad", "happy", "fear", "angry"]


def test_page_and_server_export_the_same_table(run: Callable[..., Any]) -> None:
    session, table, text = run(
        "session/exports",
        """const { Recorder } = await import("/static/webui/js/session/recorder.js");
        const recorder = new Recorder();
        ["happy", null, "sad"].forEach((label, index) => {
            recorder.add(index * 2000, label && face(label, 0.123456));
        });
        const session = recorder.end(5000, Date.UTC(2026, 4, 1, 10), 3);
        return [session, m.toCsv(session), m.toJson(session)];""",
    )
    assert table == as_csv(read_record(session).rows)
    assert table.splitlines()[0] == ",".join(("seconds", "expression", *EMOTIONS))
    exported = json.loads(text)
    summary = exported.pop("summary")
    assert exported == session
    assert summary == {name: share for name, share in read_record(session).summary().items() if share}
