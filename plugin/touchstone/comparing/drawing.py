"""Comparisons for a terminal, for GitHub and for programs. Owns the layout; counts nothing and words nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..report.github import code, row
from ..report.paper import Paper
from ..report.text import clean, crop, plural
from . import wording
from .chances import Chances
from .pairing import Compared, Comparison

_WHAT = 24
_HEADINGS = ("rows", "from", "to", "points 95 %", "p", "Holm", "up", "down", "could\nshow")


def compared(found: Sequence[Comparison], style: str, *, width: int = 80, color: bool = False, flips: bool) -> str:
    """All comparisons, as `terminal`, `markdown` or `json`; with `flips`, every row that moved by name."""
    match style:
        case "json":
            return json.dumps({"schema": 1, "comparisons": [asdict(one) for one in found]}, indent=1)
        case "markdown":
            return "\n".join(line for one in found for line in _markdown(one, _number(found), flips))
    return _terminal(found, max(40, width), color, flips)


def self_checked(found: Sequence[Chances], style: str) -> str:
    """An A/A check, as `terminal` or `json`."""
    if style == "json":
        return json.dumps({"schema": 1, "chances": [asdict(one) for one in found]}, indent=1)
    return "\n".join(wording.chances(one) for one in found)


def _number(found: Sequence[Comparison]) -> int:
    return sum(len(one.scores) for one in found)


def _cells(each: Compared) -> tuple[str, ...]:
    shown = "-" if each.smallest is None else wording.points(each.smallest, sign=False)
    means = (f"{100 * each.first:.0f}", f"{100 * each.second:.0f}")
    ps = (wording.probability(each.found.p), wording.probability(each.adjusted))
    return (f"{each.found.n:,}", *means, wording.effect(each), *ps, str(len(each.better)), str(len(each.worse)), shown)


def _legend(one: Comparison, number: int) -> str:
    return (
        f"from: {clean(one.first, 90)}, to: {clean(one.second, 90)}, mean in per cent over the rows compared. "
        f"points 95 %: the difference and its interval. Holm: p among {plural(number, 'comparison')}. up, down: rows "
        "that scored higher, lower. could show: the smallest true difference, in points, that these rows show 4 times "
        "in 5."
    )


def _details(one: Comparison, flips: bool) -> Iterator[tuple[str, list[str]]]:
    """Titles with their lines; empty ones too."""
    yield "rows that moved", [line for each in one.scores for line in wording.flips(each, every=flips)]
    yield "repeats", [wording.repeated(found) for found in one.repeated]
    yield "left out", [line for found in one.left_out for line in wording.left_out(one, found)]


def _terminal(found: Sequence[Comparison], width: int, color: bool, flips: bool) -> str:
    from rich.text import Text

    paper = Paper.of(width, color=color)
    console = paper.console
    for one in found:
        _title(console, f"{clean(one.second, 90)} against {clean(one.first, 90)}", width)
        for line in wording.sentences(one, _number(found)):
            _hanging(console, line)
        console.print()
        console.print(_table(one))
        console.print(Text(_legend(one, _number(found)), style="dim"))
        for title, lines in _details(one, flips):
            if lines:
                _title(console, title, width)
            for line in lines:
                _hanging(console, line)
    return paper.text.removesuffix("\n")


def _title(console: Any, text: str, width: int) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(f"{clean(text, width - 2)} ".ljust(width, "-"), style="bold"))


def _hanging(console: Any, line: str) -> None:
    """A line that is wrapped under itself."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text("*"), Text(line, overflow="fold"))
    console.print(Padding(grid, 0, expand=False))


def _table(one: Comparison) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for heading in _HEADINGS:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for each, label in zip(one.scores, _labels(one.scores), strict=True):
        style = "bold" if each.adjusted < wording.SHOWN else ""
        table.add_row(Text(label), *map(Text, _cells(each)), style=style)
    return table


def _labels(scores: Sequence[Compared]) -> Iterator[str]:
    """An eval's name, and below it the scores that it has."""
    before = ""
    for each in scores:
        below = each.eval == before
        yield f"  {crop(clean(each.score, 60), _WHAT - 2)}" if below else crop(wording.what(each), _WHAT)
        before = each.eval


def _markdown(one: Comparison, number: int, flips: bool) -> Iterator[str]:
    yield from (f"## {code(one.second, 100)} against {code(one.first, 100)}", "")
    yield from (f"* {code(line, 400)}" for line in wording.sentences(one, number))
    yield from ("", *headed(), *lines_of(one), "", code(_legend(one, number), 700), "")
    for title, lines in _details(one, flips):
        if lines:
            yield from (f"### {title.capitalize()}", "", *(f"* {code(line, 4000)}" for line in lines), "")


def headed() -> tuple[str, str]:
    """The Markdown table's first two lines."""
    return row(("", *(heading.replace("\n", " ") for heading in _HEADINGS))), "|---|" + "---:|" * len(_HEADINGS)


def lines_of(one: Comparison) -> Iterator[str]:
    """The other lines of the table: one a score."""
    yield from (row((code(wording.what(each), 130), *_escaped(_cells(each)))) for each in one.scores)


def _escaped(cells: Iterable[str]) -> Iterator[str]:
    return (cell.replace("<", "&lt;").replace("[", "\\[") for cell in cells)
