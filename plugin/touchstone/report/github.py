"""The report for a pull request, in GitHub's Markdown. Owns its layout and its escaping; counts nothing.

Model text stands in code spans only: there GitHub makes no mention, link, image, HTML or formatting of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from .beside import Beside
from .fitting import Block, fitted
from .judged import lines
from .summary import GateResult, Notice, Summary, headline, not_passed, worst
from .tables import Table, details, erred, latency, overview, replayed
from .text import clean, dollars, plural, wrap

_MARKS = {"pass": "pass", "fail": "**FAIL**", "cannot_tell": "**cannot tell**", "not_judged": "not judged"}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:,()-]{0,100}")
_LINKS = re.compile(r"www\.|GH-\d|:[a-z0-9_+-]+:", re.IGNORECASE)
"""What GitHub makes a link or a picture of although it is no Markdown: addresses, issues, emoji."""
_FIGURE = re.compile(r"(?:[-+*!<>=~$%()\[\],. \d]|[kMGBhsr]|min|error|skipped)*")
"""What tables' cells hold, but for names: no letters that could make a link."""
_MISSES = 10
_COLUMNS = 24
"""Evals, or scores, that a table can show beside each other."""
_ARROWS = "the difference in points over the same rows, ▲▼ where it is real, △▽ where it may be,"
_NOTICES = 10
_LONGEST = 200
_WHY = 400
"""Characters of a verdict."""


def markdown(summary: Summary, beside: Beside | None = None) -> str:
    """The report, of at most 60,000 bytes: the verdict, what fails, the overview, the gates, the worst misses; the rest
    folded. Beside another run or a baseline, what changed stands in its first five lines.
    """
    return fitted(_blocks(summary, beside))


def code(text: str, limit: int = _LONGEST) -> str:
    """Hostile text as a code span that also fits a table's cell. Blank text is shown as a dash."""
    line = clean(text, limit).replace("\\|", "\\ |").replace("|", "\\|") or "-"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line[0] == "`" or line[-1] in "`\\" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _blocks(summary: Summary, beside: Beside | None) -> Iterator[Block]:
    yield Block("the verdict", tuple(_head(summary, beside)), rank=0)
    yield from _failing(summary, beside)
    yield from _overview(summary, beside)
    yield from beside.blocks if beside else ()
    yield from _notices("Errors", summary.errors)
    yield from _notices("Skipped", summary.skipped)
    yield from _gates(summary.binding)
    yield from _candidates(summary)
    yield from _judges(summary)
    yield from _misses(summary)
    yield from _details(summary)


def _head(summary: Summary, beside: Beside | None) -> Iterator[str]:
    """At most five lines, however they are counted: a blank one would be one of them."""
    verdict = headline(summary)
    if beside is None:
        yield f"## Evals: {named(verdict)}"
    else:
        yield f"## Evals: {beside.heading}; {named(verdict)}"
        yield from (f"* {line}" for line in beside.marked)


def _judges(summary: Summary) -> Iterator[Block]:
    if summary.run.judges:
        lines_ = [f"* {named(one.judge)}: {code(one.words, _WHY)}" for one in summary.run.judges]
        lines_ += [f"* {named(whose)}: {code(told, _WHY)}" for whose, told in lines(summary.judged)]
        yield Block("the judges", ("### Judges, as far as their certificates go", ""), tuple(lines_), share=6000)


def _failing(summary: Summary, beside: Beside | None) -> Iterator[Block]:
    """Under the verdict; under what changed, a list of its own."""
    items = tuple(f"* {_of(gate, summary)}: {code(gate.verdict.why, _WHY)}" for gate in summary.failing)
    if items:
        head = ("**Gates that are not passed**", "") if beside else ()
        yield Block("gates that fail", head, items, noun="gate", rank=1, share=8000)


def _of(gate: GateResult, summary: Summary) -> str:
    whose = "" if gate.run_config == summary.run.shipping else f" of {named(gate.run_config)}"
    return f"{named(gate.eval)}{whose}"


def _overview(summary: Summary, beside: Beside | None) -> Iterator[Block]:
    if not summary.run_configs:
        yield Block("the overview", ("No sample was measured.",), rank=1)
        return
    table = overview(summary)
    rows = list(grid(_narrow(table), summary.run.shipping, marks=beside.marks if beside else None))[:-1]
    legend = ["Per cent of samples passed, with 95 % interval"]
    legend += [f"below it: {_ARROWS} against {named(beside.against)}"] if beside and beside.marks else []
    legend += ["`!`: some samples erred"] if erred(summary) else []
    legend += ["`r`: recorded, as measured when the call was made"] if replayed(summary) else []
    legend += [f"{len(table.columns) - _COLUMNS} more evals left out"] if len(table.columns) > _COLUMNS else []
    tail = ("", "; ".join(legend) + f".  \n{_calls(summary)}.", "")
    yield Block("the overview", tuple(rows[:2]), tuple(rows[2:]), tail, "run-config", rank=1, share=18_000)


def _narrow(table: Table) -> Table:
    return replace(table, columns=table.columns[:_COLUMNS])


def _calls(summary: Summary) -> str:
    calls = summary.calls
    parts = [plural(calls.count, "call") + (f" ({calls.replayed:,} replayed)" if calls.replayed else "")]
    parts += [f"{calls.output_tokens:,} output tokens"] if calls.output_tokens is not None else []
    parts += [f"cost {dollars(calls.cost)}"] if calls.cost is not None else []
    return ", ".join([*parts, *latency(calls)])


