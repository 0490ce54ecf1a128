"""The report in a terminal. Owns its layout; counts nothing and prints nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from .judged import lines
from .paper import Paper
from .summary import GateResult, Notice, Summary, headline, not_passed, worst
from .tables import Column, Table, details, erred, overview, replayed
from .text import clean, crop, dollars, listed, plural, wrap

_NAME = 18
"""Characters of a run-config's name before it is cropped rather than the table split."""
_HEADINGS = (14, 11, 10, 9, 8)
"""Widths of headings to try."""
_MISSES = 10
_WHY = 400
"""Characters of a verdict: a comparison with the baseline names rows."""
_NOTICES = 5
_STYLES = {"pass": "green", "fail": "bold red", "cannot_tell": "yellow", "not_judged": "dim"}
_KINDS = {"pass": "pass", "fail": "FAIL", "cannot_tell": "CANNOT TELL", "not_judged": "not judged"}
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def draw(summary: Summary, width: int, color: bool) -> str:
    """The whole report; see `touchstone.report.terminal`."""
    paper = Paper.of(width, color=color)
    console = paper.console
    for table in details(summary):
        _table(console, table, summary.run.shipping)
    for part in (_overview, _notes, _judges, _gates, _misses, _headline):
        part(console, summary)
    return _COMMAND.sub(r"\1;", paper.text)


def _overview(console: Console, summary: Summary) -> None:
    if not summary.run_configs:
        _print(console, "no sample was measured", "bold")
        return
    _table(console, overview(summary), summary.run.shipping)
    legend = ["per cent of samples passed, with 95 % interval"]
    legend += ["* ships"] if summary.run.shipping in summary.run_configs else []
    legend += ["! some samples erred"] if erred(summary) else []
    legend += ["r recorded, as measured when the call was made"] if replayed(summary) else []
    _print(console, "; ".join(legend), "dim")
    _print(console, _calls(summary), "dim")


def _calls(summary: Summary) -> str:
    calls = summary.calls
    parts = [plural(calls.count, "call") + (f" ({calls.replayed:,} replayed)" if calls.replayed else "")]
    parts += [f"{calls.input_tokens:,} tokens in"] if calls.input_tokens is not None else []
    parts += [f"{calls.output_tokens:,} out"] if calls.output_tokens is not None else []
    parts += [f"cost {dollars(calls.cost)}"] if calls.cost is not None else []
    return ", ".join(parts)


def _notes(console: Console, summary: Summary) -> None:
    rows = [
        (Text(word, style=style), Text(_notice(notice)))
        for word, notices, style in (("error", summary.errors, "red"), ("skipped", summary.skipped, "dim"))
        for notice in notices[:_NOTICES]
    ]
    _beside(console, rows)
    more = len(summary.errors[_NOTICES:]) + len(summary.skipped[_NOTICES:])
    if more:
        _print(console, f"{plural(more, 'more reason')} in the written report", "dim")


def _notice(notice: Notice) -> str:
    return f"{listed(notice.run_configs)}: {clean(notice.why)} ({plural(notice.samples, 'sample')})"


def _judges(console: Console, summary: Summary) -> None:
    if summary.run.judges:
        _title(console, "judges, as far as their certificates go")
    rows = [
        (Text(clean(one.judge, 40), style="green" if one.trusted else "yellow"), Text(clean(one.words)))
        for one in summary.run.judges
    ]
    _beside(console, rows)
    for whose, told in lines(summary.judged):
        _print(console, f"{clean(whose, 100)}: {clean(told)}")


def _gates(console: Console, summary: Summary) -> None:
    if summary.binding:
        _title(console, "gates that decide this run")
    _beside(console, [_gate(gate, summary) for gate in sorted(summary.binding, key=lambda g: g.verdict.kind != "pass")])
    candidates = [gate for gate in summary.gates if not gate.binding and gate.run_config in summary.run_configs]
    if candidates:
        _title(console, "candidates' gates (compared only)")
        _beside(console, [row for name in summary.run_configs for row in _candidate(name, candidates)])


