"""What a run computes on: the processor or GPU, its threads and memory."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

import torch

from ml.precision import Precision
from ml.processor import processor_name


def describe_hardware(precision: Precision) -> dict[str, Any]:
    """Device, its name, threads, arithmetic, and its whole memory in bytes (None where nobody says)."""
    device = precision.device
    if device.type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        name, memory = facts.name, facts.total_memory
    else:
        name, memory = processor_name(), _machine_memory()
    return {
        "device": str(device),
        "name": name,
        "threads": torch.get_num_threads(),
        "arithmetic": "bfloat16" if precision.bf16 else "float32",
        "memory_bytes": memory,
    }


def most_memory_used(device: torch.device) -> int:
    """The most bytes this process has had so far: of the GPU if it computes there, of the machine if not."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # Linux counts in KiB


def _machine_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
