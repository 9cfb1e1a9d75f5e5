"""A shadow: what it counts, that it gives way, that nothing of it reaches anybody."""

from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from queue import Queue

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from detector.engine.detectors import LoadedDetector, load_detector
from detector.engine.inference import InferenceEngine
from detector.engine.pictures import Outcome, Picture
from detector.engine.shadow import agreements
from detector.engine.shadow_keeper import ShadowKeeper
from detector.models import AuditEntry, DetectorVersion, ShadowCount, ShadowPace
from detector.selectors.versions import shadow_detector
from detector.services.shadow import (
    ActiveCantShadow,
    AlreadyShadow,
    BadShare,
    NotShadow,
    add_tally,
    start_shadow,
    stop_shadow,
)
from detector.services.versions import UnusableDetectorFile, promote_version, register_version
from detector.shadow_tally import ShadowTally
from ml.predictor import Detection, Predictor
from tests.detector.held_predictor import PATIENCE, HeldPredictor
from tests.detector.pictures import encoded, scene
from tests.detector.workers import wait_until
from tests.ml.red_cell_detector import write_two_look_detector

FACE, NO_FACE = encoded(scene()), encoded(scene(face=False))


@pytest.fixture
def angry_one(tmp_path_factory):
    """A detector that finds the same red faces and calls them angry."""
    return write_two_look_detector(tmp_path_factory.mktemp("angry") / "angry.onnx")


@pytest.fixture
def engine_of_two(red_one) -> Iterator[InferenceEngine]:
    engine = InferenceEngine(workers=2, max_connections=8, max_requests=4)
    engine.start()
    engine.install(load_detector("red-1", red_one, None))
    yield engine
    engine.stop()


@pytest.fixture(autouse=True)
def _own_media_folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")


def picture(data: bytes = FACE, number: int = 0) -> Picture:
    return Picture(data, max_pixels=10**6, max_faces=5, number=number)


def ask(engine: InferenceEngine, *frames: bytes) -> list:
    """Each frame's outcome over a live connection."""
    outcomes: Queue = Queue()
    box = engine.open_mailbox(outcomes.put, lambda version: None)
    answers = []
    for number, frame in enumerate(frames):
        box.put(picture(frame, number))
        answers.append(outcomes.get(timeout=PATIENCE))
    box.close()
    assert outcomes.empty()
    return answers


def counted(engine: InferenceEngine, frames: int) -> ShadowTally:
    """The tally once so many frames are counted, one way or the other."""
    tally = ShadowTally()

    def all_there() -> bool:
        tally.add(engine.shadow.take_tally())
        return tally.frames + tally.gave_way == frames

    wait_until(all_there, "the shadow to count")
    return tally


def face(label: str, x1: float, x2: float) -> Detection:
    return Detection(label, 0.9, x1, 0.2, x2, 0.4, scores={label: 0.9})


def test_faces_agree_when_the_box_over_them_has_the_same_expression():
    left, right = face("happy", 0.1, 0.3), face("sad", 0.6, 0.8)
    assert agreements([left, right], [face("sad", 0.61, 0.8), face("happy", 0.1, 0.3)]) == [
        ("happy", True),
        ("sad", True),
    ]
    assert agreements([left], [face("sad", 0.1, 0.3)]) == [("happy", False)]
    assert agreements([left], [face("happy", 0.6, 0.8)]) == [("happy", False)]
    assert agreements([left], []) == [("happy", False)]
    assert agreements([], []) == [("unknown", True)]
    assert agreements([], [left]) == [("unknown", False)]


def test_the_shadow_counts_and_the_answers_are_the_live_ones_alone(engine_of_two, angry_one):
    engine_of_two.shadow.install(load_detector("angry", angry_one, None), share=1.0)
    answers = []
    for frame in (FACE, NO_FACE, FACE):
        answers += ask(engine_of_two, frame)
    assert {answer.detector for answer in answers} == {"red-1"}
    assert [found.label for answer in answers for found in answer.detections] == ["happy", "happy"]
    tally = counted(engine_of_two, 3)
    looked_at = sum(map(sum, tally.counts.values()))
    assert looked_at == tally.frames > 0
    assert tally.shadow_ms > 0
    for (live, emotion), (agreed, disagreed) in tally.counts.items():
        assert live == "red-1"
        assert (agreed == 0) if emotion == "happy" else (emotion == "unknown" and disagreed == 0)


def test_a_share_of_the_frames_is_looked_at(engine_of_two, red_two):
    engine_of_two.shadow.install(load_detector("red-2", red_two, None), share=0.25)
    ask(engine_of_two, *[FACE] * 200)
    wait_until(lambda: engine_of_two.shadow._frame is None, "the shadow to be done")
    tally = engine_of_two.shadow.take_tally()
    assert 20 <= tally.frames + tally.gave_way <= 80


def test_single_requests_are_not_looked_at(engine_of_two, red_two):
    engine_of_two.shadow.install(load_detector("red-2", red_two, None), share=1.0)
    for _ in range(3):
        engine_of_two.predict(picture(), timeout=PATIENCE)
    ask(engine_of_two, FACE)
    tally = counted(engine_of_two, 1)
    assert tally.frames + tally.gave_way == 1


