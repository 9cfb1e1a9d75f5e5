"""What training minimises: named terms, returned as a dict."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import complete_box_iou_loss

from ml.config import TrainConfig
from ml.model import cell_centers, decode_boxes
from ml.targets import assign_cells


def expression_loss(logits: Tensor, classes: Tensor, *, label_smoothing: float) -> Tensor:
    """Cross-entropy of class logits [P, C] against target distributions [P, C]; rows of zeros are left out.

    The mean over the others, 0 where there is none.
    """
    known = classes.sum(-1, keepdim=True)  # 1 for a known expression, less for an uncertain label, 0 for none
    smooth = classes * (1 - label_smoothing) + known * label_smoothing / classes.shape[-1]
    return -(smooth * F.log_softmax(logits.float(), dim=-1)).sum() / known.sum().clamp(min=1)


def closeup_loss(
    logits: Tensor,
    classes: Tensor,
    is_face: Tensor,
    *,
    label_smoothing: float,
    offsets: Tensor | None = None,
    taught: Tensor | None = None,
    teacher_share: float = 0.0,
) -> dict[str, Tensor]:
    """Loss terms for a batch of close-ups: "expression" (cross-entropy) and, where the net tells faces from
    what is none, "face" (BCE).

    logits [P, C or C + 1] from CloseupNet, classes [P, C] target distributions, is_face [P] in 0..1. In a
    batch of nothing but faces "face" is 0: it would teach no more than always to say yes. `offsets` [P, C]
    are added to the logits before they are held against the labels (`ml.sources`). Where teachers say
    `taught` [P, C] of the same close-ups, `teacher_share` of what the labels teach becomes "teacher", the
    cross-entropy against that (Hinton et al. 2015, "Distilling the knowledge in a neural network").
    """
    count = classes.shape[-1]
    held = logits[:, :count] if offsets is None else logits[:, :count] + offsets
    terms = {"expression": expression_loss(held, classes, label_smoothing=label_smoothing)}
    if taught is not None:
        said = expression_loss(logits[:, :count], taught * is_face[:, None], label_smoothing=0.0)
        terms = {"expression": (1 - teacher_share) * terms["expression"], "teacher": teacher_share * said}
    if logits.shape[-1] > count:
        said = logits[:, count].float()
        has_negatives = bool((is_face < 1).any())
        terms["face"] = (
            F.binary_cross_entropy_with_logits(said, is_face) if has_negatives else said.new_zeros(())
        )
    return terms


def detection_loss(
    grid: Tensor, faces: Tensor, classes: Tensor, valid: Tensor, config: TrainConfig, *, stride: int
) -> dict[str, Tensor]:
    """Loss terms for one batch: "box" (CIoU), "objectness" (BCE against the overlap), "class"
    (cross-entropy).

    grid [B, h, w, 5 + C] from GridDetector; faces [B, M, 4] in pixels; classes [B, M, C] target
    distributions, all zero for a face of unknown expression, which trains box and objectness only; valid [B,
    M] bool, False for padding. Each term is a mean over the answering cells, already multiplied by its gain;
    the sum is what to minimise.
    """
    raw = grid.float().flatten(1, 2)  # [B, N, 5 + C]
    centers = cell_centers(grid.shape[1], grid.shape[2], stride, grid.device)
    boxes = decode_boxes(raw[..., :4], centers, stride)
    objectness, class_logits = raw[..., 4], raw[..., 5:]
    assigned = assign_cells(
        boxes.detach(),
        objectness.detach(),
        class_logits.detach(),
        centers,
        faces,
        classes,
        valid,
        stride=stride,
    )

    positive = assigned.positive
    count = positive.sum().clamp(min=1)
    wanted = torch.where(positive, assigned.iou.clamp(min=0.05), torch.zeros_like(assigned.iou))
    objectness_loss = F.binary_cross_entropy_with_logits(objectness, wanted, reduction="sum") / count

    batch_index = positive.nonzero()[:, 0]
    face_index = assigned.face[positive]
    box_loss = complete_box_iou_loss(boxes[positive], faces[batch_index, face_index], reduction="sum") / count

    class_loss = expression_loss(
        class_logits[positive], classes[batch_index, face_index], label_smoothing=config.label_smoothing
    )
    return {
        "box": config.box_gain * box_loss,
        "objectness": config.objectness_gain * objectness_loss,
        "class": config.class_gain * class_loss,
    }
