"""The agreement table as text, Markdown and JSON. Owns its columns and words; measures nothing, prints nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ..report.github import code
from ..report.paper import Paper
from ..report.text import clean, plural
from ..stats.agreement import Agreement, Figure
from .agreement import Line, Table

FIGURES = {
    "tau_b": "tau-b",
    "spearman": "Spearman",
    "pearson": "Pearson",
    "mse": "MSE",
    "mae": "MAE",
    "accuracy": "accuracy",
    "kappa": "kappa",
    "tpr": "TPR",
    "tnr": "TNR",
}
"""Figure -> its name in the table; docs/statistics.md defines each."""
_ACROSS = 5
"""Judges side by side: what 80 columns hold."""


@dataclass(frozen=True, slots=True)
class Page:
    """All that `touchstone agree` has to say."""

    eval: str
    outputs: int
    tables: tuple[Table, ...]
    raters: Figure | None
    """Krippendorff's alpha of the people; None where fewer than two rated."""
    notes: tuple[str, ...]


def terminal(page: Page, width: int = 80, *, color: bool = False) -> str:
    """The page for a terminal."""
    paper = Paper.of(width, color=color)
    console = paper.console
    for table in page.tables:
        _table(console, page, table)
    for line in _closing(page):
        console.print(Text(line))
    return paper.text


def markdown(page: Page) -> str:
    """The page for a pull request or a docs page."""
    lines: list[str] = []
    for table in page.tables:
        columns = _columns(table)
        lines += [f"### {code(_title(page, table))}", "", f"| | {' | '.join(code(name) for name, _, _ in columns)} |"]
        lines += ["|---|" + "---:|" * len(columns)]
        lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in _rows(columns, " ")]
        lines += ["", *(f"* {code(line, 400)}" for line in _verdicts(table)), ""]
    return "\n".join([*lines, *(f"* {code(line, 400)}" for line in _closing(page))]) + "\n"


def as_json(page: Page) -> dict[str, Any]:
    """The page as plain values."""
    tables = [
        {
            "against": table.truth.name,
            "judges": {line.name: {**_flat(line), "errors": line.errors} for line in table.lines},
            "constants": {one.name: asdict(one.agreement) for one in table.constants},
        }
        for table in page.tables
    ]
    raters = asdict(page.raters) if page.raters else None
    return {
        "schema": 1,
        "eval": page.eval,
        "outputs": page.outputs,
        "tables": tables,
        "raters": raters,
        "notes": page.notes,
    }


def _flat(line: Line) -> dict[str, Any]:
    return {**asdict(line.agreement), "evidence": {**asdict(line.evidence)}}


_Column = tuple[str, Agreement, float]


def _columns(table: Table) -> list[_Column]:
    judges = [(clean(line.name, 14), line.agreement, line.span) for line in table.lines]
    return judges + [(one.name, one.agreement, 1.0) for one in table.constants]


def _rows(columns: Sequence[_Column], gap: str) -> Iterator[tuple[str, list[str]]]:
    yield "outputs", [str(found.n) for _, found, _ in columns]
    for field, name in FIGURES.items():
        yield name, [_cell(getattr(found, field), gap) for _, found, _ in columns]
        if field in ("mse", "mae") and any(span != 1 for _, _, span in columns):
            power = 2 if field == "mse" else 1
            yield f"{name}, raw", [_raw(getattr(found, field), span**power) for _, found, span in columns]


def _cell(figure: Figure, gap: str) -> str:
    if figure.value is None:
        return "-"
    value = f"{figure.value:.2f}"
    return f"{value}{gap}[{figure.interval.low:.2f}, {figure.interval.high:.2f}]" if figure.interval else value


def _raw(figure: Figure, scale: float) -> str:
    return "-" if figure.value is None else f"{figure.value * scale:.2f}"


def _table(console: Console, page: Page, table: Table) -> None:
    title = f"{_title(page, table)} "
    console.print(Text(title.ljust(console.width, "-"), style="bold"))
    columns = _columns(table)
    for start in range(0, len(columns), _ACROSS):
        _part(console, columns[start : start + _ACROSS])
    for line in _verdicts(table):
        console.print(Text(line))
    console.print()


def _part(console: Console, columns: Sequence[_Column]) -> None:
    grid = Grid(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("", no_wrap=True)
    for name, _, _ in columns:
        grid.add_column(Text(name), justify="right", no_wrap=True)
    for name, cells in _rows(columns, "\n"):
        grid.add_row(Text(name), *(Text(cell) for cell in cells))
    console.print(grid)


def _title(page: Page, table: Table) -> str:
    return f"{clean(page.eval, 60)}: agreement with {table.truth.name}"


def _verdicts(table: Table) -> Iterator[str]:
    """The plain words."""
    for line in table.lines:
        errors = f"; {plural(line.errors, 'output')} without a usable verdict" if line.errors else ""
        yield f"{clean(line.name, 40)}: {line.evidence.words}{errors}"


def _closing(page: Page) -> Iterator[str]:
    if page.raters is not None:
        why = f": {page.raters.why}" if page.raters.why else ""
        yield f"people among themselves: Krippendorff alpha {_cell(page.raters, ' ')}{why}"
    yield from (clean(note, 300) for note in page.notes)
