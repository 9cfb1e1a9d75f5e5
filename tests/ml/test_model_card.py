import numpy as np
import pytest

from ml.metrics import FrameResult
from ml.model_card import END, START, accuracy, interval, main, recall
from tests.ml.drawn_faces import make_dataset


def face(*, right: bool) -> FrameResult:
    scores = np.zeros((1, 9))
    scores[0, 4 if right else 6] = 0.9
    box = np.array([[0.2, 0.2, 0.6, 0.6]])
    return FrameResult(box, scores, box, np.array([4]), 100, 100, "drawn", "")


def test_the_interval_holds_the_figure_and_narrows_with_more_images():
    few = [face(right=index % 4 > 0) for index in range(40)]
    low, high = interval(few, accuracy, times=300)
    assert low < accuracy(few) == 0.75 < high
    more_low, more_high = interval(few * 25, accuracy, times=300)
    assert more_high - more_low < 0.4 * (high - low)


def test_recall_is_of_one_expression():
    assert recall("happy")([face(right=True), face(right=False)]) == 0.5
    assert recall("sad")([face(right=True)]) is None


def test_the_card_gets_its_figures_between_the_marks(tmp_path, red_cells):
    data = make_dataset(tmp_path / "set", train=1, valid=9, size=96)
    card = tmp_path / "docs" / "CARD.md"
    card.parent.mkdir()
    card.write_text(f"# Before\n\n{START}\nold figures\n{END}\n\nAfter\n", encoding="utf-8")
    arguments = ["--data-dir", str(data), "--weights", str(red_cells), "--card", str(card), "--faces", "3"]
    assert main(arguments) == 0
    text = card.read_text(encoding="utf-8")
    assert text.startswith("# Before\n")
    assert text.endswith("After\n")
    assert "old figures" not in text
    assert "`red-1`" in text
    for line in text.splitlines():
        if line.startswith("!["):
            assert (card.parent / line.partition("(")[2].rstrip(")")).stat().st_size > 1000
    assert main(arguments) == 0  # and again


@pytest.mark.parametrize("text", [None, "no marks"])
def test_a_card_that_cannot_be_completed_is_one_clear_line(tmp_path, red_cells, capsys, text):
    data = make_dataset(tmp_path / "set", train=1, valid=2, size=96)
    card = tmp_path / "CARD.md"
    if text is not None:
        card.write_text(text, encoding="utf-8")
    arguments = ["--data-dir", str(data), "--weights", str(red_cells), "--card", str(card), "--faces", "1"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
