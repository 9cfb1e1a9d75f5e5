"""One net while it learns: its moving average, its optimizer, its schedule. A detector has two such parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ml.config import TrainConfig
from ml.engine import train_one_epoch
from ml.parallel import workers
from ml.precision import Precision
from ml.schedule import learning_rate_factor, parameter_groups

STATES = ("model", "average", "optimizer", "scheduler")


class Part:
    """`batches(epoch)` gives an epoch's batches, `steps` of them; `loss_terms(output, batch)` the named terms
    of the loss."""

    def __init__(
        self,
        model: nn.Module,
        batches: Callable[[int], Iterable[Any]],
        loss_terms: Callable[[Tensor, Any], dict[str, Tensor]],
        steps: int,
        config: TrainConfig,
        precision: Precision,
    ) -> None:
        self.model = model.to(precision.device, memory_format=torch.channels_last)
        self.trained = DistributedDataParallel(self.model) if workers() > 1 else self.model
        self.batches = batches
        self.loss_terms = loss_terms
        self.steps = steps
        self.config = config
        self.precision = precision
        self.average = AveragedModel(
            self.model, multi_avg_fn=moving_average(config.ema_half_life), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, config.weight_decay), lr=config.lr)
        warmup, total = round(config.warmup_epochs * steps), config.epochs * steps
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: learning_rate_factor(step, warmup=warmup, total=total)
        )

    def train_epoch(self, epoch: int, on_step: Callable[[int, dict[str, float]], None]) -> dict[str, float]:
        """Train on one epoch; returns the mean of each loss term. Raises NonFiniteLossError."""
        return train_one_epoch(
            self.trained,
            self.batches(epoch),
            self.loss_terms,
            self.optimizer,
            self.scheduler,
            self.average,
            self.precision,
            clip_norm=self.config.clip_norm,
            freeze_norms=epoch >= self.config.epochs - self.config.frozen_norm_epochs,
            on_step=on_step,
        )

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).state_dict() for name in STATES}

    def load_state_dict(self, states: dict[str, Any]) -> None:
        for name in STATES:
            getattr(self, name).load_state_dict(states[name])


def moving_average(half_life: float) -> Callable[[Any, Any, Any], None]:
    """An exponential average with a short memory at first, so that the random start is soon forgotten."""

    def update(averaged: Any, current: Any, count: Any) -> None:
        decay = min(0.5 ** (1 / half_life), (1 + float(count)) / (10 + float(count)))
        get_ema_multi_avg_fn(decay)(averaged, current, count)

    return update
