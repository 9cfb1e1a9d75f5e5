"""What is fuzzed, and how often: a part has cases and checks one of them; rounds of them are measured."""

import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

ROUND = 2_000
"""Cases after which Hypothesis begins anew: it remembers all of a round, and the memory measured is ours."""
WARM_UP = 3
"""Rounds before memory is measured: caches fill, and allocators take what they will keep."""


class Part(ABC):
    """One thing that takes bytes or texts of strangers. Made with a folder of its own for files."""

    name: ClassVar[str]
    cases: ClassVar[SearchStrategy[Any]]

    @abstractmethod
    def __init__(self, folder: Path) -> None: ...

    @abstractmethod
    def check(self, case: Any) -> None:
        """Fails, with whatever exception, where the product does not do what it promises."""


@dataclass(frozen=True)
class Figures:
    """What a run of a part took. Growth is of the process's resident memory, bytes, after the warm-up."""

    cases: int
    seconds: float
    growth: int


def run(
    part: Part, cases: int, *, begin: int = 0, on_round: Callable[[int], None] = lambda done: None
) -> Figures:
    """Try at least so many cases. Raises what the first failing one raised, made as small as it gets."""
    tried, rounds, at_first = 0, 0, 0
    started = time.monotonic()
    process = psutil.Process()
    while tried < cases:
        tried += _round(part, min(ROUND, cases - tried), begin + rounds)
        rounds += 1
        gc.collect()
        if rounds == WARM_UP:
            at_first = process.memory_info().rss
        on_round(tried)
    growth = process.memory_info().rss - at_first if rounds > WARM_UP else 0
    return Figures(tried, time.monotonic() - started, growth)


def _round(part: Part, cases: int, number: int) -> int:
    tried = 0

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
    )
    @given(part.cases)
    def one(case: Any) -> None:
        nonlocal tried
        tried += 1
        part.check(case)

    one()
    return tried
