"""Saving and loading: training checkpoints, the small fine-tuning file, and what both carry."""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ml.config import EMOTIONS, PARTS, ModelConfig
from ml.model import SIZE_MULTIPLE, Detector

CLOSEUP_SIZES = range(16, 513)
INPUT_SIZES = range(32, 2049)
"""What a detector file may have; `ml.predictor` takes no others."""
DEEPEST = 64
"""Residual blocks that a stage may have."""


class CheckpointError(Exception):
    """A checkpoint that can't be used; the message says why."""

    code = "bad_checkpoint"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def replace_file(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside `path`, then rename: a full disk or a kill leaves the earlier file whole. Raises
    OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write(content: dict[str, Any], path: Path) -> None:
    whole = io.BytesIO()  # given a path or a file, torch turns a full disk into a RuntimeError
    torch.save(content, whole)
    path.write_bytes(whole.getbuffer())


def save_weights(path: Path, model: Detector, *, card: dict[str, Any]) -> None:
    """The small file to fine-tune or export from: fp16 weights, the model's config, its classes and its
    card."""
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    content = {"config": model.config.to_dict(), "emotions": list(EMOTIONS), "state": state, "card": card}
    replace_file(path, lambda beside: _write(content, beside))


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Everything a resume needs, with the state of the random generators added."""
    version, keys, *rest = np.random.get_state()
    generators = {
        "python": random.getstate(),
        "numpy": [version, torch.from_numpy(keys.astype(np.int64)), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    replace_file(path, lambda beside: _write({**content, "generators": generators}, beside))


def restore_generators(generators: dict[str, Any]) -> None:
    """Set every random generator to where `save_checkpoint` saw it."""
    random.setstate(generators["python"])
    version, keys, *rest = generators["numpy"]
    np.random.set_state((version, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(generators["torch"])
    if generators["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(generators["cuda"])


def check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Raise LookupError, TypeError or ValueError where AdamW can't go on from its state: torch loads any."""
    for weight, moments in optimizer.state.items():
        if not moments["exp_avg"].shape == moments["exp_avg_sq"].shape == weight.shape:
            raise ValueError("the state of the optimizer does not fit the weights")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a file of `save_weights` or `save_checkpoint` on the CPU, without running anything in it.

    Raises CheckpointError for a missing, damaged or unsafe file, or one with other classes.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or unsafe file; the reason goes on
        # What reading it as a pickle raises is a bare number, or advises to run what is in it.
        known = isinstance(error, (RuntimeError, OSError))
        reason = str(error).partition("\n")[0] if known else "it is damaged, or of another kind"
        raise CheckpointError(f"{path} is no checkpoint of this project: {reason}") from error
    if not isinstance(content, dict) or "state" not in content or "config" not in content:
        raise CheckpointError(f"{path} is no checkpoint of this project: it holds no weights or no config")
    emotions = content.get("emotions")
    if not isinstance(emotions, list | tuple) or tuple(emotions) != EMOTIONS:
        raise CheckpointError(f"{path} was trained for other classes: {emotions}")
    return content


def load_model(path: Path) -> tuple[Detector, dict[str, Any]]:
    """The detector in `path` (evaluation mode, float32) and its card. Raises CheckpointError."""
    return rebuild_model(read_checkpoint(path), path)


def rebuild_model(content: dict[str, Any], path: Path) -> tuple[Detector, dict[str, Any]]:
    """What `load_model` gives, of `content` that was read from `path`. Raises CheckpointError."""
    try:
        config, state = ModelConfig.from_dict(content["config"]), content["state"]
        _check_shapes(config, state)
        model = Detector(config)
        model.load_state_dict({name: value.float() for name, value in state.items()})
    except Exception as error:  # torch raises many kinds for sizes that can't be
        raise CheckpointError(
            f"the weights in {path} do not fit its config: {' '.join(str(error).split())}"
        ) from error
    for name, value in state.items():
        if not value.isfinite().all():
            raise CheckpointError(f"{path} holds weights that are not finite: {name}")
    stride, size = model.config.grid.stride, model.config.closeup.size
    if stride != SIZE_MULTIPLE or not isinstance(size, int) or size not in CLOSEUP_SIZES:
        raise CheckpointError(f"the config in {path} has a stride or a size of close-ups that can't be")
    if {model.config.grid.classes, model.config.closeup.classes} != {len(EMOTIONS)}:
        raise CheckpointError(f"{path} holds nets for other than {len(EMOTIONS)} classes")
    card = content.get("card", {})
    if not _is_card(card):
        raise CheckpointError(f"{path} holds no readable card")
    return model.eval(), card


def _check_shapes(config: ModelConfig, state: dict[str, Tensor]) -> None:
    """Raise ValueError where `state` is not of a net of `config`, before one takes memory."""
    if max(*config.grid.depths, *config.closeup.depths) > DEEPEST:
        raise ValueError(f"a stage has more than {DEEPEST} blocks")
    with torch.device("meta"):
        wanted = Detector(config).state_dict()
    for name, value in wanted.items():
        if name not in state or state[name].shape != value.shape:
            raise ValueError(f"{name} is not {list(value.shape)}")


def load_trained(path: Path, *parts: str) -> tuple[Detector, dict[str, Any]]:
    """What `load_model` gives, of a checkpoint whose `parts` were trained. Raises CheckpointError."""
    model, card = load_model(path)
    for part in parts:
        if part not in trained_parts(card):
            raise CheckpointError(f"{path} comes from a run that did not train its {part} net")
    return model, card


def trained_parts(card: dict[str, Any]) -> set[str]:
    """The nets that a card's run, or the one it started from, has trained."""
    started_from = card.get("started_from")
    parts = set(card.get("parts") or card.get("train", {}).get("parts") or PARTS)
    return parts if started_from is None else parts | trained_parts(started_from)


def _is_card(card: Any) -> bool:
    """Whether it is JSON, and what is read of it later is of the right kind."""
    try:
        json.dumps(card)
        calibration = card.get("calibration", {})
        numbers = [calibration.get("objectness_bias", 0.0), *card.get("thresholds", {}).values()]
        factors = [
            *(calibration.get(name, 1.0) for name in ("temperature", "face_power")),
            *(calibration.get("prior_ratios") or {}).values(),
        ]
        tables = [card.get("metrics", {}), *card.get("parts", {}).values()]
        return (
            card.get("input_size", INPUT_SIZES[0]) in INPUT_SIZES
            and all(math.isfinite(value) for value in numbers)
            and all(0 < value < math.inf for value in factors)
            and all(isinstance(table, dict) for table in tables)
            and trained_parts(card) <= set(PARTS)
        )
    except (AttributeError, RecursionError, TypeError, ValueError):
        return False
