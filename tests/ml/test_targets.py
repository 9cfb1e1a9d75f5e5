import torch

from ml.model import cell_centers
from ml.targets import assign_cells, pairwise_iou

STRIDE = 16


def assign(faces, *, boxes=None, classes=None, valid=None):
    centers = cell_centers(8, 8, STRIDE)
    count = len(centers)
    faces = torch.tensor([faces], dtype=torch.float32)
    if boxes is None:
        boxes = torch.cat([centers - 20, centers + 20], -1)[None]
    if classes is None:
        classes = torch.zeros(1, faces.shape[1], 9)
    if valid is None:
        valid = torch.ones(1, faces.shape[1], dtype=torch.bool)
    logits = torch.zeros(1, count, 9)
    return centers, assign_cells(
        boxes, torch.zeros(1, count), logits, centers, faces, classes, valid, stride=STRIDE
    )


def test_iou_of_known_boxes():
    first = torch.tensor([[[0.0, 0, 2, 2]]])
    second = torch.tensor([[[1.0, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6]]])
    assert torch.allclose(pairwise_iou(first, second), torch.tensor([[[1 / 7, 1.0, 0.0]]]), atol=1e-5)


def test_cells_near_a_face_answer_for_it_and_no_others():
    centers, assigned = assign([[44.0, 44.0, 84.0, 84.0]])
    chosen = centers[assigned.positive[0]]
    assert len(chosen) >= 1
    assert ((chosen - 64).abs() < 1.5 * STRIDE + 5).all()


def test_a_cell_between_two_faces_answers_for_only_one():
    _centers, assigned = assign([[30.0, 30.0, 70.0, 70.0], [40.0, 30.0, 80.0, 70.0]])
    assert set(assigned.face[assigned.positive].tolist()) == {0, 1}
    assert assigned.face.shape == assigned.positive.shape == (1, 64)


def test_padding_is_never_assigned():
    _, assigned = assign([[44.0, 44.0, 84.0, 84.0]], valid=torch.zeros(1, 1, dtype=torch.bool))
    assert not assigned.positive.any()
    assert (assigned.iou == 0).all()


def test_a_face_smaller_than_a_cell_still_gets_a_cell():
    _centers, assigned = assign([[61.0, 61.0, 69.0, 69.0]])
    assert assigned.positive.sum() >= 1
