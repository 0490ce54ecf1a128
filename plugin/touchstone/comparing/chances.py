"""A/A: one run-config's own epochs against each other. Counts how often the test calls chance a difference."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..stats import Interval, wilson
from ..stats.paired import difference
from .measured import by_eval, scores_of, values_of
from .sides import Side

ALARM = 0.05
"""Below this p a difference counts as shown."""


@dataclass(frozen=True, slots=True)
class Chances:
    """False alarms of one eval and score."""

    eval: str
    score: str
    rows: int
    """With two epochs or more."""
    moving: int
    """Of those, rows whose epochs differ: without them nothing can raise an alarm."""
    times: int
    alarms: int
    interval: Interval
    """95 %, of the share of alarms."""

    @property
    def too_many(self) -> bool:
        """Whether there are surely more than one in twenty."""
        return self.interval.low > ALARM


def self_check(side: Side, times: int = 1000, seed: int = 0) -> tuple[Chances, ...]:
    """Split each row's epochs in two at random, `times` times, and compare the halves as `compare` would.

    Where a row has an odd number of epochs one of them, a random one, is left out each time. Raises UsageError where
    no row has two epochs.
    """
    found = tuple(_checked(side, times, random.Random(seed)))
    if not found:
        message = f"the run {side.run} has each row of {side.run_config} once; an A/A check splits repeated epochs"
        hint = f"make one: pytest evals/ --epochs 4 --run-config {side.run_config}"
        raise UsageError(message, where="selfcheck", hint=hint)
    return found


def _checked(side: Side, times: int, rng: random.Random) -> Iterator[Chances]:
    for eval_, records in by_eval(side.records).items():
        for score in scores_of(records):
            rows = {row: values for row, values in values_of(records, score).items() if len(values) > 1}
            if rows:
                alarms = sum(_alarm(rows, rng) for _ in range(times))
                moving = sum(len(set(values)) > 1 for values in rows.values())
                yield Chances(eval_, score, len(rows), moving, times, alarms, wilson(alarms / times, times))


def _alarm(rows: Mapping[str, Sequence[float]], rng: random.Random) -> bool:
    found = difference({row: _halves(values, rng) for row, values in rows.items()})
    return found is not None and found.p < ALARM


def _halves(values: Sequence[float], rng: random.Random) -> tuple[list[float], list[float]]:
    half = len(values) // 2
    drawn = rng.sample(values, 2 * half)
    return drawn[:half], drawn[half:]