def _gate(gate: GateResult, summary: Summary) -> tuple[Text, Text]:
    whose = "" if gate.run_config == summary.run.shipping else f" [{clean(gate.run_config, 60)}]"
    text = f"{clean(gate.eval, 60)}{whose}: {clean(gate.verdict.why, _WHY)}"
    return Text(_KINDS[gate.verdict.kind], style=_STYLES[gate.verdict.kind]), Text(text)


def _candidate(name: str, candidates: Sequence[GateResult]) -> Iterator[tuple[Text, Text]]:
    gates = [gate for gate in candidates if gate.run_config == name]
    passed = [gate for gate in gates if gate.verdict.kind == "pass"]
    fails, unsure = not_passed(gates)
    text = f"{len(passed)} of {len(gates)} passed" + (f"; not {listed(fails, 3)}" if fails else "")
    text += f"; cannot tell {listed(unsure, 3)}" if unsure else ""
    if gates:
        yield Text(crop(clean(name, 60), _NAME)), Text(text)


def _misses(console: Console, summary: Summary) -> None:
    shown = worst(summary, _MISSES)
    if shown:
        _title(console, f"worst misses of {clean(shown[0][0].run_config, 60)}")
    for result in dict.fromkeys(result.eval for result, _ in shown):
        _print(console, clean(result, 60))
        for miss in (miss for found, miss in shown if found.eval == result):
            line = f"{clean(miss.row, 60)}: {miss.why or 'no reason given'}"
            _print(console, f"  {clean(line, console.width - 2)}")


def _headline(console: Console, summary: Summary) -> None:
    line = headline(summary)
    _print(console, "")
    styles = {"PASS": "bold green", "FAIL": "bold red"}
    _print(console, line, styles.get(line[:4], "bold"))


# Drawing


def _table(console: Console, table: Table, shipping: str) -> None:
    """The table, in as many pieces as the width asks for."""
    names = [("*" if name == shipping else " ") + crop(clean(name, 60), _NAME) for name in table.names]
    _title(console, table.title)
    for part in _fitted(table.columns, console.width - max(map(len, names), default=0)):
        _piece(console, names, part)


def _fitted(columns: Sequence[Column], room: int) -> list[list[Column]]:
    """In one piece if headings can be broken so that it fits, else in several."""
    tries = (list(_parts([_narrow(column, width) for column in columns], room)) for width in _HEADINGS)
    return min(tries, key=len)


def _narrow(column: Column, width: int) -> Column:
    return Column("\n".join(wrap(clean(column.heading, 60), width)), column.cells)


def _parts(columns: Sequence[Column], room: int) -> Iterator[list[Column]]:
    part: list[Column] = []
    left = room
    for column in columns:
        width = 1 + max(len(line) for line in (*column.heading.split("\n"), *column.cells))
        if part and width > left:
            yield part
            part, left = [], room
        part.append(column)
        left -= width
    if part:
        yield part


def _piece(console: Console, names: Sequence[str], columns: Sequence[Column]) -> None:
    table = Grid(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(Text(column.heading), justify="right", no_wrap=True)
    for index, name in enumerate(names):
        cells = [Text(column.cells[index]) for column in columns]
        table.add_row(Text(name), *cells, style="bold" if name.startswith("*") else "")
    console.print(table)


def _title(console: Console, text: str) -> None:
    line = clean(text, console.width)
    _print(console, "")
    _print(console, f"{line} ".ljust(console.width, "-")[: console.width], "bold")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style))


def _beside(console: Console, rows: Sequence[tuple[Text, Text]]) -> None:
    """Short texts, and long ones beside them, wrapped under themselves."""
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for head, text in rows:
        grid.add_row(head, text)
    console.print(grid)
