"""The two nets of a detector: trained apart, kept as they are, joined."""

import json
from pathlib import Path

import pytest
import torch

from ml import evaluate, export, join, quantize
from ml.checkpoint import read_checkpoint
from ml.config import EMOTIONS, FACE_POWER, PRIOR_RATIOS
from ml.predictor import Predictor
from tests.ml.drawn_faces import make_dataset
from tests.ml.training import train


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("drawn"), train=36, valid=18, size=64)


@pytest.fixture(scope="module")
def whole(drawn, tmp_path_factory) -> Path:
    """The run folder of a detector of both nets, which has learned next to nothing."""
    run_dir = tmp_path_factory.mktemp("whole")
    code, _, errors = train(drawn, run_dir, "--epochs", "1")
    assert code == 0, errors
    return run_dir


def test_a_part_trained_alone_from_nothing_is_a_checkpoint_and_no_detector(drawn, tmp_path):
    code, events, errors = train(drawn, tmp_path, "--parts", "closeup", "--epochs", "2", "--valid-every", "2")
    assert code == 0, errors
    assert events[-1].keys() == {"event", "pt", "run_dir"}
    content = read_checkpoint(tmp_path / "detector.pt")
    assert content["card"]["best_epoch"] == {"closeup": 2}
    assert not (tmp_path / "detector.onnx").exists()


def test_one_part_is_trained_and_the_other_stays_as_it_was(whole, drawn, tmp_path):
    options = ("--parts", "closeup", "--epochs", "1", "--init-weights", str(whole / "detector.pt"))
    code, _, errors = train(drawn, tmp_path, *options)
    assert code == 0, errors
    before, after = (read_checkpoint(folder / "detector.pt")["state"] for folder in (whole, tmp_path))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"closeup"}


@pytest.fixture(scope="module")
def half(drawn, tmp_path_factory) -> Path:
    """A checkpoint of which the grid net alone was trained."""
    run_dir = tmp_path_factory.mktemp("half")
    code, _, errors = train(drawn, run_dir, "--parts", "grid", "--epochs", "1")
    assert code == 0, errors
    return run_dir / "detector.pt"


def test_a_net_that_was_not_trained_is_not_used(half, whole, drawn, tmp_path, capsys):
    data, out = ["--data-dir", str(drawn)], str(tmp_path / "out.onnx")
    into, trained = [*data, "--weights", str(tmp_path / "joined.pt")], str(whole / "detector.pt")
    assert join.main(["--grid", trained, "--closeup", str(half), *into]) == 2
    assert quantize.main(["--weights", str(half), *data, "--out", out]) == 2
    assert export.main(["--weights", str(half), "--out", out]) == 2
    assert evaluate.main(["--weights", str(half), *data]) == 2
    told = f"error: {half} comes from a run that did not train its closeup net\n"
    assert capsys.readouterr().err == 4 * told
    code, _, errors = train(drawn, tmp_path, "--parts", "closeup", "--epochs", "1", "--teacher", str(half))
    assert code == 2
    assert told in errors
    assert list(tmp_path.iterdir()) == []
    assert join.main(["--grid", str(half), "--closeup", trained, *into]) == 0


def test_two_runs_are_joined_into_one_detector(whole, drawn, tmp_path):
    code, _, errors = train(drawn, tmp_path / "other", "--parts", "closeup", "--epochs", "2")
    assert code == 0, errors
    joined = tmp_path / "joined" / "detector.pt"
    arguments = ["--grid", str(whole / "detector.pt"), "--closeup", str(tmp_path / "other/detector.pt")]
    assert join.main([*arguments, "--data-dir", str(drawn), "--weights", str(joined), "--name", "both"]) == 0
    state = read_checkpoint(joined)["state"]
    for folder, part in ((whole, "grid"), (tmp_path / "other", "closeup")):
        source = read_checkpoint(folder / "detector.pt")["state"]
        for name in state:
            if name.startswith(part):
                ours, theirs = state[name], source[name]
                if name.startswith("closeup.classify"):  # but for the row that tells faces
                    ours, theirs = ours[: len(EMOTIONS)], theirs[: len(EMOTIONS)]
                assert torch.equal(ours, theirs)
    card = json.loads((tmp_path / "joined/card.json").read_text())
    assert card["metrics"]["faces"] == 18
    best = read_checkpoint(tmp_path / "other/detector.pt")["card"]["best_epoch"]["closeup"]
    assert (card["parts"]["grid"]["epoch"], card["parts"]["closeup"]["epoch"]) == (1, best)
    assert card["calibration"]["prior_ratios"] == PRIOR_RATIOS
    assert card["calibration"]["face_power"] == FACE_POWER
    assert Predictor(joined.with_suffix(".onnx")).version == "both"
    again = join.join(joined, [joined])[1]
    assert again["parts"] == read_checkpoint(joined)["card"]["parts"]  # each part's run, not the joining


