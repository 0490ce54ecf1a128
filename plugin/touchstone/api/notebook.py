"""How results look in a notebook: HTML of figures and names. Owns the escaping; counts nothing.

Every text is cleaned and escaped, whoever wrote it, and there is no script and no address in what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..report import Summary, headline
from ..report.tables import Table, details, overview
from ..report.text import clean, dollars, plural
from .estimates import ScoreEstimate

_LONGEST = 200
_MOST = 20
"""Gates, errors or rows that are named."""
_CELL = 'style="text-align: right"'


def framed(parts: Iterable[str]) -> str:
    """One block, in which a notebook looks for no formula: `$` is a dollar here."""
    return f'<div class="touchstone tex2jax_ignore mathjax_ignore">{"".join(parts)}</div>'


def words(text: str, tag: str = "p") -> str:
    """A line of text."""
    return f"<{tag}>{shown(text)}</{tag}>"


def shown(text: str, limit: int = _LONGEST) -> str:
    """Hostile text as text."""
    return escape(clean(text, limit))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column is names, the others figures."""
    head = "".join(f"<th {_CELL}>{shown(one)}</th>" for one in headings)
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def listed(lines: Sequence[str]) -> str:
    """Lines as a list; of many, the first."""
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    items = "".join(words(line, "li") for line in [*lines[:_MOST], *more])
    return f"<ul>{items}</ul>" if items else ""


def of_run(summary: Summary) -> str:
    """The verdict, the gates that do not pass, the overview and its details, and what went wrong."""
    failing = [f"{one.eval}, {one.run_config}: {one.verdict.rule}: {one.verdict.why}" for one in summary.failing]
    parts = [words(headline(summary), "strong"), listed(failing), _drawn(overview(summary))]
    parts += [_folded(one) for one in details(summary)]
    for title, notices in (("errors", summary.errors), ("skipped", summary.skipped)):
        lines = [f"{plural(one.samples, 'sample')} of {', '.join(one.run_configs)}: {one.why}" for one in notices]
        parts += [words(title, "strong"), listed(lines)] if lines else []
    cost = f", {dollars(summary.calls.cost)}" if summary.calls.cost is not None else ""
    return framed([*parts, words(plural(summary.calls.count, "call") + cost)])


def _cells(row: Sequence[str]) -> str:
    return "".join([f"<th>{shown(row[0])}</th>", *(f"<td {_CELL}>{shown(one)}</td>" for one in row[1:])])


def _drawn(found: Table) -> str:
    rows = [(name, *(column.cells[place] for column in found.columns)) for place, name in enumerate(found.names)]
    return table(("", *(column.heading for column in found.columns)), rows)


def _folded(found: Table) -> str:
    return f"<details>{words(found.title, 'summary')}{_drawn(found)}</details>"


HEADINGS = ("eval", "run-config", "score", "mean 95 %", "n", "errors")


def scores(found: Iterable[ScoreEstimate]) -> str:
    """A line a score."""
    return table(HEADINGS, map(cells, found))


def cells(one: ScoreEstimate) -> tuple[str, ...]:
    """A score under `HEADINGS`."""
    return one.eval, one.run_config, one.score, mean(one), f"{one.n:,}", f"{one.errors:,}"


def mean(one: ScoreEstimate) -> str:
    """A mean and its interval in per cent: `81 [74, 87]`."""
    if one.mean is None or one.interval is None:
        return "-"
    return f"{100 * one.mean:.0f} [{100 * one.interval.low:.0f}, {100 * one.interval.high:.0f}]"


def plain(text: str) -> str:
    """A line for a terminal, whoever wrote the names in it."""
    return clean(text, _LONGEST)
