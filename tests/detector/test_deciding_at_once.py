"""Several people decide at the same moment, in threads with connections of their own: one wins."""

from collections.abc import Callable

import pytest

from detector.models import AuditEntry, DetectorVersion
from detector.selectors.versions import active_detector, shadow_detector
from detector.services.shadow import AlreadyShadow, start_shadow
from detector.services.versions import (
    AlreadyActive,
    ChangedMeanwhile,
    promote_version,
    register_version,
    roll_back,
)
from tests.detector.threads import at_once
from tests.ml.red_cell_detector import write_red_cell_detector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def versions(settings, tmp_path) -> list[DetectorVersion]:
    """Four versions; the second is active and the first was before."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    files = [
        write_red_cell_detector(tmp_path / f"{number}.onnx", version=f"v{number}") for number in range(4)
    ]
    found = [register_version(onnx=file, source="imported") for file in files]
    for version in found[:2]:
        promote_version(version=version, actor=None)
    return found


def refusals(*decisions: Callable[[], object]) -> list[Exception | None]:
    """Take all decisions at the same moment; what each of them raised."""
    return [outcome if isinstance(outcome, Exception) else None for outcome in at_once(*decisions)]


def test_of_two_who_promote_different_versions_one_wins_and_the_other_is_told(versions):
    before = active_detector()
    chosen = versions[2:]
    outcomes = refusals(
        *(
            lambda version=version: promote_version(version=version, actor=None, instead_of=before.pk)
            for version in chosen
        )
    )
    (winner,) = [version for version, error in zip(chosen, outcomes, strict=True) if error is None]
    (told,) = [error for error in outcomes if error is not None]
    assert isinstance(told, ChangedMeanwhile)
    assert winner.name in told.message
    assert (active_detector(), active_detector().previous) == (winner, before)
    assert AuditEntry.objects.filter(action="promote", subject__in=("v2", "v3")).count() == 1


def test_of_two_who_promote_the_same_version_one_does(versions):
    version = versions[2]
    outcomes = refusals(*[lambda: promote_version(version=version, actor=None)] * 2)
    assert outcomes.count(None) == 1
    assert isinstance(next(filter(None, outcomes)), AlreadyActive | ChangedMeanwhile)
    assert active_detector() == version
    assert active_detector().previous == versions[1]


def test_two_who_roll_back_what_they_saw_go_back_once(versions):
    seen = active_detector().pk
    outcomes = refusals(*[lambda: roll_back(actor=None, instead_of=seen)] * 2)
    assert outcomes.count(None) == 1
    assert isinstance(next(filter(None, outcomes)), ChangedMeanwhile)
    assert active_detector() == versions[0]


def test_of_two_who_start_a_shadow_one_does(versions):
    outcomes = refusals(
        *(lambda version=version: start_shadow(version=version, actor=None) for version in versions[2:])
    )
    assert outcomes.count(None) == 1
    assert isinstance(next(filter(None, outcomes)), AlreadyShadow)
    assert shadow_detector() in versions[2:]
