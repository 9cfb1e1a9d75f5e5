import json

import numpy as np
import pytest

from ml.config import EMOTIONS
from ml.metrics import MISSED, FrameResult, confusion_matrix, false_faces, summarize

HAPPY, SAD, FEAR = (EMOTIONS.index(name) for name in ("happy", "sad", "fear"))
FACE = (0.1, 0.1, 0.5, 0.5)
ELSEWHERE = (0.6, 0.6, 0.9, 0.9)


def shifted(share: float) -> tuple[float, float, float, float]:
    """FACE moved right by a share of its width: IoU = (1 - share) / (1 + share)."""
    step = share * 0.4
    return (FACE[0] + step, FACE[1], FACE[2] + step, FACE[3])


def box(
    corners: tuple[float, ...], objectness: float, **shares: float
) -> tuple[tuple[float, ...], np.ndarray]:
    """A found box with p(class) as named and the rest spread over the other expressions."""
    spread = (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares))
    return corners, np.array([shares.get(name, spread) for name in EMOTIONS]) * objectness


def frame(found: list, truths: list[tuple[tuple[float, ...], int]], source: str = "drawn") -> FrameResult:
    return FrameResult(
        boxes=np.array([corners for corners, _ in found], dtype=np.float32).reshape(-1, 4),
        scores=np.array([scores for _, scores in found], dtype=np.float32).reshape(-1, 9),
        true_boxes=np.array([corners for corners, _ in truths], dtype=np.float32).reshape(-1, 4),
        true_labels=np.array([label for _, label in truths], dtype=np.int64),
        width=400,
        height=300,
        source=source,
        name="frame.jpg",
    )


def test_a_perfect_detector_scores_one_everywhere() -> None:
    results = [frame([box(FACE, 1.0, **{name: 1.0})], [(FACE, index)]) for index, name in enumerate(EMOTIONS)]
    summary = summarize(results)
    for name in ("mAP50", "mAP50_95", "face_AP50", "accuracy", "balanced_accuracy", "macro_f1"):
        assert summary[name] == pytest.approx(1.0), name
    assert summary["missed"] == 0
    assert np.array_equal(summary["confusion"], np.eye(9, 10))


def test_average_precision_is_the_101_point_one_worked_out_by_hand() -> None:
    results = [
        frame([box(FACE, 0.9, happy=1.0), box(ELSEWHERE, 0.8, happy=1.0)], [(FACE, HAPPY)]),
        frame([box(FACE, 0.7, happy=1.0)], [(FACE, HAPPY)]),
    ]
    # ranked: right, wrong, right -> precision 1 up to recall 0.5 (51 points), then 2/3 (50 points)
    expected = (51 * 1 + 50 * 2 / 3) / 101
    summary = summarize(results)
    assert summary["mAP50"] == pytest.approx(expected)
    assert summary["per_class"]["happy"]["AP50"] == pytest.approx(expected)
    assert summary["face_AP50"] == pytest.approx(expected)


def test_a_loose_box_counts_at_low_thresholds_only() -> None:
    summary = summarize([frame([box(shifted(0.24), 0.9, happy=1.0)], [(FACE, HAPPY)])])  # IoU 0.613
    assert summary["mAP50"] == pytest.approx(1.0)
    assert summary["mAP50_95"] == pytest.approx(0.3)  # 0.50, 0.55 and 0.60 of ten thresholds


def test_every_box_is_scored_for_all_nine_classes() -> None:
    summary = summarize([frame([box(FACE, 0.9, sad=0.6, happy=0.3)], [(FACE, HAPPY)])])
    assert summary["mAP50"] == pytest.approx(1.0)
    assert summary["accuracy"] == 0.0


def test_a_class_without_faces_has_no_average_precision_and_does_not_count() -> None:
    summary = summarize([frame([box(FACE, 0.9, happy=1.0)], [(FACE, HAPPY)])])
    assert summary["per_class"]["sad"] == {
        "AP50": None,
        "recall": None,
        "precision": None,
        "f1": None,
        "count": 0,
    }
    assert summary["mAP50"] == pytest.approx(1.0)


