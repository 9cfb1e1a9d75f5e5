"""The detector: a grid net that finds faces in a frame, a close-up net that reads a face's expression."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ml.config import EMOTIONS, CloseupConfig, GridConfig, ModelConfig
from ml.photometric import grey

SIZE_MULTIPLE = 8
"""Sides of the grid net's input are multiples of this, its stride."""

MAX_LOG_SIZE = 5.0
"""Box sides are predicted as log(side / stride); e**5 * 8 px is more than any canvas."""


class ConvBlock(nn.Sequential):
    """3x3 (or 1x1) convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016, "Deep residual learning")."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvBlock(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        nn.init.zeros_(self.second[1].weight)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.second(self.first(x)))


class Stage(nn.Sequential):
    """Halve the resolution, then `depth` residual blocks."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__(
            ConvBlock(inputs, outputs, stride=2), *(ResidualBlock(outputs) for _ in range(depth))
        )


class GridDetector(nn.Module):
    """Float images [B, 3, H, W] in 0..1 (H and W multiples of 8) -> raw grid [B, H/8, W/8, 5 + classes].

    A residual backbone down to stride 32, a top-down neck (Lin et al. 2017, "Feature pyramid networks") and
    one box a cell. The last axis holds x and y offsets from the cell's centre in strides, log(width /
    stride), log(height / stride), the objectness logit and the class logits. `decode_boxes` turns it into
    boxes in pixels.
    """

    def __init__(self, config: GridConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GridConfig()
        w2, w4, w8, w16, w32 = config.widths
        d4, d8, d16, d32 = config.depths
        neck = config.neck_width
        self.to_stride_8 = nn.Sequential(ConvBlock(3, w2, stride=2), Stage(w2, w4, d4), Stage(w4, w8, d8))
        self.to_stride_16 = Stage(w8, w16, d16)
        self.to_stride_32 = Stage(w16, w32, d32)
        self.lateral_8 = ConvBlock(w8, neck, kernel=1)
        self.lateral_16 = ConvBlock(w16, neck, kernel=1)
        self.lateral_32 = ConvBlock(w32, neck, kernel=1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.merge_16 = ConvBlock(neck, neck)
        self.merge_8 = ConvBlock(neck, neck)
        self.head = nn.Conv2d(neck, 5 + config.classes, 1)
        # A face is rare among cells: start every objectness at 1 % (Lin et al. 2017, "Focal loss").
        nn.init.constant_(self.head.bias[4:5], -4.6)

    def forward(self, images: Tensor) -> Tensor:
        x8 = self.to_stride_8(images)  # [B, 48, H/8, W/8]
        x16 = self.to_stride_16(x8)  # [B, 96, H/16, W/16]
        x32 = self.to_stride_32(x16)  # [B, 128, H/32, W/32]
        y16 = self.merge_16(self.lateral_16(x16) + self._enlarged(self.lateral_32(x32), x16))
        y8 = self.merge_8(self.lateral_8(x8) + self._enlarged(y16, x8))  # [B, 48, H/8, W/8]
        return self.head(y8).permute(0, 2, 3, 1)  # [B, H/8, W/8, 5 + classes]

    def _enlarged(self, small: Tensor, like: Tensor) -> Tensor:
        """Twice as large, cut to the size of `like`: an odd side leaves a row or a column too many."""
        return self.upsample(small)[..., : like.shape[2], : like.shape[3]]


class CloseupNet(nn.Module):
    """Float close-ups [B, 3 or 1, S, S] in 0..1 -> class logits [B, classes], and after them the logit of
    there being a face at all, where the config says so.

    It looks at grey of unit contrast: colour and exposure tell where a picture comes from more than what the
    face expresses.
    """

    def __init__(self, config: CloseupConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CloseupConfig()
        inputs = (1, *config.widths[:-1])
        self.stages = nn.Sequential(
            *(Stage(*sizes) for sizes in zip(inputs, config.widths, config.depths, strict=True))
        )
        self.dropout = nn.Dropout(0.1)
        self.classify = nn.Linear(config.widths[-1], config.classes + config.tells_faces)
        if config.tells_faces:  # most close-ups show a face; data without scenes leave it at that
            nn.init.zeros_(self.classify.weight[config.classes])
            nn.init.constant_(self.classify.bias[config.classes], 3.0)

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.dropout(self.features(images)))

    def features(self, images: Tensor) -> Tensor:
        """What the last layer reads, [B, 192]."""
        luma = grey(images) if images.shape[1] == 3 else images  # [B, 1, S, S]
        centred = luma - luma.mean((2, 3), keepdim=True)
        contrast = centred.square().mean((2, 3), keepdim=True).sqrt()
        return self.stages(centred / (contrast + 0.02)).mean((2, 3))  # of [B, 192, S/16, S/16]


class Detector(nn.Module):
    """The two nets together; what a checkpoint holds."""

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config or ModelConfig()
        self.grid = GridDetector(self.config.grid)
        self.closeup = CloseupNet(self.config.closeup)


def cell_centers(height: int, width: int, stride: int, device: torch.device | None = None) -> Tensor:
    """Centres of the cells, [height * width, 2] x, y in pixels, row by row."""
    y = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) * stride
    x = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) * stride
    return torch.stack([x[None, :].expand(height, width), y[:, None].expand(height, width)], -1).reshape(
        -1, 2
    )


