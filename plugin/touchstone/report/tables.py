"""Which figures stand in which table. Owns the choice of columns and the words of cells; draws nothing.

The terminal and the Markdown report draw the same tables, so that they never tell two stories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .summary import Calls, Result, Summary
from .text import count, dollars, plural, seconds, share


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading and a cell for each row of the table."""

    heading: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Run-configs downwards."""

    title: str
    names: tuple[str, ...]
    columns: tuple[Column, ...]


def overview(summary: Summary) -> Table:
    """Run-configs x evals, each with its main score."""
    columns = [
        Column(name, tuple(_main(summary.results.get((name, run_config))) for run_config in summary.run_configs))
        for name in summary.evals
    ]
    return Table("overview", summary.run_configs, tuple(columns))


def details(summary: Summary) -> Iterator[Table]:
    """For each eval: every score, what went wrong, what it took. Columns that say nothing are left out."""
    for name in summary.evals:
        found = [summary.results.get((name, run_config)) for run_config in summary.run_configs]
        results = [result for result in found if result is not None]
        if results:
            names = tuple(result.run_config for result in results)
            same = _same(results)
            title = f"{name} ({_size(results)}{''.join(f'; passed = {score}' for score in same)})"
            yield Table(title, names, tuple(column for column in _columns(results) if column.heading not in same))


def latency(calls: Calls) -> list[str]:
    """`p50 0.82 s and p95 2.10 s of 30 real calls`; nothing where all were replayed: that would be no measurement."""
    if not calls.made:
        return []
    p50, p95 = (seconds(value, recorded=False) for value in (calls.p50, calls.p95))
    return [f"p50 {p50} s and p95 {p95} s of {plural(calls.made, 'real call')}"]


def replayed(summary: Summary) -> bool:
    """Whether some latency was not measured in this run."""
    return any(result.calls.count and not result.calls.made for result in summary.results.values())


def erred(summary: Summary) -> bool:
    """Whether some cell of the overview is marked with `!`."""
    return any(result.errors for result in summary.results.values())


def _main(result: Result | None) -> str:
    """`81 74-87`; with `!` in the gap where samples erred."""
    if result is None:
        return "-"
    if result.passed is None:
        return "error" if result.errors else "skipped"
    cell = share(result.passed)
    return cell.replace(" ", "!") if result.errors else cell


def _size(results: Sequence[Result]) -> str:
    found = [result.passed for result in results if result.passed is not None]
    rows = max((estimate.rows for estimate in found), default=0)
    samples = max((estimate.n for estimate in found), default=0)
    return plural(rows, "row") + (f", {plural(samples, 'sample')}" if samples > rows else "")


def _same(results: Sequence[Result]) -> tuple[str, ...]:
    """Scores that tell nothing beyond `passed`."""
    names = dict.fromkeys(name for result in results for name in result.scores)
    return tuple(name for name in names if all(result.scores.get(name) == result.passed for result in results))


def _columns(results: Sequence[Result]) -> Iterator[Column]:
    yield _column("passed", results, lambda result: share(result.passed))
    for name in dict.fromkeys(name for result in results for name in result.scores):
        yield _score(name, results)
    yield _column("miss", results, lambda result: str(result.misses))
    yield from _if_any("err", results, lambda result: result.errors)
    yield from _if_any("skip", results, lambda result: result.skipped)
    yield _column("output tokens", results, lambda result: count(result.calls.output_tokens))
    if any(result.calls.cost for result in results):
        yield _column("cost", results, lambda result: dollars(result.calls.cost))
    yield _column("p50 s", results, lambda result: _latency(result, result.calls.p50))
    yield _column("p95 s", results, lambda result: _latency(result, result.calls.p95))


def _score(name: str, results: Sequence[Result]) -> Column:
    return _column(name, results, lambda result: share(result.scores.get(name)))


def _latency(result: Result, value: float | None) -> str:
    return seconds(value, recorded=result.calls.made == 0)


def _column(heading: str, results: Sequence[Result], cell: Callable[[Result], str]) -> Column:
    return Column(heading, tuple(cell(result) for result in results))


def _if_any(heading: str, results: Sequence[Result], number: Callable[[Result], int]) -> Iterator[Column]:
    if any(number(result) for result in results):
        yield _column(heading, results, lambda result: str(number(result)))