def test_a_box_on_a_face_of_unknown_expression_is_no_mistake_but_finds_the_face() -> None:
    truths = [(FACE, HAPPY), (ELSEWHERE, -1)]
    known, unknown = box(FACE, 0.5, happy=1.0), box(ELSEWHERE, 0.9, happy=1.0)
    summary = summarize([frame([known, unknown], truths)])
    assert summary["mAP50"] == pytest.approx(1.0)
    assert summary["face_AP50"] == pytest.approx(1.0)
    assert (summary["faces"], summary["known_faces"]) == (2, 1)
    assert summarize([frame([known], truths)])["face_AP50"] == pytest.approx(51 / 101)
    assert summarize([frame([known, unknown], truths[:1])])["mAP50"] == pytest.approx(0.5)


def test_face_precision_ranks_by_objectness_not_by_the_best_class() -> None:
    unsure, wrong = box(FACE, 0.9), box(ELSEWHERE, 0.5, happy=1.0)
    assert summarize([frame([unsure, wrong], [(FACE, HAPPY)])])["face_AP50"] == pytest.approx(1.0)


def test_narrow_faces_do_not_count_for_the_precision_on_wide_ones() -> None:
    narrow = (0.9, 0.9, 0.93, 0.95)
    missed = summarize([frame([box(FACE, 0.9)], [(FACE, HAPPY), (narrow, HAPPY)])])
    assert missed["face_AP50"] < 0.6
    assert missed["face_AP50_wide"] == pytest.approx(1.0)
    found = summarize([frame([box(FACE, 0.5), box(narrow, 0.9)], [(FACE, HAPPY), (narrow, HAPPY)])])
    assert found["face_AP50_wide"] == pytest.approx(1.0)


def test_false_faces_are_counted_in_images_without_a_face() -> None:
    false = frame([box(FACE, 0.9, happy=0.8), box(ELSEWHERE, 0.3, happy=0.8)], [])
    results = [false, frame([], []), frame([box(ELSEWHERE, 0.9, happy=0.8)], [(FACE, HAPPY)])]
    assert false_faces(results, 0.5) == 0.5
    assert false_faces(results, 0.2) == 1.0
    assert false_faces([results[-1]], 0.5) is None


def test_a_missed_face_is_an_error_and_has_its_own_column() -> None:
    results = [
        frame([], [(FACE, HAPPY)]),
        frame([box(FACE, 0.9, happy=0.9)], [(FACE, HAPPY), (ELSEWHERE, SAD)]),
    ]
    summary = summarize(results)
    assert summary["accuracy"] == pytest.approx(1 / 3)
    assert summary["missed"] == pytest.approx(2 / 3)
    assert summary["confusion"][HAPPY][MISSED] == 1
    assert summary["confusion"][SAD][MISSED] == 1


@pytest.mark.parametrize(("share", "found"), [(0.42, True), (0.44, False)])  # IoU 0.408 and 0.389
def test_a_face_counts_as_found_from_an_overlap_of_two_fifths(share: float, found: bool) -> None:
    matrix = confusion_matrix([frame([box(shifted(share), 0.9, happy=0.9)], [(FACE, HAPPY)])])
    assert matrix[HAPPY, HAPPY if found else MISSED] == 1


def test_a_face_belongs_to_its_overlapping_box_of_highest_objectness() -> None:
    tight, loose, far = (
        box(FACE, 0.6, sad=0.9),
        box(shifted(0.3), 0.8, happy=0.9),
        box(ELSEWHERE, 1.0, fear=0.9),
    )
    matrix = confusion_matrix([frame([tight, loose, far], [(FACE, HAPPY)])])
    assert matrix[HAPPY, HAPPY] == 1
    assert matrix.sum() == 1


