"""What light, cameras and networks do to a picture: colour, holes, blur, noise, JPEG; in batches."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def uniform(shape: tuple[int, ...] | int, low: float, high: float, device: torch.device) -> Tensor:
    """Random numbers between `low` and `high`."""
    return torch.rand(shape, device=device) * (high - low) + low


def grey(images: Tensor) -> Tensor:
    """ITU-R 601 luma, [K, 3, H, W] -> [K, 1, H, W]."""
    return (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def recolour(pixels: Tensor, strength: float) -> Tensor:
    """Brightness, contrast, colour cast, saturation and grey (20 %), each image of [K, 3, H, W] its own."""
    if strength <= 0:
        return pixels
    device, shape = pixels.device, (len(pixels), 1, 1, 1)
    luma = grey(pixels)
    saturation = torch.where(
        torch.rand(shape, device=device) < 0.2,
        0.0,
        uniform(shape, 1 - 0.5 * strength, 1 + 0.5 * strength, device),
    )
    gain = uniform(shape, 1 - 0.4 * strength, 1 + 0.4 * strength, device)
    cast = gain * uniform((len(pixels), 3, 1, 1), 1 - 0.12 * strength, 1 + 0.12 * strength, device)
    mean = pixels.mean((1, 2, 3), keepdim=True)
    bias = uniform(shape, -0.15 * strength, 0.15 * strength, device) + (1 - gain) * mean
    return (pixels - luma).mul_(saturation).add_(luma).mul_(cast).add_(bias)


def to_grey(pixels: Tensor, strength: float) -> Tensor:
    """[K, 3, H, W] -> [K, 1, H, W] as cameras of differing colour sensitivity would see it."""
    share = (
        pixels.new_tensor([0.299, 0.587, 0.114])
        * (torch.randn(len(pixels), 3, device=pixels.device) * (0.4 * strength)).exp()
    )
    share /= share.sum(1, keepdim=True)
    return (pixels * share[:, :, None, None]).sum(1, keepdim=True)


def relight(pixels: Tensor, strength: float) -> Tensor:
    """Light from one side, and exposure that may clip; each image of [K, C, H, W] its own."""
    device, count, (height, width) = pixels.device, len(pixels), pixels.shape[-2:]
    slope = uniform((count, 2, 1, 1, 1), -0.5 * strength, 0.5 * strength, device)
    down = torch.linspace(-1, 1, height, device=device)[:, None]
    right = torch.linspace(-1, 1, width, device=device)
    gain = uniform((count, 1, 1, 1), 1 - 0.4 * strength, 1 + 0.4 * strength, device)
    bias = uniform((count, 1, 1, 1), -0.15 * strength, 0.15 * strength, device)
    return pixels * (gain + slope[:, 0] * right + slope[:, 1] * down) + bias


def lower_resolution(images: Tensor, strength: float) -> Tensor:
    """Shrink a third of the images [K, C, H, W] to 0.3 to 0.9 of their size and enlarge them again."""
    side = images.shape[-1]
    for few in (torch.rand(len(images), device=images.device) < 0.33 * strength).nonzero()[:, 0].chunk(3):
        small = max(12, round(side * (0.3 + 0.6 * torch.rand(()).item())))
        shrunk = F.interpolate(images[few], (small, small), mode="bilinear", antialias=True)
        images[few] = F.interpolate(shrunk, (side, side), mode="bilinear")
    return images


def erase(pixels: Tensor, faces: Tensor, strength: float) -> Tensor:
    """Cover a part of the face [K, 4] with a plain colour, in 25 % of the images [K, C, H, W].

    After Zhong et al. 2020, "Random erasing data augmentation".
    """
    device, side = pixels.device, pixels.shape[-1]
    chosen = (torch.rand(len(pixels), device=device) < 0.25 * strength).nonzero()[:, 0]
    if len(chosen):
        face = faces[chosen]
        size = (face[:, 2:] - face[:, :2]).clamp(min=1)
        hole = size * uniform((len(chosen), 2), 0.15, 0.5, device)
        start = face[:, :2] + torch.rand(len(chosen), 2, device=device) * (size - hole)
        axis = torch.arange(side, device=device)
        hit_x = (axis >= start[:, :1]) & (axis < start[:, :1] + hole[:, :1])
        hit_y = (axis >= start[:, 1:]) & (axis < start[:, 1:] + hole[:, 1:])
        hit = (hit_y[:, None, :, None] & hit_x[:, None, None, :]).float()
        fill = torch.rand(len(chosen), pixels.shape[1], 1, 1, device=device)
        pixels[chosen] = pixels[chosen] * (1 - hit) + fill * hit
    return pixels


def degrade(images: Tensor, strength: float) -> Tensor:
    """What cameras and networks do to a frame: gamma, blur, noise, JPEG. Returns images clamped to 0..1."""
    images = images.clamp(0, 1)
    if strength <= 0:
        return images
    device, count = images.device, len(images)
    gamma = uniform((count, 1, 1, 1), math.log(0.7), math.log(1.4), device).mul(strength).exp()
    images = images.add_(1e-4).log_().mul_(gamma).exp_()
    blurred = (torch.rand(count, device=device) < 0.15 * strength).nonzero()[:, 0]
    if len(blurred):
        images[blurred] = F.avg_pool2d(F.pad(images[blurred], (1, 1, 1, 1), mode="replicate"), 3, 1)
    noisy = (torch.rand(count, device=device) < 0.25 * strength).nonzero()[:, 0]
    if len(noisy):
        level = uniform((len(noisy), 1, 1, 1), 0.01, 0.06, device)
        images[noisy] = images[noisy] + torch.randn_like(images[noisy]) * level
    packed = (torch.rand(count, device=device) < 0.3 * strength).nonzero()[:, 0]
    if len(packed):
        images[packed] = imitate_jpeg(images[packed], uniform((len(packed), 1, 1), 0.01, 0.08, device))
    return images.clamp(0, 1)


def imitate_jpeg(images: Tensor, step: Tensor) -> Tensor:
    """Quantise 8x8 DCT blocks, coarser at high frequencies: JPEG's loss without its bit stream.

    images [K, 3, H, W] with H and W multiples of 8; step [K, 1, 1] is the quantisation step of the mean, in
    0..1.
    """
    count, channels, height, width = images.shape
    k = torch.arange(8, device=images.device, dtype=images.dtype)
    basis = (math.pi * (2 * k[None] + 1) * k[:, None] / 16).cos() * 0.5
    basis[0] /= math.sqrt(2)
    transform = torch.kron(basis, basis)  # [64, 64]: a whole block at once
    blocks = images.reshape(count, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    coefficients = blocks.reshape(count, -1, 64) @ transform.T
    quantum = step * (2 + k[:, None] + k[None]).reshape(64)
    coefficients = (coefficients / quantum).round_().mul_(quantum)
    blocks = (coefficients @ transform).reshape(blocks.shape)
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(count, channels, height, width)
