"""Comparisons in plain words. Text only: decides nothing but how to say it. Names are cleaned, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..gates.verdict import PASSED
from ..report.text import clean, plural, share
from .chances import ALARM, Chances
from .pairing import Compared, Comparison, LeftOut, Repeated

SHOWN = 0.05
_FEW = 5


def sentences(one: Comparison, number: int) -> Iterator[str]:
    """What each score came to; `number` is how many comparisons were made at once. Differences first."""
    order = sorted(one.scores, key=lambda each: (each.adjusted >= SHOWN, each.found.p >= SHOWN))
    for each in order:
        yield _sentence(one, each, number)


def what(each: Compared | Chances) -> str:
    """`correctness`, or `correctness: executes`."""
    return clean(each.eval, 60) + ("" if each.score == PASSED else f": {clean(each.score, 60)}")


def points(value: float, *, sign: bool = True) -> str:
    """A difference of shares in points: `-9`, `+0.4`, `0`."""
    shown = 100 * value
    digits = 0 if abs(shown) >= 1 or abs(shown) < 0.05 else 1
    text = f"{shown:{'+' if sign else ''}.{digits}f}"
    return "0" if float(text) == 0 else text


def effect(each: Compared) -> str:
    """`-9 [-17, -1]`."""
    span = each.found.interval
    return f"{points(each.found.mean)} [{points(span.low)}, {points(span.high)}]"


def probability(p: float) -> str:
    """`0.03`, `<0.001`."""
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def flips(each: Compared, *, every: bool) -> Iterator[str]:
    """Which rows moved, the losses first."""
    for word, rows in (("worse", each.worse), ("better", each.better)):
        if rows:
            yield f"{what(each)}: {len(rows)} {word}: {names(rows, None if every else _FEW)}"


def left_out(one: Comparison, found: LeftOut) -> Iterator[str]:
    """What of an eval could not be compared."""
    first, second, eval_ = clean(one.first, 90), clean(one.second, 90), clean(found.eval, 60)
    groups = [("edited in between", found.edited), (f"only in {first}", found.only_first)]
    groups += [(f"only in {second}", found.only_second), ("not selected on one side", found.unselected)]
    for why, rows in groups:
        if rows:
            yield f"{eval_}: not compared: {plural(len(rows), 'row')} {why}: {names(rows, _FEW)}"
    for side, errors, skipped in zip((first, second), found.errors, found.skipped, strict=True):
        told = [f"{plural(errors, 'sample')} with an error"] if errors else []
        told += [f"{plural(skipped, 'sample')} skipped"] if skipped else []
        if told:
            yield f"{eval_}: {side}: {', '.join(told)}: left out"


def repeated(found: Repeated) -> str:
    """pass@k, pass^k and the flaky rows of one side."""
    k, seen = found.found.k, found.found
    line = f"{clean(found.eval, 60)}: {clean(found.side, 90)}: pass@{k} {share(seen.any)}, pass^{k} {share(seen.all)}"
    line += f"; {plural(seen.short, 'row')} with fewer tries left out" if seen.short else ""
    return line + (f"; {len(seen.flaky)} flaky: {names(seen.flaky, _FEW)}" if seen.flaky else "; no flaky row")


def chances(found: Chances) -> str:
    """Whether false alarms are as rare as they should be."""
    if not found.moving:
        return f"{what(found)}: no row's epochs differ, so there is nothing to be alarmed by: this checks nothing"
    rate = f"{100 * found.alarms / found.times:.1f} % [{100 * found.interval.low:.1f}, {100 * found.interval.high:.1f}]"
    verdict = "TOO MANY: do not trust comparisons of this score" if found.too_many else "as it should be"
    seen = f"{found.alarms} of {found.times:,} false alarms, {rate}"
    return f"{what(found)}: {seen}; wanted {100 * ALARM:.0f} % at most: {verdict}"


def names(rows: Sequence[str], most: int | None) -> str:
    """Row ids, the first few or all."""
    shown = rows if most is None else rows[:most]
    more = f" and {len(rows) - len(shown)} more" if len(rows) > len(shown) else ""
    return ", ".join(clean(row, 100) for row in shown) + more


def _sentence(one: Comparison, each: Compared, number: int) -> str:
    first, second = clean(one.first, 90), clean(one.second, 90)
    word = "better" if each.found.mean > 0 else "worse"
    claim = f"{second} is {word} than {first} at {what(each)}: {_points(each)}"
    if each.adjusted < SHOWN:
        return claim
    if each.found.p < SHOWN:
        ps = probability(each.found.p), probability(each.adjusted)
        return f"perhaps {claim}; p {ps[0]}, but among {number} comparisons {ps[1]}"
    return f"no difference shown at {what(each)}: {_points(each)}; {_could(each)}"


def _points(each: Compared) -> str:
    span = each.found.interval
    return f"{points(each.found.mean)} points [{points(span.low)}, {points(span.high)}]"


def _could(each: Compared) -> str:
    rows = "this row" if each.found.n == 1 else f"these {each.found.n:,} rows"
    if each.smallest is None:
        return f"{rows} could not have shown any: too few"
    return f"{rows} could have shown {points(each.smallest, sign=False)} points"
