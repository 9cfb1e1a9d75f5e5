"""What a training step looks like (canvas size, tiles, face sizes) and how fast it learns."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace

import torch

from ml.augment import Batch, Composer, Layout
from ml.config import TrainConfig

SCENE_SHARE = 0.4
"""Share of steps on whole scenes; the others show 1, 4, 9, 16 or 36 faces a canvas in this proportion."""
TILE_SHARES = {1: 0.20, 2: 0.25, 3: 0.20, 4: 0.20, 6: 0.15}
FACES_PER_CANVAS = 8
"""Mean number of faces for each full-size canvas of the batch, over these layouts."""
LAYOUTS = {
    1: (0.3, 1.0, 32, (0.3, 1.05)),
    2: (0.4, 1.0, 64, (0.3, 1.05)),
    3: (0.6, 1.0, 96, (0.35, 1.05)),
    4: (0.6, 1.0, 32, (0.4, 1.05)),
    6: (0.6, 0.9, 96, (0.4, 1.05)),
}
"""Tiles a side -> smallest and largest canvas as shares of the image size, what its side is a multiple of,
and the range of a face's height as a share of its tile."""
LEAST_STEPS = 32
"""Steps an epoch of the close-up net that a batch larger than `base_closeup_batch` must leave."""


def draw_layout(image_size: int, has_scenes: bool) -> Layout:
    """A random layout; small canvases with one face, larger ones with several."""

    def side(low: float, high: float, multiple: int) -> int:
        return max(multiple, round(random.uniform(low, high) * image_size / multiple) * multiple)

    if has_scenes and random.random() < SCENE_SHARE:
        return Layout(side(0.75, 1.0, 32), 1, (0.0, 0.0), whole_scenes=True)
    tiles = random.choices(list(TILE_SHARES), weights=list(TILE_SHARES.values()))[0]
    low, high, multiple, face_range = LAYOUTS[tiles]
    return Layout(side(low, high, multiple), tiles, face_range)


def draw_closeup_size(progress: float, size: int) -> int:
    """Side of the next batch's close-ups: about 3/5, 4/5 or all of `size`, a multiple of 8.

    The whole size comes more and more often as `progress` goes from 0 to 1; small ones are learned from
    faster (after Tan & Le 2021, "EfficientNetV2", progressive learning).
    """
    weights = (1 - progress, 1 - progress, 2 * progress)
    fifths = random.choices((3, 4, 5), weights=weights)[0]
    return max(16, round(size * fifths / 40) * 8)


def epoch_batches(
    composer: Composer, config: TrainConfig, steps: int, *, share: float = 1.0
) -> Iterator[Batch]:
    """`steps` batches of about `batch_size` x `image_size`^2 pixels each, whatever their layout.

    `share` is this process's part of them where several train together.
    """
    pixels = int(share * config.batch_size * config.image_size**2)
    for _ in range(steps):
        layout = draw_layout(config.image_size, len(composer.cache.large) > 0)
        yield composer.compose(layout, max(2, pixels // layout.side**2))


def steps_per_epoch(images: int, config: TrainConfig) -> int:
    """Steps that show about as many faces as the data have images."""
    return max(4, round(images / (config.batch_size * FACES_PER_CANVAS)))


def closeup_settings(config: TrainConfig, faces: int) -> TrainConfig:
    """`config` as it is in force for the close-up net, on data with `faces` faces.

    The batch is smaller where the data have few faces. The learning rate grows with the square root of the
    batch (Krizhevsky 2014, "One weird trick"), the average's half-life stays what it is in faces.
    """
    base = config.base_closeup_batch
    batch = min(config.closeup_batch, max(base, faces // LEAST_STEPS))
    larger = batch / base
    return replace(
        config,
        closeup_batch=batch,
        lr=config.lr * math.sqrt(larger),
        ema_half_life=max(1.0, config.ema_half_life / larger),
    )


def learning_rate_factor(step: int, *, warmup: int, total: int) -> float:
    """Linear warm-up, then a cosine down to 1 % (Loshchilov & Hutter 2017, "SGDR")."""
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay the convolutions' weights, not biases and norms."""
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
