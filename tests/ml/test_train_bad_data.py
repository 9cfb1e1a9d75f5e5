"""Training on sets with images that do not decode or have odd names, and going on from odd checkpoints."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

import ml.train
from ml.checkpoint import read_checkpoint
from tests.ml.drawn_faces import make_dataset
from tests.ml.training import flags, train, train_and_kill

ONE_EPOCH = ("--epochs", "1", "--closeup-widths", "8", "16", "32", "48")
TWO_EPOCHS = ("--parts", "closeup", "--epochs", "2")


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("few"), train=24, valid=9, size=128)


@pytest.fixture
def drawn(few, tmp_path) -> Path:
    return shutil.copytree(few, tmp_path / "set")


def cut_short(drawn: Path, split: str, count: int) -> list[Path]:
    """The header of such a file can still be read."""
    paths = sorted((drawn / split / "images").iterdir())[:count]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1000])
    return paths


def test_images_that_do_not_decode_are_named_once_and_not_counted_as_trained_on(drawn, tmp_path):
    broken = [*cut_short(drawn, "train", 2), *cut_short(drawn, "valid", 1)]
    broken[0].write_bytes(b"no image")
    code, events, errors = train(drawn, tmp_path / "run", *ONE_EPOCH)
    assert code == 0, errors
    (counted,) = (event for event in events if event["event"] == "data")
    assert (counted["images"], counted["faces"], counted["problems"]) == (22, 22, 2)
    card = read_checkpoint(tmp_path / "run/detector.pt")["card"]
    assert card["data"]["train_images"] == 22
    assert card["metrics"]["frames"] == 8
    for path in broken:
        assert sum(str(path) in line for line in errors.splitlines()) == 1


def test_files_with_names_that_are_not_utf_8_are_trained_on(drawn, tmp_path):
    for split in ("train", "valid"):
        for folder in ("images", "labels"):
            path = next((drawn / split / folder).glob("*0000.*"))
            path.rename(path.with_name(os.fsdecode(b"\xff\xfe") + path.suffix))
    broken = drawn / "train/images" / os.fsdecode(b"\xff.jpg")
    broken.write_bytes(b"no image")
    code, events, errors = train(drawn, tmp_path / "run", *ONE_EPOCH)
    assert code == 0, errors
    (counted,) = (event for event in events if event["event"] == "data")
    assert (counted["images"], counted["faces"], counted["problems"]) == (24, 24, 1)


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_strict_refuses_images_that_do_not_decode(drawn, tmp_path, split):
    if split == "test":
        shutil.copytree(drawn / "valid", drawn / "test")
    (broken,) = cut_short(drawn, split, 1)
    code, events, errors = train(drawn, tmp_path / "run", *ONE_EPOCH, "--strict")
    assert code == 2
    assert f"{broken}: The JPEG image is damaged" in events[-1]["message"]
    assert "Traceback" not in errors


@pytest.mark.parametrize(("split", "what"), [("train", "training"), ("valid", "validation")])
def test_a_set_of_which_no_image_decodes_is_refused(drawn, tmp_path, split, what):
    cut_short(drawn, split, 24)
    code, events, errors = train(drawn, tmp_path / "run", *ONE_EPOCH)
    assert code == 2, errors
    assert events[-1]["code"] == "bad_dataset"
    assert f"none of the {what} images can be decoded" in events[-1]["message"]


@pytest.fixture(scope="module")
def begun(few, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("begun")
    train_and_kill(few, folder, *TWO_EPOCHS, after=1)
    return folder / "last.pt"


@pytest.mark.parametrize(
    "place",
    [
        "train_config",
        "data",
        "parts",
        "parts.closeup",
        "parts.closeup.optimizer.param_groups",
        "parts.closeup.optimizer.state.0.exp_avg",
        "card",
        "generators",
        "history",
        "best",
    ],
)
@pytest.mark.parametrize("change", ["removed", "of another kind"])
def test_a_checkpoint_that_lacks_what_a_resume_needs_is_one_clear_line(
    few, begun, tmp_path, capsys, place, change
):
    content = holder = torch.load(begun, weights_only=True)
    *outer, last = place.split(".")
    for key in outer:
        holder = holder[int(key) if key.isdigit() else key]
    del holder[last]
    if change == "of another kind":
        holder[last] = 5
    torch.save(content, tmp_path / "last.pt")
    on_sigterm = signal.getsignal(signal.SIGTERM)
    code = ml.train.main(flags(few, tmp_path, *TWO_EPOCHS, "--resume"))
    signal.signal(signal.SIGTERM, on_sigterm)
    assert code == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert str(tmp_path / "last.pt") in errors[0]
