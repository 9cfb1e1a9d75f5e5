import pickle

import pytest
import torch
from PIL import Image

from ml.checkpoint import (
    CheckpointError,
    load_model,
    read_checkpoint,
    replace_file,
    restore_generators,
    save_checkpoint,
    save_weights,
)
from ml.config import EMOTIONS
from ml.model import Detector


def test_a_picture_is_no_checkpoint_and_the_reason_is_in_words(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "x.jpg")
    with pytest.raises(CheckpointError, match="it is damaged, or of another kind"):
        read_checkpoint(tmp_path / "x.jpg")


def test_saved_weights_load_as_the_same_detector(tmp_path):
    model = Detector().eval()
    save_weights(tmp_path / "w.pt", model, card={"version": "x"})
    loaded, card = load_model(tmp_path / "w.pt")
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(model.grid(images), loaded.grid(images), atol=0.02)
        assert torch.allclose(model.closeup(images), loaded.closeup(images), atol=0.02)
    assert card == {"version": "x"}


def test_a_resume_goes_on_with_the_same_random_numbers(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {"state": {}, "config": {}, "emotions": list(EMOTIONS)})
    expected = torch.rand(3)
    restore_generators(read_checkpoint(tmp_path / "c.pt")["generators"])
    assert torch.equal(torch.rand(3), expected)


class Unsafe:
    def __reduce__(self):
        return (print, ("code in a checkpoint ran",))


def test_an_unsafe_pickle_is_refused_and_does_not_run(tmp_path, capsys):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"state": Unsafe(), "config": {}}))
    with pytest.raises(CheckpointError, match="no checkpoint of this project"):
        read_checkpoint(tmp_path / "evil.pt")
    torch.save({"state": Unsafe(), "config": {}}, tmp_path / "evil2.pt")
    with pytest.raises(CheckpointError, match="no checkpoint of this project"):
        read_checkpoint(tmp_path / "evil2.pt")
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_missing_or_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "broken.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"broken\.pt"):
        read_checkpoint(path)


def test_a_checkpoint_for_other_classes_is_refused(tmp_path):
    torch.save({"state": {}, "config": {}, "emotions": ["cat", "dog"]}, tmp_path / "cats.pt")
    with pytest.raises(CheckpointError, match="other classes"):
        read_checkpoint(tmp_path / "cats.pt")


def test_weights_that_do_not_fit_the_config_are_refused(tmp_path):
    model = Detector()
    save_weights(tmp_path / "w.pt", model, card={})
    content = torch.load(tmp_path / "w.pt", weights_only=True)
    content["state"].popitem()
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match="do not fit"):
        load_model(tmp_path / "w.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path, value):
    model = Detector()
    model.closeup.classify.bias.data[3] = value
    save_weights(tmp_path / "w.pt", model, card={})
    with pytest.raises(
        CheckpointError, match=r"w\.pt holds weights that are not finite: closeup\.classify\.bias"
    ):
        load_model(tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("emotions", 5),
        ("emotions", None),
        ("state", 5),
        ("config", 5),
        ("config.grid", 5),
        ("config.closeup", "x"),
        ("config.closeup.size", "x"),
        ("config.closeup.size", 0),
        ("config.closeup.size", 80.0),
        ("config.closeup.size", 100_000),
        ("config.closeup.widths", [0, 0, 0, 0]),
        ("config.closeup.widths", [50_000] * 4),
        ("config.grid.stride", 0),
        ("config.grid.stride", "x"),
        ("config.grid.depths", "x"),
        ("config.grid.depths", [1, 10**9, 1, 1]),
        ("card", 5),
        ("card.calibration", "x"),
        ("card.calibration.temperature", "x"),
        ("card.calibration.temperature", 0),
        ("card.calibration.prior_ratios", {"angry": "x"}),
        ("card.calibration.objectness_bias", float("nan")),
        ("card.calibration.face_power", 0.0),
        ("card.thresholds", {"min_score": "x"}),
        ("card.metrics", 5),
        ("card.parts", 5),
        ("card.parts", {"grid": 5}),
        ("card.parts", {"tail": {}}),
        ("card.train", None),
        ("card.started_from", "x"),
        ("card.input_size", "x"),
        ("card.input_size", 0),
        ("card.version", torch.zeros(3)),
    ],
)
def test_what_can_t_be_in_a_checkpoint_is_one_line(tmp_path, place, value):
    path = tmp_path / "w.pt"
    save_weights(path, Detector(), card={"calibration": {"temperature": 1.2}})
    content = holder = torch.load(path, weights_only=True)
    *outer, last = place.split(".")
    for key in outer:
        holder = holder.setdefault(key, {})
    holder[last] = value
    torch.save(content, path)
    with pytest.raises(CheckpointError) as refused:
        load_model(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_failed_write_leaves_the_earlier_file_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("earlier")

    def fail(beside):
        beside.write_text("half")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        replace_file(path, fail)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]