def decode_boxes(raw: Tensor, centers: Tensor, stride: int) -> Tensor:
    """Raw [B, N, 4] offsets and log sizes -> boxes [B, N, 4] x1, y1, x2, y2 in pixels."""
    middle = centers + raw[..., :2] * stride
    half = raw[..., 2:4].clamp(max=MAX_LOG_SIZE).exp() * (stride / 2)
    return torch.cat([middle - half, middle + half], dim=-1)


class ServedGrid(nn.Module):
    """The first look, as exported: uint8 images [B, H, W, 3] -> boxes [B, N, 4] in pixels, scores [B, N,
    classes].

    A score is objectness x p(class). Objectness is the sigmoid of the logit + `objectness_bias`, which
    calibration chooses.
    """

    def __init__(self, grid: GridDetector, *, objectness_bias: float = 0.0) -> None:
        super().__init__()
        self.grid = grid
        self.register_buffer("objectness_bias", torch.tensor(float(objectness_bias)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grid = self.grid(images.permute(0, 3, 1, 2).float() / 255.0).float()
        height, width = grid.shape[1], grid.shape[2]
        stride = self.grid.config.stride
        raw = grid.reshape(grid.shape[0], -1, grid.shape[-1])
        boxes = decode_boxes(raw[..., :4], cell_centers(height, width, stride, grid.device), stride)
        objectness = (raw[..., 4:5] + self.objectness_bias).sigmoid()
        return boxes, objectness * torch.softmax(raw[..., 5:], dim=-1)


class ServedCloseup(nn.Module):
    """The second look, as exported: uint8 close-ups [B, S, S, 3] -> boxes [B, 1, 4], the close-up itself, and
    scores p(face)^`face_power` x p(class) [B, 1, classes].

    p(face) is the sigmoid of its logit, 1 where the net has none. p(class) is the softmax of the logits /
    `temperature` (Guo et al. 2017, "On calibration of modern neural networks"), each expression's share then
    multiplied by its `prior_ratios` (1 where it names none), all divided by their sum (Saerens et al. 2002,
    "Adjusting the outputs of a classifier to new a priori probabilities").
    """

    def __init__(
        self,
        closeup: CloseupNet,
        *,
        temperature: float = 1.0,
        prior_ratios: Mapping[str, float] | None = None,
        face_power: float = 1.0,
    ) -> None:
        super().__init__()
        self.closeup = closeup
        self.register_buffer("temperature", torch.tensor(float(temperature)))
        ratios = torch.tensor([(prior_ratios or {}).get(name, 1.0) for name in EMOTIONS])
        self.register_buffer("log_ratios", ratios.log())
        if closeup.config.tells_faces:
            self.register_buffer("face_power", torch.tensor(float(face_power)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.closeup(images.permute(0, 3, 1, 2).float() / 255.0).float()
        side = float(self.closeup.config.size)
        boxes = logits.new_tensor([0.0, 0.0, side, side]).expand(logits.shape[0], 1, 4)
        classes = self.closeup.config.classes
        scores = torch.softmax(logits[:, :classes] / self.temperature + self.log_ratios, dim=-1)
        if self.closeup.config.tells_faces:
            scores = scores * logits[:, classes:].sigmoid() ** self.face_power
        return boxes, scores[:, None]
