"""Two sides' samples paired by row, tested, and corrected for the number of tests. Owns the figures; words none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from ..errors import UsageError
from ..gates import passed
from ..gates.verdict import PASSED
from ..records import SampleRecord
from ..stats import by_row
from ..stats.paired import Paired, difference, holm
from ..stats.power import smallest_difference
from ..stats.repeats import Repeats, repeats
from .sides import Side

_Values = dict[str, list[float]]


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

    def __bool__(self) -> bool:
        return any((self.edited, self.only_first, self.only_second, *self.errors, *self.skipped))


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


def compare(
    pairs: Sequence[tuple[Side, Side]], eval_: str | None = None, score: str | None = None
) -> tuple[Comparison, ...]:
    """Every eval and score that both sides have, or the one that is named.

    A score that is on every row what `passed` is stands once. Raises UsageError where nothing can be compared.
    """
    found = [_compare(first, second, eval_, score) for first, second in pairs]
    if not any(one.scores for one in found):
        raise UsageError(_why_nothing(pairs, eval_, score, found), hint=_there_is(pairs))
    adjusted = iter(holm([each.found.p for one in found for each in one.scores]))
    return tuple(
        replace(one, scores=tuple(replace(each, adjusted=next(adjusted)) for each in one.scores)) for one in found
    )


def values_of(records: Iterable[SampleRecord], score: str) -> _Values:
    """Row -> its scores, one an epoch; samples without a measurement left out."""
    known = [r for r in records if r.outcome.kind in ("pass", "miss") and (score == PASSED or score in r.scores)]
    return by_row((r.row, passed(r) if score == PASSED else r.scores[score].value) for r in known)


def scores_of(records: Sequence[SampleRecord]) -> list[str]:
    """`passed`, and the scores that tell more than it does."""
    names = dict.fromkeys(name for record in records for name in record.scores if name != PASSED)
    bodies = values_of(records, PASSED)
    return [PASSED, *(name for name in names if values_of(records, name) != bodies)]


def by_eval(records: Iterable[SampleRecord]) -> dict[str, list[SampleRecord]]:
    """Eval -> its samples, by name."""
    evals: dict[str, list[SampleRecord]] = {}
    for record in sorted(records, key=lambda r: (r.eval, r.row, r.epoch, r.test)):
        evals.setdefault(record.eval, []).append(record)
    return evals


def _compare(first: Side, second: Side, eval_: str | None, score: str | None) -> Comparison:
    one, two = by_eval(first.records), by_eval(second.records)
    names = [name for name in one if name in two and eval_ in (None, name)]
    left_out = {name: _left_out(name, one[name], two[name]) for name in names}
    scores = [
        found
        for name in names
        for which in ([score] if score else scores_of([*one[name], *two[name]]))
        if (found := _score(name, which, one[name], two[name], left_out[name].edited)) is not None
    ]
    told = [
        r for name in names for side, own in ((first, one), (second, two)) for r in _repeated(name, side, own[name])
    ]
    return Comparison(first.name, second.name, tuple(scores), tuple(filter(None, left_out.values())), tuple(told))


def _score(
    eval_: str, score: str, one: Sequence[SampleRecord], two: Sequence[SampleRecord], edited: Sequence[str]
) -> Compared | None:
    before, after = values_of(one, score), values_of(two, score)
    pairs = {row: (before[row], after[row]) for row in before if row in after and row not in edited}
    found = difference(pairs)
    if found is None:
        return None
    first, second = ({row: fsum(pair[side]) / len(pair[side]) for row, pair in pairs.items()} for side in (0, 1))
    better = tuple(row for row in pairs if second[row] > first[row])
    worse = tuple(row for row in pairs if second[row] < first[row])
    means = fsum(first.values()) / found.n, fsum(second.values()) / found.n
    return Compared(eval_, score, means[0], means[1], found, found.p, smallest_difference(found), better, worse)


def _left_out(name: str, one: Sequence[SampleRecord], two: Sequence[SampleRecord]) -> LeftOut:
    before, after = _hashes(one), _hashes(two)
    edited = tuple(row for row in before if row in after and before[row] != after[row])
    gone = tuple(row for row in before if row not in after)
    new = tuple(row for row in after if row not in before)
    skipped = (_kinds(one).count("skipped"), _kinds(two).count("skipped"))
    return LeftOut(name, edited, gone, new, (_errors(one), _errors(two)), skipped)


def _hashes(records: Sequence[SampleRecord]) -> Mapping[str, str]:
    return {record.row: record.row_hash for record in records}


def _kinds(records: Sequence[SampleRecord]) -> list[str]:
    return [record.outcome.kind for record in records]


def _errors(records: Sequence[SampleRecord]) -> int:
    return sum(record.outcome.kind == "error" or bool(record.errors) for record in records)


def _repeated(name: str, side: Side, records: Sequence[SampleRecord]) -> list[Repeated]:
    tries = {row: [value == 1.0 for value in values] for row, values in values_of(records, PASSED).items()}
    found = repeats(tries)
    return [Repeated(name, side.name, found)] if found else []


def _why_nothing(
    pairs: Sequence[tuple[Side, Side]], eval_: str | None, score: str | None, found: Sequence[Comparison]
) -> str:
    if any(one.left_out for one in found):
        return "no row was measured by both sides with the same content"
    what = " with ".join(
        part for part in (f"the eval {eval_!r}" * bool(eval_), f"a score {score!r}" * bool(score)) if part
    )
    return f"{pairs[0][0].name} and {pairs[0][1].name} do not share {what or 'an eval'}"


def _there_is(pairs: Sequence[tuple[Side, Side]]) -> str:
    records = pairs[0][0].records
    names = dict.fromkeys(name for record in records for name in record.scores)
    return f"evals: {', '.join(by_eval(records))}; scores: {', '.join([PASSED, *names])}"
