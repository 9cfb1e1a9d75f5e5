"""Training runs that go on, are stopped, are taught, or are refused."""

import json
import math
import shutil
import signal
import sys
from pathlib import Path

import pytest
import torch

import ml.train
from ml.checkpoint import read_checkpoint
from ml.config import CloseupConfig
from ml.predictor import Predictor
from tests.ml.drawn_faces import make_dataset
from tests.ml.training import epochs, flags, start, train, train_and_kill


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("drawn"), train=240, valid=18, size=128)


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("few"), train=36, valid=18, size=64)


def test_a_wider_net_teaches_the_close_up_net(few, tmp_path):
    part = ("--parts", "closeup", "--epochs", "1", "--closeup-batch", "64")
    wide = ("--closeup-widths", "16", "32", "64", "256", "--seed", "5")
    code, _, errors = train(few, tmp_path / "teacher", *part, *wide)
    assert code == 0, errors
    teacher = ("--teacher", str(tmp_path / "teacher/detector.pt"), "--teacher-share", "0.6")
    code, events, errors = train(few, tmp_path / "pupil", *part, *teacher)
    assert code == 0, errors
    learned = next(event["train"] for event in events if event["event"] == "epoch")
    assert learned["teacher"] > learned["expression"] > 0
    content = read_checkpoint(tmp_path / "pupil/detector.pt")
    assert content["config"]["closeup"]["widths"] == CloseupConfig().widths
    (told,) = content["card"]["teachers"]
    assert (told["version"], told["seed"], told["closeup"]["widths"][-1]) == ("drawn", 5, 256)
    code, _, errors = train(few, tmp_path / "pupil", *part, "--resume")  # without its teacher
    assert code == 2
    assert "other settings" in errors


def test_a_resumed_run_learns_what_an_unbroken_one_learns(few, tmp_path):
    """Cut after the second of four epochs: the losses of the third and fourth must be those of a run never
    cut."""
    options = ("--epochs", "4", "--precision", "fp32")
    whole = train_and_kill(few, tmp_path / "whole", *options, after=4)
    train_and_kill(few, tmp_path / "cut", *options, after=2)
    assert read_checkpoint(tmp_path / "cut" / "last.pt")["epoch"] == 2
    rest = train_and_kill(few, tmp_path / "cut", *options, "--resume", after=4)

    def losses(events):
        return {event["epoch"]: event["train"]["loss"] for event in epochs(events)}

    assert set(losses(rest)) == {3, 4}
    for epoch, loss in losses(rest).items():
        assert math.isclose(loss, losses(whole)[epoch], rel_tol=1e-4)


def test_a_run_does_not_go_on_with_other_settings_or_measured_on_other_data(few, drawn, tmp_path):
    options = ("--parts", "closeup", "--epochs", "2")
    train_and_kill(few, tmp_path, *options, after=1)
    for other, named in (
        (("--augment", "light"), "augment"),
        (("--valid-dir", str(drawn)), "data"),
        (("--valid-limit", "5"), "data"),
        (("--init-weights", "a.pt"), "init_weights"),
    ):
        code, _, errors = train(few, tmp_path, *options, "--resume", *other)
        assert code == 2
        assert f"other settings or other data ({named})" in errors


def test_a_run_from_before_the_nets_told_faces_can_go_on(few, tmp_path):
    options = ("--parts", "closeup", "--epochs", "2")
    train_and_kill(few, tmp_path, *options, after=1)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    del content["config"]["closeup"]["tells_faces"]
    part = content["parts"]["closeup"]
    for state in (content["state"], part["model"], part["average"]):
        for name, value in state.items():
            if "classify" in name:
                state[name] = value[:9].clone()
    for moments in part["optimizer"]["state"].values():
        for name, value in moments.items():
            if value.dim() and value.shape[0] == 10:
                moments[name] = value[:9].clone()
    torch.save(content, tmp_path / "last.pt")
    code, events, errors = train(few, tmp_path, *options, "--resume")
    assert code == 0, errors
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [2]
    assert read_checkpoint(tmp_path / "detector.pt")["config"]["closeup"]["tells_faces"] is False


