"""Training images as uint8 tensors in memory, ready to be cut and pasted by `ml.augment`."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ml.config import EMOTIONS
from ml.dataset import DatasetError, Sample, readers
from ml.images import ImageError, decode_image
from ml.sources import source_offsets

log = logging.getLogger(__name__)

SMALL_SIDE = 96
"""Images up to this side keep their pixels in a pool of their own."""
LARGE_SIDE = 320
MAX_FACES = 24
"""Of an image with more, the largest are kept."""
FACELESS_REPEATS = 20
PATCH_SIDE = 128
NONE_DECODES = "none of the training images can be decoded"


@dataclass(frozen=True)
class Pool:
    """Images of one storage size with their faces; every tensor's first axis is the image.

    images uint8 [N, 3, S, S], content at the top left, sizes [N, 2] its width and height; boxes [N, M, 4] in
    pixels, classes [N, M, 9] target distributions (zeros: expression unknown), valid [N, M] False for
    padding, weights [N] the sampling weight, offsets [N, 9] what the source tells (`ml.sources`).
    """

    images: Tensor
    sizes: Tensor
    boxes: Tensor
    classes: Tensor
    valid: Tensor
    weights: Tensor
    offsets: Tensor

    def to(self, device: torch.device | str) -> Pool:
        return replace(self, **{name: value.to(device) for name, value in vars(self).items()})

    def __len__(self) -> int:
        return len(self.images)

    def draw(self, count: int, *, faceless_share: float) -> Tensor:
        """Random images, indices [count]. Those without a face, if there are such, come `faceless_share` of
        the time on top of their own share, but at most FACELESS_REPEATS times as often as others."""
        device = self.valid.device
        index = torch.randint(max(len(self), 1), (count,), device=device)
        faceless = (~self.valid.any(1)).nonzero()[:, 0]
        if len(faceless):
            faceless_share = min(faceless_share, FACELESS_REPEATS * len(faceless) / len(self))
            other = faceless[torch.randint(len(faceless), (count,), device=device)]
            index = torch.where(torch.rand(count, device=device) < faceless_share, other, index)
        return index


@dataclass(frozen=True)
class ImageCache:
    """All training images: `small` ones (crops), `large` ones (scenes), and `patches` [K, 3, 128, 128]
    without a face. `broken` are the files that did not decode -> why."""

    small: Pool
    large: Pool
    patches: Tensor
    broken: dict[Path, str] = field(default_factory=dict)

    def to(self, device: torch.device | str) -> ImageCache:
        return replace(
            self, small=self.small.to(device), large=self.large.to(device), patches=self.patches.to(device)
        )

    def __len__(self) -> int:
        return len(self.small) + len(self.large)


def count_classes(samples: Sequence[Sample]) -> np.ndarray:
    """Faces of each expression, [9]."""
    labels = np.concatenate([sample.labels for sample in samples])
    return np.bincount(labels[labels >= 0], minlength=len(EMOTIONS))


def class_weights(samples: Sequence[Sample]) -> np.ndarray:
    """Sampling weights [N]: 1 / sqrt(frequency) of the image's rarest known expression.

    An image of which no expression is known counts a tenth of the commonest one's.
    """
    rarity = 1.0 / np.sqrt(np.maximum(count_classes(samples), 1))
    floor = rarity.min() / 10
    return np.array([rarity[sample.labels[sample.labels >= 0]].max(initial=floor) for sample in samples])


def build_cache(
    samples: Sequence[Sample], *, soft_labels: bool = True, memory_bytes: float, progress: bool = True
) -> ImageCache:
    """Decode every sample once. An image that does not decode is reported with its name and left out.

    Scenes are kept at up to 320 px, or smaller where all images would need more than `memory_bytes` together.
    Raises DatasetError where no image is left.
    """
    broken: dict[Path, str] = {}
    with readers() as executor:
        sizes = list(executor.map(lambda sample: _read_size(sample, broken), samples))
    kept = [(sample, size) for sample, size in zip(samples, sizes, strict=True) if size]
    if not kept:
        raise DatasetError(NONE_DECODES)
    weights = class_weights([sample for sample, _ in kept])
    offsets = source_offsets([sample for sample, _ in kept])
    small = [index for index, (_, size) in enumerate(kept) if max(size) <= SMALL_SIDE]
    large = [index for index, (_, size) in enumerate(kept) if max(size) > SMALL_SIDE]
    left = memory_bytes - len(small) * 3 * SMALL_SIDE**2
    side = min(LARGE_SIDE, int(math.sqrt(max(left, 0) / 3 / max(len(large), 1)) // 32 * 32))
    if side < SMALL_SIDE:
        raise DatasetError(
            f"{len(kept):,} images do not fit into {memory_bytes / 1e9:.1f} GB; allow more with --cache-gb"
        )

    def pool(indices: list[int], side: int, name: str) -> Pool:
        chosen = [kept[index][0] for index in indices]
        return _build_pool(
            chosen, weights[indices], offsets[indices], side, name, soft_labels, progress, broken
        )

    large_pool, small_pool = pool(large, side, "scenes"), pool(small, SMALL_SIDE, "crops")
    if not len(small_pool) + len(large_pool):
        raise DatasetError(NONE_DECODES)
    return ImageCache(small_pool, large_pool, cut_patches(large_pool), broken)


def _leave_out(sample: Sample, error: Exception, broken: dict[Path, str]) -> None:
    log.warning("%s is left out: %s", sample.path, error)
    broken[sample.path] = str(error)


def _read_size(sample: Sample, broken: dict[Path, str]) -> tuple[int, int] | None:
    try:
        with Image.open(sample.path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        _leave_out(sample, error, broken)
        return None


def _decode(sample: Sample, side: int, broken: dict[Path, str]) -> np.ndarray | None:
    try:
        image = decode_image(sample.path.read_bytes(), target=side)
    except (ImageError, OSError) as error:
        _leave_out(sample, error, broken)
        return None
    if max(image.size) > side:
        scale = side / max(image.size)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    return np.asarray(image)


def _build_pool(
    samples: list[Sample],
    weights: np.ndarray,
    offsets: np.ndarray,
    side: int,
    name: str,
    soft_labels: bool,
    progress: bool,
    broken: dict[Path, str],
) -> Pool:
    count, faces = len(samples), max([1, *(min(len(sample.labels), MAX_FACES) for sample in samples)])
    images = torch.zeros(count, 3, side, side, dtype=torch.uint8)
    sizes, boxes = torch.ones(count, 2), torch.zeros(count, faces, 4)
    classes, valid = torch.zeros(count, faces, len(EMOTIONS)), torch.zeros(count, faces, dtype=torch.bool)
    decoded_ok = torch.zeros(count, dtype=torch.bool)
    with readers() as executor:
        decoded = executor.map(lambda sample: _decode(sample, side, broken), samples)
        for index, pixels in enumerate(
            tqdm(decoded, total=count, desc=f"reading {name}", disable=not progress)
        ):
            if pixels is None:
                continue
            decoded_ok[index] = True
            height, width = pixels.shape[:2]
            images[index, :, :height, :width] = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
            sizes[index] = torch.tensor([width, height])
            sample = samples[index]
            areas = (sample.boxes[:, 2] - sample.boxes[:, 0]) * (sample.boxes[:, 3] - sample.boxes[:, 1])
            for slot, face in enumerate(np.argsort(-areas)[:faces]):
                boxes[index, slot] = torch.from_numpy(sample.boxes[face] * [width, height, width, height])
                valid[index, slot] = True
                if sample.labels[face] >= 0:
                    classes[index, slot, sample.labels[face]] = 1.0
                    if soft_labels and sample.votes is not None:
                        classes[index, slot] = torch.from_numpy(sample.votes)
    pool = Pool(images, sizes, boxes, classes, valid, *map(torch.from_numpy, (weights, offsets)))
    if decoded_ok.all():
        return pool
    return replace(pool, **{key: value[decoded_ok] for key, value in vars(pool).items()})


def cut_patches(pool: Pool, *, tries: int = 12, limit: int = 6000) -> Tensor:
    """Square pieces of scenes in which no box lies, [K, 3, 128, 128]: real backgrounds to paste faces on."""
    generator = torch.Generator().manual_seed(0)
    patches = []
    for index in range(len(pool)):
        width, height = pool.sizes[index].tolist()
        boxes = pool.boxes[index][pool.valid[index]]
        margin = (boxes[:, 2:] - boxes[:, :2]) * 0.5
        kept = 0
        for _ in range(tries):
            u = torch.rand(3, generator=generator).tolist()
            side = min(width, height) * (0.35 + 0.5 * u[0])
            if side < 48:
                break
            x, y = u[1] * (width - side), u[2] * (height - side)
            hits = (boxes[:, 0] - margin[:, 0] < x + side) & (boxes[:, 2] + margin[:, 0] > x)
            hits &= (boxes[:, 1] - margin[:, 1] < y + side) & (boxes[:, 3] + margin[:, 1] > y)
            if hits.any():
                continue
            piece = pool.images[index, :, int(y) : int(y + side), int(x) : int(x + side)]
            patches.append(
                torch.nn.functional.interpolate(
                    piece[None].float(), (PATCH_SIDE, PATCH_SIDE), mode="bilinear", antialias=True
                )[0].to(torch.uint8)
            )
            kept += 1
            if kept == 3:
                break
        if len(patches) >= limit:
            break
    if not patches:  # a data set of crops alone: plain colours
        patches = [
            torch.full((3, PATCH_SIDE, PATCH_SIDE), level, dtype=torch.uint8) for level in range(0, 256, 16)
        ]
    return torch.stack(patches)
