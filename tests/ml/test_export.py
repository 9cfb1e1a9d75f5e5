import copy
import json
import re
import shutil

import numpy as np
import pytest
import torch

from ml import export
from ml.checkpoint import save_weights
from ml.model import Detector, ServedCloseup, ServedGrid
from ml.predictor import Predictor


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    torch.manual_seed(0)
    model = Detector().eval()
    for module in model.modules():  # as after training: batch norms that do something
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    model.grid.head.bias.data[4] = 0.0  # objectness that is not about 0 everywhere
    model.grid.head.weight.data[5:] *= 8
    model.closeup.classify.weight.data *= 8
    save_weights(folder / "model.pt", model, card={"version": "test-1", "input_size": 128})
    assert export.main(["--weights", str(folder / "model.pt"), "--json"]) == 0
    return folder, model


@pytest.mark.parametrize("size", [(64, 64), (104, 136), (240, 320)])
@pytest.mark.parametrize("batch", [1, 3])
def test_onnx_runtime_gives_what_torch_gives_at_any_shape(exported, size, batch):
    import onnxruntime

    folder, model = exported
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    images = np.random.default_rng(0).integers(0, 256, (batch, *size, 3), dtype=np.uint8)
    boxes, scores = session.run(["boxes", "scores"], {"images": images, "closeup": np.array(False)})
    with torch.inference_mode():
        want_boxes, want_scores = ServedGrid(model.grid)(torch.from_numpy(images))
    assert np.abs(boxes - want_boxes.numpy()).max() < 1.0
    assert_same_scores(scores, want_scores.numpy())


def test_the_flag_chooses_the_closeup_net(exported):
    import onnxruntime

    folder, model = exported
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    images = np.random.default_rng(0).integers(0, 256, (3, 80, 80, 3), dtype=np.uint8)
    boxes, scores = session.run(["boxes", "scores"], {"images": images, "closeup": np.array(True)})
    with torch.inference_mode():
        want_boxes, want_scores = ServedCloseup(model.closeup)(torch.from_numpy(images))
    assert np.array_equal(boxes, want_boxes.numpy())
    assert_same_scores(scores, want_scores.numpy())


def assert_same_scores(scores, wanted):
    assert scores.shape == wanted.shape
    assert np.abs(scores - wanted).max() < 5e-3  # the file holds fp16 weights
    assert np.abs(scores - np.roll(wanted, 1, axis=-1)).max() > 0.05  # another order would be seen


def test_the_calibration_in_the_card_replaces_that_in_the_graph(exported):
    import onnxruntime

    folder, model = exported
    ratios = {"sleepy": 5.0}
    card = {
        "calibration": {"temperature": 2.0, "objectness_bias": 3.0, "prior_ratios": ratios, "face_power": 0.5}
    }
    export.recalibrate_onnx(folder / "model.onnx", folder / "calibrated.onnx", model, card=card)
    session = onnxruntime.InferenceSession(folder / "calibrated.onnx")
    images = np.random.default_rng(0).integers(0, 256, (1, 80, 80, 3), dtype=np.uint8)
    nets = {
        False: ServedGrid(model.grid, objectness_bias=3.0),
        True: ServedCloseup(model.closeup, temperature=2.0, prior_ratios=ratios, face_power=0.5),
    }
    for closeup, net in nets.items():
        (scores,) = session.run(["scores"], {"images": images, "closeup": np.array(closeup)})
        with torch.inference_mode():
            assert_same_scores(scores, net(torch.from_numpy(images))[1].numpy())


def test_weights_that_are_no_numbers_are_not_exported(exported, tmp_path):
    model = copy.deepcopy(exported[1])
    model.closeup.classify.weight.data[0, 0] = float("nan")
    with pytest.raises(export.ExportError):
        export.export_onnx(model, tmp_path / "nan.onnx", card={})
    assert not list(tmp_path.iterdir())


METRICS = {"face_AP50": 0.9, "false_faces": None, "confusion": [[1]]}


def test_a_card_is_replaced_without_touching_the_nets(exported):
    folder, _ = exported
    shutil.copy(folder / "model.onnx", folder / "first.onnx")
    before = Predictor(folder / "first.onnx")
    export.write_card(
        folder / "first.onnx", {"version": "second", "thresholds": {"min_score": 0.33}, "metrics": METRICS}
    )
    after = Predictor(folder / "first.onnx")
    assert after.card["metrics"] == {"face_AP50": 0.9}
    assert (before.version, after.version, after.min_score) == ("test-1", "second", 0.33)
    images = np.zeros((1, 64, 64, 3), np.uint8)
    for got, wanted in zip(
        after._run(images, closeup=False), before._run(images, closeup=False), strict=True
    ):
        assert np.array_equal(got, wanted)


def test_the_card_travels_inside_the_file(exported):
    predictor = Predictor(exported[0] / "model.onnx")
    assert predictor.version == "test-1"
    assert predictor.input_size == 128


def test_name_and_input_size_can_be_set_while_exporting(exported, capsys):
    folder, _ = exported
    out = folder / "other.onnx"
    arguments = [
        "--weights",
        str(folder / "model.pt"),
        "--out",
        str(out),
        "--name",
        "second",
        "--input-size",
        "320",
    ]
    assert export.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["onnx"] == str(out)
    assert (Predictor(out).version, Predictor(out).input_size) == ("second", 320)


def test_a_file_that_was_not_named_is_not_replaced(exported, capsys):
    """The card beside it tells of that file."""
    folder, _ = exported
    before = (folder / "model.onnx").read_bytes()
    with pytest.raises(SystemExit):
        export.main(["--weights", str(folder / "model.pt"), "--name", "second"])
    assert "model.onnx exists" in capsys.readouterr().err
    assert (folder / "model.onnx").read_bytes() == before


@pytest.mark.parametrize("size", ["-5", "33", "0"])
def test_a_size_that_frames_can_not_have_is_refused(exported, tmp_path, capsys, size):
    arguments = ["--weights", str(exported[0] / "model.pt"), "--out", str(tmp_path / "a.onnx")]
    with pytest.raises(SystemExit):
        export.main([*arguments, f"--input-size={size}"])
    assert "no multiple of 32" in capsys.readouterr().err


def test_a_missing_checkpoint_is_one_clear_line(tmp_path, capsys):
    assert export.main(["--weights", str(tmp_path / "none.pt")]) == 2
    assert re.fullmatch(r"error: .*none\.pt does not exist\n", capsys.readouterr().err)