def _details(summary: Summary) -> Iterator[Block]:
    items = tuple("\n".join(_detail(table, summary.run.shipping)) for table in details(summary))
    if items:
        yield unfolding("Every eval in detail", items, "eval", rank=8, share=30_000)


def _detail(table: Table, shipping: str) -> Iterator[str]:
    lost = len(table.columns) - _COLUMNS
    yield f"**{named(table.title)}**" + (f" ({plural(lost, 'more column')} left out)" if lost > 0 else "")
    yield ""
    yield from grid(_narrow(table), shipping)


def _gates(gates: Sequence[GateResult]) -> Iterator[Block]:
    rows = tuple(
        row((_MARKS[g.verdict.kind], named(g.eval), named(g.run_config), code(g.verdict.why, _WHY))) for g in gates
    )
    head = ("### Gates that decide", "", "| | eval | run-config | found |", "|---|---|---|---|")
    if rows:
        yield Block("the gates", head, rows, noun="gate", rank=3, share=12_000)


def _candidates(summary: Summary) -> Iterator[Block]:
    """How many of its gates each candidate passes, and which not; the others' figures are in the details."""
    rows = tuple(row for name in summary.run_configs for row in _candidate(name, summary.gates))
    head = "### Gates of the candidates (compared only)"
    if rows:
        columns = ("| run-config | passed | failed | cannot tell |", "|---|---:|---|---|")
        yield Block("gates of the candidates", (head, "", *columns), rows, noun="run-config", share=6000)


def _candidate(name: str, gates: Sequence[GateResult]) -> Iterator[str]:
    own = [gate for gate in gates if gate.run_config == name and not gate.binding]
    passes = [gate for gate in own if gate.verdict.kind == "pass"]
    fails, unsure = not_passed(own)
    if own:
        found = (_some(evals) for evals in (fails, unsure))
        yield row((named(name), f"{len(passes)} of {len(own)}", *found))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NOTICES} more" if len(names) > _NOTICES else ""
    return ", ".join(named(name) for name in names[:_NOTICES]) + more


def _misses(summary: Summary) -> Iterator[Block]:
    shown = worst(summary, _MISSES)
    if shown:
        head = (f"### Worst misses of {named(shown[0][0].run_config)}", "", "| eval | row | why |", "|---|---|---|")
        rows = tuple(row((named(result.eval), named(miss.row), code(miss.why))) for result, miss in shown)
        yield Block("the worst misses", head, rows, noun="miss", rank=6)


def _notices(title: str, notices: Sequence[Notice]) -> Iterator[Block]:
    items = tuple(
        f"* {_some(notice.run_configs)}: {code(notice.why)} ({plural(notice.samples, 'sample')})"
        for notice in notices[:_NOTICES]
    )
    if items:
        more = [f"* {plural(len(notices) - _NOTICES, 'more reason')}"] if len(notices) > _NOTICES else []
        yield Block(title.lower(), (f"### {title}", ""), (*items, *more), noun="reason", rank=4, share=6000)


def grid(
    table: Table,
    shipping: str = "",
    first: str = "run-config",
    marks: Mapping[tuple[str, str], str] | None = None,
) -> Iterator[str]:
    """A table and a blank line; `first` heads the names. `marks`: (heading, name) -> Markdown below that cell."""
    yield row((first, *(_heading(column.heading) for column in table.columns)))
    yield "|---|" + "---:|" * len(table.columns)
    for index, name in enumerate(table.names):
        label = f"**{named(name)}** (ships)" if name == shipping else named(name)
        below = [(marks or {}).get((column.heading, name), "") for column in table.columns]
        cells = [_cell(column.cells[index]) for column in table.columns]
        yield row((label, *(f"{cell}<br>{mark}" if mark else cell for cell, mark in zip(cells, below, strict=True))))
    yield ""


def folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are shown once somebody asks for them; nothing where there are none. The title is ours."""
    body = list(lines)
    if body:
        yield from (f"<details><summary>{title}</summary>", "", *body, "</details>", "")


def unfolding(title: str, items: Iterable[str], noun: str, *, rank: int, share: int) -> Block:
    """A block that is shown once somebody asks for it. The title is ours."""
    head = (f"<details><summary>{title}</summary>", "")
    return Block(title.lower(), head, tuple(items), ("", "</details>", ""), noun, rank, share)


def row(cells: Iterable[str]) -> str:
    """A line of a table; the cells are Markdown."""
    return "| " + " | ".join(cells) + " |"


def _heading(name: str) -> str:
    return "<br>".join(named(line) for line in wrap(clean(name, 60), 12)) if _PLAIN.fullmatch(name) else code(name, 60)


def _cell(text: str) -> str:
    """A figure, in better type: `100 ≥96`, `81 74–87`; anything else as a name."""
    if not _FIGURE.fullmatch(text):
        return named(text)
    return re.sub(r"(?<=\d)-(?=\d)", "–", text.replace(">=", "≥")).replace("<", "&lt;")


def named(text: str) -> str:
    """A name as it is, where it can mean nothing to Markdown or to GitHub; else as code."""
    plain = _PLAIN.fullmatch(text) and not _LINKS.search(text)
    return text.replace("_", "\\_") if plain else code(text, 100)
