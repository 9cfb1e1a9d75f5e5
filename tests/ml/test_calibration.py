from dataclasses import replace

import numpy as np
import pytest

from ml.calibration import choose_min_score, fit_objectness, fit_temperature
from ml.metrics import FrameResult, calibration_error
from ml.predictor import DEFAULT_MIN_SCORE

FACE, ELSEWHERE = [0.2, 0.2, 0.6, 0.6], [0.7, 0.7, 0.9, 0.9]


def frame(boxes, objectness, *, label: int = 4, faces: int = 1, sure: float = 1.0) -> FrameResult:
    """An image of `faces` (0 or 1) faces; every box is happy with `sure` of its objectness, sad otherwise."""
    scores = np.zeros((len(boxes), 9))
    scores[:, 4], scores[:, 6] = np.array(objectness) * sure, np.array(objectness) * (1 - sure)
    truth = np.array([FACE] * faces).reshape(-1, 4), np.array([label] * faces, dtype=np.int64)
    return FrameResult(np.array(boxes).reshape(-1, 4), scores, *truth, 100, 100, "", "")


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.0])
def test_the_temperature_is_the_one_that_the_expressions_were_drawn_with(truth):
    rng = np.random.default_rng(0)
    results = []
    for _ in range(8000):
        shares = rng.dirichlet(np.ones(9))
        drawn_from = shares ** (1 / truth) / (shares ** (1 / truth)).sum()
        result = frame([FACE], [0.8], label=int(rng.choice(9, p=drawn_from)))
        results.append(replace(result, scores=0.8 * shares[None]))
    assert fit_temperature(results) == pytest.approx(truth, rel=0.07)


def test_objectness_says_how_many_boxes_are_faces():
    rng = np.random.default_rng(0)
    results = []
    for _ in range(8000):
        logit = rng.normal(0, 2)
        is_face = rng.random() < 1 / (1 + np.exp(-(logit + 0.7)))
        results.append(frame([FACE if is_face else ELSEWHERE], [1 / (1 + np.exp(-logit))]))
    assert fit_objectness(results) == pytest.approx(0.7, abs=0.12)


@pytest.mark.parametrize("objectness", [1e-9, 1.0])
def test_the_bias_stays_within_bounds(objectness):
    results = [frame([FACE], [objectness])] * 100 + [frame([ELSEWHERE], [objectness])] * 100
    assert -5 <= fit_objectness(results) <= 5


def test_a_second_box_on_a_face_is_no_face():
    near = [0.2, 0.2, 0.6, 0.45]
    twice = [frame([FACE, near], [0.5, 0.4], label=4)] * 100
    assert choose_min_score(twice) == pytest.approx(0.5, abs=0.011)


def test_with_too_few_faces_scores_stay_as_they_are():
    assert fit_objectness([frame([FACE], [0.9])] * 10) == 0.0
    assert fit_temperature([frame([FACE], [0.9])] * 10) == 1.0
    assert choose_min_score([]) == DEFAULT_MIN_SCORE


def test_the_threshold_is_where_most_faces_and_fewest_others_are_shown():
    clear = [frame([FACE, ELSEWHERE], [0.45, 0.25])] * 100
    assert choose_min_score(clear) == pytest.approx(0.45, abs=0.011)
    faint = [frame([FACE], [0.22])] * 300  # more faces would be lost than boxes that are none
    assert choose_min_score(clear + faint) == pytest.approx(0.22, abs=0.011)


def test_a_higher_threshold_is_taken_where_it_costs_next_to_nothing():
    results = [frame([FACE], [0.5])] * 1000
    assert choose_min_score(results + [frame([FACE], [0.3])] * 8) == pytest.approx(0.5, abs=0.011)
    assert choose_min_score(results + [frame([FACE], [0.3])] * 12) == pytest.approx(0.3, abs=0.011)


def test_every_source_counts_the_same_for_the_threshold():
    many = [frame([FACE], [0.9])] * 900 + [frame([FACE], [0.3])] * 100
    few = [replace(result, source="other") for result in [frame([FACE, ELSEWHERE], [0.5, 0.4])] * 60]
    assert choose_min_score(many + few) == pytest.approx(0.5, abs=0.011)
    together = [replace(result, source="") for result in few]  # as one source, the many outweigh the few
    assert choose_min_score(many + together) == pytest.approx(0.3, abs=0.011)


def test_calibration_error_is_the_distance_of_confidence_from_accuracy():
    right, wrong = frame([FACE], [0.8]), frame([FACE], [0.8], label=6)
    assert calibration_error([right] * 8 + [wrong] * 2) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error([right] * 5 + [wrong] * 5) == pytest.approx(0.3)
    assert calibration_error([frame([], [])]) is None
