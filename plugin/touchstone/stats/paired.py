"""Two ways of doing the same rows, compared: the difference, its 95 % interval, and whether chance explains it.

Pure. Owns no record and no wording. Everything is paired by row, as a row that is hard for one is hard for the other.

* **Interval.** Each row has one difference, from -1 to 1 (of its means, where epochs repeat). Two rows are added, one
  of +1 and one of -1, and the usual interval of a mean is taken. For passes and fails this *is* the adjusted Wald
  interval of Bonett & Price (J. Educational and Behavioral Statistics 37, 2012), with the normal quantile; graded and
  repeated scores take Student's t. The added rows are those of `intervals` for a difference: rows that all agree have
  shown no difference *yet*, so the interval is never of zero width.
* **Test**, passes and fails once a row: McNemar's, exact (the binomial test of the flips).
* **Test**, grades or epochs: the sign-flip permutation test of the mean difference (Fisher, The Design of Experiments,
  1935). Its distribution is added up exactly, row by row, on a lattice of 1/5040 (Pagano & Tritchler, J. Am. Stat.
  Assoc. 78, 1983); where that would take long, 9,999 seeded draws stand for it, counted as (b + 1) / (m + 1) so that p
  is never zero (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).

`effect` imports nothing heavy; `difference` imports scipy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, gcd, isfinite, sqrt
from typing import Any, Literal, TypeAlias

from .binomial import at_most
from .intervals import Z95, Interval, student

Pairs: TypeAlias = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""Row -> (scores of the first, scores of the second), one an epoch, each from 0 to 1."""
Test: TypeAlias = Literal["mcnemar", "sign-flip"]

LATTICE = 5040
"""Differences are multiples of 1/5040 to the test: passes and five stars over up to 7 epochs are so exactly."""
_WORK = 20_000_000
"""Additions that an exact distribution may take: a tenth of a second."""
_DRAWS = 9_999


@dataclass(frozen=True, slots=True)
class Effect:
    """A mean difference over rows, the second's less the first's, and how far to trust it."""

    mean: float
    interval: Interval
    """95 %, within [-1, 1]."""
    n: int
    """Rows compared."""
    better: int
    """Rows on which the second scored higher."""
    worse: int
    """Rows on which it scored lower."""
    square: float
    """Mean square of the rows' differences; of passes and fails the share of rows that flipped."""
    once: bool
    """Passes and fails, once a row."""


@dataclass(frozen=True, slots=True)
class Paired:
    """An effect with its test."""

    mean: float
    interval: Interval
    p: float
    """Two-sided: how often chance alone shows a difference as large."""
    test: Test
    n: int
    better: int
    worse: int
    effect: Effect

    @property
    def flips(self) -> int:
        """Rows on which the two differ."""
        return self.better + self.worse


def effect(pairs_by_row: Pairs) -> Effect | None:
    """The mean difference with its interval; None where no row has both. Raises ValueError outside [0, 1]."""
    pairs = _both(pairs_by_row)
    if not pairs:
        return None
    rows = _differences(pairs)
    once = _once(pairs)
    mean, square = fsum(rows) / len(rows), fsum(d * d for d in rows) / len(rows)
    better, worse = sum(d > 0 for d in rows), sum(d < 0 for d in rows)
    return Effect(mean, span(mean, square, len(rows), once=once), len(rows), better, worse, square, once)


def difference(pairs_by_row: Pairs) -> Paired | None:
    """The mean difference with its interval and test; None where no row has both. Raises ValueError outside [0, 1].

    The order of rows changes nothing, and neither does a row that only one of the two has.
    """
    found = effect(pairs_by_row)
    if found is None:
        return None
    test: Test = "mcnemar" if found.once else "sign-flip"
    p = mcnemar(found.better, found.worse) if found.once else sign_flip(_differences(_both(pairs_by_row)))
    return Paired(found.mean, found.interval, p, test, found.n, found.better, found.worse, found)


def span(mean: float, square: float, n: int, *, once: bool) -> Interval:
    """The 95 % interval of a mean difference over `n` rows whose squares have the mean `square`."""
    centre = mean * n / (n + 2)
    spread = (square * n + 2) / (n + 2) - centre * centre
    half = (Z95 if once else student(n + 1)) * sqrt(max(0.0, spread) / (n + 2))
    return Interval(max(-1.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))


def mcnemar(better: int, worse: int) -> float:
    """Exact two-sided p of flips each way; 1 where nothing flipped."""
    flips = better + worse
    return min(1.0, 2 * float(at_most(min(better, worse), flips, 0.5))) if flips else 1.0


def sign_flip(differences: Iterable[float]) -> float:
    """Two-sided p of the rows' differences: how often flipping their signs at random gives as large a sum."""
    whole = sorted(n for d in differences if (n := round(abs(d) * LATTICE) * (1 if d > 0 else -1)))
    if not whole:
        return 1.0
    step = gcd(*whole)
    steps = [number // step for number in whole]
    exact = len(steps) * sum(map(abs, steps)) <= _WORK
    return _exact(steps) if exact else _drawn(steps)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values adjusted for their number, in the order given (Holm, Scandinavian J. of Statistics 6, 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def _both(pairs_by_row: Pairs) -> list[tuple[Sequence[float], Sequence[float]]]:
    pairs = [pair for pair in pairs_by_row.values() if pair[0] and pair[1]]
    if not all(isfinite(value) and 0.0 <= value <= 1.0 for pair in pairs for side in pair for value in side):
        raise ValueError("a score is a number from 0 to 1")
    return pairs


def _differences(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[float]:
    return [fsum(second) / len(second) - fsum(first) / len(first) for first, second in pairs]


def _once(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> bool:
    return all(len(side) == 1 and side[0] in (0.0, 1.0) for pair in pairs for side in pair)


def _exact(steps: Sequence[int]) -> float:
    """The distribution of the sum under all flips, by convolution: index -> probability, the lowest sum first."""
    import numpy as np

    chances: Any = np.ones(1)
    for size in map(abs, steps):
        wider = np.zeros(len(chances) + 2 * size)
        wider[: len(chances)] += chances / 2
        wider[2 * size :] += chances / 2
        chances = wider
    seen, total = abs(sum(steps)), sum(map(abs, steps))
    tail = float(chances[: total - seen + 1].sum())
    return min(1.0, 2 * tail)


def _drawn(steps: Sequence[int]) -> float:
    import numpy as np

    rng = np.random.default_rng(0)
    values: Any = np.array(steps, dtype=np.float64)
    seen, larger, left = abs(sum(steps)), 0, _DRAWS
    while left:
        some = min(left, 1000)
        signs = rng.integers(0, 2, (some, len(values)), dtype=np.int8) * 2 - 1
        larger += int((np.abs(signs @ values) >= seen).sum())
        left -= some
    return (larger + 1) / (_DRAWS + 1)
