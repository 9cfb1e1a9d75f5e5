from ml.pace import SAY_EVERY, Pace, validations_without_gain


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_epoch_is_judged_by_its_own_steps():
    clock = Clock()
    pace = Pace(epochs=4, steps=10, history=[], clock=clock)
    assert pace.report() == {"progress": 0.0, "seconds_left": None}
    clock.now = 5.0
    for _ in range(5):
        pace.step()
    assert pace.report() == {"progress": 0.125, "seconds_left": 35.0}


def test_later_epochs_are_judged_by_those_before():
    pace = Pace(epochs=4, steps=10, history=[{"seconds": 20.0}, {"seconds": 40.0}], clock=Clock())
    pace.start_epoch(2)
    pace.step()
    assert pace.report() == {"progress": 0.525, "seconds_left": 57.0}


def test_a_line_a_second_and_one_for_the_last_step():
    clock = Clock()
    pace = Pace(epochs=1, steps=4, history=[], clock=clock)
    said = []
    for seconds in (0.1, 0.2, SAY_EVERY, 0.1):
        clock.now += seconds
        said.append(pace.step())
    assert said == [True, False, True, True]


def row(face: float | None = None, accuracy: float | None = None) -> dict:
    return {"valid": {"face_AP50": face}, "closeups": {"accuracy": accuracy}}


def test_patience_is_used_up_only_while_no_part_gets_better():
    assert validations_without_gain([]) == 0
    assert validations_without_gain([row(0.2, 0.3), row(0.2, 0.3)]) == 1
    assert validations_without_gain([row(0.2, 0.3), row(0.1, 0.4), row(0.1, 0.4), row(0.2, 0.3)]) == 2
    assert validations_without_gain([row(0.2, 0.3), row(0.1, 0.1), row(0.3, 0.1)]) == 0


def test_epochs_without_a_validation_use_up_no_patience():
    assert validations_without_gain([row(0.2), {"epoch": 2}, row(0.2), {"epoch": 4}]) == 1
    assert validations_without_gain([row(None, None), row(0.0, None)]) == 0
