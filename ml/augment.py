"""Batched tensor augmentation and scene composing; the same code on CPU and GPU.

A canvas is n x n tiles. Each tile shows one training image, turned, scaled, mirrored and recoloured, on a
background that spans the canvas. So one pass over a canvas shows the net several faces, at the sizes that the
layout asks for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ml.image_cache import ImageCache, Pool
from ml.photometric import degrade, erase, recolour, uniform

MIN_FACE = 8
"""Shorter faces (pixels) are no target at all ..."""
MIN_EXPRESSION = 18
"""... and below this the expression is not asked for."""
FACELESS_SHARE = 0.15
"""How much more of the whole scenes show no face than do by themselves, where the data have such; there are
few, and each teaches what a face is not."""


@dataclass(frozen=True)
class Batch:
    """images [B, 3, S, S] in 0..1; faces [B, M, 4] pixels; classes [B, M, 9]; valid [B, M]."""

    images: Tensor
    faces: Tensor
    classes: Tensor
    valid: Tensor


@dataclass(frozen=True)
class Layout:
    """How a canvas is cut: its side in pixels, tiles a side, a face's height as a share of its tile."""

    side: int
    tiles: int
    face_range: tuple[float, float]
    whole_scenes: bool = False


@dataclass(frozen=True)
class Tiles:
    """Rendered tiles: pixels [K, 3, t, t], mask [K, 1, t, t], and their faces in tile pixels."""

    pixels: Tensor
    mask: Tensor
    faces: Tensor
    classes: Tensor
    valid: Tensor


