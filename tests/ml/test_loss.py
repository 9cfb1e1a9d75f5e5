import math

import pytest
import torch

from ml.config import TrainConfig
from ml.loss import closeup_loss, detection_loss

CONFIG = TrainConfig(label_smoothing=0.0)
FACE = torch.tensor([[[40.0, 40.0, 88.0, 88.0]]])
HERE = torch.ones(1, 1, dtype=torch.bool)


def empty_grid() -> torch.Tensor:
    grid = torch.zeros(1, 8, 8, 14)
    centers = torch.arange(8) * 16 + 8
    grid[..., 0] = (64 - centers[None, :]) / 16  # every cell points at the face ...
    grid[..., 1] = (64 - centers[:, None]) / 16
    grid[..., 2:4] = math.log(48 / 16)  # ... and knows its size
    return grid


def happy() -> torch.Tensor:
    classes = torch.zeros(1, 1, 9)
    classes[0, 0, 4] = 1
    return classes


def terms(grid, *, classes=None, valid=HERE):
    classes = happy() if classes is None else classes
    return detection_loss(grid, FACE, classes, valid, CONFIG, stride=16)


def test_a_right_class_costs_less_than_a_wrong_one():
    right, wrong = empty_grid(), empty_grid()
    right[..., 5 + 4] = 5
    wrong[..., 5 + 6] = 5
    assert terms(right)["class"] < terms(wrong)["class"]


def test_an_unknown_expression_trains_box_and_objectness_only():
    grid = empty_grid()
    grid[..., 0] += 0.5
    grid.requires_grad_()
    loss = terms(grid, classes=torch.zeros(1, 1, 9))
    sum(loss.values()).backward()
    assert loss["class"].item() == 0
    assert grid.grad[..., 5:].abs().sum() == 0
    assert grid.grad[..., :4].abs().sum() > 0
    assert grid.grad[..., 4].abs().sum() > 0


def test_an_image_without_a_face_pushes_objectness_down_only():
    grid = empty_grid().requires_grad_()
    loss = terms(grid, valid=~HERE)
    sum(loss.values()).backward()
    assert loss["box"].item() == 0
    assert (grid.grad[..., 4] > 0).all()


def test_a_soft_label_is_cheapest_at_its_own_distribution():
    soft = torch.zeros(1, 1, 9)
    soft[0, 0, 4], soft[0, 0, 5] = 0.7, 0.3
    matching, certain = empty_grid(), empty_grid()
    matching[..., 5:] = (soft + 1e-4).log()
    certain[..., 5 + 4] = 10
    assert terms(matching, classes=soft)["class"] < terms(certain, classes=soft)["class"]


@pytest.mark.parametrize("shift", [8.0, 24.0])
def test_a_shifted_box_costs_more(shift):
    true, moved = empty_grid(), empty_grid()
    moved[..., 0] += shift / 16
    assert terms(true)["box"] < 1e-3
    assert terms(moved)["box"] > 0.1


def test_a_closeup_without_a_face_teaches_that_and_no_expression():
    logits = torch.zeros(2, 10)
    classes = torch.stack([happy()[0, 0], torch.zeros(9)])
    is_face = torch.tensor([1.0, 0.0])
    even = closeup_loss(logits, classes, is_face, label_smoothing=0.0)
    assert even["expression"] == pytest.approx(math.log(9))
    assert even["face"] == pytest.approx(math.log(2))
    logits[:, 9] = torch.tensor([5.0, -5.0])
    told = closeup_loss(logits, classes, is_face, label_smoothing=0.0)
    assert told["face"] < 0.01
    assert told["expression"] == even["expression"]


def test_a_net_that_does_not_tell_faces_learns_expressions_alone():
    assert set(closeup_loss(torch.zeros(1, 9), happy()[0], torch.ones(1), label_smoothing=0.1)) == {
        "expression"
    }


def test_faces_alone_do_not_teach_what_a_face_is():
    terms = closeup_loss(torch.zeros(1, 10), happy()[0], torch.ones(1), label_smoothing=0.1)
    assert terms["face"] == 0
    assert terms["expression"] > 1


def test_what_the_source_tells_need_not_be_learned():
    """All of the source's faces are happy: saying nothing costs next to nothing, and teaches no more."""
    logits = torch.zeros(1, 9)
    offsets = torch.full((1, 9), -2.4)
    offsets[0, 4] = 6.0
    classes, face = happy()[0], torch.ones(1)
    told = closeup_loss(logits, classes, face, label_smoothing=0.0, offsets=offsets)["expression"]
    untold = closeup_loss(logits, classes, face, label_smoothing=0.0)["expression"]
    assert untold == pytest.approx(math.log(9))
    assert told == pytest.approx(math.log(1 + 8 * math.exp(-8.4)), rel=1e-3)


def test_what_teachers_say_replaces_a_share_of_the_labels():
    classes, sad = happy()[0], torch.nn.functional.one_hot(torch.tensor([6]), 9).float()
    logits = torch.zeros(1, 9)
    logits[0, 6] = 20.0  # the net says sad, as its teachers do, the label happy

    def terms(is_face: float, share: float) -> dict[str, torch.Tensor]:
        face = torch.tensor([is_face])
        return closeup_loss(logits, classes, face, label_smoothing=0.0, taught=sad, teacher_share=share)

    assert terms(1.0, 0.7)["teacher"] == pytest.approx(0.0, abs=1e-6)
    assert terms(1.0, 0.7)["expression"] == pytest.approx(0.3 * 20.0)
    logits.zero_()
    assert terms(1.0, 0.7)["teacher"] == pytest.approx(0.7 * math.log(9))
    assert terms(0.0, 0.7)["teacher"] == 0  # what is no face has no expression, whatever they say
