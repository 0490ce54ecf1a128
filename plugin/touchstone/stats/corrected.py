"""A judge's mean corrected for the judge's measured errors. Pure; knows no judge, no rule and no wording of reports.

Both ways take labelled pairs (truth, judge) and judged outputs without a label, and assume that the labelled outputs
were drawn like the unlabelled ones. Values are from 0 to 1.

* `prediction_powered`: the mean of the labelled truth, moved by what the judge says of the unlabelled outputs as far as
  the judge is to be trusted (PPI++: Angelopoulos, Duchi & Zrnic, arXiv 2311.01453, 2023; the weight is their lambda,
  from 0 to 1). Any scale. A useless judge gets a weight near 0, which leaves the labelled mean. Each labelled row is
  moved by a weight tuned on the others, so that tuning adds no bias.
* `rogan_gladen`: the judge's pass rate solved for the true one by its TPR and TNR (Rogan & Gladen, Am. J. Epidemiol.
  107, 1978). Passes and fails. Stays right where the share of passes differs between the labelled and the unlabelled
  outputs, so long as TPR and TNR do not. The interval is Fieller's (J. R. Stat. Soc. B 16, 1954) with the pseudo-counts
  of Lang & Reiczigel (Prev. Vet. Med. 113, 2014).

Both intervals carry the noise of both sets, with rows as clusters. They are never of zero width: a judge that made no
mistake so far has made none *yet*, so one of each kind is added before the variance is taken. That of PPI++ is Wilson's
at the effective size (as in `intervals`), with Student's t for the number of labelled rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, isfinite, sqrt
from typing import TypeAlias

from .intervals import Z95, Interval, effective_size, student, wilson

Pair: TypeAlias = tuple[float, float]
"""(truth, judge) of one labelled output."""

UNLIKE = "the judge's errors alone explain more than all it says: are the labelled outputs like these?"


@dataclass(frozen=True, slots=True)
class Corrected:
    """A mean without the judge's bias; `mean` is None where there is none, and `why` says why."""

    mean: float | None
    interval: Interval | None
    """95 %."""
    weight: float
    """How much of the judge's word is used: PPI++'s lambda; 1 for Rogan-Gladen."""
    n: int
    """Labelled outputs."""
    unlabelled: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Rate:
    """A share of passes, by rows."""

    share: float
    """As it was seen."""
    shrunk: float
    """With made-up rows of each kind."""
    variance: float
    """Of `shrunk`."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over rows of the products that a covariance by clusters needs; rows can be taken out again."""

    rows: int
    n: float
    truth: float
    judge: float
    square: float
    """Of outputs a row."""
    truth_n: float
    judge_n: float
    truth_judge: float
    judge_judge: float

    def without(self, row: _Sums) -> _Sums:
        """All rows but this one."""
        return _Sums(*(getattr(self, name) - getattr(row, name) for name in self.__slots__))

    def covariance(self) -> float:
        """Of the means of truth and judge."""
        truth, judge = self.truth / self.n, self.judge / self.n
        total = self.truth_judge - truth * self.judge_n - judge * self.truth_n + truth * judge * self.square
        return total / self.n**2 * self.rows / (self.rows - 1) if self.rows > 1 else 0.0

    def variance(self) -> float:
        """Of the mean of the judge."""
        judge = self.judge / self.n
        total = self.judge_judge - 2 * judge * self.judge_n + judge**2 * self.square
        return total / self.n**2 * self.rows / (self.rows - 1) if self.rows > 1 else 0.0


def prediction_powered(
    labelled: Sequence[Pair],
    unlabelled: Sequence[float],
    *,
    rows: Sequence[str] | None = None,
    unlabelled_rows: Sequence[str] | None = None,
) -> Corrected:
    """PPI++ mean of the truth over outputs like these.

    `rows`, `unlabelled_rows`: the row of each output; several outputs of a row are one cluster. Left out: all differ.
    Raises ValueError for a value outside [0, 1] or rows of another length.
    """
    groups = _by_row(_checked(labelled), rows)
    others = _by_row(_checked([(0.0, judge) for judge in unlabelled]), unlabelled_rows)
    if not groups:
        return Corrected(None, None, 0.0, 0, len(unlabelled), "no output is labelled")
    weights = _weights(groups, others)
    weight, level = fsum(weights) / len(weights), _sums(others)
    judged = level.judge / level.n if others else 0.0
    moved = fsum(t + w * (judged - j) for w, group in zip(weights, groups, strict=True) for t, j in group)
    mean = min(1.0, max(0.0, moved / len(labelled)))
    why = "" if others else "nothing but the labelled outputs"
    return Corrected(mean, _span(mean, groups, others, weight), weight, len(labelled), len(unlabelled), why)


def rogan_gladen(  # noqa: PLR0913  (two sets and their rows)
    labelled: Sequence[Pair],
    unlabelled: Sequence[float],
    *,
    threshold: float = 0.5,
    truth_threshold: float | None = None,
    rows: Sequence[str] | None = None,
    unlabelled_rows: Sequence[str] | None = None,
) -> Corrected:
    """The true pass rate of the unlabelled outputs; a value is a pass from `threshold` up. Raises as above.

    No mean where TPR + TNR - 1 is not shown to be above 0: such a judge's answers tell nothing to correct by.
    """
    line = threshold if truth_threshold is None else truth_threshold
    pairs = [(float(t >= line), float(j >= threshold)) for t, j in _checked(labelled)]
    says = [(0.0, float(j >= threshold)) for _, j in _checked([(0.0, judge) for judge in unlabelled])]
    groups, others = _by_row(pairs, rows), _by_row(says, unlabelled_rows)
    sides = [[[j for t, j in group if t == truth] for group in groups] for truth in (1.0, 0.0)]
    if why := _missing(sides, others):
        return Corrected(None, None, 1.0, len(labelled), len(unlabelled), why)
    judged = _rate([[j for _, j in group] for group in others], Z95**2 / 2)
    mean, interval, why = _solved(judged, *(_rate(side, 1.0) for side in sides))
    return Corrected(mean, interval, 1.0, len(labelled), len(unlabelled), why)


