"""Verdicts in one line each, for a person. Text only: decides nothing, and counts only what it words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum

from ..records import Response, SampleRecord
from ..stats import Estimate
from ..stats.paired import Effect, Pairs
from .rules import TINY, Rule
from .verdict import PASSED, Kept

UPDATE = "touchstone baseline update"
MAIN = "the baseline"
"""Whose figures a rule compares with."""
MOST_ROWS = 10_000
"""More rows than these are counted no further."""
_NEGATED = {">=": "<", ">": "<=", "<=": ">", "<": ">="}


def mean(rule: Rule, found: Estimate, value: float) -> str:
    """`good 0.80 [0.49, 0.94] >= 0.70`."""
    what = {"mean": rule.name, "lower": f"lower({rule.name or PASSED})", "passed": PASSED}[rule.subject]
    digits = _digits(value, rule.bound)
    span = f"[{found.interval.low:.{digits}f}, {found.interval.high:.{digits}f}]"
    if rule.subject == "lower":
        span = f"of {found.mean:.{digits}f} {span}"
    return f"{what} {value:.{digits}f} {span} {_compared(rule, value, digits)}"


def against(rule: Rule, pairs: Pairs, found: Effect, whose: str) -> str:
    """`good 0.78 against 0.80 of main, the baseline: -0.02 [-0.05, +0.01] >= -0.02`."""
    then, now = (fsum(pair[side][0] for pair in pairs.values()) / found.n for side in (0, 1))
    digits = _digits(found.mean, rule.bound)
    value = found.mean + 0.0 if abs(found.mean) > TINY else 0.0
    span = f"{value:+.{digits}f} [{found.interval.low:+.{digits}f}, {found.interval.high:+.{digits}f}]"
    return (
        f"{rule.name or PASSED} {now:.2f} against {then:.2f} of {whose}: {span} {_compared(rule, found.mean, digits)}"
    )


def enough(size: str) -> str:
    """How many rows a verdict stands on."""
    return f" ({size})"


def too_few(size: str, needed: int | None, mean: float | None = None, bound: float = 0.0) -> str:
    """What a rule that too few rows answer says of them, with what to do about it."""
    if mean is not None and abs(mean - bound) <= TINY:
        return f", but {size} cannot tell, nor could more: the mean is the bound; look at `touchstone compare`"
    if needed is None or needed > MOST_ROWS:
        return f", but {size} cannot tell: more than {MOST_ROWS:,} more would; look at `touchstone compare`"
    return f", but {size} cannot tell: {needed:,} more {'row' if needed == 1 else 'rows'} would"


def nothing_to_compare(has_rows: bool) -> str:
    """Why a baseline that was read is of no use."""
    if has_rows:
        return "no row is as it was in the baseline"
    return "the baseline has nothing of this eval and score"


def another_measure(score: str) -> str:
    """Why a score is not compared with what the baseline has of it."""
    return f"what gives {score} has changed since the baseline, so the two are not comparable"


def own(reason: str) -> str:
    """Whose figures they are, where main's are of no use."""
    return f"this branch's own baseline ({reason})"


def update(reason: str) -> str:
    """The same with what to do: a baseline that could not be read says so itself."""
    return reason if UPDATE in reason else f"{reason}; look, then: `{UPDATE}`, and commit it"


def unmatched(now: Kept, then: Kept) -> str:
    """Rows that were not compared, by why."""
    groups = {
        "edited since": [row for row in now if row in then and now[row][0] != then[row][0]],
        "not in the baseline": [row for row in now if row not in then],
        "only in the baseline": [row for row in then if row not in now],
    }
    told = [f"{len(rows)} {why}: {some(sorted(rows))}" for why, rows in groups.items() if rows]
    return f"; not compared: {'; '.join(told)}" if told else ""


def errors(rule: Rule, number: int, measured: int) -> str:
    """`2 <= 3 errors in 100 samples`."""
    return f"{number} {_compared(rule, number, 0)} errors in {count(measured + number, 'sample')}"


def missed(rule: Rule, records: Sequence[SampleRecord], n: int) -> str:
    """Which rows missed."""
    rows = some(list(dict.fromkeys(record.row for record in records)))
    return f"{rule.text}: {len(records)} of {count(n, 'sample')} missed: {rows}"


def plain(rule: Rule, value: float, responses: Sequence[Response]) -> str:
    """`cost $0.12 <= 0.50 (30 calls, recorded)`."""
    digits = _digits(value, rule.bound)
    shown = f"p{rule.percentile} latency {value:.{digits}f} s" if rule.percentile else f"cost ${value:.{digits}f}"
    replayed = ", recorded" if any(response.source != "live" for response in responses) else ""
    return f"{shown} {_compared(rule, value, digits)} ({count(len(responses), 'call')}{replayed})"


def no_such_score(rule: Rule, records: Sequence[SampleRecord]) -> str:
    """A score that no sample has, with those that they have."""
    names = sorted({name for record in records for name in record.scores})
    return f"no sample has a score {rule.name!r}; there are: {', '.join(names) or 'none'}"


def no_answer(rule: Rule, counted: Sequence[SampleRecord], wanting: Sequence[SampleRecord]) -> str:
    """How many samples gave no measurement, and the first reason."""
    noun = "score" if rule.name else "answer"
    return f"{len(wanting)} of {count(len(counted), 'sample')} have no {noun}: {_first_error(wanting[0], rule.name)}"


def despite(number: int) -> str:
    """Samples left out."""
    return f"; {count(number, 'error')} left out" if number else ""


def why_none(records: Sequence[SampleRecord]) -> str:
    """Why there was nothing to judge."""
    if not records:
        return "no samples"
    reason = next((record.outcome.why for record in records if record.outcome.why), "")
    return f"all {count(len(records), 'sample')} skipped" + (f": {reason}" if reason else "")


def size(found: Estimate) -> str:
    """`10 rows`, and `30 samples` where epochs repeat."""
    rows = count(found.rows, "row")
    return rows if found.rows == found.n else f"{rows}, {count(found.n, 'sample')}"


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _compared(rule: Rule, value: float, digits: int) -> str:
    operator = rule.operator if rule.holds(value) else _NEGATED[rule.operator]
    return f"{operator} {rule.bound:.{digits}f}"


def _digits(value: float, bound: float) -> int:
    """Decimals, two to six, that show the bound as it was written and never make two numbers look like one."""
    for digits in range(2, 6):
        shown = f"{bound:.{digits}f}"
        if float(shown) == bound and (abs(value - bound) <= TINY or f"{value:.{digits}f}" != shown):
            return digits
    return 6


def _first_error(record: SampleRecord, name: str) -> str:
    texts = [record.errors.get(name, ""), record.outcome.why if record.outcome.kind == "error" else ""]
    texts += [f"{who}: {what}" for who, what in record.errors.items()]
    return _first(texts, f"{record.row} has no score {name!r}" if name else "no reason given")


def _first(texts: Iterable[str], otherwise: str) -> str:
    return next((text for text in texts if text), otherwise)
