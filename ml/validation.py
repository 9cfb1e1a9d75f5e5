"""Validation images, decoded and scaled once as the predictor does it: whole in batches of one shape, and as
close-ups of the true boxes."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ml.config import EMOTIONS
from ml.crops import cut_closeup
from ml.dataset import Sample
from ml.engine import ValidationBatch
from ml.images import ImageError, decode_image
from ml.metrics import FrameResult
from ml.model import SIZE_MULTIPLE, CloseupNet
from ml.precision import Precision
from ml.predictor import DECODE_SIDE, fit_to_grid

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationCloseups:
    """images uint8 [N, S, S, 3] around true boxes; labels [N]; sources, one a close-up."""

    images: Tensor
    labels: Tensor
    sources: list[str]


def prepare_closeups(samples: Sequence[Sample], size: int) -> ValidationCloseups:
    """A close-up of every face of known expression."""
    images, labels, sources = [], [], []
    for sample in samples:
        if (sample.labels < 0).all() or (image := _decode(sample)) is None:
            continue
        for box, label in zip(sample.boxes, sample.labels, strict=True):
            if label >= 0:
                images.append(cut_closeup(image, box, size))
                labels.append(int(label))
                sources.append(sample.source)
    stacked = np.stack(images) if images else np.zeros((0, size, size, 3), np.uint8)
    return ValidationCloseups(torch.from_numpy(stacked), torch.tensor(labels, dtype=torch.long), sources)


@torch.inference_mode()
def closeup_logits(net: CloseupNet, closeups: ValidationCloseups, precision: Precision) -> Tensor:
    """Logits [N, 9] of `net`, [N, 10] where it tells faces."""
    net.eval()
    found = [torch.zeros(0, net.classify.out_features)]
    for images in closeups.images.split(256):
        pixels = (images.to(precision.device).permute(0, 3, 1, 2).float() / 255).contiguous(
            memory_format=torch.channels_last
        )
        with precision.autocast():
            found.append(net(pixels).float().cpu())
    return torch.cat(found)


def closeup_figures(logits: Tensor, closeups: ValidationCloseups) -> dict[str, Any]:
    """Accuracy, also by source, the negative log-likelihood, and the mean p(face), which should be near 1.

    None where there is nothing to measure, or the net tells no faces.
    """
    logits, face = logits[:, : len(EMOTIONS)], logits[:, len(EMOTIONS) :]
    right = (logits.argmax(-1) == closeups.labels).numpy()
    sources = np.array(closeups.sources)
    return {
        "accuracy": float(right.mean()) if len(right) else None,
        "nll": float(F.cross_entropy(logits, closeups.labels)) if len(right) else None,
        "p_face": float(face.sigmoid().mean()) if face.numel() else None,
        "by_source": {name: float(right[sources == name].mean()) for name in sorted(set(closeups.sources))},
    }


def _decode(sample: Sample) -> Image.Image | None:
    try:
        return decode_image(sample.path.read_bytes(), target=DECODE_SIDE)
    except (ImageError, OSError) as error:
        log.warning("%s is left out: %s", sample.path, error)
        return None


def prepare_validation(
    samples: Sequence[Sample], input_size: int, *, batch_size: int = 64
) -> list[ValidationBatch]:
    """Batches ready for `ml.engine.evaluate`. An image that does not decode is reported and left out."""
    by_shape: dict[tuple[int, int], list[tuple[np.ndarray, tuple[int, int], FrameResult]]] = defaultdict(list)
    for sample in samples:
        if (image := _decode(sample)) is None:
            continue
        pixels, content = fit_to_grid(image, input_size, SIZE_MULTIPLE)
        nothing = np.zeros((0, 4), np.float32), np.zeros((0, len(EMOTIONS)), np.float32)
        truth = FrameResult(
            *nothing, sample.boxes, sample.labels, *image.size, sample.source, sample.path.name
        )
        by_shape[pixels.shape[1:3]].append((pixels[0], content, truth))
    batches = []
    for prepared in by_shape.values():
        for start in range(0, len(prepared), batch_size):
            images, contents, truths = zip(*prepared[start : start + batch_size], strict=True)
            batches.append(ValidationBatch(np.stack(images), list(contents), list(truths)))
    return batches
