"""python -m ml.join: one detector of two runs, the grid net of one and the close-up net of the other.

The nets share nothing, so they may be trained side by side (--parts) on different machines or cores. Of
several close-up nets that went on from one another the mean of the weights is taken (Wortsman et al. 2022,
"Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from ml.checkpoint import CheckpointError, load_trained
from ml.config import EMOTIONS, NAME, PARTS, ModelConfig
from ml.dataset import DatasetError, find_split
from ml.evaluate import format_figures, read_samples
from ml.export import ExportError
from ml.hard_negatives import teach_faces
from ml.image_cache import build_cache
from ml.model import Detector
from ml.options import amount, checkpoint
from ml.precision import choose_precision
from ml.predictor import DetectorFileError
from ml.release import release
from ml.revision import git_revision

OF_A_RUN = (
    *("version", "train", "data", "seed", "epoch", "best_epoch", "started_from", "teachers"),
    *("git_revision", "torch", "device", "mean_of"),
)
"""What a card says of the run that made it."""


def join(grid_weights: Path, closeup_weights: Sequence[Path]) -> tuple[Detector, dict[str, Any]]:
    """The joined detector and its card, which keeps where each part came from. Raises CheckpointError."""
    first, grid_card = load_trained(grid_weights, "grid")
    closeups = [load_trained(path, "closeup") for path in closeup_weights]
    config = closeups[0][0].config.closeup
    for path, (other, _) in zip(closeup_weights, closeups, strict=True):
        if other.config.closeup != config:
            raise CheckpointError(
                f"the close-up net of {path} is built otherwise than that of {closeup_weights[0]}: "
                "they have no mean"
            )
    model = Detector(ModelConfig(first.config.grid, config))
    model.grid.load_state_dict(first.grid.state_dict())
    mean = AveragedModel(model.closeup, use_buffers=True)
    for other, _ in closeups:
        mean.update_parameters(other.closeup)
    model.closeup.load_state_dict(mean.module.state_dict())
    parts = {"grid": _of_its_run(grid_card, "grid")}
    runs = [_of_its_run(card, "closeup") for _, card in closeups]
    parts["closeup"] = runs[0] if len(runs) == 1 else runs[0] | {"mean_of": runs}
    card = {
        "name": NAME,
        "version": grid_card.get("version", "unnamed"),
        "emotions": list(EMOTIONS),
        "input_size": grid_card.get("input_size", 320),
        "model": model.config.to_dict(),
        "git_revision": git_revision(),
        "parts": parts,
    }
    return model.eval(), card


def _of_its_run(card: dict[str, Any], part: str) -> dict[str, Any]:
    """What a card says of the run that trained this part; one of a joined detector knows each part's."""
    found = {**card, **card.get("parts", {}).get(part, {})}
    if part not in found.get("train", {}).get("parts", PARTS) and found.get("started_from"):
        return _of_its_run(found["started_from"], part)
    return {key: found[key] for key in OF_A_RUN if key in found}


def teach(model: Detector, options: argparse.Namespace, *, input_size: int) -> int:
    """Teach the second look what the first one wrongly takes for faces in the training images; returns from
    how many places it learned. Raises DatasetError."""
    training = [folder for folder in options.data_dir if find_split(folder, "train")]
    if not training:
        return 0
    cache = build_cache(read_samples(training, "train"), memory_bytes=options.cache_gb * 1e9)
    torch.manual_seed(options.seed)
    return teach_faces(model, cache, input_size=input_size, precision=choose_precision("cpu", "auto"))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ml.join", allow_abbrev=False, description=__doc__)
    parser.add_argument("--grid", type=Path, required=True, help="checkpoint (.pt) that finds the faces")
    parser.add_argument(
        "--closeup",
        type=Path,
        action="append",
        required=True,
        help="checkpoint (.pt) that reads expressions; again for more that went on from one another, whose "
        "mean is taken (that of independent runs is useless); one named twice counts twice",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        action="append",
        required=True,
        help="a data set; train/ shows what is no face, on valid/ the joined detector is calibrated and "
        "measured; again for more",
    )
    parser.add_argument(
        "--weights", type=checkpoint, required=True, help=".pt to write; .onnx and card.json beside"
    )
    parser.add_argument("--name", help="version name written into the card (default: the grid's)")
    parser.add_argument("--cache-gb", type=amount, default=8.0, help="memory for the training images (8)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        model, card = join(options.grid, options.closeup)
        card["version"] = options.name or card["version"]
        samples = read_samples(options.data_dir, "valid")
        card["hard_negatives"] = teach(model, options, input_size=card["input_size"])
        card = release(model, options.weights, card=card, samples=samples)[0]
    except (CheckpointError, DatasetError, DetectorFileError, ExportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(format_figures(card["metrics"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
