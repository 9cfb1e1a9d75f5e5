"""Several processes that train one detector together, one a GPU or a machine, started by torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed


def rank() -> int:
    """This process's number; 0 leads: it measures, saves and speaks."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def workers() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def local_device(name: str) -> str:
    """The device of this process: with several on one machine each takes a GPU of its own."""
    if workers() > 1 and name in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return name


def leaders_word(value: bool, device: torch.device) -> bool:
    """What the leading process decided, in all of them."""
    if workers() == 1:
        return value
    word = torch.tensor([value], dtype=torch.uint8, device=device)
    distributed.broadcast(word, src=0)
    return bool(word)


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes, where torchrun started several."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()
