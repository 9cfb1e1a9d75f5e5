"""What a run says while it learns, when it ends early, and what it says when its pictures disappear."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from ml.augment import Composer
from ml.closeups import CloseupSampler
from ml.config import AUGMENT_STRENGTHS
from ml.dataset import load_split
from ml.image_cache import build_cache
from ml.pace import validations_without_gain
from ml.schedule import draw_layout
from tests.ml.drawn_faces import make_dataset
from tests.ml.training import epochs, start, train


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    """Faces for a run of seconds, with a test split."""
    folder = make_dataset(tmp_path_factory.mktemp("few"), train=18, valid=9, size=64)
    shutil.copytree(folder / "valid", folder / "test")
    next((folder / "test" / "images").iterdir()).unlink()
    return folder


@pytest.fixture(scope="module")
def said(few, tmp_path_factory) -> tuple[Path, list[dict]]:
    run_dir = tmp_path_factory.mktemp("said")
    code, events, errors = train(few, run_dir, "--image-size", "64", "--epochs", "2", "--augment", "light")
    assert code == 0, errors
    return run_dir, events


def of_kind(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["event"] == kind]


def test_a_run_says_first_what_it_computes_on(said):
    first = said[1][0]
    assert (first["event"], first["threads"]) == ("start", 1)
    assert first["device"].startswith(("cpu", "cuda"))
    assert first["name"]
    assert first["memory_bytes"] > 2**28


def test_a_run_says_how_far_it_is_between_epochs(said):
    steps, done = of_kind(said[1], "step"), epochs(said[1])
    assert {step["epoch"] for step in steps} == {1, 2}
    assert all(0 < step["progress"] <= step["epoch"] / 2 for step in steps)
    assert all(step["seconds_left"] >= 0 and step["memory_bytes"] > 2**26 for step in steps)
    assert {"box", "objectness"} < {name for step in steps for name in step["losses"]}
    assert [event["progress"] for event in done] == [0.5, 1.0]
    assert done[-1]["seconds_left"] == 0
    phases = [event["phase"] for event in of_kind(said[1], "phase")]
    assert phases == ["reading", "training", "validating", "training", "validating", "finishing"]


def test_the_card_has_the_figures_of_the_valid_and_of_the_test_split(said):
    card = json.loads((said[0] / "card.json").read_text())
    assert (card["metrics"]["frames"], card["test_metrics"]["frames"]) == (9, 8)
    assert card["train"]["augment"] == "light"


def test_a_run_without_better_figures_ends_early_and_keeps_the_best(few, tmp_path):
    options = (
        "--image-size",
        "64",
        "--epochs",
        "300",
        "--patience",
        "1",
        "--lr",
        "1e-9",
        "--parts",
        "closeup",
    )
    code, events, errors = train(few, tmp_path, *options)
    assert code == 0, errors
    history = epochs(events)
    assert len(history) < 300
    assert validations_without_gain(history) == 1
    assert validations_without_gain(history[:-1]) == 0
    assert [event["epoch"] for event in of_kind(events, "early_stop")] == [len(history)]
    assert (tmp_path / "detector.pt").is_file()


def test_processes_that_train_together_end_early_together(few, tmp_path):
    options = (
        "--image-size",
        "64",
        "--epochs",
        "300",
        "--patience",
        "1",
        "--lr",
        "1e-9",
        "--parts",
        "closeup",
    )
    code, events, errors = train(few, tmp_path, *options, processes=2)
    assert code == 0, errors
    assert len(of_kind(events, "early_stop")) == 1
    assert events[-1]["event"] == "done"


def test_pictures_that_disappear_end_the_run_with_the_reason_and_it_can_go_on_when_they_are_back(tmp_path):
    folder = make_dataset(tmp_path / "faces", train=18, valid=9, size=64)
    options = ("--image-size", "64", "--epochs", "3")
    process = start(folder, tmp_path / "run", *options)
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "phase" and events[-1]["phase"] == "training" and folder.exists():
            folder.rename(tmp_path / "away")
    assert process.wait() == 2
    assert events[-1]["code"] == "bad_dataset"
    assert "disappeared" in events[-1]["message"]
    assert str(folder) in events[-1]["message"]
    (tmp_path / "away").rename(folder)
    code, events, errors = train(folder, tmp_path / "run", *options, "--resume")
    assert code == 0, errors
    assert epochs(events)[-1]["epoch"] == 3


def test_without_augmentation_pictures_keep_their_light_and_colour(few):
    cache = build_cache(load_split(few, "train").samples, soft_labels=False, memory_bytes=1e9, progress=False)
    spread = {}
    for name, strength in AUGMENT_STRENGTHS.items():
        composer, sampler = Composer(cache, strength=strength), CloseupSampler(cache, rare_share=0.0)
        sampler.strength = strength
        images = composer.compose(draw_layout(64, False), 64).images
        assert images.isfinite().all()
        torch.manual_seed(0)  # here: the layout, which is drawn by chance, decides how much is drawn before
        (closeups,) = sampler.epoch(batch_size=18, steps=1, draw_size=lambda: 32, mix_share=0.0)
        spread[name] = float(closeups.images[:18].mean((1, 2, 3)).std())
    assert spread["none"] < spread["light"] < spread["full"]
