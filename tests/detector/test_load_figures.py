"""What tools/bench/live_load.py makes of what it has seen."""

from argparse import Namespace
from collections import Counter

import pytest

from tools.bench.live_load import Tally, broken_limits, memory_figures, total, worst_share


def camera(answers: int, **counts: int) -> Tally:
    return Tally(latencies=[0.1] * answers, **counts)


def test_a_camera_with_less_than_half_of_the_means_answers_is_a_broken_limit():
    fair, starving = [camera(10), camera(8)], [camera(16), camera(5)]
    limits = Namespace(max_p95=None, max_growth=None)
    assert worst_share(fair) == pytest.approx(8 / 9)
    assert broken_limits({"errors": {}, "worst_to_mean": worst_share(fair)}, limits) == []
    assert len(broken_limits({"errors": {}, "worst_to_mean": worst_share(starving)}, limits)) == 1


def test_nobody_answered_at_all_is_starvation():
    assert worst_share([camera(0), camera(0)]) == 0.0


def test_errors_and_figures_over_their_limits_are_told():
    limits = Namespace(max_p95=200.0, max_growth=3.0)
    summary = {"errors": {"bad_image": 1}, "worst_to_mean": 1.0, "p95_ms": 250.0, "web_growth_percent": 2.9}
    assert len(broken_limits(summary, limits)) == 2


def test_memory_grows_from_when_it_has_settled_to_the_end():
    readings = [(float(second), 100 + (second >= 120) * 100 + (second > 500) * 20) for second in range(600)]
    figures = memory_figures(readings, settled=150.0, seconds=600.0)
    assert figures["web_growth_percent"] == 10.0


def test_the_cameras_together_have_all_answers_and_errors():
    whole = total([camera(2, sent=3, faces=2), Tally(sent=1, errors=Counter(bad_image=1))])
    assert (whole.sent, len(whole.latencies), whole.faces, whole.errors) == (4, 2, 2, {"bad_image": 1})
