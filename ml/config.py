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
NAME = "hamster-grid-detector"
"""What every card calls this kind of detector."""


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
class GridConfig(_Serializable):
    """The net of the first look. `widths` are the channels at strides 2, 4, 8, 16 and 32; `depths` counts the
    residual blocks at strides 4, 8, 16 and 32."""

    widths: tuple[int, ...] = (16, 24, 48, 96, 128)
    depths: tuple[int, ...] = (1, 1, 2, 1)
    neck_width: int = 48
    classes: int = len(EMOTIONS)
    stride: int = 8


@dataclass(frozen=True)
class CloseupConfig(_Serializable):
    """The net of the second look. `widths` are the channels at strides 2, 4, 8 and 16, `depths` the residual
    blocks there; `size` is the side of a close-up in pixels; with `tells_faces` it also says whether a
    close-up shows a face at all."""

    widths: tuple[int, ...] = (32, 64, 128, 192)
    depths: tuple[int, ...] = (1, 2, 3, 1)
    classes: int = len(EMOTIONS)
    size: int = 80
    tells_faces: bool = True

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return super().from_dict({"tells_faces": False} | values)  # older nets could not


@dataclass(frozen=True)
class ModelConfig:
    """The detector's two nets."""

    grid: GridConfig = GridConfig()
    closeup: CloseupConfig = CloseupConfig()

    def to_dict(self) -> dict[str, Any]:
        return {"grid": self.grid.to_dict(), "closeup": self.closeup.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(GridConfig.from_dict(values["grid"]), CloseupConfig.from_dict(values["closeup"]))


PARTS: tuple[str, ...] = ("grid", "closeup")

PLAIN_STRENGTH = 0.4
"""Strength of the augmentation in the last epochs, where 1 is full."""
AUGMENT_STRENGTHS: dict[str, float] = {"none": 0.0, "light": PLAIN_STRENGTH, "full": 1.0}
"""How strongly pictures are varied while training. With "none" faces only change place, size and slant, on
canvases as always, and keep their light, colour and sharpness."""

PRIOR_RATIOS: dict[str, float] = {"angry": 1.5, "natural": 1.8, "sleepy": 2.5}
"""How many times as common an expression is before a camera as the nets take it to be; 1 for the others.
People look into a camera with a resting face most of the time, tired ones are rare in data sets only (and
the mean of two nets finds fewer of them), and of angry ones the nets say too seldom that they are. A
judgement, held against validation faces: docs/EXPERIMENTS.md has what other values give."""


FACE_POWER = 0.5
"""Power of the second look's p(face) in a face's score: the objectness that it is multiplied by speaks of the
same face and is no second witness. Chosen on validation scenes: docs/EXPERIMENTS.md."""


@dataclass(frozen=True)
class TrainConfig(_Serializable):
    """One training run. The defaults are those of the shipped nets' first runs, but for epochs and seeds; the
    README has the commands."""

    parts: tuple[str, ...] = PARTS
    """Which nets are trained; they share nothing, so each may have a run of its own."""
    epochs: int = 45
    image_size: int = 320
    """Longest canvas side in pixels of the grid's net; canvases of 0.3 to 1 times this side are mixed."""
    batch_size: int = 16
    """Canvases of `image_size` a step; smaller canvases come in proportionally larger batches."""
    closeup_batch: int = 512
    """Most faces a step of the close-up net: see `ml.schedule.closeup_settings`."""
    base_closeup_batch: int = 128
    """Faces a step of the close-up net that `lr` and `ema_half_life` are meant for; with more or fewer they
    are scaled."""
    lr: float = 2e-3
    """Peak learning rate."""
    weight_decay: float = 0.05
    warmup_epochs: float = 1.0
    label_smoothing: float = 0.1
    ema_half_life: float = 1000.0
    """Steps after which an old weight counts half in the moving average that is evaluated and shipped."""
    box_gain: float = 4.0
    objectness_gain: float = 1.0
    class_gain: float = 1.0
    clip_norm: float = 10.0
    augment: str = "full"
    """A name in AUGMENT_STRENGTHS."""
    patience: int = 0
    """Validations in a row without a better figure of any part after which the run ends early; 0: never."""
    plain_epochs: int = 4
    """Last epochs with weak augmentation, so that the nets end on pictures as they are."""
    frozen_norm_epochs: int = 8
    """Last epochs in which batch norms keep their running statistics, so that the nets get used to them."""
    mix_share: float = 0.3
    """Share of close-ups that are blended with another one, labels too."""
    teacher_share: float = 0.7
    """How much of what a close-up is learns from is what the teachers of the run say, if it has any."""
    rare_share: float = 0.05
    """A class with a smaller share of the faces is shown more often, by the root of what it lacks."""
    discount_sources: bool = False
    """Leave the close-up net nothing to gain from telling sources of pictures apart: `ml.sources`."""
    soft_labels: bool = True
    """Use the distribution of votes where the data give one."""
    seed: int = 0
