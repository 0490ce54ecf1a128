"""A review in plain words: at most four lines that say what changed and whether it is real. Text only; counts nothing.

Each line is made twice by the same code, for a terminal and for Markdown: `say` shows a name, `loud` what matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from ..gates.verdict import PASSED
from ..records import Took
from ..report.text import dollars, plural
from .pairing import Compared, Comparison, LeftOut
from .review import Beheld, Review
from .wording import SHOWN, effect, points

Say: TypeAlias = Callable[[str], str]
_FULL = 2
"""Differences of one kind that are told in full in a line."""
_NAMED = 6
"""Names in a line."""
_COST = "cost per 1,000 answers"
SAME = "same"
"""No change."""


def title(review: Review, say: Say) -> str:
    """`worse at 1 and better at 0 of 13 scores against main (3f2a1b0c)`."""
    one = review.beheld[0].comparison
    worse, better = real(one, worse=True), real(one, worse=False)
    against = f"against {say(review.against)}"
    if not one.scores:
        return f"nothing could be compared {against}"
    if not worse and not better:
        return f"no difference shown {against}"
    told = [f"{word} at {len(them)}" for word, them in (("worse", worse), ("better", better)) if them]
    return f"{' and '.join(told)} of {plural(len(one.scores), 'score')} {against}"


def lines(review: Review, say: Say, loud: Say) -> Iterator[str]:
    """What is real, what may be, what it costs, what was not compared; of the first run-config."""
    one = review.beheld[0]
    told = [_real(one, review, say, worse=True), _real(one, review, say, worse=False)]
    yield from (loud(line) if index < 2 else line for index, line in enumerate(told) if line)
    yield _others(one, review, say)
    yield "; ".join(filter(None, [_took(one.took), *_lost(one, say)]))


def mark(each: Compared) -> str:
    """`-9 [-14, -3]`, with an arrow where it is real (filled) or may be (open)."""
    if each.found.mean == 0 or each.found.p >= SHOWN:
        return effect(each)
    arrows = "▲▼" if each.adjusted < SHOWN else "△▽"
    return f"{arrows[each.found.mean < 0]} {effect(each)}"


def real(one: Comparison, *, worse: bool) -> list[Compared]:
    """Differences that the paired test shows, the largest first."""
    found = [each for each in one.scores if each.adjusted < SHOWN and (each.found.mean < 0) == worse]
    return sorted(found, key=lambda each: -abs(each.found.mean))


def named(each: Compared, say: Say) -> str:
    """`correctness`, `correctness executes`."""
    return say(each.eval) + ("" if each.score == PASSED else f" {say(each.score)}")


def uncompared(one: Comparison, found: LeftOut) -> Iterator[tuple[str, Sequence[str]]]:
    """(why, rows) of the rows of an eval that were not compared."""
    yield from (("new", found.only_second), ("removed", found.only_first), ("edited", found.edited))
    yield "not selected", found.unselected


def change(before: float, now: float) -> str:
    """`+18 %`, `same`, of a sum; nothing where there was none before."""
    if before == now:
        return SAME
    return f"{100 * (now - before) / before:+.0f} %" if before else "new"


def costs(took: tuple[Took, Took]) -> Iterator[tuple[str, str, str, str]]:
    """(what, before, now, change) of tokens per answer, and of cost per 1,000 answers, where both sides say."""
    for what, each in (("input tokens per answer", "input_tokens"), ("output tokens per answer", "output_tokens")):
        per = [_per(getattr(one, each), one.answers) for one in took]
        if per[0] is not None and per[1] is not None:
            yield what, f"{per[0]:.1f}", f"{per[1]:.1f}", change(*map(float, (f"{per[0]:.1f}", f"{per[1]:.1f}")))
    per = [_per(one.cost, one.answers) for one in took]
    if per[0] is not None and per[1] is not None:
        yield _COST, dollars(1000 * per[0]), dollars(1000 * per[1]), change(per[0], per[1])


def _per(value: float | None, answers: int) -> float | None:
    return None if value is None else value / answers


def _real(one: Beheld, review: Review, say: Say, *, worse: bool) -> str:
    found = real(one.comparison, worse=worse)
    if not found:
        return ""
    told = [_full(each, one, say) for each in found[:_FULL]]
    more = _names(found[_FULL:], say)
    word = "worse" if worse else "better"
    return f"{word}: {'; '.join(told)}" + (f"; and {more}" if more else "") + ", real by the paired test"


def _full(each: Compared, one: Beheld, say: Say) -> str:
    """`correctness of coder: 36 -> 41 %, +5 [+1, +9] points over 104 rows (1 fell, 6 rose)`."""
    means = f"{100 * each.first:.0f} -> {100 * each.second:.0f} %"
    rows = f"{plural(each.found.n, 'row')} ({len(each.worse)} fell, {len(each.better)} rose)"
    return f"{named(each, say)} of {say(one.run_config)}: {means}, {effect(each)} points over {rows}"


def _others(one: Beheld, review: Review, say: Say) -> str:
    """What may differ, and what does not as far as these rows show."""
    rest = [each for each in one.comparison.scores if each.adjusted >= SHOWN]
    perhaps = [each for each in rest if each.found.p < SHOWN]
    none = [each for each in rest if each.found.p >= SHOWN]
    told = []
    if perhaps:
        told.append(f"perhaps, but not beyond chance among {review.number} comparisons: {_names(perhaps, say)}")
    if none:
        every = len(none) == len(one.comparison.scores)
        several = f"{'these' if every else 'the other'} {len(none)} scores"
        told.append(f"no difference shown at {several if len(none) > 1 else named(none[0], say)}; {_could(none)}")
    return "; ".join(told) or ("every score differs" if one.comparison.scores else _nothing(one.comparison))


def _nothing(one: Comparison) -> str:
    """Why nothing could be compared: the answers that are missing before all, which the report's errors explain."""
    errors = sum(left.errors[1] for left in one.left_out)
    if errors:
        return f"nothing could be compared: {plural(errors, 'sample')} without an answer or a score now, see Errors"
    if one.changed:
        return "nothing could be compared: what gives the scores has changed, so before and now are two measures"
    return "nothing could be compared: no row of now was measured before with the same content"