def test_recall_precision_and_f1_follow_from_the_confusion_matrix() -> None:
    happy, sad = box(FACE, 0.9, happy=0.9), box(FACE, 0.9, sad=0.9)
    results = [frame([happy], [(FACE, HAPPY)])] * 3 + [
        frame([sad], [(FACE, HAPPY)]),
        frame([happy], [(FACE, SAD)]),
    ]
    summary = summarize(results)
    assert summary["per_class"]["happy"]["recall"] == pytest.approx(0.75)
    assert summary["per_class"]["happy"]["precision"] == pytest.approx(0.75)
    assert summary["per_class"]["happy"]["f1"] == pytest.approx(0.75)
    assert summary["per_class"]["sad"]["f1"] == 0.0
    assert summary["accuracy"] == pytest.approx(0.6)
    assert summary["balanced_accuracy"] == pytest.approx(0.375)
    assert summary["macro_f1"] == pytest.approx(0.375)


def test_each_source_has_its_own_figures() -> None:
    right, wrong = box(FACE, 0.9, happy=0.9), box(FACE, 0.9, sad=0.9)
    results = [
        frame([right], [(FACE, HAPPY)], "studio"),
        frame([wrong], [(FACE, HAPPY)], "street"),
        frame([], [(FACE, -1)], "masks"),
    ]
    sources = summarize(results)["per_source"]
    assert {name: figures["accuracy"] for name, figures in sources.items()} == {
        "masks": None,
        "street": 0.0,
        "studio": 1.0,
    }
    assert sources["studio"]["recall"] == {"happy": 1.0}
    assert sources["studio"]["face_AP50"] == pytest.approx(1.0)
    assert sources["masks"]["face_AP50"] == 0.0
    assert sources["masks"]["mAP50"] is None


def test_the_fast_summary_says_the_same_and_leaves_out_the_slow_figures() -> None:
    rng = np.random.default_rng(0)
    results = []
    for index in range(40):
        found = [box(shifted(rng.uniform(0, 0.5)), rng.random(), happy=rng.random() * 0.9) for _ in range(3)]
        results.append(frame(found, [(FACE, index % 9)], ("a", "b")[index % 2]))
    fast, whole = summarize(results, fast=True), summarize(results)
    assert fast["mAP50_95"] is None
    assert whole["mAP50_95"] is not None
    assert fast["face_AP50_wide"] is None
    same = set(whole) - {"mAP50_95", "face_AP50_wide", "per_source"}
    assert {name: fast[name] for name in same} == {name: whole[name] for name in same}
    assert fast["per_source"]["a"]["accuracy"] == whole["per_source"]["a"]["accuracy"]


def test_nothing_measured_is_none_and_not_an_error() -> None:
    for results in ([], [frame([], [])], [frame([box(FACE, 0.5)], [])]):
        summary = summarize(results, curves=True)
        assert summary["frames"] == len(results)
        assert summary["mAP50"] is summary["face_AP50"] is summary["accuracy"] is summary["macro_f1"] is None
        json.dumps(summary, allow_nan=False)


def test_precision_curves_are_given_on_request_for_what_was_there() -> None:
    results = [frame([box(FACE, 0.9, happy=1.0)], [(FACE, HAPPY)]), frame([], [(FACE, FEAR)])]
    assert "precision_curves" not in summarize(results)
    curves = summarize(results, curves=True)["precision_curves"]
    assert set(curves) == {"happy", "fear", "face"}
    assert len(curves["face"]) == 101
    assert (curves["face"][50], curves["face"][51]) == (1.0, 0.0)


def test_a_summary_is_json_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = json.dumps(
        summarize([frame([box(FACE, 0.9, happy=0.9)], [(FACE, HAPPY)])], curves=True), allow_nan=False
    )
    assert json.loads(text)["frames"] == 1
    assert capsys.readouterr().out == ""
