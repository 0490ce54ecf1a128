"""How much rows can tell: how many more are needed, and what difference they could have shown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import fsum, sqrt

from .binomial import at_most, exactly, exceeded_by, more_than
from .intervals import Z95, effective_size, student, wilson
from .paired import Effect, Paired, span

Z80 = 0.8416212335729143
"""The 80 % quantile of the normal distribution: the power that is asked for."""
FARTHEST = 10_000_000
"""Rows beyond which "more rows" is no advice."""


def more_rows(tells: Callable[[int], bool], rows: int) -> int | None:
    """How many more than `rows` rows are the fewest at which `tells` is true; None if not even ten million are.

    `tells` must stay true once it is.
    """
    step = 1
    while not tells(rows + step):
        if step > FARTHEST:
            return None
        step *= 2
    low, high = step // 2, step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if tells(rows + middle) else (middle, high)
    return high


def rows_for_mean(values_by_row: Mapping[str, Sequence[float]], settled: Callable[[float, float], bool]) -> int | None:
    """More rows needed until `settled(low, high)` holds of the mean's interval, if the mean stays as it is.

    New rows are taken to be worth what the present ones are: as many epochs, as alike, as spread.
    """
    rows = [values for values in values_by_row.values() if values]
    flat = [value for values in rows for value in values]
    mean = min(1.0, fsum(flat) / len(flat))
    size, z = effective_size(rows, flat)

    def tells(n: int) -> bool:
        found = wilson(mean, size / len(rows) * n, Z95 if z == Z95 else student(n + 1))
        return settled(found.low, found.high)

    return more_rows(tells, len(rows))


def rows_for_difference(found: Effect, settled: Callable[[float, float], bool]) -> int | None:
    """More rows needed until `settled(low, high)` holds of the difference's interval, if it stays as it is."""

    def tells(n: int) -> bool:
        at = span(found.mean, found.square, n, once=found.once)
        return settled(at.low, at.high)

    return more_rows(tells, found.n)


def smallest_difference(found: Paired | Effect) -> float | None:
    """The smallest true difference that these rows would have shown with 80 % power at 5 %; None if none at all.

    From the number of rows and the flips seen (with two more, as in the interval). Passes and fails: the exact power
    of the exact McNemar test, over all numbers of flips that may occur (Duffy, Biometrics 40, 1984). Grades and epochs:
    the normal approximation with the larger variance of no difference (Connor, Biometrics 43, 1987, with the mean
    square in the place of the share of flips).
    """
    seen = found.effect if isinstance(found, Paired) else found
    share = min(1.0, (seen.square * seen.n + 2) / (seen.n + 2))
    shows = _exact(seen.n, share) if seen.once else _normal(seen.n, share)
    if not shows(1.0):
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def _normal(n: int, share: float) -> Callable[[float], bool]:
    def shows(true: float) -> bool:
        square = max(share, true * true)
        return sqrt(n) * true >= Z95 * sqrt(square) + Z80 * sqrt(square - true * true)

    return shows


def _exact(n: int, share: float) -> Callable[[float], bool]:
    """A difference of `true` needs at least as many flips."""
    import numpy as np

    flips = np.arange(n + 1)
    # The fewest flips one way at which a test of so many flips says that they are no chance.
    needed = exceeded_by(0.025, flips, 0.5) + 1

    def shows(true: float) -> bool:
        flipping = max(share, true)
        one_way = (1 + true / flipping) / 2
        found = more_than(needed - 1, flips, one_way) + at_most(flips - needed, flips, one_way)
        return float((exactly(flips, n, flipping) * found).sum()) >= 0.8

    return shows
