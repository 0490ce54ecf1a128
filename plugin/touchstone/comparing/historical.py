"""A history for a terminal, for GitHub and for programs. Owns the layout; counts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..gates.verdict import PASSED
from ..report.github import code, grid, named
from ..report.paper import Paper
from ..report.tables import Column, Table
from ..report.text import clean, crop, plural, share
from .history import History, Line, Point
from .wording import SHOWN, effect

_NAME = 20
"""Columns of a date and a commit."""
_NOTE = 30


def logged(found: History, style: str, *, last: int, width: int = 80, color: bool = False) -> str:
    """The history as `terminal`, `markdown` or `json`: of each eval the `last` points, the newest first."""
    match style:
        case "json":
            return json.dumps(_data(found, last), indent=1)
        case "markdown":
            return "\n".join(_markdown(found, last))
    return _terminal(found, last, width, color)


def _terminal(found: History, last: int, width: int, color: bool) -> str:
    from ..report.grids import pieces, say

    paper = Paper.of(width, color=color)
    for line in found.lines:
        pieces(paper.console, _table(line, found.score, last), longest=_NAME)
    say(paper.console, "")
    say(paper.console, _legend(found), "dim")
    for problem in found.problems:
        say(paper.console, f"left out: {clean(problem)}", "yellow")
    return paper.text.lstrip("\n").removesuffix("\n")


def _markdown(found: History, last: int) -> Iterator[str]:
    for line in found.lines:
        table = _table(line, found.score, last)
        yield from (f"### {named(table.title)}", "", *grid(table, first="commit"))
    yield from (code(_legend(found), 600), "")
    yield from (f"* left out: {code(problem)}" for problem in found.problems)


def _table(line: Line, score: str, last: int) -> Table:
    shown = line.points[::-1][:last]
    before = [*line.points[::-1][1:], None][:last]
    return Table(
        _title(line, score) + (f", the last {last} of {len(line.points)}" if len(line.points) > last else ""),
        tuple(f"{point.commit.date} {point.commit.short}" for point in shown),
        (
            Column("score", tuple(share(point.found) for point in shown)),
            Column("rows", tuple(f"{point.found.rows:,}" for point in shown)),
            Column("change", tuple(_change(point) for point in shown)),
            Column("note", tuple(_note(*both) for both in zip(shown, before, strict=True))),
        ),
    )


def _title(line: Line, score: str) -> str:
    return clean(line.eval, 60) + ("" if score == PASSED else f": {clean(score, 60)}")


def _change(point: Point) -> str:
    """`-9 [-14, -3]`, with a star where the paired test shows it among all of them."""
    if point.change is None:
        return "-"
    return effect(point.change) + ("*" if point.change.adjusted < SHOWN else " ")


def _note(point: Point, before: Point | None) -> str:
    if before is None:
        return crop(f"ships {clean(point.run_config, 60)}", _NOTE)
    told = [f"ships {clean(point.run_config, 60)}"] if point.run_config != before.run_config else []
    told += ["scorer changed"] if point.scorer_changed else []
    told += [f"{plural(point.others, 'other row')}"] if point.others else []
    return crop(", ".join(told), _NOTE)


def _legend(found: History) -> str:
    return (
        "score: mean in per cent with its 95 % interval, of what shipped. change: in points against the line below, "
        "over the rows that both have, with the interval of the paired difference; * real by the paired test, among "
        f"{plural(found.number, 'change')} (Holm). other rows: new, removed or edited."
    )


def _data(found: History, last: int) -> dict[str, Any]:
    evals = [{"eval": line.eval, "points": [_point(point) for point in line.points[-last:]]} for line in found.lines]
    return {"schema": 1, "score": found.score, "changes": found.number, "evals": evals, "problems": found.problems}


def _point(point: Point) -> dict[str, Any]:
    return {**asdict(point), "commit": {**asdict(point.commit), "subject": clean(point.commit.subject)}}
