"""Why a training run could not go on, as a code for programs and a sentence for people."""

from __future__ import annotations

import errno

import torch

from ml.checkpoint import CheckpointError
from ml.dataset import DatasetError
from ml.engine import NonFiniteLossError
from ml.export import ExportError
from ml.precision import DeviceError
from ml.predictor import DetectorFileError

OUT_OF_MEMORY = (
    "Out of memory{where}. A smaller batch size or image size needs less, and so does closing other programs."
)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a full disk, a used-up quota and a limit on the size of files are to the operating system."""
DISK_FULL = "The disk is full: {file} could not be written. Make room and resume the run."
NAMED = (DatasetError, CheckpointError, DeviceError, NonFiniteLossError, ExportError, DetectorFileError)


def explain(error: BaseException) -> tuple[str, str] | None:
    """Code and message of a failure that a person can do something about; None for a fault of ours."""
    if isinstance(error, torch.OutOfMemoryError):
        return "out_of_memory", OUT_OF_MEMORY.format(where=" on the GPU")
    if isinstance(error, MemoryError) or _is_failed_allocation(error):
        return "out_of_memory", OUT_OF_MEMORY.format(where="")
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return "disk_full", DISK_FULL.format(file=error.filename or "a file of the run")
    if isinstance(error, NAMED):
        return getattr(error, "code", "failed"), str(error)
    if isinstance(error, OSError):
        return "failed", str(error)
    return None


def _is_failed_allocation(error: BaseException) -> bool:
    """PyTorch has no class of its own for a processor without memory."""
    text = str(error).lower()
    return isinstance(error, RuntimeError) and "alloc" in text and "memory" in text
