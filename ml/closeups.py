"""Close-ups to train on: faces, and places without one, cut from cached images, varied as cameras would."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.augment import resample
from ml.crops import MARGIN
from ml.image_cache import MAX_FACES, ImageCache, Pool
from ml.photometric import degrade, erase, lower_resolution, relight, to_grey, uniform

MIN_SIDE = 14
"""Faces with a smaller longer side, in pixels, are not read."""
MIN_UNREAD_SIDE = 10
"""The same for faces of unknown expression, which only teach what a face is."""
UNREAD_REPEATS = 0.5
"""How often an epoch shows each of those."""
NEGATIVES_PER_FACE = 0.15
"""Close-ups of something else than a face, for each of a face."""
NEGATIVE_SIDES = 0.06, 0.6
"""Their sides, as shares of the shorter side of the scene."""
NEGATIVE_OVERLAP = 0.2
"""Share of themselves, or of a face, that they may have in common with one."""


@dataclass(frozen=True)
class Closeups:
    """images [B, 1, S, S] in 0..1; classes [B, 9] target distributions, zeros where no expression is known;
    is_face [B] 1 for a face, 0 for none, between them for a blend; offsets [B, 9] what the source of each
    tells (`ml.sources`)."""

    images: Tensor
    classes: Tensor
    is_face: Tensor
    offsets: Tensor


def shows_no_face(pool: Pool, index: Tensor, boxes: Tensor) -> Tensor:
    """Whether boxes [K, 4] in pixels of the images `index` [K] have next to nothing of a face in them, [K].

    Never so in images with more faces than are known.
    """
    faces, valid = pool.boxes[index], pool.valid[index]
    common = torch.minimum(boxes[:, None, 2:], faces[..., 2:]) - torch.maximum(
        boxes[:, None, :2], faces[..., :2]
    )
    smaller = torch.minimum(
        (boxes[:, 2:] - boxes[:, :2]).prod(-1, keepdim=True), (faces[..., 2:] - faces[..., :2]).prod(-1)
    )
    overlap = common.clamp(min=0).prod(-1) / smaller.clamp(min=1)
    return ((overlap < NEGATIVE_OVERLAP) | ~valid).all(1) & (valid.sum(1) < MAX_FACES)


class CloseupSampler:
    """Draws augmented close-ups of every face, and of places in scenes where none is. `strength` 1 is full
    augmentation.

    Faces of a rare class are drawn more often (Gupta et al. 2019, "LVIS", repeat factor sampling): r = max(1,
    sqrt(rare_share / the class's share of the faces)).
    """

    def __init__(self, cache: ImageCache, *, rare_share: float) -> None:
        self.pools = (cache.small, cache.large)
        self.strength = 1.0
        self.device = cache.patches.device
        faces, labels = [], []
        for number, pool in enumerate(self.pools):
            longer = (pool.boxes[..., 2:] - pool.boxes[..., :2]).amax(-1)
            known = pool.classes.sum(-1) > 0
            least = torch.where(known, MIN_SIDE, MIN_UNREAD_SIDE)
            image, slot = (pool.valid & (longer >= least)).nonzero().unbind(1)
            faces.append(torch.stack([torch.full_like(image, number), image, slot], 1))
            labels.append(torch.where(known[image, slot], pool.classes[image, slot].argmax(-1), -1))
        self.faces = torch.cat(faces)  # [N, 3]: pool, image, place in the image
        label = torch.cat(labels)
        known = label >= 0
        share = torch.bincount(label[known], minlength=cache.small.classes.shape[-1]) / max(
            int(known.sum()), 1
        )
        frequent = (rare_share / share).sqrt().clamp(min=1.0)
        self.repeats = torch.where(known, frequent[label], UNREAD_REPEATS)

    def __len__(self) -> int:
        """Faces shown in an epoch."""
        return int(self.repeats.sum())

    def epoch(
        self, *, batch_size: int, steps: int, draw_size: Callable[[], int], mix_share: float
    ) -> Iterator[Closeups]:
        """`steps` batches of `batch_size` faces that together show each about as often as `repeats` says, in
        random order, and NEGATIVES_PER_FACE as many negatives; `draw_size` gives the side in pixels of each
        batch's close-ups."""
        times = (self.repeats + torch.rand(len(self.repeats), device=self.device)).long()
        order = torch.arange(len(times), device=self.device).repeat_interleave(times)
        order = order[torch.randperm(len(order), device=self.device)]
        order = order.repeat(math.ceil(steps * batch_size / max(len(order), 1)))
        order = order[: steps * batch_size]
        for chosen in order.split(batch_size) if len(order) else ():
            yield self._mix(self._cut(self.faces[chosen], draw_size()), mix_share)

    def _cut(self, faces: Tensor, size: int) -> Closeups:
        others, places = self._draw_negatives(round(len(faces) * NEGATIVES_PER_FACE))
        count = len(faces) + len(others)
        images = torch.empty(count, 1, size, size, device=self.device)
        classes = torch.zeros(count, self.pools[0].classes.shape[-1], device=self.device)
        offsets = torch.zeros_like(classes)
        is_face = (torch.arange(count, device=self.device) < len(faces)).float()
        for number, pool in enumerate(self.pools):
            place = (faces[:, 0] == number).nonzero()[:, 0]
            if len(place):
                _, index, slot = faces[place].unbind(1)
                images[place] = self._look(pool, index, pool.boxes[index, slot], size)
                classes[place] = pool.classes[index, slot]
                offsets[place] = pool.offsets[index]
        if len(others):
            images[len(faces) :] = self._look(self.pools[1], others, places, size)
        return Closeups(self._vary(images), classes, is_face, offsets)

    def cut_scenes(self, index: Tensor, boxes: Tensor, size: int) -> Tensor:
        """Augmented close-ups [K, 1, size, size] of boxes [K, 4] in pixels of the scenes `index` [K]."""
        return self._vary(self._look(self.pools[1], index, boxes, size))

    def _vary(self, images: Tensor) -> Tensor:
        """Other light, noise, blur, something in front, as cameras and lives have it."""
        images = lower_resolution(relight(images, self.strength), self.strength)
        whole = images.new_tensor([0.0, 0.0, *images.shape[2:]]).expand(len(images), 4)
        return erase(degrade(images, self.strength), whole, self.strength)

    def _draw_negatives(self, count: int) -> tuple[Tensor, Tensor]:
        """At most `count` squares in scenes that hold no face: indices [K] and boxes [K, 4] in pixels.

        Up to half of them come from scenes without any face.
        """
        pool, device = self.pools[1], self.device
        tries = 4 * count if len(pool) else 0
        index = pool.draw(tries, faceless_share=0.5)
        low, high = (math.log(share) for share in NEGATIVE_SIDES)
        sizes = pool.sizes[index]
        side = sizes.amin(1, keepdim=True) * uniform((tries, 1), low, high, device).exp()
        side = side.clamp(min=MIN_UNREAD_SIDE)
        corner = torch.rand(tries, 2, device=device) * (sizes - side).clamp(min=0)
        places = torch.cat([corner, corner + side], 1)
        free = shows_no_face(pool, index, places).nonzero()[:count, 0]
        return index[free], places[free]

    def _look(self, pool: Pool, index: Tensor, box: Tensor, size: int) -> Tensor:
        """The grey pixels [K, 1, size, size] around boxes [K, 4], turned, mirrored, shifted and more or less
        tight."""
        count, device, strength = len(index), self.device, self.strength
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
        end = (pool.sizes[index][:, None] / cell).floor() * cell
        place = end - (place.remainder(2 * end) - end).abs()  # what lies outside mirrors the picture
        place = torch.minimum(torch.maximum(place, cell / 2), end - cell / 2)
        grid = (place * (2 / pool.images.shape[-1]) - 1).reshape(count, size, size, 2)
        return to_grey(resample(pool, index, grid, level), strength)

    def _mix(self, batch: Closeups, share: float) -> Closeups:
        """Blend `share` of the close-ups with another one (Zhang et al. 2018, "mixup"), labels too."""
        count = len(batch.images)
        own = torch.rand(count, 1, device=self.device)
        own = torch.where(torch.rand(count, 1, device=self.device) < share, own.maximum(1 - own), 1.0)
        other = torch.randperm(count, device=self.device)

        def blend(values: Tensor) -> Tensor:
            return values[other].lerp(values, own.reshape(-1, *[1] * (values.ndim - 1)))

        return Closeups(*map(blend, (batch.images, batch.classes, batch.is_face, batch.offsets)))
