"""Bigger close-up nets, trained before, whose word a smaller one learns from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ml.checkpoint import load_trained
from ml.precision import Precision


class Teachers:
    """The close-up nets of checkpoints, which read together what a pupil is shown (after Beyer et al. 2022,
    "Knowledge distillation: a good teacher is patient and consistent": the very same varied close-ups).

    `description` says for a card who they are. Raises CheckpointError.
    """

    def __init__(self, paths: Sequence[Path], precision: Precision) -> None:
        self.precision = precision
        self.nets: list[nn.Module] = []
        self.description: list[dict[str, Any]] = []
        for path in paths:
            model, card = load_trained(path, "closeup")
            net = model.closeup.to(precision.device, memory_format=torch.channels_last).eval()
            self.nets.append(net)
            self.description.append(
                {"version": card.get("version"), "seed": card.get("seed"), "closeup": net.config.to_dict()}
            )

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Close-ups [P, 1, S, S] in 0..1 -> the mean of the nets' distributions over expressions [P, C]."""
        images = images.to(self.precision.device, memory_format=torch.channels_last)
        with self.precision.autocast():
            logits = [net(images)[:, : net.config.classes] for net in self.nets]
        return torch.stack([found.float().softmax(-1) for found in logits]).mean(0)