def _checked(pairs: Sequence[Pair]) -> Sequence[Pair]:
    if not all(isfinite(value) and 0.0 <= value <= 1.0 for pair in pairs for value in pair):
        raise ValueError("a truth and a judge's answer are numbers from 0 to 1")
    return pairs


def _by_row(pairs: Sequence[Pair], rows: Sequence[str] | None) -> list[list[Pair]]:
    names = range(len(pairs)) if rows is None else rows
    if len(names) != len(pairs):
        raise ValueError(f"{len(names)} rows for {len(pairs)} outputs")
    found: dict[object, list[Pair]] = {}
    for pair, name in zip(pairs, names, strict=True):
        found.setdefault(name, []).append(pair)
    return list(found.values())


def _sums(groups: Sequence[Sequence[Pair]]) -> _Sums:
    return _total([_row_sums(group) for group in groups])


def _total(rows: Sequence[_Sums]) -> _Sums:
    return _Sums(*(sum(getattr(row, name) for row in rows) for name in _Sums.__slots__))


def _row_sums(group: Sequence[Pair]) -> _Sums:
    n, truth, judge = len(group), fsum(t for t, _ in group), fsum(j for _, j in group)
    return _Sums(1, n, truth, judge, n * n, truth * n, judge * n, truth * judge, judge * judge)


def _weights(groups: Sequence[Sequence[Pair]], others: Sequence[Sequence[Pair]]) -> list[float]:
    """PPI++'s lambda for each labelled row, tuned on all the others; 0 where nothing is unlabelled."""
    if len(others) < 2:
        return [0.0] * len(groups)
    each, noise = [_row_sums(group) for group in groups], _sums(others).variance()
    everything = _total(each)
    return [_tuned(everything.without(row), noise) if len(each) > 1 else 0.0 for row in each]


def _tuned(sums: _Sums, noise: float) -> float:
    """The weight of the least variance: cov(truth, judge) over var(judge), labelled and unlabelled together."""
    variance = sums.variance() + noise
    return min(1.0, max(0.0, sums.covariance() / variance)) if variance > 1e-15 else 0.0


def _span(mean: float, groups: list[list[Pair]], others: list[list[Pair]], weight: float) -> Interval:
    """Wilson's interval at the size that has the variance of both sets, the made-up rows among them."""
    n, each = len(groups), max(1, round(sum(map(len, groups)) / len(groups)))
    made_up: list[list[Pair]] = [[(0.0, 1.0)] * each, [(1.0, 0.0)] * each]
    variance = _variance([[t - weight * j for t, j in group] for group in groups + made_up])
    if others and weight:
        variance += weight**2 * _variance([[j for _, j in group] for group in others] + [[0.0], [1.0]])
    shrunk = (n * mean + 1) / (n + 2)
    return wilson(mean, shrunk * (1 - shrunk) / variance, student(n + 1))


def _variance(rows: Sequence[Sequence[float]]) -> float:
    """Of the mean over all values, rows being clusters."""
    n = sum(map(len, rows))
    mean = fsum(value for row in rows for value in row) / n
    return fsum((fsum(row) - len(row) * mean) ** 2 for row in rows) / n**2 * len(rows) / (len(rows) - 1)


def _missing(sides: Sequence[Sequence[Sequence[float]]], others: Sequence[object]) -> str:
    passes, fails = (any(side) for side in sides)
    if not others:
        return "no output is without a label"
    return "" if passes and fails else f"no labelled output {'fails' if passes else 'passes'}"


def _rate(rows: Sequence[Sequence[float]], added: float) -> _Rate:
    """The share of passes; `added` passes and as many fails are made up."""
    kept = [row for row in rows if row]
    flat = [value for row in kept for value in row]
    share, (size, _) = fsum(flat) / len(flat), effective_size(kept, flat)
    shrunk, size = (size * share + added) / (size + 2 * added), size + 2 * added
    return _Rate(share, shrunk, shrunk * (1 - shrunk) / size)


def _solved(judged: _Rate, passes: _Rate, fails: _Rate) -> tuple[float | None, Interval | None, str]:
    """(mean, interval, why) from the judge's pass rates: of all, of what passes in truth, of what fails in truth."""
    ends, youden = _fieller(judged, passes, fails), passes.share - fails.share
    if ends is None or youden <= 0:
        return None, None, f"TPR + TNR - 1 is {youden:+.2f}, not shown to be above 0"
    mean = min(1.0, max(0.0, (judged.share - fails.share) / youden))
    low, high = max(0.0, min(ends[0], mean)), min(1.0, max(ends[1], mean))
    if low < high:
        return mean, Interval(low, high), ""
    return mean, wilson(mean, judged.shrunk * (1 - judged.shrunk) / judged.variance), UNLIKE


def _fieller(judged: _Rate, passes: _Rate, fails: _Rate) -> tuple[float, float] | None:
    """All p that fit judged = p * passes + (1 - p) * fails; None where every p may."""
    top, bottom = judged.shrunk - fails.shrunk, passes.shrunk - fails.shrunk
    square = bottom**2 - Z95**2 * (passes.variance + fails.variance)
    if square <= 0:
        return None
    middle = top * bottom - Z95**2 * fails.variance
    rest = top**2 - Z95**2 * (judged.variance + fails.variance)
    half = sqrt(max(0.0, middle**2 - square * rest))
    return (middle - half) / square, (middle + half) / square
