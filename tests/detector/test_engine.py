"""The engine with its real threads and a real detector."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from detector.engine.detectors import LoadedDetector, load_detector
from detector.engine.inference import InferenceEngine, PredictionFailed
from detector.engine.pictures import Picture
from detector.errors import NoDetector, ServerBusy
from ml.images import BadImage
from ml.predictor import Predictor
from tests.detector.held_predictor import HeldPredictor
from tests.detector.pictures import FACE, encoded, scene

FRAME = encoded(scene())


@pytest.fixture
def bare_engine() -> Iterator[InferenceEngine]:
    """Two workers and no detector."""
    engine = InferenceEngine(workers=2, max_connections=8, max_requests=4)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def red_engine(bare_engine, red_one) -> InferenceEngine:
    bare_engine.install(load_detector("red-1", red_one, None))
    return bare_engine


def picture(data: bytes = FRAME, number: int = 0) -> Picture:
    return Picture(data, max_pixels=10**6, max_faces=5, number=number)


def test_a_picture_is_looked_at_and_timed(red_engine):
    outcome = red_engine.predict(picture(), timeout=10)
    assert outcome.detector == "red-1"
    (found,) = outcome.detections
    assert found.label == "happy"
    assert (found.x1, found.y2) == pytest.approx((FACE["x1"], FACE["y2"]), abs=0.02)
    timing = outcome.timing_ms()
    assert timing["total"] >= timing["decode"] + timing["inference"] > 0


def test_a_bad_picture_raises_and_the_next_good_one_is_fine(red_engine):
    for _ in range(4):
        with pytest.raises(BadImage):
            red_engine.predict(picture(b"no image"), timeout=10)
    assert red_engine.predict(picture(), timeout=10).detections


def test_many_threads_share_the_detector_and_get_their_own_answers(red_engine):
    pictures = [picture(encoded(scene(face=number % 2 == 0)), number) for number in range(60)]
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda one: red_engine.predict(one, timeout=20), pictures))
    assert [outcome.number for outcome in outcomes] == list(range(60))
    assert [len(outcome.detections) for outcome in outcomes] == [1, 0] * 30


def test_a_detector_that_breaks_on_a_picture_does_not_end_the_workers(bare_engine, red_one, caplog):
    class Broken(Predictor):
        def predict(self, data, **options):
            raise RuntimeError("boom")

    bare_engine.install(LoadedDetector("broken", Broken(red_one)))
    for _ in range(4):
        with pytest.raises(PredictionFailed):
            bare_engine.predict(picture(), timeout=10)
    assert "boom" in caplog.text
    bare_engine.install(load_detector("red-1", red_one, None))
    assert bare_engine.predict(picture(), timeout=10).detections


def test_without_a_detector_every_picture_says_so(bare_engine):
    with pytest.raises(NoDetector):
        bare_engine.predict(picture(), timeout=10)


def test_a_picture_that_takes_too_long_is_server_busy(bare_engine, red_one):
    held = HeldPredictor(red_one)
    bare_engine.install(LoadedDetector("held", held))
    with pytest.raises(ServerBusy):
        bare_engine.predict(picture(), timeout=0.05)
    held.go.set()
    assert bare_engine.predict(picture(), timeout=10).detections


def test_a_swap_takes_effect_between_two_frames_and_loses_none(bare_engine, red_one, red_two):
    held = HeldPredictor(red_one)
    bare_engine.install(LoadedDetector("red-1", held))
    outcomes: Queue = Queue()
    announced: Queue = Queue()
    boxes = [bare_engine.open_mailbox(outcomes.put, announced.put) for _ in range(4)]
    for number, box in enumerate(boxes):
        box.put(picture(number=number))
    for _ in range(2):
        assert held.got_one.acquire(timeout=10)
    bare_engine.install(load_detector("red-2", red_two, None))
    held.go.set()
    answers = [outcomes.get(timeout=10) for _ in boxes]
    assert sorted(outcome.number for outcome in answers) == [0, 1, 2, 3]
    assert all(outcome.error is None and outcome.detections for outcome in answers)
    assert sorted(outcome.detector for outcome in answers) == ["red-1", "red-1", "red-2", "red-2"]
    assert [announced.get(timeout=10) for _ in boxes] == ["red-2"] * 4


def test_a_live_frame_is_answered_while_uploads_keep_a_worker_busy(bare_engine, red_one):
    held = HeldPredictor(red_one)
    bare_engine.install(LoadedDetector("held", held))
    with ThreadPoolExecutor(3) as threads:
        uploads = [threads.submit(bare_engine.predict, picture(), timeout=20) for _ in range(3)]
        assert held.got_one.acquire(timeout=10)
        outcomes: Queue = Queue()
        box = bare_engine.open_mailbox(outcomes.put, lambda version: None)
        bare_engine.install(load_detector("red-1", red_one, None))
        box.put(picture(number=7))
        assert outcomes.get(timeout=10).number == 7
        held.go.set()
        assert all(upload.result(20).detections for upload in uploads)


def test_the_setting_chooses_what_computes(settings, caplog, bare_engine, red_one):
    settings.HAMSTER = {"engine_runtime": "openvino"}
    detector = load_detector("red-1", red_one, None)
    assert detector.predictor.runtime == "openvino"
    with caplog.at_level("INFO"):
        bare_engine.install(detector)
    assert "serving detector red-1 on openvino" in caplog.text
