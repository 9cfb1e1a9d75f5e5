from itertools import pairwise

import numpy as np
import pytest

from ml.nms import pairwise_iou, select_boxes, vote_boxes


def rows(*objectness: float, share: float = 1.0) -> np.ndarray:
    """Scores [n, 9] with these objectnesses; the first class holds `share` of each."""
    scores = np.zeros((len(objectness), 9), dtype=np.float32)
    for row, value in zip(scores, objectness, strict=True):
        row[0], row[1:] = value * share, value * (1 - share) / 8
    return scores


BOX = [10.0, 10.0, 20.0, 20.0]
NEAR = [11.0, 10.0, 21.0, 20.0]
FAR = [50.0, 50.0, 60.0, 60.0]


def test_iou_of_equal_half_overlapping_and_separate_boxes() -> None:
    overlaps = pairwise_iou(np.array([BOX]), np.array([BOX, [15.0, 10.0, 25.0, 20.0], FAR]))
    assert overlaps[0] == pytest.approx([1.0, 1 / 3, 0.0])


def test_a_weaker_box_on_the_same_face_is_dropped_and_a_distant_one_kept() -> None:
    kept = select_boxes(np.array([NEAR, BOX, FAR]), rows(0.6, 0.9, 0.5), min_score=0.1)
    assert kept.tolist() == [1, 2]


def test_boxes_of_different_expressions_on_one_face_suppress_each_other() -> None:
    scores = rows(0.9, 0.8)
    scores[1] = scores[1][::-1]
    assert select_boxes(np.array([BOX, NEAR]), scores, min_score=0.1).tolist() == [0]


def test_a_box_of_lower_objectness_than_asked_is_left_out() -> None:
    scores = rows(0.35, share=0.9)
    assert select_boxes(np.array([BOX]), scores, min_score=0.4).tolist() == []
    assert select_boxes(np.array([BOX]), scores, min_score=0.3).tolist() == [0]


def test_what_a_high_threshold_keeps_a_lower_one_keeps_too() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 80, (400, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 40, (400, 2))])
    scores = rng.dirichlet(np.ones(9), 400) * rng.uniform(0, 1, (400, 1))
    kept = [
        set(select_boxes(boxes, scores, min_score=s, limit=400).tolist()) for s in (0.01, 0.1, 0.2, 0.3, 0.5)
    ]
    assert all(higher <= lower for lower, higher in pairwise(kept))
    assert len(kept[0]) > len(kept[-1]) > 0


def test_at_most_the_limit_comes_back_best_objectness_first() -> None:
    boxes = np.array([[index * 20.0, 0.0, index * 20.0 + 10, 10.0] for index in range(5)])
    assert select_boxes(boxes, rows(0.5, 0.9, 0.7, 0.8, 0.6), min_score=0.1, limit=3).tolist() == [1, 3, 2]


def test_no_box_and_not_a_number_are_no_detection() -> None:
    assert len(select_boxes(np.empty((0, 4)), np.empty((0, 9)), min_score=0.1)) == 0
    assert len(select_boxes(np.array([BOX]), np.full((1, 9), np.nan), min_score=0.1)) == 0


def test_neighbours_vote_by_objectness_on_where_a_face_is() -> None:
    boxes = np.array([[10.0, 10, 50, 50], [14.0, 10, 54, 50], [200.0, 200, 240, 240]])
    voted = vote_boxes(boxes, rows(0.9, 0.3, 0.9), np.array([0, 2]))
    assert voted[0].tolist() == pytest.approx([11, 10, 51, 50])
    assert voted[1].tolist() == pytest.approx(boxes[2].tolist())


def test_a_box_without_area_or_objectness_stays_where_it_is() -> None:
    boxes = np.array([[10.0, 10, 10, 10], [30.0, 30, 60, 60]])
    assert vote_boxes(boxes, rows(0.9, 0.0), np.array([0, 1])).tolist() == boxes.tolist()
    assert vote_boxes(boxes, rows(0.9, 0.0), np.array([], dtype=int)).shape == (0, 4)