class Composer:
    """Draws augmented batches from a cache. `strength` 1 is full augmentation, 0 only geometry."""

    def __init__(self, cache: ImageCache, *, strength: float = 1.0) -> None:
        self.cache = cache
        self.strength = strength
        self.device = cache.patches.device
        weights = torch.cat([cache.small.weights, cache.large.weights])
        self.cumulative_weights = weights.double().cumsum(0)
        self.cumulative_weights /= self.cumulative_weights[-1].clone()

    def compose(self, layout: Layout, canvases: int) -> Batch:
        """One batch of `canvases` square canvases of `layout`."""
        n = layout.tiles
        side = layout.side // n
        if layout.whole_scenes:
            tiles = self._scene_tiles(canvases * n * n, side)
        else:
            tiles = self._face_tiles(canvases * n * n, side, layout.face_range, empty=0.1 if n > 1 else 0.03)
        pixels = erase(recolour(tiles.pixels, self.strength), tiles.faces[:, 0], self.strength)

        def to_canvas(pixels: Tensor) -> Tensor:
            grid = pixels.reshape(canvases, n, n, -1, side, side).permute(0, 3, 1, 4, 2, 5)
            return grid.reshape(canvases, -1, n * side, n * side)

        mask = to_canvas(tiles.mask)
        images = torch.lerp(self._backgrounds(canvases, n * side), to_canvas(pixels), mask)
        row, column = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
        offset = torch.stack([column, row, column, row], -1).reshape(1, n * n, 1, 4).to(self.device) * side
        shape = (canvases, n * n, tiles.faces.shape[1])
        faces = (tiles.faces.reshape(*shape, 4) + offset).flatten(1, 2)
        valid = tiles.valid.reshape(shape).flatten(1, 2)
        classes = tiles.classes.reshape(*shape, -1).flatten(1, 2)
        images = degrade(images, self.strength)
        return _compact(Batch(images, faces, classes, valid))

    def _backgrounds(self, count: int, side: int) -> Tensor:
        patches = self.cache.patches
        chosen = patches[torch.randint(len(patches), (count,), device=self.device)].float() / 255
        zoom = uniform(count, 0.5, 1.0, self.device)
        theta = torch.zeros(count, 2, 3, device=self.device)
        theta[:, 0, 0] = zoom * torch.where(torch.rand(count, device=self.device) < 0.5, 1.0, -1.0)
        theta[:, 1, 1] = zoom
        theta[:, :, 2] = uniform((count, 2), -1, 1, self.device) * (1 - zoom)[:, None]
        return F.grid_sample(
            chosen,
            F.affine_grid(theta, [count, 3, side, side], align_corners=False),
            padding_mode="reflection",
            align_corners=False,
        )

    def _face_tiles(self, count: int, side: int, face_range: tuple[float, float], *, empty: float) -> Tiles:
        drawn = torch.searchsorted(
            self.cumulative_weights, torch.rand(count, device=self.device, dtype=torch.float64)
        ).clamp(max=len(self.cumulative_weights) - 1)
        in_small = drawn < len(self.cache.small)
        parts, places = [], []
        for pool, member, shift in (
            (self.cache.small, in_small, 0),
            (self.cache.large, ~in_small, len(self.cache.small)),
        ):
            place = member.nonzero()[:, 0]
            if len(place):
                parts.append(self._render_faces(pool, drawn[place] - shift, side, face_range))
                places.append(place)
        tiles = _merge(parts, places)
        shown = (torch.rand(count, device=self.device) >= empty).float()
        return Tiles(
            tiles.pixels,
            tiles.mask * shown[:, None, None, None],
            tiles.faces,
            tiles.classes,
            tiles.valid & (shown > 0)[:, None],
        )

    def _render_faces(self, pool: Pool, index: Tensor, side: int, face_range: tuple[float, float]) -> Tiles:
        """Tiles zoomed so that one face of known expression (where there is one) has a height in
        `face_range`."""
        count = len(index)
        known = pool.classes[index].sum(-1) + 1e-3 * pool.valid[index]
        anchor = torch.multinomial(known + 1e-9, 1)[:, 0]
        box = pool.boxes[index, anchor]
        size = (box[:, 2:] - box[:, :2]).clamp(min=4)
        low, high = math.log(face_range[0]), math.log(face_range[1])
        height = uniform(count, low, high, self.device).exp() * side
        zoom = height / size[:, 1]
        margin = (size * zoom[:, None]).clamp(max=side) / 2 * 0.9
        target = margin + torch.rand(count, 2, device=self.device) * (side - 2 * margin)
        middle = (box[:, :2] + box[:, 2:]) / 2
        ellipse = torch.rand(count, device=self.device) < (0.4 if pool is self.cache.small else 0.1)
        ellipse &= pool.valid[index, anchor]  # without a face there is nothing to cut out
        return self._render(pool, index, side, zoom, middle, target, anchor=anchor, ellipse=ellipse)

    def _scene_tiles(self, count: int, side: int) -> Tiles:
        """Tiles that show whole scenes, faces as they come. The data must have scenes."""
        pool = self.cache.large
        index = pool.draw(count, faceless_share=FACELESS_SHARE)
        size = pool.sizes[index]
        zoom = side / size.amax(1) * uniform(count, math.log(0.7), math.log(1.6), self.device).exp()
        middle = size * uniform((count, 2), 0.3, 0.7, self.device)
        target = uniform((count, 2), 0.4, 0.6, self.device) * side
        return self._render(pool, index, side, zoom, middle, target)

    def _render(
        self,
        pool: Pool,
        index: Tensor,
        side: int,
        zoom: Tensor,
        middle: Tensor,
        target: Tensor,
        *,
        anchor: Tensor | None = None,
        ellipse: Tensor | None = None,
    ) -> Tiles:
        """Show source point `middle` at tile point `target`, `zoom` tile pixels a source pixel, turned and
        mirrored.

        With `ellipse` True for a tile, only its `anchor` face is cut out, with a soft edge.
        """
        count, stored = len(index), pool.images.shape[-1]
        angle = uniform(count, -1, 1, self.device) * math.radians(15)
        cos, sin = angle.cos(), angle.sin()
        mirror = torch.where(torch.rand(count, device=self.device) < 0.5, 1.0, -1.0)
        # tile -> source: mirror x after turning, divided by the zoom
        turn = torch.stack([torch.stack([cos * mirror, -sin * mirror], -1), torch.stack([sin, cos], -1)], 1)
        to_source = turn / zoom[:, None, None]
        shift = middle + (to_source @ (side / 2 - target)[:, :, None])[..., 0]
        theta = torch.cat([to_source * (side / stored), (2 * shift / stored - 1)[:, :, None]], -1)
        coarse = torch.rand(count, device=self.device) < 0.2 * self.strength
        level = (-zoom.log2()).round().clamp(0, 2) + coarse
        grid = F.affine_grid(theta, [count, 3, side, side], align_corners=False)
        pixels = resample(pool, index, grid, level)

        place = (grid + 1) * (stored / 2)  # [K, t, t, 2] where each tile pixel lies in its source
        size = pool.sizes[index]
        feather = uniform((count, 1, 1, 1), 0.5, 4.0, self.device)
        inside = torch.minimum(place, size[:, None, None, :] - place).amin(-1, keepdim=True) / feather
        mask = inside.clamp(0, 1).permute(0, 3, 1, 2)
        boxes, valid, classes = pool.boxes[index], pool.valid[index], pool.classes[index]
        if anchor is not None and ellipse is not None and bool(ellipse.any()):
            cut = ellipse.nonzero()[:, 0]
            box = boxes[cut, anchor[cut]]
            radius = (box[:, 2:] - box[:, :2]) * uniform((len(cut), 2), 0.55, 0.9, self.device)
            center = (box[:, :2] + box[:, 2:]) / 2
            distance = ((place[cut] - center[:, None, None]) / radius[:, None, None]).square().sum(-1)
            mask[cut] *= ((1 - distance) * uniform((len(cut), 1, 1), 2, 10, self.device)).sigmoid()[:, None]
            only = F.one_hot(anchor[cut], boxes.shape[1]).bool()
            valid = valid.clone()
            valid[cut] &= only

        center = (boxes[..., :2] + boxes[..., 2:]) / 2 - middle[:, None]
        center[..., 0] *= mirror[:, None]
        turned = torch.stack(
            [
                center[..., 0] * cos[:, None] + center[..., 1] * sin[:, None],
                center[..., 1] * cos[:, None] - center[..., 0] * sin[:, None],
            ],
            -1,
        )
        center = target[:, None] + turned * zoom[:, None, None]
        width, height = ((boxes[..., 2:] - boxes[..., :2]) * zoom[:, None, None]).unbind(-1)
        c, s = cos[:, None], sin[:, None]
        half = (
            torch.stack(  # a face is an ellipse more than a rectangle
                [
                    ((width * c) ** 2 + (height * s) ** 2).sqrt(),
                    ((width * s) ** 2 + (height * c) ** 2).sqrt(),
                ],
                -1,
            )
            / 2
        )
        faces = torch.cat([center - half, center + half], -1)
        return Tiles(pixels, mask, *_visible_faces(faces, classes, valid, side))


