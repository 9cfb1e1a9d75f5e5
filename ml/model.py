"""The network: a residual backbone, a top-down neck and one box a cell of a stride-16 grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ml.config import ModelConfig

MAX_LOG_SIZE = 5.0
"""Box sides are predicted as log(side / stride); e**5 * 16 px is far more than any canvas."""


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


class GridDetector(nn.Module):
    """Float images [B, 3, H, W] in 0..1 (H and W multiples of 32) -> raw grid [B, h, w, 5 + classes], h = H /
    16.

    The last axis holds x and y offsets from the cell's centre in strides, log(width / stride), log(height /
    stride), the objectness logit and the class logits. `decode` turns it into boxes in pixels.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ModelConfig()
        w2, w4, w8, w16, w32 = config.widths
        d4, d8, d16, d32 = config.depths

        def stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
            return nn.Sequential(
                ConvBlock(inputs, outputs, stride=2), *(ResidualBlock(outputs) for _ in range(depth))
            )

        self.to_stride_8 = nn.Sequential(ConvBlock(3, w2, stride=2), stage(w2, w4, d4), stage(w4, w8, d8))
        self.to_stride_16 = stage(w8, w16, d16)
        self.to_stride_32 = stage(w16, w32, d32)
        neck, head = config.neck_width, config.head_width
        self.lateral_16 = ConvBlock(w16, neck, kernel=1)
        self.lateral_32 = ConvBlock(w32, neck, kernel=1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.merge = ConvBlock(neck, neck)
        self.box_branch = nn.Sequential(ConvBlock(neck, head), nn.Conv2d(head, 5, 1))
        self.class_branch = nn.Sequential(
            ConvBlock(neck, neck), nn.Dropout2d(0.1), nn.Conv2d(neck, config.classes, 1)
        )
        # A face is rare among cells: start every objectness at 1 % (Lin et al. 2017, "Focal loss").
        nn.init.constant_(self.box_branch[-1].bias[4:], -4.6)

    def forward(self, images: Tensor) -> Tensor:
        x8 = self.to_stride_8(images)  # [B, 64, H/8, W/8]
        x16 = self.to_stride_16(x8)  # [B, 112, H/16, W/16]
        x32 = self.to_stride_32(x16)  # [B, 176, H/32, W/32]
        merged = self.merge(
            self.lateral_16(x16) + self.upsample(self.lateral_32(x32))
        )  # [B, 112, H/16, W/16]
        grid = torch.cat([self.box_branch(merged), self.class_branch(merged)], dim=1)
        return grid.permute(0, 2, 3, 1)  # [B, H/16, W/16, 5 + classes]


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


class ServedDetector(nn.Module):
    """What is exported: uint8 images [B, H, W, 3] -> boxes [B, N, 4] in pixels, scores [B, N, classes].

    A score is objectness x p(class); p is the softmax of (class logits + class_bias) / temperature.
    The bias takes back some of the rebalancing of classes in training (Menon et al. 2021, "Long-tail
    learning via logit adjustment").
    """

    def __init__(
        self, model: GridDetector, *, temperature: float = 1.0, class_bias: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.register_buffer("class_bias", torch.tensor(class_bias or [0.0] * model.config.classes))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grid = self.model(images.permute(0, 3, 1, 2).float() / 255.0).float()
        height, width = grid.shape[1], grid.shape[2]
        stride = self.model.config.stride
        raw = grid.reshape(grid.shape[0], -1, grid.shape[-1])
        boxes = decode_boxes(raw[..., :4], cell_centers(height, width, stride, grid.device), stride)
        probabilities = torch.softmax((raw[..., 5:] + self.class_bias) / self.temperature, dim=-1)
        return boxes, raw[..., 4:5].sigmoid() * probabilities
