"""What a checkpoint says of the run that it was saved by, held against the run that is to go on from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ml.config import TrainConfig


def as_begun(config: TrainConfig, content: Mapping[str, Any]) -> TrainConfig:
    """`config` for going on from the checkpoint `content`.

    One of an earlier release names no `base_closeup_batch`: its learning rate is meant for its own batch.
    """
    stored = content.get("train_config")
    if not isinstance(stored, dict) or "base_closeup_batch" in stored:
        return config
    batch = stored.get("closeup_batch")
    if not isinstance(batch, int) or batch < 1:
        return config
    return replace(config, closeup_batch=batch, base_closeup_batch=batch)


def differences(
    content: Mapping[str, Any],
    config: TrainConfig,
    data: Mapping[str, Any],
    teachers: Sequence[Mapping[str, Any]],
) -> list[str]:
    """The names of what differs between the run that saved the checkpoint `content` and one with these
    settings, data and teachers.

    What checkpoints of earlier releases lack is taken to be as it is by default, their validation data to be
    the same. Raises LookupError, TypeError or ValueError where the checkpoint is none.
    """
    settings = config.to_dict()
    stored = {
        **TrainConfig().to_dict(),
        "base_closeup_batch": config.base_closeup_batch,
        **content.get("train_config", {}),
    }
    found = [name for name in {**settings, **stored} if settings.get(name) != stored.get(name)]
    if {"valid_hash": data["valid_hash"], **content["data"]} != data:
        found.append("data")
    if content["card"].get("teachers", []) != teachers:
        found.append("teachers")
    return found