def resample(pool: Pool, index: Tensor, grid: Tensor, level: Tensor) -> Tensor:
    """Images `index` [K] of `pool` seen at `grid` [K, t, t, 2] (-1..1), averaged over 2**level px first."""
    pixels = torch.empty(len(index), 3, *grid.shape[1:3], device=grid.device)
    for step in range(4):
        chosen = (level == step).nonzero()[:, 0]
        if len(chosen):
            source = pool.images[index[chosen]].float()
            source = F.avg_pool2d(source, 2**step) if step else source
            pixels[chosen] = F.grid_sample(source, grid[chosen], align_corners=False)
    return pixels.div_(255)


def _visible_faces(faces: Tensor, classes: Tensor, valid: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cut boxes at the tile's border; a face mostly outside is dropped, one half outside loses its
    expression."""
    area = (faces[..., 2:] - faces[..., :2]).prod(-1)
    cut = faces.clamp(0, side)
    visible = (cut[..., 2:] - cut[..., :2]).prod(-1) / area.clamp(min=1)
    height = cut[..., 3] - cut[..., 1]
    valid = valid & (visible > 0.25) & (height >= MIN_FACE) & (cut[..., 2] - cut[..., 0] >= MIN_FACE / 2)
    readable = (visible > 0.6) & (height >= MIN_EXPRESSION)
    return cut, classes * readable[..., None], valid


def _merge(parts: list[Tiles], places: list[Tensor]) -> Tiles:
    """Tiles of several pools back in drawing order."""
    order = torch.cat(places).argsort()
    most = max(part.faces.shape[1] for part in parts)

    def join(name: str) -> Tensor:
        values = [getattr(part, name) for part in parts]
        if name in ("faces", "classes", "valid"):
            values = [
                torch.cat([value, value.new_zeros(len(value), most - value.shape[1], *value.shape[2:])], 1)
                for value in values
            ]
        return torch.cat(values)[order]

    return Tiles(*(join(name) for name in ("pixels", "mask", "faces", "classes", "valid")))


def _compact(batch: Batch) -> Batch:
    """Drop the padding that no image of the batch needs."""
    most = max(int(batch.valid.sum(1).max()), 1)
    order = batch.valid.float().argsort(dim=1, descending=True, stable=True)[:, :most]

    def pick(values: Tensor) -> Tensor:
        return values.gather(
            1, order.reshape(*order.shape, *[1] * (values.dim() - 2)).expand(-1, -1, *values.shape[2:])
        )

    return Batch(batch.images, pick(batch.faces), pick(batch.classes), pick(batch.valid))
