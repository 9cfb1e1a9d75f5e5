"""The loops: one epoch of training, one evaluation. Knows neither the model's nor the data set's inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from ml.augment import Batch
from ml.metrics import FrameResult
from ml.nms import select_boxes, vote_boxes
from ml.precision import Precision


class NonFiniteLossError(Exception):
    """The loss is no longer a number; the message names the batch and the terms."""

    code = "non_finite_loss"


@dataclass(frozen=True)
class ValidationBatch:
    """Prepared images of one shape: uint8 [B, H, W, 3], each one's (width, height) within it, and its
    truth."""

    images: np.ndarray
    contents: list[tuple[int, int]]
    truths: list[FrameResult]


def train_one_epoch(
    model: nn.Module,
    batches: Iterable[Batch],
    loss_terms: Callable[[Tensor, Batch], dict[str, Tensor]],
    optimizer: torch.optim.Optimizer,
    scheduler: LRScheduler,
    average: AveragedModel,
    precision: Precision,
    *,
    clip_norm: float,
    freeze_norms: bool = False,
    on_step: Callable[[int, dict[str, float]], None] = lambda step, values: None,
) -> dict[str, float]:
    """Train on every batch once; returns the mean of each loss term. Raises NonFiniteLossError.

    With `freeze_norms` the batch norms normalise by their running statistics, as they will when the model is
    used, and no longer by those of a batch in which all canvases have one layout.
    """
    model.train()
    if freeze_norms:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    totals: dict[str, float] = {}
    steps = 0
    for steps, batch in enumerate(batches, 1):
        images = batch.images.to(precision.device, memory_format=torch.channels_last)
        with precision.autocast():
            grid = model(images)
        terms = loss_terms(grid, batch)
        values = {name: term.item() for name, term in terms.items()}
        if not all(math.isfinite(value) for value in values.values()):
            raise NonFiniteLossError(f"the loss of batch {steps} is not finite: {values}")
        optimizer.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        for name, value in values.items():
            totals[name] = totals.get(name, 0.0) + value
        on_step(steps, values)
    return {name: total / max(steps, 1) for name, total in totals.items()}


@torch.inference_mode()
def evaluate(
    served: nn.Module, batches: Iterable[ValidationBatch], precision: Precision, *, min_score: float = 0.01
) -> list[FrameResult]:
    """Run `served` (uint8 images -> boxes in pixels, scores) over validation batches, suppress, pair with the
    truth."""
    served.eval()
    results = []
    for batch in batches:
        with precision.autocast():
            boxes, scores = served(torch.from_numpy(batch.images).to(precision.device))
        for found, score, (width, height), truth in zip(
            boxes.float().cpu().numpy(),
            scores.float().cpu().numpy(),
            batch.contents,
            batch.truths,
            strict=True,
        ):
            kept = select_boxes(found, score, min_score=min_score, limit=100)
            voted = vote_boxes(found, score, kept)
            fractions = np.clip(voted / np.array([width, height, width, height], np.float32), 0, 1)
            results.append(
                FrameResult(
                    fractions,
                    score[kept],
                    truth.true_boxes,
                    truth.true_labels,
                    truth.width,
                    truth.height,
                    truth.source,
                    truth.name,
                )
            )
    return results
