"""Coverage in words and tables, for a terminal and as Markdown. Owns columns, order and wording; counts nothing.

Topics, voices, features and splits may be hostile text: they are cleaned, and stand in code spans in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from touchstone.report.github import code
from touchstone.report.paper import Paper
from touchstone.report.text import clean, count, plural

from .coverage import Coverage, Kind, Split

_NAMED = 12
"""Features without a row that are named for each kind."""
_REASONS = 8
"""Reasons for dropping a draft that are listed."""
_NAME = 40
_WIDEST = 34
"""Characters of a name in a table's first column in a terminal."""
_WORD = re.compile(r"-|<?[A-Za-z0-9](?:[A-Za-z0-9 ,:;%()-]|(?<=\d)\.(?=\d)|(?<= )<(?=1 %))*")
"""What means nothing to Markdown as it stands, but for `<`: no address, no mention, no reference."""
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
"""A line that GitHub's runners would obey."""
_HINTS = {"": "topics", "bsf": "bitstream filters"}


@dataclass(frozen=True, slots=True)
class _Grid:
    """One table: its first column holds names, the others figures."""

    title: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    below: tuple[tuple[str, str], ...] = ()
    """(what, names): sentences under it."""


def terminal(coverage: Coverage, width: int = 80, *, color: bool = False) -> str:
    """The page for a terminal of so many columns."""
    from rich.text import Text

    paper = Paper.of(width, color=color)
    for grid in _grids(coverage):
        _draw(paper, grid)
        for what, names in grid.below:
            paper.console.print(Text(f"{what}: {names}" if names else what))
        paper.console.print()
    return _COMMAND.sub(r"\1;", paper.text.rstrip("\n")) + "\n"


def markdown(coverage: Coverage) -> str:
    """The page for a docs page or a pull request."""
    lines: list[str] = []
    for grid in _grids(coverage):
        lines += [f"### {grid.title}", "", f"| {' | '.join(map(_cell, grid.headings))} |"]
        lines += ["|---|" + "---:|" * (len(grid.headings) - 1)]
        lines += [f"| {' | '.join(map(_cell, line))} |" for line in grid.lines]
        lines += ["", *(f"* {_sentence(*line)}" for line in grid.below), *([""] if grid.below else [])]
    return "\n".join(lines).rstrip("\n") + "\n"


def kind_name(kind: str) -> str:
    """What features of a kind are called: `filters`, `bitstream filters`."""
    return _HINTS.get(kind, f"{clean(kind, _NAME)}s")


def _draw(paper: Paper, grid: _Grid) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=grid.title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 1))
    for at, heading in enumerate(grid.headings):
        table.add_column(Text(heading), justify="right" if at else "left", max_width=None if at else _WIDEST)
    for line in grid.lines:
        table.add_row(*map(Text, line))
    paper.console.print(table)


def _cell(text: str) -> str:
    """A cell of Markdown: plain where it can mean nothing, else code."""
    return text.replace("<", "&lt;") if not text or _WORD.fullmatch(text) else code(text, 2 * _NAME)


def _sentence(what: str, names: str) -> str:
    """A sentence of ours as it is, unless a name stands in it; the names that it tells of as code."""
    return f"{_cell(what)}: {code(names, 1000)}" if names else _cell(what)


# --- tables ----------------------------------------------------------------------------------------------------------


def _grids(coverage: Coverage) -> Iterator[_Grid]:
    """The tables that have something to say."""
    yield _features(coverage)
    if any(split.rows for split in coverage.splits.values()):
        yield _rows(coverage)
    if coverage.yields:
        yield _yields(coverage.yields)


def _features(coverage: Coverage) -> _Grid:
    """Kinds down, splits across: how many features each exercises."""
    splits = tuple(coverage.splits)
    headings = ("exercised", "known", *(clean(name, 12) for name in splits), "by none")
    lines = [_kind(kind, splits) for kind in coverage.kinds]
    below = [_named(f"{kind_name(kind.name)} in no row", kind.missing) for kind in coverage.kinds if kind.missing]
    below += [_named("not among the topics", coverage.unlisted)] if coverage.unlisted else []
    return _Grid("Features that a row exercises", headings, tuple(lines), tuple(below))


def _kind(kind: Kind, splits: Sequence[str]) -> tuple[str, ...]:
    found = (_of(kind.exercised(split), kind.known) for split in splits)
    return (kind_name(kind.name), f"{kind.known:,}", *found, f"{len(kind.missing):,}")


def _named(what: str, names: Sequence[str]) -> tuple[str, str]:
    """A few names, and how many more there are."""
    few = ", ".join(clean(name, _NAME) for name in names[:_NAMED])
    return what, few + (f", and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")


