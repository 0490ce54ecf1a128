"""A review as the reports show it: its lines, its Markdown, its values for programs. Owns the layout; counts nothing.

Answers stand in fenced blocks, each line behind a sign of its own: nothing of them can close the fence, mean anything
to GitHub, or begin a line of a CI's log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from difflib import SequenceMatcher
from typing import Any

from ..gates.verdict import PASSED
from ..report import Beside
from ..report.fitting import Block
from ..report.github import code, named, row, unfolding
from ..report.text import clean, plural
from . import reviewing
from .drawing import headed, lines_of
from .pairing import Comparison
from .review import Beheld, Flip, Review
from .wording import what

_ROWS, _FEWER = 60, 15
"""Row ids in a line: where passes turned, and of another score."""
_ANSWERS = 50
"""Rows with their answers: more than there is room for."""
_LINES = 12
_WIDE = 300
"""Lines, and characters of each, of an answer."""


def beside(review: Review) -> Beside:
    """The review for the reports."""
    return Beside(
        review.against,
        reviewing.title(review, _plain),
        reviewing.title(review, _named),
        tuple(reviewing.lines(review, _plain, lambda line: line)),
        tuple(reviewing.lines(review, _named, lambda line: f"**{line}**")),
        {
            (each.eval, one.run_config): reviewing.mark(each)
            for one in review.beheld
            for each in one.comparison.scores
            if each.score == PASSED
        },
        tuple(block for one in review.beheld for block in _blocks(one, review)),
        _data(review),
    )


def _plain(name: str) -> str:
    return clean(name, 100)


def _named(name: str) -> str:
    return named(clean(name, 100))


def _blocks(one: Beheld, review: Review) -> Iterator[Block]:
    whose = f" of {named(one.run_config)}"
    yield from _table(one, review, whose)
    yield from _moved(one, whose)
    yield from _uncompared(one.comparison, whose)
    yield from _took(one, whose)
    yield from _answers(one)


def _table(one: Beheld, review: Review, whose: str) -> Iterator[Block]:
    items = tuple(lines_of(one.comparison))
    if items:
        legend = (
            f"Compared with {code(one.comparison.first, 160)}, row by row. `points 95 %`: the difference and its "
            f"interval; `p`: the paired test; `Holm`: p among {plural(review.number, 'comparison')}; `could show`: the "
            "smallest true difference that these rows show 4 times in 5."
        )
        yield Block(
            "the comparison",
            (f"### Every score{whose}, compared", "", *headed()),
            items,
            ("", legend, ""),
            "score",
            2,
            14_000,
        )


def _moved(one: Beheld, whose: str) -> Iterator[Block]:
    found = [
        f"* {code(what(each), 130)}: {len(rows)} {word}: {_listed(rows, _ROWS if each.score == PASSED else _FEWER)}"
        for each in one.comparison.scores
        for word, rows in (("worse", each.worse), ("better", each.better))
        if rows
    ]
    if found:
        yield Block("rows that moved", (f"### Rows{whose} that moved", ""), tuple(found), rank=3, share=9000)


def _uncompared(one: Comparison, whose: str) -> Iterator[Block]:
    items = [
        f"* {named(left.eval)}: {len(rows)} {why}: {_listed(rows)}"
        for left in one.left_out
        for why, rows in reviewing.uncompared(one, left)
        if rows
    ]
    items += [
        f"* {named(left.eval)}: {plural(number, 'sample')} {why} {side}"
        for left in one.left_out
        for numbers, why in ((left.errors, "with an error"), (left.skipped, "skipped"))
        for number, side in zip(numbers, ("before", "now"), strict=True)
        if number
    ]
    items += [
        f"* {named(eval_)}: {named(score)}: what gives this score has changed, so before and now are two measures; "
        "they can be compared once the other side is run with it too"
        for eval_, score in one.changed
    ]
    items += [f"* {named(name)}: a new eval" for name in one.only_second]
    items += [f"* {named(name)}: not run now" for name in one.only_first]
    if items:
        yield Block("what was not compared", (f"### Not compared,{whose}", ""), tuple(items), rank=3, share=7000)


def _took(one: Beheld, whose: str) -> Iterator[Block]:
    items = tuple(row(cells) for cells in (reviewing.costs(one.took) if one.took else ()))
    if items:
        head = (f"### What answers{whose} take", "", "| | before | now | change |", "|---|---:|---:|---:|")
        yield Block("what answers take", head, items, rank=4)


def _answers(one: Beheld) -> Iterator[Block]:
    """Rows whose body passes where it did not, and the other way round; with both answers where they are here."""
    for worse, word in ((True, "worse"), (False, "better")):
        own = [flip for flip in one.flips if flip.worse == worse]
        items = tuple("\n".join(_answer(flip)) for flip in own[:_ANSWERS])
        if items:
            kept = any(flip.then is not None for flip in own)
            told = "Answers before and now" if kept else "Answers now (those of before are not here)"
            title = f"{told}: {plural(len(own), 'row')} that got {word}"
            block = unfolding(title, items, "row", rank=6 if worse else 7, share=16_000)
            yield replace(block, more=len(own) - len(items))


def _answer(flip: Flip) -> Iterator[str]:
    yield f"{code(flip.row, 100)} of {named(flip.eval)}: {_share(flip.before)} -> {_share(flip.after)}"
    if flip.why:
        yield f"<br>{'now' if flip.worse else 'before'}: {code(flip.why)}"
    now, then = _texts(flip.now), _texts(flip.then)
    body = list(_beside(then, now))
    fence = "`" * max(3, 1 + max((len(run) for line in body for run in re.findall("`+", line)), default=0))
    yield from ("", f"{fence}diff", *body, fence, "")


def _beside(then: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    """Lines of both, once; those that went, those that came. Of one side alone nothing went or came."""
    if not (then and now):
        yield from (f"| {line}" for line in then or now)
        return
    for what_, start, end, first, last in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        if what_ == "equal":
            yield from (f"| {line}" for line in now[first:last])
        else:
            yield from (f"- {line}" for line in then[start:end])
            yield from (f"+ {line}" for line in now[first:last])


def _texts(answer: str | None) -> list[str]:
    """Lines that are fit to show; none where there is no answer."""
    if answer is None:
        return []
    lines = [line for line in answer[: 4 * _LINES * _WIDE].splitlines() if line.strip()]
    more = [f"({plural(len(lines) - _LINES, 'more line')})"] if len(lines) > _LINES else []
    return [*(clean(line, _WIDE) for line in lines[:_LINES]), *more] or ["(an empty answer)"]


def _share(value: float) -> str:
    return {0.0: "missed", 1.0: "passed"}.get(value, f"passed {100 * value:.0f} % of its epochs")


def _listed(rows: Sequence[str], most: int = _ROWS) -> str:
    more = f" and {len(rows) - most:,} more" if len(rows) > most else ""
    return ", ".join(named(clean(one, 100)) for one in rows[:most]) + more


def _data(review: Review) -> dict[str, Any]:
    return {
        "against": review.against,
        "title": reviewing.title(review, _plain),
        "comparisons": review.number,
        "run_configs": [_of(one) for one in review.beheld],
    }


def _of(one: Beheld) -> dict[str, Any]:
    took = [asdict(each) for each in one.took] if one.took else [None, None]
    found = asdict(one.comparison)
    return {"run_config": one.run_config, "took": dict(zip(("before", "now"), took, strict=True)), **found}
