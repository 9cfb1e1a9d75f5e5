"""Which cell answers for which face: a SimOTA-like assignment with a centre prior, for a whole batch at
once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

FORBIDDEN = 1e5


@dataclass(frozen=True)
class Assignment:
    """`positive` [B, N] bool; `face` [B, N] index of the cell's face (0 where not positive); `iou` [B, N] its
    overlap."""

    positive: Tensor
    face: Tensor
    iou: Tensor


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Boxes [B, M, 4] and [B, N, 4] (x1, y1, x2, y2) -> intersection over union [B, M, N]."""
    top_left = torch.maximum(first[:, :, None, :2], second[:, None, :, :2])
    bottom_right = torch.minimum(first[:, :, None, 2:], second[:, None, :, 2:])
    overlap = (bottom_right - top_left).clamp(min=0).prod(-1)
    area_first = (first[..., 2:] - first[..., :2]).clamp(min=0).prod(-1)
    area_second = (second[..., 2:] - second[..., :2]).clamp(min=0).prod(-1)
    return overlap / (area_first[:, :, None] + area_second[:, None, :] - overlap + 1e-7)


@torch.no_grad()
def assign_cells(
    boxes: Tensor,
    objectness: Tensor,
    class_logits: Tensor,
    centers: Tensor,
    faces: Tensor,
    classes: Tensor,
    valid: Tensor,
    *,
    stride: int,
    candidates: int = 10,
    radius: float = 1.5,
) -> Assignment:
    """Give each face the few cells that predict it best (Ge et al. 2021, "YOLOX", section 2.3: SimOTA).

    boxes [B, N, 4] and objectness [B, N] (logits) and class_logits [B, N, C] are predictions; centers [N, 2]
    in pixels; faces [B, M, 4] true boxes, classes [B, M, C] target distributions (all zero: expression
    unknown), valid [B, M] bool. Only cells whose centre lies within `radius` strides (or an eighth of the
    face) of a face's centre may answer for it.
    """
    middle = (faces[..., :2] + faces[..., 2:]) / 2
    reach = (radius * stride + (faces[..., 2:] - faces[..., :2]) / 8)[:, :, None, :]  # [B, M, 1, 2]
    near = ((centers[None, None] - middle[:, :, None]).abs() < reach).all(-1)  # [B, M, N]
    allowed = near & valid[:, :, None]

    iou = pairwise_iou(faces, boxes) * allowed  # [B, M, N]
    log_p = F.log_softmax(class_logits, dim=-1) + F.logsigmoid(objectness)[..., None]  # [B, N, C]
    class_cost = -torch.einsum("bmc,bnc->bmn", classes, log_p)
    cost = class_cost - 3.0 * (iou + 1e-6).log() + FORBIDDEN * ~allowed

    k = min(candidates, cost.shape[-1])
    wanted = iou.topk(k, dim=-1).values.sum(-1).round().clamp(min=1, max=k)  # [B, M] cells for each face
    order = cost.topk(k, dim=-1, largest=False)
    taken = (torch.arange(k, device=cost.device) < wanted[..., None]) & (order.values < FORBIDDEN / 2)
    chosen = torch.zeros_like(allowed).scatter_(-1, order.indices, taken)

    best_cost, face = cost.masked_fill(~chosen, FORBIDDEN * 10).min(
        dim=1
    )  # a cell that two want goes to the cheaper
    positive = best_cost < FORBIDDEN / 2
    face = face * positive
    return Assignment(positive, face, iou.gather(1, face[:, None]).squeeze(1) * positive)
