"""An audit as text of 80 columns, Markdown and JSON. Owns its layout; finds nothing, prints nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from ...report.github import code
from ...report.paper import Paper
from ...report.text import clean, plural
from . import Audit, Finding

_SECTIONS = (
    ("Raters, judges and batches", ("rater", "batch", "speed")),
    ("Contradicted labels, worst first", ("contradiction",)),
    ("Ratings that count for nothing", ("unusable",)),
)
_CONTRADICTED_JUDGES = "Judges that execution contradicts, worst first"
_STYLES = {"high": "bold red", "medium": "yellow", "low": "dim"}
_LABEL = 18
"""Columns of who says something, at most."""


def terminal(found: Audit, name: str, top: int, width: int = 80, *, color: bool = False) -> str:
    """The audit for a terminal: `top` findings a section."""
    paper = Paper.of(width, color=color)
    console = paper.console
    console.print(Text(f"{clean(name, 50)}: audit of its golden labels ".ljust(console.width, "-"), style="bold"))
    for line in found.summary:
        console.print(Text(line))
    for title, findings in _sections(found):
        console.print(Text(f"\n{title} ({len(findings)})", style="bold"))
        for finding in findings[:top]:
            _print(console, finding)
        for line in _more(findings, top):
            console.print(Text(line))
    console.print()
    for line in _closing(found):
        console.print(Text(line))
    return paper.text


def markdown(found: Audit, name: str, top: int) -> str:
    """The audit for a pull request. Whatever people, models and judges wrote stands in code spans."""
    lines = [f"## Audit of {code(name, 60)}", "", *(f"{line}  " for line in found.summary)]
    for title, findings in _sections(found):
        lines += ["", f"### {title} ({len(findings)})", ""]
        for finding in findings[:top]:
            lines.append(f"* **{finding.severity}** {code(_headline(finding), 600)}")
            lines += [f"    * {code(f'{who}: {what}' if who else what, 300)}" for who, what in finding.evidence]
        lines += ["", *_more(findings, top)] if len(findings) > top else []
    return "\n".join([*lines, "", *(f"* {code(line, 400)}" for line in _closing(found))]) + "\n"


def as_json(found: Audit, name: str) -> dict[str, Any]:
    """The whole audit as plain values; nothing is left out."""
    return {"schema": 1, "eval": name, **asdict(found)}


def _sections(found: Audit) -> Iterator[tuple[str, list[Finding]]]:
    """(title, findings) of each section that has any."""
    for title, kinds in _SECTIONS:
        findings = [finding for finding in found.findings if finding.kind in kinds]
        if findings:
            judges = kinds == ("contradiction",) and found.of == "judges"
            yield _CONTRADICTED_JUDGES if judges else title, findings


def _print(console: Console, finding: Finding) -> None:
    """The words behind the severity, the evidence below."""
    head = Grid.grid(padding=(0, 1, 0, 0))
    head.add_column(width=6)
    head.add_column(overflow="fold")
    head.add_row(Text(finding.severity, style=_STYLES[finding.severity]), Text(_headline(finding)))
    console.print(head)
    if finding.evidence:
        evidence = Grid.grid(padding=(0, 1, 0, 0))
        evidence.add_column(max_width=_LABEL, overflow="fold", style="dim")
        evidence.add_column(overflow="fold")
        for who, what in finding.evidence:
            evidence.add_row(Text(who), Text(what))
        console.print(Padding(evidence, (0, 0, 0, 7)))


def _headline(finding: Finding) -> str:
    if finding.kind == "contradiction":
        return f"{finding.score:.2f} {finding.about}: {finding.words}"
    return finding.words


def _more(findings: Sequence[Finding], top: int) -> list[str]:
    left = len(findings) - top
    return [f"... and {left} more: --top {len(findings)}"] if left > 0 else []


def _closing(found: Audit) -> Iterator[str]:
    """What could not be told, and the sum of it."""
    yield from (clean(f"note: {note}", 400) for note in found.notes)
    if found.findings:
        yield f"{plural(len(found.findings), 'finding')} to look at: an audit says where to look, not who is right"
    elif found.of == "people":
        yield f"nothing found in {plural(found.labels, 'label')} by {plural(found.raters, 'rater')}"
    elif found.of == "judges":
        yield f"nothing found in what judges said of {plural(found.outputs, 'output')}"
