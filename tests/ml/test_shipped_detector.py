"""What the shipped file finds in the data that its card tells of; skipped where they are not under data/."""

import json
from pathlib import Path

import pytest

from ml.evaluate import measure, read_samples
from ml.metrics import summarize
from ml.predictor import SHIPPED_WEIGHTS

DATA = Path(__file__).parents[2] / "data"
FOLDERS = [DATA / name for name in ("expressions9", "scenes", "desk")]


@pytest.mark.skipif(
    not all(folder.is_dir() for folder in FOLDERS), reason="expressions9, scenes and desk are not under data/"
)
def test_its_card_tells_what_it_reads() -> None:
    results, facts = measure(SHIPPED_WEIGHTS, read_samples(FOLDERS, "valid"), workers=2, progress=False)
    figures = summarize(results, min_score=facts["default_min_score"])
    told = json.loads((SHIPPED_WEIGHTS.parent / "card.json").read_text(encoding="utf-8"))["metrics"]
    assert figures["frames"] == told["frames"]
    for name in ("accuracy", "macro_f1", "mAP50", "face_AP50", "calibration_error"):
        assert figures[name] == pytest.approx(told[name], abs=0.005), name
    assert figures["per_source"].keys() == told["per_source"].keys()
    for source, found in figures["per_source"].items():
        for name in ("accuracy", "mAP50", "face_AP50", "face_AP50_wide"):
            assert found[name] == pytest.approx(told["per_source"][source][name], abs=0.01), (source, name)
