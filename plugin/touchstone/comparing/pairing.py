"""Two sides' samples paired by row, tested, and corrected for the number of tests. Owns the figures; words none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from ..errors import UsageError
from ..gates.verdict import PASSED, kept_mean
from ..stats.paired import Paired, Pairs, difference, holm
from ..stats.power import smallest_difference
from ..stats.repeats import Repeats, repeats
from .measured import Measured, telling
from .sides import Side


@dataclass(frozen=True, slots=True)
class Compared:
    """One score of one eval, the second side's against the first's."""

    eval: str
    score: str
    """`passed` for the test bodies."""
    first: float
    """Mean over the rows compared."""
    second: float
    found: Paired
    adjusted: float
    """p, by Holm's method, among all that were compared at once."""
    smallest: float | None
    """The smallest true difference that these rows could have shown; None: none at all."""
    better: tuple[str, ...]
    """Rows on which the second scored higher."""
    worse: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of an eval was not compared."""

    eval: str
    edited: tuple[str, ...]
    """Rows of both that say something else in one of them."""
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    errors: tuple[int, int]
    """Samples of the first and of the second without an answer or a score."""
    skipped: tuple[int, int]
    unselected: tuple[str, ...] = ()
    """Rows that only one has, because the other looked at some of its rows alone."""

    def __bool__(self) -> bool:
        return any((self.edited, self.only_first, self.only_second, *self.errors, *self.skipped, self.unselected))


@dataclass(frozen=True, slots=True)
class Repeated:
    """What one side's repeated epochs tell of an eval."""

    eval: str
    side: str
    found: Repeats


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pair of sides."""

    first: str
    second: str
    scores: tuple[Compared, ...]
    left_out: tuple[LeftOut, ...]
    repeated: tuple[Repeated, ...]
    changed: tuple[tuple[str, str], ...] = ()
    """(eval, score) whose scorer is not the same on both sides: not compared."""
    only_first: tuple[str, ...] = ()
    """Evals that the second side does not have."""
    only_second: tuple[str, ...] = ()


def compare(
    pairs: Sequence[tuple[Side, Side]], eval_: str | None = None, score: str | None = None
) -> tuple[Comparison, ...]:
    """Every eval and score that both sides have, or the one that is named.

    A score that is on every row what `passed` is stands once. Raises UsageError where nothing can be compared.
    """
    found = lay_beside(pairs, eval_, score)
    if not any(one.scores for one in found):
        raise UsageError(_why_nothing(pairs, eval_, score, found), hint=_there_is(pairs))
    return found


def lay_beside(
    pairs: Sequence[tuple[Side, Side]], eval_: str | None = None, score: str | None = None
) -> tuple[Comparison, ...]:
    """As `compare`, also where nothing of it can be compared."""
    found = [_compare(first, second, eval_, score) for first, second in pairs]
    adjusted = iter(holm([each.found.p for one in found for each in one.scores]))
    return tuple(
        replace(one, scores=tuple(replace(each, adjusted=next(adjusted)) for each in one.scores)) for one in found
    )


def _compare(first: Side, second: Side, eval_: str | None, score: str | None) -> Comparison:
    one, two = first.measured, second.measured
    kept = first.baseline is not None or second.baseline is not None
    names = [name for name in one if name in two and eval_ in (None, name)]
    left_out = {name: _left_out(name, first, second) for name in names}
    wanted = [(name, which) for name in names for which in ([score] if score else telling(one[name], two[name]))]
    changed = tuple((name, which) for name, which in wanted if _changed(which, one[name], two[name]))
    scores = [
        found
        for name, which in wanted
        if (name, which) not in changed
        and (found := _score(name, which, _pairs(which, one[name], two[name], kept=kept))) is not None
    ]
    told = [r for name in names for side, own in ((first, one), (second, two)) for r in _repeated(side, name, own)]
    return Comparison(
        first.name,
        second.name,
        tuple(scores),
        tuple(filter(None, left_out.values())),
        tuple(told),
        changed,
        tuple(name for name in one if name not in two and eval_ in (None, name)),
        tuple(name for name in two if name not in one and eval_ in (None, name)),
    )


def _changed(score: str, one: Measured, two: Measured) -> bool:
    """Whether it is known that the score is measured with something else."""
    if score not in one.scores or score not in two.scores:
        return False
    known = one.scorers.get(score), two.scorers.get(score)
    return all(known) and known[0] != known[1]


def _pairs(score: str, one: Measured, two: Measured, *, kept: bool) -> Pairs:
    """Rows of both with the same content. With `kept`, both as a baseline keeps them: what is rounded on one side alone
    would seem to move.
    """
    before, after = one.scores.get(score, {}), two.scores.get(score, {})
    rows = [row for row in before if row in after and one.hashes[row] == two.hashes[row]]
    if kept:
        return {row: ([kept_mean(before[row])], [kept_mean(after[row])]) for row in rows}
    return {row: (before[row], after[row]) for row in rows}


def _score(eval_: str, score: str, pairs: Pairs) -> Compared | None:
    found = difference(pairs)
    if found is None:
        return None
    first, second = ({row: fsum(pair[side]) / len(pair[side]) for row, pair in pairs.items()} for side in (0, 1))
    better = tuple(row for row in pairs if second[row] > first[row])
    worse = tuple(row for row in pairs if second[row] < first[row])
    means = fsum(first.values()) / found.n, fsum(second.values()) / found.n
    return Compared(eval_, score, means[0], means[1], found, found.p, smallest_difference(found), better, worse)


def _left_out(name: str, first: Side, second: Side) -> LeftOut:
    one, two = first.measured[name], second.measured[name]
    before, after = one.hashes, two.hashes
    edited = tuple(row for row in before if row in after and before[row] != after[row])
    gone = tuple(row for row in before if row not in after)
    new = tuple(row for row in after if row not in before)
    unselected = gone * (name in second.partial) + new * (name in first.partial)
    gone, new = gone * (name not in second.partial), new * (name not in first.partial)
    return LeftOut(name, edited, gone, new, (one.errors, two.errors), (one.skipped, two.skipped), unselected)


def _repeated(side: Side, name: str, own: Mapping[str, Measured]) -> list[Repeated]:
    tries = {row: [value == 1.0 for value in values] for row, values in own[name].scores.get(PASSED, {}).items()}
    found = repeats(tries)
    return [Repeated(name, side.name, found)] if found else []


def _why_nothing(
    pairs: Sequence[tuple[Side, Side]], eval_: str | None, score: str | None, found: Sequence[Comparison]
) -> str:
    if any(one.changed for one in found):
        return "what gives the scores has changed between the two: they are not comparable"
    if any(one.left_out for one in found):
        return "no row was measured by both sides with the same content"
    what = " with ".join(
        part for part in (f"the eval {eval_!r}" * bool(eval_), f"a score {score!r}" * bool(score)) if part
    )
    return f"{pairs[0][0].name} and {pairs[0][1].name} do not share {what or 'an eval'}"


def _there_is(pairs: Sequence[tuple[Side, Side]]) -> str:
    evals = pairs[0][0].measured
    names = dict.fromkeys([PASSED, *(score for one in evals.values() for score in one.scores)])
    return f"evals: {', '.join(evals)}; scores: {', '.join(names)}"