def test_a_shadow_that_hangs_holds_no_live_answer_up(engine_of_two, red_two):
    held = HeldPredictor(red_two)
    engine_of_two.shadow.install(LoadedDetector("held", held), share=1.0)
    ask(engine_of_two, FACE)
    assert held.got_one.acquire(timeout=PATIENCE)
    assert [answer.number for answer in ask(engine_of_two, *[FACE] * 20)] == list(range(20))
    held.go.set()


def test_it_gives_way_while_a_frame_is_in_work(engine_of_two, red_one, red_two):
    held_live, shadow = HeldPredictor(red_one), HeldPredictor(red_two)
    shadow.go.set()
    engine_of_two.shadow.install(LoadedDetector("red-2", shadow), share=1.0)
    ask(engine_of_two, FACE)
    assert shadow.got_one.acquire(timeout=PATIENCE)
    engine_of_two.install(LoadedDetector("held", held_live))
    outcomes: Queue = Queue()
    box = engine_of_two.open_mailbox(outcomes.put, lambda version: None)
    box.put(picture(number=7))
    assert held_live.got_one.acquire(timeout=PATIENCE)  # one worker is busy now, and stays so
    engine_of_two.shadow.offer(picture(), Outcome(0, "red-1"))
    assert counted(engine_of_two, 2).gave_way == 1
    assert not shadow.got_one.acquire(blocking=False)
    held_live.go.set()
    assert outcomes.get(timeout=PATIENCE).number == 7


def test_a_shadow_that_breaks_is_logged_and_the_next_frame_is_looked_at(engine_of_two, red_two, caplog):
    class Broken(Predictor):
        def predict(self, data, **options):
            raise RuntimeError("boom")

    engine_of_two.shadow.install(LoadedDetector("broken", Broken(red_two)), share=1.0)
    assert ask(engine_of_two, FACE)[0].detections
    wait_until(lambda: "boom" in caplog.text, "the failure to be logged")
    engine_of_two.shadow.install(load_detector("red-2", red_two, None), share=1.0)
    ask(engine_of_two, FACE)
    assert counted(engine_of_two, 1).frames == 1


@pytest.fixture
def versions(db, red_one, red_two) -> tuple[DetectorVersion, DetectorVersion]:
    """The active version and a candidate."""
    live = register_version(onnx=red_one, source="imported")
    promote_version(version=live, actor=None)
    return live, register_version(onnx=red_two, source="imported")


def test_a_shadow_is_started_and_stopped_once_with_audit_entries(versions, admin_user):
    _, candidate = versions
    start_shadow(version=candidate, actor=admin_user)
    assert (shadow_detector(), shadow_detector().shadow_share) == (candidate, 0.1)
    with pytest.raises(AlreadyShadow):
        start_shadow(version=candidate, actor=None)
    stop_shadow(version=candidate, actor=None)
    assert shadow_detector() is None
    with pytest.raises(NotShadow):
        stop_shadow(version=candidate, actor=None)
    acts = AuditEntry.objects.order_by("-id").values_list("action", "subject", "actor_name")[:2]
    assert list(acts) == [("stop shadow", "red-2", "system"), ("start shadow", "red-2", "admin")]


def test_neither_the_active_version_nor_a_damaged_file_nor_a_share_that_is_none_becomes_a_shadow(versions):
    live, candidate = versions
    with pytest.raises(ActiveCantShadow):
        start_shadow(version=live, actor=None)
    for share in (0.0, -0.1, 1.5):
        with pytest.raises(BadShare):
            start_shadow(version=candidate, actor=None, share=share)
    candidate.onnx.storage.delete(candidate.onnx.name)
    with pytest.raises(UnusableDetectorFile):
        start_shadow(version=candidate, actor=None)
    assert shadow_detector() is None


def test_a_promoted_shadow_is_none_any_more(versions):
    _, candidate = versions
    start_shadow(version=candidate, actor=None)
    promote_version(version=candidate, actor=None)
    assert shadow_detector() is None


def test_the_tallies_of_several_processes_are_added_up(versions):
    _, candidate = versions
    tally = ShadowTally(frames=3, gave_way=1, shadow_ms=12.0, live_ms=9.0, slowest_ms=5.0)
    tally.count("red-1", "happy", agreed=True)
    tally.count("red-1", "happy", agreed=False)
    for _ in range(2):
        add_tally(version_id=candidate.pk, since=since_of(candidate), tally=tally)
    row = ShadowCount.objects.get()
    assert (row.emotion, row.agreed, row.disagreed) == ("happy", 2, 2)
    pace = candidate.shadow_pace
    assert (pace.frames, pace.gave_way, pace.shadow_ms, pace.slowest_ms) == (6, 2, 24.0, 5.0)
    start_shadow(version=candidate, actor=None)
    assert not ShadowCount.objects.exists()
    candidate.delete()
    add_tally(version_id=candidate.pk or 0, since=None, tally=tally)


