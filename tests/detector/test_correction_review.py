"""The review of corrections: one decision each, whoever decides first, and the last one can be taken back."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from detector.errors import HamsterError
from detector.models import Correction
from detector.selectors.corrections import counts_by_label, last_decision_of, next_waiting, twin_of
from detector.services.correction_review import (
    AlreadyDecided,
    NothingToUndo,
    accept_correction,
    reject_correction,
    relabel_correction,
    undo_decision,
)
from detector.services.corrections import BadLabel, withdraw_correction
from tests.detector.corrections import drawn_face, send
from tests.detector.pictures import encoded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def staff() -> list[Any]:
    return [get_user_model().objects.create_user(name, is_staff=True) for name in ("ada", "bo")]


def test_accepting_relabelling_and_rejecting_say_who_when_and_what(staff):
    accepted, relabelled, rejected = (send(seed=seed)[0] for seed in range(3))
    accept_correction(correction=accepted, reviewer=staff[0])
    relabel_correction(correction=relabelled, reviewer=staff[0], label="not_a_face")
    reject_correction(correction=rejected, reviewer=staff[1])
    found = Correction.objects.order_by("id").values_list("state", "final_label", "reviewer__username")
    assert list(found) == [
        ("accepted", "sad", "ada"),
        ("relabelled", "not_a_face", "ada"),
        ("rejected", "", "bo"),
    ]
    assert all(row.reviewed_at for row in Correction.objects.all())
    counts = counts_by_label()
    assert (counts["sad"], counts["not_a_face"], counts["happy"]) == (1, 1, 0)


def test_relabelling_with_the_senders_label_accepts(staff):
    correction, _ = send()
    relabel_correction(correction=correction, reviewer=staff[0], label="sad")
    assert correction.state == "accepted"
    with pytest.raises(BadLabel):
        relabel_correction(correction=send(seed=1)[0], reviewer=staff[0], label="hungry")


def test_what_is_withdrawn_can_not_be_accepted_any_more(staff):
    correction, _ = send()
    withdraw_correction(correction=correction)
    with pytest.raises(AlreadyDecided, match="was withdrawn meanwhile"):
        accept_correction(correction=correction, reviewer=staff[0])
    assert not Correction.objects.exists()


def test_the_longest_waiting_is_next_and_others_can_be_put_off(staff):
    first, second = (send(seed=seed)[0] for seed in range(2))
    assert next_waiting() == first
    assert next_waiting(after=first.pk) == second
    assert next_waiting(after=second.pk) == first
    accept_correction(correction=first, reviewer=staff[0])
    assert next_waiting() == second
    reject_correction(correction=second, reviewer=staff[0])
    assert next_waiting() is None


def test_undo_takes_back_ones_own_last_decision_and_no_other(staff):
    first, second, others = (send(seed=seed)[0] for seed in range(3))
    accept_correction(correction=first, reviewer=staff[0])
    reject_correction(correction=second, reviewer=staff[0])
    accept_correction(correction=others, reviewer=staff[1])
    assert undo_decision(reviewer=staff[0]) == second
    second.refresh_from_db()
    assert (second.state, second.reviewer, second.reviewed_at) == ("waiting", None, None)
    assert last_decision_of(staff[0]) == first
    assert undo_decision(reviewer=staff[0]) == first
    first.refresh_from_db()
    assert first.final_label == ""
    with pytest.raises(NothingToUndo):
        undo_decision(reviewer=staff[0])
    assert Correction.objects.get(pk=others.pk).state == "accepted"


def test_undo_does_not_bring_back_what_was_withdrawn_since(staff):
    correction, _ = send()
    accept_correction(correction=correction, reviewer=staff[0])
    withdraw_correction(correction=correction)
    with pytest.raises(NothingToUndo):
        undo_decision(reviewer=staff[0])


def test_of_two_who_decide_on_the_same_one_at_once_one_wins_and_the_other_is_told(staff):
    correction, _ = send()
    together = Barrier(2)
    outcomes: list[HamsterError | None] = [None, None]

    def decide(index: int) -> None:
        mine = Correction.objects.get(pk=correction.pk)
        together.wait()
        try:
            relabel_correction(correction=mine, reviewer=staff[index], label=("fear", "angry")[index])
        except AlreadyDecided as error:
            outcomes[index] = error
        finally:
            connection.close()

    threads = [Thread(target=decide, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(None) == 1
    winner = outcomes.index(None)
    correction.refresh_from_db()
    assert (correction.reviewer, correction.final_label) == (staff[winner], ("fear", "angry")[winner])
    assert "given another label meanwhile" in outcomes[1 - winner].message


def test_a_look_alike_is_found_by_its_pixels_first_among_those_in_use(staff):
    picture = drawn_face()
    first, _ = send()
    send(seed=1)
    again, _ = send(picture=encoded(picture.resize((300, 300)), quality=60))
    assert twin_of(again) == first
    nearer, _ = send(picture=encoded(picture.resize((300, 300)), quality=61))
    assert twin_of(again) == nearer
    accept_correction(correction=first, reviewer=staff[0])
    assert twin_of(again) == first
    alone, _ = send(seed=2)
    assert twin_of(alone) is None
    withdraw_correction(correction=first)
    withdraw_correction(correction=nearer)
    assert twin_of(again) is None
