"""Where and how arithmetic runs: which device, and bfloat16 or not."""

from __future__ import annotations

from dataclasses import dataclass

import torch


class DeviceError(Exception):
    """The device that was asked for is not there."""

    code = "bad_device"


@dataclass(frozen=True)
class Precision:
    """Where and how arithmetic runs: a device, and bfloat16 autocast or not."""

    device: torch.device
    bf16: bool

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


def choose_precision(device: str, precision: str) -> Precision:
    """Device and arithmetic; "auto" takes CUDA if there is one, and bfloat16 where the processor has it.

    Raises DeviceError.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        chosen = torch.device(name)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f"this machine or this build of PyTorch has no device {name!r}: {error}") from error
    if precision != "auto":
        return Precision(chosen, precision == "bf16")
    if chosen.type == "cuda":
        return Precision(chosen, torch.cuda.is_bf16_supported(including_emulation=False))
    has_mkldnn = torch.backends.mkldnn.is_available()
    return Precision(chosen, has_mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported())
