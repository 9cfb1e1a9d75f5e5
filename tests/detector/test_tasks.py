"""What every worker does beside its messages."""

import pytest

from detector import tasks

SERVICES = (
    *("recover_abandoned_runs", "resend_next_run", "recover_batches", "expire_batches"),
    *("recover_dataset_checks", "delete_forgotten_uploads", "recover_evaluations", "resend_due_webhooks"),
    *("recover_speed_measurements", "expire_corrections", "delete_forgotten_crops"),
)


def test_a_service_that_fails_does_not_keep_the_others_from_their_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    def service(name: str) -> None:
        called.append(name)
        if name == "expire_batches":
            raise OSError("the disk is gone")

    for name in SERVICES:
        stand_in = lambda name=name: service(name)  # noqa: E731
        stand_in.__name__ = name
        monkeypatch.setattr(tasks, name, stand_in)
    tasks._look()
    assert called == list(SERVICES)
    assert "expire_batches failed" in caplog.text
    assert "the disk is gone" in caplog.text