def test_what_goes_on_from_half_a_detector_is_half_of_one(half, drawn, tmp_path):
    options = ("--parts", "grid", "--epochs", "1", "--init-weights", str(half))
    code, events, errors = train(drawn, tmp_path, *options)
    assert code == 0, errors
    assert events[-1].keys() == {"event", "pt", "run_dir"}
    assert not (tmp_path / "detector.onnx").exists()


def test_what_goes_on_from_a_whole_detector_without_a_card_is_a_whole_one(whole, drawn, tmp_path):
    content = read_checkpoint(whole / "detector.pt")
    bare = tmp_path / "bare.pt"
    torch.save({name: content[name] for name in ("config", "emotions", "state")}, bare)
    options = ("--parts", "closeup", "--epochs", "1", "--init-weights", str(bare))
    code, _, errors = train(drawn, tmp_path / "on", *options)
    assert code == 0, errors
    assert Predictor(tmp_path / "on/detector.onnx")


def test_the_other_net_trained_on_half_a_detector_makes_it_whole(half, drawn, tmp_path):
    options = ("--parts", "closeup", "--epochs", "1", "--init-weights", str(half))
    code, _, errors = train(drawn, tmp_path, *options)
    assert code == 0, errors
    assert Predictor(tmp_path / "detector.onnx")
    parts = join.join(tmp_path / "detector.pt", [tmp_path / "detector.pt"])[1]["parts"]
    assert {name: run["train"]["parts"] for name, run in parts.items()} == {
        "grid": ("grid",),
        "closeup": ("closeup",),
    }


def test_of_several_closeup_nets_the_mean_is_taken_and_the_card_names_all(whole, drawn, tmp_path):
    first = whole / "detector.pt"
    options = ("--parts", "closeup", "--epochs", "1", "--init-weights", str(first), "--discount-sources")
    code, _, errors = train(drawn, tmp_path / "on", *options)
    assert code == 0, errors
    second = tmp_path / "on/detector.pt"
    model, _ = join.join(first, [first, first, second])
    before, after = (read_checkpoint(path)["state"] for path in (first, second))
    for name, value in model.state_dict().items():
        weight = 2 / 3 if name.startswith("closeup.") else 1.0
        wanted = weight * before[name].float() + (1 - weight) * after[name].float()
        assert torch.allclose(value.float(), wanted, atol=1 if name.endswith("num_batches_tracked") else 1e-5)
    arguments = ["--grid", str(first), "--closeup", str(first), "--closeup", str(first)]
    arguments += ["--closeup", str(second)]
    arguments += ["--data-dir", str(drawn)]
    assert join.main([*arguments, "--weights", str(tmp_path / "mean/detector.pt")]) == 0
    assert Predictor(tmp_path / "mean/detector.onnx")
    card = json.loads((tmp_path / "mean/card.json").read_text())
    runs = card["parts"]["closeup"]["mean_of"]
    assert [run["train"]["discount_sources"] for run in runs] == [False, False, True]


def test_closeup_nets_that_are_built_otherwise_have_no_mean(whole, drawn, tmp_path, capsys):
    wide = ("--parts", "closeup", "--epochs", "1", "--closeup-widths", "8", "8", "8", "16")
    code, _, errors = train(drawn, tmp_path / "wide", *wide)
    assert code == 0, errors
    arguments = ["--grid", str(whole / "detector.pt"), "--closeup", str(whole / "detector.pt")]
    arguments += ["--closeup", str(tmp_path / "wide/detector.pt"), "--data-dir", str(drawn)]
    assert join.main([*arguments, "--weights", str(tmp_path / "mean.pt")]) == 2
    other, first = tmp_path / "wide/detector.pt", whole / "detector.pt"
    told = f"error: the close-up net of {other} is built otherwise than that of {first}"
    assert capsys.readouterr().err == f"{told}: they have no mean\n"
