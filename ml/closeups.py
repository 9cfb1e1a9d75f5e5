"""Close-ups to train on: one face each, cut from the cached images with everything that cameras vary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.augment import resample
from ml.crops import MARGIN
from ml.image_cache import ImageCache, Pool
from ml.photometric import degrade, erase, lower_resolution, relight, to_grey, uniform

MIN_SIDE = 14
"""Faces with a smaller longer side, in pixels, are not read."""


@dataclass(frozen=True)
class Closeups:
    """images [B, 1, S, S] in 0..1; classes [B, 9] target distributions."""

    images: Tensor
    classes: Tensor


class CloseupSampler:
    """Draws augmented close-ups of every face of known expression. `strength` 1 is full augmentation.

    Faces of a rare class are drawn more often (Gupta et al. 2019, "LVIS", repeat factor sampling): r = max(1,
    sqrt(rare_share / the class's share of the faces)).
    """

    def __init__(self, cache: ImageCache, *, rare_share: float) -> None:
        self.pools = (cache.small, cache.large)
        self.strength = 1.0
        self.device = cache.patches.device
        found = []
        for number, pool in enumerate(self.pools):
            longer = (pool.boxes[..., 2:] - pool.boxes[..., :2]).amax(-1)
            face = (pool.valid & (pool.classes.sum(-1) > 0) & (longer >= MIN_SIDE)).nonzero()
            found.append(torch.cat([torch.full_like(face[:, :1], number), face], 1))
        self.faces = torch.cat(found)  # [N, 3]: pool, image, place in the image
        labels = torch.cat(
            [
                pool.classes[face[:, 1], face[:, 2]].argmax(-1)
                for pool, face in zip(self.pools, found, strict=True)
            ]
        )
        share = torch.bincount(labels, minlength=pool.classes.shape[-1]) / max(len(labels), 1)
        self.repeats = (rare_share / share).sqrt().clamp(min=1.0)[labels]

    def __len__(self) -> int:
        """Close-ups in an epoch."""
        return int(self.repeats.sum())

    def epoch(
        self, *, batch_size: int, steps: int, draw_size: Callable[[], int], mix_share: float
    ) -> Iterator[Closeups]:
        """`steps` batches that together show every face about once, in random order; `draw_size` gives the
        side in pixels of each batch's close-ups."""
        times = (self.repeats + torch.rand(len(self.repeats), device=self.device)).long()
        order = torch.arange(len(times), device=self.device).repeat_interleave(times)
        order = order[torch.randperm(len(order), device=self.device)]
        order = order.repeat(math.ceil(steps * batch_size / max(len(order), 1)))
        for chosen in order[: steps * batch_size].split(batch_size):
            yield self._mix(self._cut(self.faces[chosen], draw_size()), mix_share)

    def _cut(self, faces: Tensor, size: int) -> Closeups:
        images = torch.empty(len(faces), 1, size, size, device=self.device)
        classes = torch.empty(len(faces), self.pools[0].classes.shape[-1], device=self.device)
        for number, pool in enumerate(self.pools):
            place = (faces[:, 0] == number).nonzero()[:, 0]
            if len(place):
                _, index, slot = faces[place].unbind(1)
                images[place] = to_grey(self._look(pool, index, slot, size), self.strength)
                classes[place] = pool.classes[index, slot]
        images = lower_resolution(relight(images, self.strength), self.strength)
        whole = images.new_tensor([0.0, 0.0, size, size]).expand(len(images), 4)
        return Closeups(erase(degrade(images, self.strength), whole, self.strength), classes)

    def _look(self, pool: Pool, index: Tensor, slot: Tensor, size: int) -> Tensor:
        """The pixels [K, 3, size, size] around faces, turned, mirrored, shifted and more or less tight."""
        count, device, strength = len(index), self.device, self.strength
        box = pool.boxes[index, slot]
        longer = (box[:, 2:] - box[:, :2]).amax(1)
        side = longer * MARGIN * uniform(count, -0.2 * strength, 0.2 * strength, device).exp()
        middle = (box[:, :2] + box[:, 2:]) / 2
        middle = middle + uniform((count, 2), -0.07 * strength, 0.07 * strength, device) * longer[:, None]
        angle = uniform(count, -1, 1, device) * math.radians(15 * strength)
        stretch = uniform(count, -0.08 * strength, 0.08 * strength, device).exp()
        mirror = torch.where(torch.rand(count, device=device) < 0.5, 1.0, -1.0)
        turn = torch.stack(
            [
                torch.stack([angle.cos() * mirror * stretch, -angle.sin() / stretch], -1),
                torch.stack([angle.sin() * mirror * stretch, angle.cos() / stretch], -1),
            ],
            1,
        )  # [K, 2, 2]
        axis = (torch.arange(size, device=device) + 0.5) * (2 / size) - 1
        unit = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(1, -1, 2)
        place = middle[:, None] + unit @ (turn * (side / 2)[:, None, None]).transpose(1, 2)
        level = (side / size).log2().round().clamp(0, 3)
        cell = (2.0**level)[:, None, None]  # `resample` averages squares of this side first
        limit = (pool.sizes[index][:, None] / cell).floor() * cell - cell / 2
        place = torch.minimum(torch.maximum(place, cell / 2), limit)  # what lies outside repeats the border
        grid = (place * (2 / pool.images.shape[-1]) - 1).reshape(count, size, size, 2)
        return resample(pool, index, grid, level)

    def _mix(self, batch: Closeups, share: float) -> Closeups:
        """Blend `share` of the close-ups with another one (Zhang et al. 2018, "mixup"), labels too."""
        count = len(batch.images)
        own = torch.rand(count, 1, device=self.device)
        own = torch.where(torch.rand(count, 1, device=self.device) < share, own.maximum(1 - own), 1.0)
        other = torch.randperm(count, device=self.device)
        images = batch.images[other].lerp(batch.images, own[:, :, None, None])
        return Closeups(images, batch.classes[other].lerp(batch.classes, own))