def test_sigterm_keeps_the_best_detector(few, tmp_path):
    process = start(few, tmp_path, "--epochs", "500")
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "epoch" and events[-1]["epoch"] == 1:
            process.send_signal(signal.SIGTERM)
    assert process.wait() == 130
    assert events[-1]["event"] == "done"
    assert Predictor(tmp_path / "detector.onnx").version == "drawn"


def test_an_earlier_run_is_not_removed_before_the_data_are_found(tmp_path):
    earlier = tmp_path / "last.pt"
    earlier.write_bytes(b"an earlier run")
    assert ml.train.main(flags(Path("/nowhere"), tmp_path)) == 2
    assert earlier.read_bytes() == b"an earlier run"


@pytest.mark.parametrize("mistaken", ["--init-weights", "--teacher"])
def test_an_earlier_run_is_not_removed_by_a_mistyped_name(few, tmp_path, mistaken):
    for name in ("last.pt", "best.pt"):
        (tmp_path / name).write_bytes(b"an earlier run")
    code, _, errors = train(few, tmp_path, mistaken, str(tmp_path / "bets.pt"))
    assert code == 2
    assert "bets.pt does not exist" in errors
    assert {path.name for path in tmp_path.iterdir()} == {"last.pt", "best.pt"}


def test_a_run_may_start_from_the_best_of_the_one_that_it_replaces(few, tmp_path):
    once = ("--parts", "closeup", "--epochs", "1")
    assert train(few, tmp_path, *once)[0] == 0
    code, _, errors = train(few, tmp_path, *once, "--init-weights", str(tmp_path / "best.pt"))
    assert code == 0, errors
    assert read_checkpoint(tmp_path / "best.pt")["card"]["started_from"]["epoch"] == 1


def test_a_run_that_started_from_weights_is_resumed_by_the_same_command(few, tmp_path):
    once = ("--parts", "closeup", "--epochs", "1")
    assert train(few, tmp_path / "first", *once)[0] == 0
    weights = tmp_path / "first/detector.pt"
    options = ("--parts", "closeup", "--epochs", "2", "--init-weights", str(weights))
    train_and_kill(few, tmp_path / "run", *options, after=1)
    weights.unlink()  # what it has given is in the checkpoint
    code, events, errors = train(few, tmp_path / "run", *options, "--resume")
    assert code == 0, errors
    assert [event["epoch"] for event in epochs(events)] == [2]
    assert read_checkpoint(tmp_path / "run/detector.pt")["card"]["started_from"]["epoch"] == 1


def test_a_run_of_an_earlier_release_goes_on_with_its_own_batch(few, tmp_path):
    options = ("--parts", "closeup", "--epochs", "2", "--closeup-batch", "16", "--lr", "0.004")
    train_and_kill(few, tmp_path, *options, after=1)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    del content["train_config"]["base_closeup_batch"], content["data"]["valid_hash"]
    torch.save(content, tmp_path / "last.pt")
    code, _, errors = train(few, tmp_path, *options, "--resume")
    assert code == 0, errors
    in_force = read_checkpoint(tmp_path / "detector.pt")["card"]["closeup_in_force"]
    assert in_force == {"closeup_batch": 16, "lr": 0.004, "ema_half_life": 1000.0}


def test_faces_of_no_known_expression_do_not_train_the_close_up_net(tmp_path):
    drawn = make_dataset(tmp_path / "set", train=12, valid=2, size=64)
    for label in (drawn / "train/labels").iterdir():
        label.write_text("")
    code, _, errors = train(drawn, tmp_path / "run", "--epochs", "1")
    assert code == 2
    assert "whose expression is known" in errors


