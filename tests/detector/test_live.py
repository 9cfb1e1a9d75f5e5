"""Tracks, smoothing and labels, frame by frame."""

from itertools import pairwise

import pytest

from detector.live import MAX_AGE, SWITCH_AFTER, FaceTracks, frame_emotion, match_boxes
from ml.config import EMOTIONS
from ml.predictor import Detection


def face(label: str = "happy", score: float = 0.8, *, at: float = 0.2, size: float = 0.2, **others: float):
    """A square face at (`at`, `at`); the rest of 0.9 is shared by the other expressions, or given by name."""
    scores = {name: others.get(name, (0.9 - score) / 8) for name in EMOTIONS} | {label: score}
    return Detection(label, score, at, at, at + size, at + size, scores)


def run(tracks: FaceTracks, frames, *, every: float = 0.1):
    """The faces of every frame."""
    return [tracks.update(found, index * every) for index, found in enumerate(frames)]


def test_a_moving_face_keeps_its_id():
    answers = run(FaceTracks(0.5), [[face(at=0.1 + 0.03 * step)] for step in range(15)])
    assert {faces[0].id for faces in answers} == {1}


def test_a_face_that_hardly_overlaps_its_old_box_keeps_its_id_at_three_frames_a_second():
    tracks = FaceTracks(0.5)
    before, after = run(tracks, [[face(at=0.2, size=0.3)], [face(at=0.42, size=0.3)]], every=1 / 3)
    assert before[0].id == after[0].id


def test_two_faces_keep_their_ids_whatever_order_they_are_found_in():
    left, right = face(at=0.1), face("sad", at=0.6)
    first, second = run(FaceTracks(0.5), [[left, right], [right, left]])
    assert {found.id: found.label for found in first} == {found.id: found.label for found in second}


def test_a_face_missed_for_a_moment_keeps_its_id_and_is_not_shown_meanwhile():
    first, missed, again = run(FaceTracks(0.5), [[face()], [], [face()]])
    assert missed == []
    assert again[0].id == first[0].id


def test_a_face_that_comes_back_late_is_somebody_new():
    tracks = FaceTracks(0.5)
    first = tracks.update([face()], 0.0)
    again = tracks.update([face()], MAX_AGE + 0.1)
    assert again[0].id == first[0].id + 1


def test_a_small_face_does_not_take_over_the_track_of_a_big_one_beside_it():
    assert match_boxes([(0.1, 0.1, 0.6, 0.6)], [(0.45, 0.45, 0.6, 0.6)]) == {}


def test_without_smoothing_every_frame_stands_for_itself():
    answers = run(FaceTracks(0.0), [[face("happy")], [face("sad")], [face("fear", at=0.21)]])
    assert [faces[0].label for faces in answers] == ["happy", "sad", "fear"]
    assert answers[2][0].box[0] == pytest.approx(0.21)
    assert answers[2][0].scores == pytest.approx(answers[2][0].raw_scores)


def test_raw_scores_are_the_frames_own_while_scores_follow_slowly():
    _, (found,) = run(FaceTracks(1.0), [[face("happy", 0.8)], [face("sad", 0.8)]])
    assert found.raw_scores["sad"] == 0.8
    assert 0.0125 < found.scores["sad"] < 0.3
    assert 0.5 < found.scores["happy"] < 0.8


def test_more_smoothing_follows_more_slowly():
    frames = [[face("happy")], *[[face("sad")]] * 3]
    sad = [run(FaceTracks(smoothing), frames)[-1][0].scores["sad"] for smoothing in (0.0, 0.3, 0.6, 1.0)]
    assert sad == sorted(sad, reverse=True)


def test_smoothing_goes_by_time_not_by_frames():
    slow = run(FaceTracks(0.8), [[face("happy")], *[[face("sad")]] * 3], every=0.2)[-1][0]
    fast = run(FaceTracks(0.8), [[face("happy")], *[[face("sad")]] * 12], every=0.05)[-1][0]
    assert slow.scores["sad"] == pytest.approx(fast.scores["sad"], abs=1e-6)


def test_the_label_does_not_flicker_between_two_near_equal_expressions():
    pair = (face("sad", 0.42, natural=0.38), face("natural", 0.42, sad=0.38))
    answers = run(FaceTracks(0.5), [[pair[step % 2]] for step in range(60)])
    labels = [faces[0].label for faces in answers]
    assert sum(one != other for one, other in pairwise(labels)) <= 1


def test_the_label_follows_a_clear_change_within_a_third_of_a_second():
    answers = run(FaceTracks(0.5), [[face("happy")], *[[face("surprised")]] * 5], every=1 / 15)
    assert answers[-1][0].label == "surprised"


def test_a_small_but_lasting_lead_changes_the_label_in_the_end():
    steady = face("natural", 0.44, sad=0.40)
    answers = run(FaceTracks(0.5), [[face("sad")], *[[steady]] * 40], every=0.05)
    labels = [faces[0].label for faces in answers]
    assert labels[-1] == "natural"
    assert labels.index("natural") * 0.05 > SWITCH_AFTER


def test_the_score_is_that_of_the_label():
    answers = run(FaceTracks(0.7), [[face("happy")], [face("sad")], [face("fear")]])
    assert all(faces[0].score == faces[0].scores[faces[0].label] for faces in answers)


def test_the_frames_emotion_is_the_biggest_faces():
    faces = FaceTracks(0.0).update([face("sad", 0.85, at=0.7, size=0.1), face("happy", 0.7, size=0.4)], 0.0)
    assert frame_emotion(faces) == ("happy", pytest.approx(0.7))


def test_the_main_face_does_not_change_between_two_of_about_one_size():
    frames = [
        [face("happy", at=0.1, size=0.2 + 0.005 * (step % 2)), face("sad", at=0.6, size=0.202)]
        for step in range(10)
    ]
    answers = run(FaceTracks(0.5), frames)
    assert len({faces[0].id for faces in answers}) == 1


def test_a_frame_without_a_face_is_unknown():
    assert frame_emotion(FaceTracks(0.5).update([], 0.0)) == ("unknown", 0.0)
