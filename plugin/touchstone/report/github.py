"""The report for a pull request, in GitHub's Markdown. Owns its layout and its escaping; counts nothing.

Model text stands in code spans only: there GitHub makes no mention, link, image, HTML or formatting of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .judged import lines
from .summary import GateResult, Notice, Summary, headline, not_passed, worst
from .tables import Table, details, erred, overview, replayed
from .text import clean, dollars, plural, wrap

_MARKS = {"pass": "pass", "fail": "**FAIL**", "cannot_tell": "**cannot tell**", "not_judged": "not judged"}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:,()-]{0,100}")
_FIGURE = re.compile(r"(?:[-+*!<>=~$%()\[\],. \d]|[kMGBhsr]|min|error|skipped)*")
"""What tables' cells hold, but for names: no letters that could make a link."""
_MISSES = 10
_NOTICES = 10
_LONGEST = 200
_WHY = 400
"""Characters of a verdict."""


def markdown(summary: Summary) -> str:
    """The report: the verdict, what fails, the overview, the gates, the worst misses; the rest folded."""
    return "\n".join(_lines(summary)) + "\n"


def code(text: str, limit: int = _LONGEST) -> str:
    """Hostile text as a code span that also fits a table's cell. Blank text is shown as a dash."""
    line = clean(text, limit).replace("\\|", "\\ |").replace("|", "\\|") or "-"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line[0] == "`" or line[-1] in "`\\" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _lines(summary: Summary) -> Iterator[str]:
    yield f"## Evals: {named(headline(summary))}"
    yield ""
    yield from _failing(summary)
    yield from _overview(summary)
    yield from _notices("Errors", summary.errors)
    yield from _notices("Skipped", summary.skipped)
    yield from _gates(summary.binding)
    yield from _candidates(summary)
    yield from _judges(summary)
    yield from _misses(summary)
    yield from folded("Every eval in detail", _details(summary))


def _judges(summary: Summary) -> Iterator[str]:
    if summary.run.judges:
        yield from ("### Judges, as far as their certificates go", "")
        yield from (f"* {named(one.judge)}: {code(one.words, _WHY)}" for one in summary.run.judges)
        yield from (f"* {named(whose)}: {code(told, _WHY)}" for whose, told in lines(summary.judged))
        yield ""


def _failing(summary: Summary) -> Iterator[str]:
    for gate in summary.failing[:_NOTICES]:
        yield f"* {_of(gate, summary)}: {code(gate.verdict.why, _WHY)}"
    yield from ([""] if summary.failing else [])


def _of(gate: GateResult, summary: Summary) -> str:
    whose = "" if gate.run_config == summary.run.shipping else f" of {named(gate.run_config)}"
    return f"{named(gate.eval)}{whose}"


def _overview(summary: Summary) -> Iterator[str]:
    if not summary.run_configs:
        yield "No sample was measured."
        return
    yield from grid(overview(summary), summary.run.shipping)
    legend = ["Per cent of samples passed, with 95 % interval"]
    legend += ["`!`: some samples erred"] if erred(summary) else []
    legend += ["`r`: recorded, as measured when the call was made"] if replayed(summary) else []
    yield "; ".join(legend) + f".  \n{_calls(summary)}."
    yield ""


def _calls(summary: Summary) -> str:
    calls = summary.calls
    parts = [plural(calls.count, "call") + (f" ({calls.replayed:,} replayed)" if calls.replayed else "")]
    parts += [f"{calls.output_tokens:,} tokens out"] if calls.output_tokens is not None else []
    parts += [f"cost {dollars(calls.cost)}"] if calls.cost is not None else []
    return ", ".join(parts)


def _details(summary: Summary) -> Iterator[str]:
    for table in details(summary):
        yield f"**{named(table.title)}**"
        yield ""
        yield from grid(table, summary.run.shipping)


def _gates(gates: Sequence[GateResult]) -> Iterator[str]:
    if not gates:
        return
    yield from ("### Gates that decide", "", "| | eval | run-config | found |", "|---|---|---|---|")
    for gate in gates:
        verdict = gate.verdict
        yield _row((_MARKS[verdict.kind], named(gate.eval), named(gate.run_config), code(verdict.why, _WHY)))
    yield ""


def _candidates(summary: Summary) -> Iterator[str]:
    """How many of its gates each candidate passes, and which not; the others' figures are in the details."""
    rows = [row for name in summary.run_configs for row in _candidate(name, summary.gates)]
    if rows:
        yield from ("### Gates of the candidates (compared only)", "", "| run-config | passed | failed | cannot tell |")
        yield from ("|---|---:|---|---|", *rows, "")


def _candidate(name: str, gates: Sequence[GateResult]) -> Iterator[str]:
    own = [gate for gate in gates if gate.run_config == name and not gate.binding]
    passes = [gate for gate in own if gate.verdict.kind == "pass"]
    fails, unsure = not_passed(own)
    if own:
        found = (", ".join(named(eval_) for eval_ in evals) for evals in (fails, unsure))
        yield _row((named(name), f"{len(passes)} of {len(own)}", *found))


def _misses(summary: Summary) -> Iterator[str]:
    shown = worst(summary, _MISSES)
    if not shown:
        return
    yield f"### Worst misses of {named(shown[0][0].run_config)}"
    yield ""
    yield "| eval | row | why |"
    yield "|---|---|---|"
    for result, miss in shown:
        yield _row((named(result.eval), named(miss.row), code(miss.why)))
    yield ""


def _notices(title: str, notices: Sequence[Notice]) -> Iterator[str]:
    if not notices:
        return
    yield f"### {title}"
    yield ""
    for notice in notices[:_NOTICES]:
        names = ", ".join(named(name) for name in notice.run_configs[:_NOTICES])
        yield f"* {names}: {code(notice.why)} ({plural(notice.samples, 'sample')})"
    yield from ([f"* {len(notices) - _NOTICES} more reasons"] if len(notices) > _NOTICES else [])
    yield ""


def grid(table: Table, shipping: str = "", first: str = "run-config") -> Iterator[str]:
    """A table and a blank line; `first` heads the names."""
    yield _row((first, *(_heading(column.heading) for column in table.columns)))
    yield "|---|" + "---:|" * len(table.columns)
    for index, name in enumerate(table.names):
        label = f"**{named(name)}** (ships)" if name == shipping else named(name)
        yield _row((label, *(_cell(column.cells[index]) for column in table.columns)))
    yield ""


def folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are shown once somebody asks for them; nothing where there are none. The title is ours."""
    body = list(lines)
    if body:
        yield from (f"<details><summary>{title}</summary>", "", *body, "</details>", "")


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _heading(name: str) -> str:
    return "<br>".join(named(line) for line in wrap(clean(name, 60), 12)) if _PLAIN.fullmatch(name) else code(name, 60)


def _cell(text: str) -> str:
    """A figure, in better type: `100 ≥96`, `81 74–87`; anything else as a name."""
    if not _FIGURE.fullmatch(text):
        return named(text)
    return re.sub(r"(?<=\d)-(?=\d)", "–", text.replace(">=", "≥")).replace("<", "&lt;")


def named(text: str) -> str:
    """A name as it is, where it can mean nothing to Markdown; else as code."""
    return text.replace("_", "\\_") if _PLAIN.fullmatch(text) else code(text, 100)
