from pathlib import Path

import numpy as np
import pytest

from ml.config import EMOTIONS
from ml.dataset import Sample
from ml.sources import LEAST_PULL, MOST, PULL, source_offsets

BOX = np.array([[0.1, 0.1, 0.9, 0.9]], np.float32)


def faces(count: int, emotion: str, *, source: str = "", name: str = "", votes=None) -> list[Sample]:
    label = np.array([EMOTIONS.index(emotion) if emotion in EMOTIONS else -1])
    return [Sample(Path(f"{name}{number}.jpg"), BOX, label, source, votes) for number in range(count)]


def told(samples: list[Sample], source: str) -> dict[str, float]:
    offsets = source_offsets(samples)
    rows = offsets[[sample.source == source for sample in samples]]
    assert (rows == rows[0]).all()
    return dict(zip(EMOTIONS, rows[0].tolist(), strict=True))


def test_sources_with_the_same_shares_tell_nothing():
    samples = [face for emotion in EMOTIONS for source in "ab" for face in faces(30, emotion, source=source)]
    assert np.abs(source_offsets(samples)).max() < 1e-6


def test_offsets_are_how_many_times_as_common_an_expression_is_in_the_source():
    samples = [
        *faces(3000, "happy", source="a"),
        *faces(1000, "sad", source="a"),
        *faces(1000, "happy", source="b"),
        *faces(3000, "sad", source="b"),
        *faces(2000, "sad", source="c"),
    ]  # of all faces 0.4 are happy and 0.6 are sad, those of the source that is nothing but sad among them
    of_a, of_c = told(samples, "a"), told(samples, "c")
    assert of_a["happy"] == pytest.approx(np.log((0.75 + PULL * 0.4) / ((1 + PULL) * 0.4)), abs=0.01)
    assert of_c["sad"] == pytest.approx(np.log((1 + PULL * 0.6) / ((1 + PULL) * 0.6)), abs=0.01)
    assert of_c["happy"] == pytest.approx(np.log(PULL / (1 + PULL)), abs=0.01)  # never there, not ruled out


def test_an_expression_of_one_source_alone_is_still_learned():
    samples = [*faces(2000, "happy", source="a"), *faces(2000, "sad", source="a")]
    samples += [*faces(600, "sleepy", source="cars"), *faces(20, "happy", source="cars")]
    samples += faces(2, "sleepy", source="a")  # labelled wrongly, maybe
    assert told(samples, "cars")["sleepy"] == pytest.approx(np.log(MOST))
    assert told(samples, "a")["sleepy"] == 0


def test_few_faces_tell_little_and_faces_of_unknown_expression_nothing():
    many = faces(5000, "happy", source="many") + faces(5000, "sad", source="many")
    samples = many + faces(5, "sad", source="few") + faces(5, "unknown", source="none")
    few = told(samples, "few")
    assert 0 < few["sad"] < 0.1
    assert few["happy"] == pytest.approx(np.log(LEAST_PULL / (LEAST_PULL + 5)), abs=0.01)
    assert list(told(samples, "none").values()) == pytest.approx([0.0] * 9, abs=1e-6)


def test_names_that_begin_alike_make_one_source():
    studio, street = faces(500, "happy", name="x_studio_"), faces(500, "sad", name="x_street")
    offsets = source_offsets(studio + street)
    assert offsets[0, EMOTIONS.index("happy")] > 0.5 > 0 > offsets[-1, EMOTIONS.index("happy")]


def test_votes_count_as_shares_of_a_face():
    half = np.zeros(len(EMOTIONS))
    half[[EMOTIONS.index("happy"), EMOTIONS.index("sad")]] = 0.5
    samples = [
        *faces(1000, "happy", source="voted", votes=half),
        *faces(1000, "natural", source="other"),
        *faces(1000, "fear", source="other"),
    ]
    voted = told(samples, "voted")
    assert voted["happy"] == pytest.approx(voted["sad"])
    assert voted["happy"] > 0.5
