"""How far a training run is and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

RECENT_EPOCHS = 5
SAY_EVERY = 1.0
"""Seconds from one line about a step to the next."""


class Pace:
    """Counts the steps of an epoch over all of its parts. `history` has a row with "seconds" for each epoch
    that is finished."""

    def __init__(
        self,
        *,
        epochs: int,
        steps: int,
        history: Sequence[dict[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epochs, self.steps, self.history, self.clock = epochs, steps, history, clock
        self.said_at = float("-inf")
        self.start_epoch(0)

    def start_epoch(self, finished: int) -> None:
        """An epoch begins, after `finished` others."""
        self.finished, self.done, self.started = finished, 0, self.clock()

    def step(self) -> bool:
        """Count a step; returns whether it is time to say how far the run is."""
        self.done += 1
        if self.clock() - self.said_at < SAY_EVERY and self.done < self.steps:
            return False
        self.said_at = self.clock()
        return True

    def report(self) -> dict[str, Any]:
        """progress, 0 to 1, and seconds_left, None before there is anything to judge by."""
        share = self.done / self.steps
        recent = [row["seconds"] for row in self.history[-RECENT_EPOCHS:]]
        if recent:
            per_epoch = sum(recent) / len(recent)
        elif share:
            per_epoch = (self.clock() - self.started) / share
        else:
            per_epoch = None
        left = self.epochs - self.finished - share
        return {
            "progress": round((self.finished + share) / self.epochs, 4),
            "seconds_left": None if per_epoch is None else round(per_epoch * left, 1),
        }


def validations_without_gain(history: Sequence[dict[str, Any]]) -> int:
    """How many validations in a row, the last one included, gave no part a better figure than all before."""
    best: dict[str, float] = {}
    count = 0
    for row in history:
        if "valid" not in row and "closeups" not in row:
            continue
        scores = {
            "grid": row.get("valid", {}).get("face_AP50"),
            "closeup": row.get("closeups", {}).get("accuracy"),
        }
        better = {
            name: score
            for name, score in scores.items()
            if score is not None and score > best.get(name, -1.0)
        }
        best |= better
        count = 0 if better else count + 1
    return count
