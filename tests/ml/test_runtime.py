"""The shipped detector in float32, a real photograph, OpenVINO and ONNX Runtime side by side."""

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from ml import export
from ml.predictor import SHIPPED_WEIGHTS, Predictor
from ml.runtime import OpenVinoSession, RuntimeUnavailable


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.fromarray(astronaut())


@pytest.fixture(scope="module")
def float32(tmp_path_factory) -> Path:
    """The net that the shipped file was made of."""
    path = tmp_path_factory.mktemp("float32") / "detector.onnx"
    assert export.main(["--weights", str(SHIPPED_WEIGHTS.with_suffix(".pt")), "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def fast(float32) -> Predictor:
    return Predictor(float32, runtime="openvino")


def test_openvino_sees_what_onnx_runtime_sees(portrait, fast, float32):
    plain = Predictor(float32)
    assert (plain.runtime, fast.runtime) == ("onnxruntime", "openvino")
    for image in (portrait, portrait.crop((60, 0, 400, 260)), portrait.resize((120, 120))):
        (wanted_boxes, wanted), (boxes, scores) = (p.predict_arrays(image) for p in (plain, fast))
        assert len(boxes) == len(wanted_boxes) == 1
        assert np.abs(boxes - wanted_boxes).max() < 0.01
        assert np.abs(scores - wanted).max() < 0.05
        assert scores.argmax() == wanted.argmax()


def test_threads_share_one_predictor(portrait, fast):
    """Pictures of different shapes at the same time: none gets another one's faces."""
    images = [portrait, portrait.crop((0, 0, 400, 300)), portrait.resize((200, 260)), portrait.rotate(180)]
    alone = [fast.predict_arrays(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda turn: fast.predict_arrays(images[turn % 4]), range(40)))
    for turn, (boxes, scores) in enumerate(together):
        assert np.array_equal(boxes, alone[turn % 4][0])
        assert np.array_equal(scores, alone[turn % 4][1])


def test_without_openvino_onnx_runtime_computes_and_the_reason_is_logged(
    portrait, float32, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "openvino", None)  # what an installation without it looks like
    with caplog.at_level(logging.WARNING):
        predictor = Predictor(float32, runtime="openvino")
    assert predictor.runtime == "onnxruntime"
    assert "requirements-fast.txt" in caplog.text
    assert [face.label for face in predictor.predict_image(portrait)] == ["happy"]


def test_an_int8_detector_is_left_to_onnx_runtime(portrait, caplog):
    with caplog.at_level(logging.WARNING):
        predictor = Predictor(runtime="openvino")
    assert predictor.runtime == "onnxruntime"
    assert "int8" in caplog.text
    assert np.array_equal(predictor.predict_arrays(portrait)[1], Predictor().predict_arrays(portrait)[1])


def test_a_file_that_openvino_can_not_read_is_said():
    with pytest.raises(RuntimeUnavailable):
        OpenVinoSession(SHIPPED_WEIGHTS.read_bytes()[:5000])


def test_a_failed_call_does_not_use_up_the_copy():
    session = OpenVinoSession(SHIPPED_WEIGHTS.read_bytes())
    inputs = {"images": np.zeros((1, 64, 64, 3), np.uint8), "closeup": np.array(False)}
    with pytest.raises(RuntimeError):
        session.run(["boxes"], inputs | {"sound": np.zeros(3)})
    assert session.run(["boxes"], inputs)[0].shape == (1, 64, 4)
    assert len(session._idle) == 1
