"""The report in a terminal. Owns its layout; counts nothing and prints nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from .beside import Beside
from .grids import NAME, beside, pieces, say, title
from .judged import lines
from .paper import Paper
from .summary import GateResult, Notice, Summary, headline, not_passed, worst
from .tables import details, erred, latency, overview, replayed
from .text import clean, crop, dollars, listed, plural

_MISSES = 10
_WHY = 400
"""Characters of a verdict: a comparison with the baseline names rows."""
_NOTICES = 5
_TOLD = 1200
"""Characters of a line about another run: it names scores."""
_STYLES = {"pass": "green", "fail": "bold red", "cannot_tell": "yellow", "not_judged": "dim"}
_KINDS = {"pass": "pass", "fail": "FAIL", "cannot_tell": "CANNOT TELL", "not_judged": "not judged"}
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def draw(summary: Summary, width: int, color: bool, other: Beside | None = None) -> str:
    """The whole report; see `touchstone.report.terminal`."""
    paper = Paper.of(width, color=color)
    console = paper.console
    for table in details(summary):
        pieces(console, table, summary.run.shipping)
    for part in (_overview, _notes, _judges, _gates, _misses):
        part(console, summary)
    _beside(console, other)
    _headline(console, summary)
    return _COMMAND.sub(r"\1;", paper.text)


def _overview(console: Console, summary: Summary) -> None:
    if not summary.run_configs:
        say(console, "no sample was measured", "bold")
        return
    pieces(console, overview(summary), summary.run.shipping)
    legend = ["per cent of samples passed, with 95 % interval"]
    legend += ["* ships"] if summary.run.shipping in summary.run_configs else []
    legend += ["! some samples erred"] if erred(summary) else []
    legend += ["r recorded, as measured when the call was made"] if replayed(summary) else []
    say(console, "; ".join(legend), "dim")
    say(console, _calls(summary), "dim")


def _calls(summary: Summary) -> str:
    calls = summary.calls
    parts = [plural(calls.count, "call") + (f" ({calls.replayed:,} replayed)" if calls.replayed else "")]
    parts += [f"{calls.input_tokens:,} input tokens"] if calls.input_tokens is not None else []
    parts += [f"{calls.output_tokens:,} output tokens"] if calls.output_tokens is not None else []
    parts += [f"cost {dollars(calls.cost)}"] if calls.cost is not None else []
    return ", ".join([*parts, *latency(calls)])


def _notes(console: Console, summary: Summary) -> None:
    rows = [
        (Text(word, style=style), Text(_notice(notice)))
        for word, notices, style in (("error", summary.errors, "red"), ("skipped", summary.skipped, "dim"))
        for notice in notices[:_NOTICES]
    ]
    beside(console, rows)
    more = len(summary.errors[_NOTICES:]) + len(summary.skipped[_NOTICES:])
    if more:
        say(console, f"{plural(more, 'more reason')} in the written report", "dim")


def _notice(notice: Notice) -> str:
    return f"{listed(notice.run_configs)}: {clean(notice.why)} ({plural(notice.samples, 'sample')})"


def _judges(console: Console, summary: Summary) -> None:
    if summary.run.judges:
        title(console, "judges, as far as their certificates go")
    rows = [
        (Text(clean(one.judge, 40), style="green" if one.trusted else "yellow"), Text(clean(one.words)))
        for one in summary.run.judges
    ]
    beside(console, rows)
    for whose, told in lines(summary.judged):
        say(console, f"{clean(whose, 100)}: {clean(told)}")


def _gates(console: Console, summary: Summary) -> None:
    if summary.binding:
        title(console, "gates that decide this run")
    beside(console, [_gate(gate, summary) for gate in sorted(summary.binding, key=lambda g: g.verdict.kind != "pass")])
    candidates = [gate for gate in summary.gates if not gate.binding and gate.run_config in summary.run_configs]
    if candidates:
        title(console, "candidates' gates (compared only)")
        beside(console, [row for name in summary.run_configs for row in _candidate(name, candidates)])


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
        yield Text(crop(clean(name, 60), NAME)), Text(text)


def _misses(console: Console, summary: Summary) -> None:
    shown = worst(summary, _MISSES)
    if shown:
        title(console, f"worst misses of {clean(shown[0][0].run_config, 60)}")
    for result in dict.fromkeys(result.eval for result, _ in shown):
        say(console, clean(result, 60))
        for miss in (miss for found, miss in shown if found.eval == result):
            line = f"{clean(miss.row, 60)}: {miss.why or 'no reason given'}"
            say(console, f"  {clean(line, console.width - 2)}")


def _beside(console: Console, other: Beside | None) -> None:
    if other is not None:
        title(console, other.title)
        beside(console, [(Text("*"), Text(clean(line, _TOLD))) for line in other.told])


def _headline(console: Console, summary: Summary) -> None:
    line = headline(summary)
    say(console, "")
    styles = {"PASS": "bold green", "FAIL": "bold red"}
    say(console, line, styles.get(line[:4], "bold"))