def _could(none: Sequence[Compared]) -> str:
    """The smallest differences that these rows could have shown: "none shown" is not "none"."""
    known = sorted(each.smallest for each in none if each.smallest is not None)
    if not known:
        return "too few rows to show any"
    span = dict.fromkeys(points(size, sign=False) for size in (known[0], known[-1]))
    few = len(none) - len(known)
    return f"their rows could have shown {' to '.join(span)} points" + (f", but {few} have too few" if few else "")


def _names(found: Sequence[Compared], say: Say) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(f"{named(each, say)} {effect(each)}" for each in found[:_NAMED]) + more


def _took(took: tuple[Took, Took] | None) -> str:
    if took is None:
        return "cost and tokens: not known of both sides"
    known = tuple(costs(took))
    if not known:
        return "cost and tokens: no provider says"
    if all(by == SAME for *_, by in known):
        nouns = dict.fromkeys("cost" if what == _COST else "tokens" for what, *_ in known)
        return f"{' and '.join(nouns)} per answer: same"
    return ", ".join(f"{what} {_turn(before, now)} ({by})" for what, before, now, by in known)


def _turn(before: str, now: str) -> str:
    return now if before == now else f"{before} -> {now}"


def _lost(one: Beheld, say: Say) -> Iterator[str]:
    """What was not compared, counted."""
    found = one.comparison
    counts: Counter[str] = Counter()
    for left in found.left_out:
        for why, rows in uncompared(found, left):
            counts[why] += len(rows)
    if any(counts.values()):
        yield "rows: " + ", ".join(f"{number} {why}" for why, number in counts.items() if number)
    if found.changed:
        evals = dict.fromkeys(eval_ for eval_, _ in found.changed)
        yield f"the scorer changed, so not compared: {_some(evals, say)}"
    if found.only_second:
        yield f"new evals: {_some(found.only_second, say)}"
    if found.only_first:
        yield f"not run: {_some(found.only_first, say)}"
    errors = sum(left.errors[1] for left in found.left_out)
    if errors and found.scores:  # else said above
        yield f"{plural(errors, 'sample')} without an answer or a score"


def _some(names: Iterable[str], say: Say) -> str:
    known = list(names)
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return ", ".join(say(name) for name in known[:_NAMED]) + more
