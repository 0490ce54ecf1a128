"""A run beside what main stands on, as a reviewer asks: what changed, on which rows, at what cost. Words none of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..conclusion import Conclusion
from ..gates.verdict import PASSED
from ..records import SampleRecord, Took
from .against import Other, sides
from .pairing import Compared, Comparison, lay_beside
from .sides import Side


@dataclass(frozen=True, slots=True)
class Flip:
    """A row whose body passes more often, or less, than before."""

    eval: str
    row: str
    before: float
    """Share of epochs that passed."""
    after: float
    why: str
    """Why it misses: now, or before."""
    now: str | None
    """What is answered."""
    then: str | None = None
    """What was answered; None where nobody kept it here."""

    @property
    def worse(self) -> bool:
        """Whether it passes less often."""
        return self.after < self.before


@dataclass(frozen=True, slots=True)
class Beheld:
    """One run-config beside one other."""

    run_config: str
    comparison: Comparison
    took: tuple[Took, Took] | None
    """What answers took before and now, over the evals of which both sides say it; None where there is none."""
    flips: tuple[Flip, ...]
    """Rows of `passed`, the losses first."""


@dataclass(frozen=True, slots=True)
class Review:
    """A run beside one other side."""

    against: str
    number: int
    """Comparisons that were made at once, over all run-configs."""
    beheld: tuple[Beheld, ...]
    """The first is what ships, or was named first."""


def review(home: Conclusion, other: Other, run_configs: Sequence[str] = ()) -> Review:
    """Compare a run with the other side. Raises UsageError where a side has no such run-config."""
    pairs = sides(home, other, run_configs)
    found = lay_beside(pairs)
    beheld = tuple(_beheld(*pair, comparison) for pair, comparison in zip(pairs, found, strict=True))
    return Review(other.shown, sum(len(one.scores) for one in found), beheld)


def _beheld(first: Side, second: Side, comparison: Comparison) -> Beheld:
    flips = [flip for each in comparison.scores if each.score == PASSED for flip in _flips(each, first, second)]
    return Beheld(
        second.run_config, comparison, _took(first, second), tuple(sorted(flips, key=lambda flip: not flip.worse))
    )


def _flips(each: Compared, first: Side, second: Side) -> Iterator[Flip]:
    before, after = (side.measured[each.eval].scores[PASSED] for side in (first, second))
    then, now = (_samples(side.records, each.eval) for side in (first, second))
    for row in (*each.worse, *each.better):
        was, now_is = (sum(values[row]) / len(values[row]) for values in (before, after))
        kinds = ("pass", "miss") if now_is < was else ("miss", "pass")
        old, new = _one(then.get(row, ()), kinds[0]), _one(now.get(row, ()), kinds[1])
        told = new if kinds[1] == "miss" else old
        why = told.outcome.why if told is not None else ""
        yield Flip(each.eval, row, was, now_is, why, new.output if new else None, old.output if old else None)


def _samples(records: Iterable[SampleRecord], eval_: str) -> Mapping[str, list[SampleRecord]]:
    rows: dict[str, list[SampleRecord]] = {}
    for record in records:
        if record.eval == eval_:
            rows.setdefault(record.row, []).append(record)
    return rows


def _one(records: Sequence[SampleRecord], kind: str) -> SampleRecord | None:
    """The first epoch that ended so, else the first."""
    return next((r for r in records if r.outcome.kind == kind), records[0] if records else None)


def _took(first: Side, second: Side) -> tuple[Took, Took] | None:
    one, two = first.measured, second.measured
    both = [(one[n].took, two[n].took) for n in one if n in two]
    pairs = [(a, b) for a, b in both if a is not None and b is not None and a.answers and b.answers]
    return (_sum(a for a, _ in pairs), _sum(b for _, b in pairs)) if pairs else None


def _sum(parts: Iterable[Took]) -> Took:
    """A sum is not known where one of its parts is not."""
    known = list(parts)
    tokens_in, tokens_out = [one.input_tokens for one in known], [one.output_tokens for one in known]
    costs = [one.cost for one in known]
    return Took(
        sum(one.answers for one in known),
        None if None in tokens_in else sum(n for n in tokens_in if n is not None),
        None if None in tokens_out else sum(n for n in tokens_out if n is not None),
        None if None in costs else sum(c for c in costs if c is not None),
    )
