"""The two nets of a detector: trained apart, kept as they are, joined."""

import json
from pathlib import Path

import pytest
import torch

from ml import evaluate, export, join, quantize
from ml.checkpoint import read_checkpoint
from ml.config import EMOTIONS, PRIOR_RATIOS
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
    assert Predictor(joined.with_suffix(".onnx")).version == "both"
    again = join.join(joined, joined)[1]
    assert again["parts"] == read_checkpoint(joined)["card"]["parts"]  # each part's run, not the joining