def test_a_process_follows_the_shadow_and_writes_its_counts_down(versions, engine_of_two, hamster):
    hamster(shadow_flush_seconds=0.05)
    _, candidate = versions
    keeper = ShadowKeeper(engine_of_two)
    start_shadow(version=candidate, actor=None, share=1.0)
    keeper.look()
    assert engine_of_two.shadow._detector is None  # no camera is on
    box = engine_of_two.open_mailbox(lambda outcome: None, lambda version: None)
    keeper.look()
    assert engine_of_two.shadow._detector.name == "red-2"
    ask(engine_of_two, FACE)

    def is_written() -> bool:
        keeper.look()
        return ShadowCount.objects.filter(version=candidate, live="red-1", emotion="happy", agreed=1).exists()

    wait_until(is_written, "the counts to be written down")
    stop_shadow(version=candidate, actor=None)
    keeper.look()
    assert engine_of_two.shadow._detector is None
    box.close()


def since_of(version: DetectorVersion) -> datetime | None:
    return DetectorVersion.objects.get(pk=version.pk).shadow_since


def test_a_run_that_is_started_anew_counts_nothing_of_the_one_before(versions, engine_of_two, hamster):
    hamster(shadow_flush_seconds=1000)
    _, candidate = versions
    keeper = ShadowKeeper(engine_of_two)
    box = engine_of_two.open_mailbox(lambda outcome: None, lambda version: None)
    start_shadow(version=candidate, actor=None, share=1.0)
    keeper.look()
    engine_of_two.shadow.give_back(ShadowTally(frames=7))
    stop_shadow(version=candidate, actor=None)
    start_shadow(version=candidate, actor=None, share=1.0)
    keeper.look()
    assert not ShadowPace.objects.exists()
    engine_of_two.shadow.give_back(ShadowTally(frames=1))
    keeper.flush()
    assert ShadowPace.objects.get().frames == 1
    box.close()


def test_a_refused_shadow_says_why_and_is_tried_again(versions, engine_of_two, monkeypatch, tmp_path):
    _, candidate = versions
    keeper = ShadowKeeper(engine_of_two)
    box = engine_of_two.open_mailbox(lambda outcome: None, lambda version: None)
    start_shadow(version=candidate, actor=None, share=1.0)
    file = Path(candidate.onnx.path)
    file.rename(tmp_path / "elsewhere")
    keeper.look()
    assert "Can't read the detector file" in shadow_detector().shadow_refusal
    (tmp_path / "elsewhere").rename(file)
    keeper.look()
    assert engine_of_two.shadow._detector is None  # not yet
    monkeypatch.setattr(keeper, "_retry_at", 0.0)
    keeper.look()
    assert engine_of_two.shadow._detector.name == "red-2"
    assert shadow_detector().shadow_refusal == ""
    box.close()


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_written_down_just_now_is_written_later(versions, engine_of_two, hamster, caplog):
    hamster(shadow_flush_seconds=0)
    _, candidate = versions
    keeper = ShadowKeeper(engine_of_two)
    start_shadow(version=candidate, actor=None, share=1.0)
    box = engine_of_two.open_mailbox(lambda outcome: None, lambda version: None)
    keeper.look()
    tally = ShadowTally(frames=1)
    tally.count("red-1", "happy", agreed=True)
    engine_of_two.shadow.give_back(tally)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE detector_shadowpace RENAME TO elsewhere")
    keeper.look()
    keeper.look()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO detector_shadowpace")
    assert caplog.text.count("can't follow the shadow") == 1
    keeper.look()
    assert ShadowCount.objects.get().agreed == 1
    assert candidate.shadow_pace.frames == 1
    box.close()


def test_the_admin_starts_and_stops_a_shadow_and_shows_what_is_counted(versions, admin_client):
    live, candidate = versions
    page = reverse("admin:detector_detectorversion_changelist")
    for version in (live, candidate):  # the active one is refused with a message
        answer = admin_client.post(
            page, {"action": "start_shadow", "_selected_action": [version.pk]}, follow=True
        )
    assert "is the shadow" in answer.content.decode()
    assert shadow_detector() == candidate
    tally = ShadowTally(frames=1)
    tally.count("red-1", "happy", agreed=True)
    add_tally(version_id=candidate.pk, since=since_of(candidate), tally=tally)
    for name in ("shadowcount", "shadowpace", "evaluation"):
        assert admin_client.get(reverse(f"admin:detector_{name}_changelist")).status_code == 200
    admin_client.post(page, {"action": "stop_shadow", "_selected_action": [candidate.pk]})
    assert shadow_detector() is None


def test_the_command_starts_and_stops_a_shadow(versions):
    told = StringIO()
    call_command("shadow", "red-2", "--share", "0.25", stdout=told)
    assert shadow_detector().shadow_share == 0.25
    call_command("shadow", "red-2", "--stop", stdout=told)
    assert shadow_detector() is None
    assert "25%" in told.getvalue()
    with pytest.raises(CommandError, match="not running as a shadow"):
        call_command("shadow", "red-2", "--stop")
    with pytest.raises(CommandError, match="no detector version"):
        call_command("shadow", "red-3")
