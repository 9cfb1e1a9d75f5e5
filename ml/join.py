"""python -m ml.join: one detector of two runs, the grid net of one and the close-up net of the other.

The nets share nothing, so they may be trained side by side (--parts) on different machines or cores.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from ml.checkpoint import CheckpointError, load_trained
from ml.config import EMOTIONS, NAME, ModelConfig
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
    *("git_revision", "torch", "device"),
)
"""What a card says of the run that made it."""


def join(grid_weights: Path, closeup_weights: Path) -> tuple[Detector, dict[str, Any]]:
    """The joined detector and its card, which keeps where each part came from. Raises CheckpointError."""
    first, grid_card = load_trained(grid_weights, "grid")
    second, closeup_card = load_trained(closeup_weights, "closeup")
    model = Detector(ModelConfig(first.config.grid, second.config.closeup))
    model.grid.load_state_dict(first.grid.state_dict())
    model.closeup.load_state_dict(second.closeup.state_dict())
    cards = {  # a detector that was joined itself knows each part's run
        name: {**whole, **whole.get("parts", {}).get(name, {})}
        for name, whole in (("grid", grid_card), ("closeup", closeup_card))
    }
    card = {
        "name": NAME,
        "version": grid_card.get("version", "unnamed"),
        "emotions": list(EMOTIONS),
        "input_size": grid_card.get("input_size", 320),
        "model": model.config.to_dict(),
        "git_revision": git_revision(),
        "parts": {
            name: {key: found[key] for key in OF_A_RUN if key in found} for name, found in cards.items()
        },
    }
    return model.eval(), card


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
    parser.add_argument("--closeup", type=Path, required=True, help="checkpoint (.pt) that reads expressions")
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