def test_a_non_finite_loss_stops_the_run_and_names_the_batch(few, tmp_path):
    code, events, errors = train(few, tmp_path, "--epochs", "3", "--lr", "1e30", "--precision", "fp32")
    assert code == 2
    assert events[-1]["code"] == "non_finite_loss"
    assert "epoch 1 of the" in errors
    assert "batch" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data-dir", "/nowhere"], "/nowhere has no folder train/images"),
        (["--image-size", "100"], "multiple of 32"),
        (["--epochs", "0"], "at least 1"),
        (["--init-weights", "/nowhere.pt"], "/nowhere.pt does not exist"),
        (["--resume"], "last.pt does not exist"),
        (["--teacher", "/nowhere.pt"], "/nowhere.pt does not exist"),
        (["--teacher-share", "1.5"], "between 0 and 1"),
        (["--teacher", "a.pt", "--parts", "grid"], "which --parts leaves out"),
        (["--weights", "runs/mine"], "runs/mine is not the name of a .pt file"),
        (["--weights", "mine.onnx"], "mine.onnx is not the name of a .pt file"),
        (["--leave-out", ""], "a source has a name"),
        (["--lr", "nan"], "nan is not a positive number"),
        (["--cache-gb", "inf"], "inf is not a positive number"),
        (["--weight-decay", "nan"], "at least 0"),
        (["--plain-epochs", "-1"], "at least 0"),
        (["--seed", "5000000000"], "at most 4294967295"),
        (["--closeup-widths", "8", "8", "8", "8", "--init-weights", "a.pt"], "starts from random weights"),
    ],
)
def test_a_wrong_argument_is_one_clear_error(few, tmp_path, capsys, arguments, message):
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        sys.exit(ml.train.main(flags(few, tmp_path, *arguments)))
    signal.signal(signal.SIGTERM, on_sigterm)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_strict_refuses_a_faulty_label_file(tmp_path):
    drawn = make_dataset(tmp_path / "set", train=12, valid=2, size=96)
    next((drawn / "train/labels").iterdir()).write_text("4 0.5 0.5 nan 0.2\n")
    code, _, errors = train(drawn, tmp_path / "run", "--strict")
    assert code == 2
    assert ":1: a value that is not finite" in errors


def test_a_source_that_is_left_out_is_measured_and_not_trained_on(few, tmp_path):
    names = sorted(path.name for split in ("train", "valid") for path in (few / split / "images").iterdir())
    odd = names[::2]
    copy = shutil.copytree(few, tmp_path / "set")
    (copy / "manifest.csv").write_text(
        "file,source\n" + "".join(f"{name},{'odd' if name in odd else 'even'}\n" for name in names)
    )
    options = ("--parts", "closeup", "--epochs", "1", "--leave-out", "odd", "--discount-sources")
    options += ("--plain-epochs", "0")
    code, events, errors = train(copy, tmp_path / "run", *options)
    assert code == 0, errors
    card = read_checkpoint(tmp_path / "run/detector.pt")["card"]
    in_train = {path.name for path in (copy / "train/images").iterdir()}
    assert card["data"]["train_images"] == len(in_train - set(odd)) < len(in_train)
    assert card["data"]["left_out"] == ["odd"]
    assert (card["train"]["discount_sources"], card["train"]["plain_epochs"]) == (True, 0)
    counted = next(event for event in events if event["event"] == "data")
    assert counted["images"] == card["data"]["train_images"]
    epoch = next(event for event in events if event["event"] == "epoch")
    assert set(epoch["closeups"]["by_source"]) == {"odd", "even"}
    code, _, errors = train(copy, tmp_path / "no", "--leave-out", "elsewhere")
    assert code == 2
    assert "no training image has the source elsewhere" in errors
    code, _, errors = train(copy, tmp_path / "no", "--leave-out", "odd", "--leave-out", "even")
    assert code == 2
    assert "no training image has another source than even, odd" in errors


def test_two_processes_train_one_detector_as_well_as_one_does(drawn, tmp_path):
    options = ("--parts", "grid", "--epochs", "12", "--precision", "fp32", "--valid-every", "12")
    code, alone, errors = train(drawn, tmp_path / "one", *options)
    assert code == 0, errors
    code, events, errors = train(drawn, tmp_path / "two", *options, processes=2)
    assert code == 0, errors
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == list(range(1, 13))
    one, two = ([row["train"]["box"] for row in epochs(rows)] for rows in (alone, events))
    assert sum(one[-3:]) < 0.8 * sum(one[:3])
    assert sum(two[-3:]) == pytest.approx(sum(one[-3:]), rel=0.15)