def _rows(coverage: Coverage) -> _Grid:
    """Figures down, splits across."""
    splits = list(coverage.splits.values())
    headings = ("rows", *(clean(name, 12) for name in coverage.splits))
    lines = [("in all", *(f"{one.rows:,}" for one in splits)), *_balances(splits), *_lengths(splits)]
    lines += list(_shares("proof: ", [(one.verified, one.rows) for one in splits]))
    lines += [("reviewed by a person", *(_of(one.reviewed, one.rows) for one in splits))]
    lines += list(_shares("voice: ", [(one.voices, sum(one.voices.values())) for one in splits]))
    return _Grid("Rows", headings, tuple(lines), tuple(_remarks(coverage)))


def _balances(splits: Sequence[Split]) -> Iterator[tuple[str, ...]]:
    if any(one.balance for one in splits):
        found = [one.balance for one in splits]
        yield "topics", *(f"{one.topics:,}" if one else "-" for one in found)
        yield "least rows a topic", *(f"{one.least:,}" if one else "-" for one in found)
        yield "median", *(f"{one.middle:,g}" if one else "-" for one in found)
        yield "most", *(f"{one.most:,}" if one else "-" for one in found)


def _lengths(splits: Sequence[Split]) -> Iterator[tuple[str, ...]]:
    found = [one.lengths for one in splits]
    yield "words: 1 in 10 has at most", *(f"{one.tenth:,}" if one else "-" for one in found)
    yield "half have at most", *(f"{one.half:,}" if one else "-" for one in found)
    yield "9 in 10 have at most", *(f"{one.nine_tenths:,}" if one else "-" for one in found)


def _shares(before: str, found: Sequence[tuple[Mapping[str, int], int]]) -> Iterator[tuple[str, ...]]:
    """A line a word, words in the order of the first split that has them."""
    words = dict.fromkeys(word for numbers, _ in found for word in numbers)
    for word in islice(words, 20):
        cells = (_of(numbers.get(word, 0), whole) for numbers, whole in found)
        yield f"{before}{clean(word, _NAME)}", *cells


def _remarks(coverage: Coverage) -> Iterator[tuple[str, str]]:
    """What the table cannot say."""
    if coverage.composable:
        done = coverage.composable - len(coverage.unmade)
        yield f"{done:,} of {plural(coverage.composable, 'topic')} with a template have a row", ""
    if coverage.unmade:
        yield _named("topics with a template and no row", coverage.unmade)
    for name, split in coverage.splits.items():
        if split.balance and split.balance.most > split.balance.least:
            crowded = ", ".join(f"{clean(topic, _NAME)} {number:,}" for topic, number in split.balance.crowded)
            yield f"most rows in {clean(name, 12)}", crowded
    if coverage.duplicates:
        yield "pairs alike", ", ".join(f"{clean(k, _NAME)} {n:,}" for k, n in coverage.duplicates.items())


def _yields(yields: Mapping[str, Mapping[str, Any]]) -> _Grid:
    """What making the rows took: figures down, purposes across."""
    found = list(yields.values())
    lines: list[tuple[str, ...]] = [
        ("drafts", *(f"{one['drafts']:,}" for one in found)),
        ("kept", *(f"{one['kept']:,} {_share(one['kept'], one['drafts'])}" for one in found)),
    ]
    for reason in islice(dict.fromkeys(word for one in found for word in one["dropped"]), _REASONS):
        lines.append((f"dropped: {clean(reason, 60)}", *(f"{one['dropped'].get(reason, 0):,}" for one in found)))
    lines += [("calls", *(f"{one['calls']:,}" for one in found))]
    lines += [("tokens in", *(count(one["input_tokens"]) for one in found))]
    lines += [("tokens out", *(count(one["output_tokens"]) for one in found))]
    lines += [("tokens a kept row", *(_each(one, one["input_tokens"] + one["output_tokens"]) for one in found))]
    lines += [("seconds of calls", *(f"{one['seconds']:,.0f}" for one in found))]
    return _Grid("Making them", ("", *(clean(name, 12) for name in yields)), tuple(lines))


def _each(one: Mapping[str, Any], number: float) -> str:
    return f"{number / one['kept']:,.0f}" if one["kept"] else "-"


def _of(number: int, whole: int) -> str:
    """`310 55 %`, `0`; a dash where there is nothing to have."""
    return f"{number:,} {_share(number, whole)}" if number and whole else "0" if whole else "-"


def _share(number: int, whole: int) -> str:
    """Per cent; never 100 or 0 for what is not all or nothing."""
    if not whole:
        return "-"
    rounded = round(100 * number / whole)
    if rounded == 100 and number < whole:
        return "99 %"
    return "<1 %" if rounded == 0 and number else f"{rounded} %"
