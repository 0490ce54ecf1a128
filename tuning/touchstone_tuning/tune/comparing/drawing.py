"""A compared sweep for a terminal and for GitHub. Owns the order of its parts; counts nothing and words nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from touchstone.report.github import code, folded, grid, named
from touchstone.report.paper import Paper
from touchstone.report.tables import Table
from touchstone.report.text import clean, plural

from . import tables, wording
from .whole import Whole

_NAMES = 24
"""Characters of a job's name in a terminal."""
_MOST = 20
"""Entries of a list in a terminal."""
_LONGEST = 600
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
"""A line that GitHub's runners would obey."""


def parts(whole: Whole, name: wording.Name = clean) -> Iterator[tuple[Table, str]]:
    """The tables that have something to say, each with what its columns are; `name` makes names fit to stand there."""
    yield tables.learnt(whole.roster), wording.took()
    found = ((tables.scores(whole), wording.scored(whole, name)), (tables.losses(whole.roster), ""))
    yield from ((table, legend) for table, legend in found if table is not None)


def terminal(whole: Whole, width: int = 80, *, color: bool = False) -> str:
    """The tables, and what to type next, in so many columns."""
    from touchstone.report.grids import pieces, say

    paper = Paper.of(width, color=color)
    say(paper.console, wording.title(whole), "bold")
    for table, legend in parts(whole):
        pieces(paper.console, tables.closer(table), longest=_NAMES)
        if legend:
            say(paper.console, legend, "dim")
    if whole.worth:
        _listed(paper, "left out", [(line,) for line in wording.left_out(whole.worth)])
    _listed(paper, "to do next", list(wording.next_steps(whole)))
    return _COMMAND.sub(r"\1;", paper.text.strip("\n"))


def markdown(whole: Whole, picture: str) -> str:
    """The same as a page; `picture`: the curves' file beside it, empty where there are none."""
    lines = [f"## {named(_capital(wording.title(whole)))}", ""]
    for table, legend in parts(whole, named):
        lines += [f"### {_capital(table.title)}", "", *grid(table, first="")]
        lines += [legend, ""] if legend else []
    lines += [f"![Curves of losses and scores]({picture})", ""] if picture else []
    if steps := [
        f"* {code(what, _LONGEST)}  \n  {code(command, _LONGEST)}" for what, command in wording.next_steps(whole)
    ]:
        lines += ["### To do next", "", *steps, ""]
    if whole.worth:
        lines += folded("In words", [f"* {code(line, _LONGEST)}" for line in wording.sentences(whole.worth)])
        lines += folded("Left out", [f"* {code(line, _LONGEST)}" for line in wording.left_out(whole.worth)])
    return "\n".join(lines).rstrip("\n") + "\n"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(paper: Paper, title: str, entries: Sequence[Sequence[str]]) -> None:
    """Each entry's lines below each other, the first few of them."""
    from rich.text import Text

    from touchstone.report.grids import beside, say
    from touchstone.report.grids import title as ruled

    if not entries:
        return
    ruled(paper.console, title)
    beside(paper.console, [(Text("*"), Text("\n  ".join(entry))) for entry in entries[:_MOST]])
    if more := len(entries) - _MOST if len(entries) > _MOST else 0:
        say(paper.console, f"and {plural(more, 'more line')}: see --markdown or --html")
