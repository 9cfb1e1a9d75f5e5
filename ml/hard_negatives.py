"""What the first look takes for faces where none are, and a second look that is taught to tell.

Hard negative mining (Felzenszwalb et al. 2010, "Object detection with discriminatively trained part-based
models"), once both nets are trained. Only the row of the last layer that tells faces is fitted, so nothing
else that the second look says changes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ml.closeups import MIN_UNREAD_SIDE, CloseupSampler, shows_no_face
from ml.config import PLAIN_STRENGTH, TrainConfig
from ml.image_cache import ImageCache, Pool
from ml.model import SIZE_MULTIPLE, CloseupNet, Detector, GridDetector, ServedGrid
from ml.nms import select_boxes, vote_boxes
from ml.precision import Precision
from ml.predictor import fit_to_grid

MIN_OBJECTNESS = 0.01
"""From which a box of the first look is a place to learn from."""
MAX_IMAGES = 3000
"""More are not looked through for such places: those chosen are spread evenly."""
MIN_PLACES = 50
"""With fewer the second look stays as it is."""
FACES = 4096
"""Faces to learn from, at each strength of augmentation."""
VIEWS = 3000
"""Views of those places, at each strength."""
FACE_WEIGHT = 1.5
"""What a face counts against a place: boxes of the first look are faces more often than not."""
LABEL_SMOOTHING = 0.02
RIDGE = 15.0
BATCH = 256


@torch.inference_mode()
def mine(grid: GridDetector, pool: Pool, *, input_size: int, precision: Precision) -> tuple[Tensor, Tensor]:
    """The boxes that `grid` shows in a pool's images and in their mirror images where no face is: indices [K]
    and boxes [K, 4] in pixels."""
    served, device = ServedGrid(grid).eval(), precision.device
    index, boxes = [torch.zeros(0, dtype=torch.long)], [torch.zeros(0, 4)]
    for number in range(0, len(pool), math.ceil(len(pool) / MAX_IMAGES) or 1):
        width, height = pool.sizes[number].int().tolist()
        upright = pool.images[number, :, :height, :width].permute(1, 2, 0).cpu().numpy()
        for mirrored in (False, True):
            image = Image.fromarray(upright[:, ::-1] if mirrored else upright)
            pixels, (content_width, _) = fit_to_grid(image, input_size, SIZE_MULTIPLE)
            with precision.autocast():
                outputs = served(torch.from_numpy(pixels).to(device))
            found, scores = (output[0].float().cpu().numpy() for output in outputs)
            kept = select_boxes(found, scores, min_score=MIN_OBJECTNESS)
            voted = vote_boxes(found, scores, kept) * (width / content_width)
            if mirrored:
                voted = np.stack([width - voted[:, 2], voted[:, 1], width - voted[:, 0], voted[:, 3]], 1)
            index.append(torch.full((len(voted),), number))
            boxes.append(torch.from_numpy(voted.astype(np.float32)))
    at, found = torch.cat(index).to(device), torch.cat(boxes).to(device)
    kept = shows_no_face(pool, at, found) & ((found[:, 2:] - found[:, :2]).amax(1) >= MIN_UNREAD_SIDE)
    return at[kept], found[kept]


def teach_faces(model: Detector, cache: ImageCache, *, input_size: int, precision: Precision) -> int:
    """Fit the row of the close-up net that tells faces to augmented faces, to random scenery and to what the
    grid net takes for faces in the `cache`; returns how many such places there were.

    0, and nothing changes, where the net has no such row or there are fewer places than MIN_PLACES.
    """
    net = model.closeup
    if not net.config.tells_faces or not len(cache.large):
        return 0
    model.eval()
    index, boxes = mine(model.grid, cache.large, input_size=input_size, precision=precision)
    if len(index) < MIN_PLACES:
        return 0
    sampler, size = CloseupSampler(cache, rare_share=TrainConfig.rare_share), net.config.size
    features, is_face = [], []
    for sampler.strength in (1.0, PLAIN_STRENGTH):
        steps = math.ceil(min(FACES, len(sampler)) / BATCH)
        faces = sampler.epoch(batch_size=BATCH, steps=steps, draw_size=lambda: size, mix_share=0.0)
        for batch in faces:
            features.append(_features(net, batch.images, precision))
            is_face.append(batch.is_face)
        for chosen in torch.randperm(len(index), device=index.device)[:VIEWS].split(BATCH):
            views = sampler.cut_scenes(index[chosen], boxes[chosen], size)
            features.append(_features(net, views, precision))
            is_face.append(views.new_zeros(len(chosen)))
    row = fit_row(torch.cat(features), torch.cat(is_face))
    with torch.no_grad():
        net.classify.weight[net.config.classes] = row[:-1]
        net.classify.bias[net.config.classes] = row[-1]
    return len(index)


@torch.inference_mode()
def _features(net: CloseupNet, images: Tensor, precision: Precision) -> Tensor:
    with precision.autocast():
        return net.features(images.contiguous(memory_format=torch.channels_last)).float()


def fit_row(features: Tensor, is_face: Tensor, *, steps: int = 30) -> Tensor:
    """Weights and, last, the bias [F + 1] of the logit of being a face: ridge logistic regression by Newton's
    method on features [N, F] of unit variance, is_face [N] in 0 or 1."""
    mean, spread = features.mean(0), features.std(0) + 1e-3
    inputs = torch.cat([(features - mean) / spread, features.new_ones(len(features), 1)], 1).double()
    wanted = is_face.double() * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / 2
    weight = torch.where(is_face > 0.5, FACE_WEIGHT, 1.0).double()
    ridge = torch.full((inputs.shape[1],), RIDGE, dtype=torch.float64, device=features.device)
    ridge[-1] = 0.0
    row = torch.zeros_like(ridge)
    for _ in range(steps):
        said = (inputs @ row).sigmoid()
        gradient = inputs.T @ (weight * (said - wanted)) + ridge * row
        curvature = (inputs * (weight * said * (1 - said))[:, None]).T @ inputs + ridge.diag()
        row = row - torch.linalg.solve(curvature, gradient)
    scaled = row[:-1].float() / spread
    return torch.cat([scaled, (row[-1:].float() - (scaled * mean).sum())])
