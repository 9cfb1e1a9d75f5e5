"""What a detector is and how it is trained: plain values that are saved with every checkpoint. Imports no
torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

EMOTIONS: tuple[str, ...] = (
    "angry",
    "contempt",
    "disgust",
    "fear",
    "happy",
    "natural",
    "sad",
    "sleepy",
    "surprised",
)
UNKNOWN = "unknown"


class _Serializable:
    """to_dict and from_dict for a dataclass whose values JSON can hold (tuples come back as tuples)."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        )


@dataclass(frozen=True)
class ModelConfig(_Serializable):
    """The network's size. `widths` are the channels at strides 2, 4, 8, 16 and 32; `depths` counts the
    residual blocks at strides 4, 8, 16 and 32."""

    widths: tuple[int, ...] = (16, 32, 64, 112, 176)
    depths: tuple[int, ...] = (1, 2, 2, 2)
    neck_width: int = 112
    head_width: int = 80
    classes: int = len(EMOTIONS)
    stride: int = 16


@dataclass(frozen=True)
class TrainConfig(_Serializable):
    """One training run. The defaults are the recipe of the shipped detector."""

    epochs: int = 40
    image_size: int = 256
    """Longest canvas side in pixels; canvases of 0.375 to 1.125 times this side are mixed."""
    batch_size: int = 16
    """Canvases of `image_size` a step; smaller canvases come in proportionally larger batches."""
    lr: float = 2e-3
    weight_decay: float = 0.05
    warmup_epochs: float = 1.0
    label_smoothing: float = 0.1
    ema_half_life: float = 1000.0
    """Steps after which an old weight counts half in the moving average that is evaluated and shipped."""
    box_gain: float = 4.0
    objectness_gain: float = 1.0
    class_gain: float = 3.0
    clip_norm: float = 10.0
    plain_epochs: int = 4
    """Last epochs with weak augmentation, so that the net ends on pictures as they are."""
    frozen_norm_epochs: int = 8
    """Last epochs in which batch norms keep their running statistics, so that the net gets used to them."""
    prior_correction: float = 0.75
    """How much of the classes' rebalancing in training is taken back in use: 0 none, 1 all of it."""
    soft_labels: bool = True
    """Use the distribution of votes where the data give one."""
    seed: int = 0
