"""`calls`: many slow calls at once. A whole pytest process with an eval, against a bare aiohttp script; and workers.

All make the same calls to the same server, a process of its own that answers after 200 ms; 100 are in flight. Each
round of touchstone starts from an empty state, so that every call is really made, cached and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from . import measure, project
from .mock.client import Mock, serving
from .table import Figure

LATENCY = 0.2
FLIGHT = 100
SIZES = ((500, 1.6), (2000, 1.35))
"""(rows, times the bare client's wall clock at most)."""
WORKERS = (2, 8)
GOAL = 1.5
"""Times the single process's wall clock at most, of its workers."""

Work = Callable[[], measure.Took]


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """For each size: against the bare client; then the workers against the single process."""
    with serving("--latency", str(LATENCY)) as mock:
        for rows, goal in SIZES:
            yield from _figures(folder / str(rows), mock, rows, goal, rounds)


def ours(folder: Path, mock: Mock, rows: int, *options: str) -> Work:
    """A whole process of pytest, with these further options."""
    made = project.with_eval(folder, rows, "openai-compatible/mock", base_url=mock.url)
    command = (*measure.PYTEST, "evals", "--concurrency", str(FLIGHT), *options)
    return lambda: counted(measure.run(command, project.without_state(made)), f"{rows + 1} passed", mock, rows)


def bare(mock: Mock, rows: int) -> Work:
    """A whole process of the script with aiohttp."""
    command = (measure.PYTHON, "-m", "benchmarks.bare_client", mock.url, str(rows), str(FLIGHT))
    return lambda: counted(measure.run(command, measure.ROOT), f"{rows} answers", mock, rows)


def counted(took: measure.Took, said: str, mock: Mock, calls: int) -> measure.Took:
    """Only a run that did all the work, each call once, is a measurement. More in flight than allowed is told."""
    seen = mock.stats()
    mock.forget()
    if said not in took.output or (seen["calls"], seen["answered_distinct"]) != (calls, calls):
        raise measure.Failed(f"wanted {said!r} and {calls} calls; got {_brief(seen)}:\n{took.output[-2000:]}")
    most = int(seen["most_at_once"])
    return replace(took, note=f" ({most} at once)" if most > FLIGHT else "")


def _figures(folder: Path, mock: Mock, rows: int, goal: float, rounds: int) -> Iterator[Figure]:
    single = ours(folder, mock, rows)
    many = [ours(folder, mock, rows, "-n", str(workers)) for workers in WORKERS]
    us, them, *each = measure.best(rounds, single, bare(mock, rows), *many)
    what = f"{rows:,} rows, one {LATENCY * 1000:.0f} ms call each, {FLIGHT} in flight"
    yield _figure(f"{what}; baseline: a bare aiohttp client", us, them, goal)
    for workers, took in zip(WORKERS, each, strict=True):
        yield _figure(f"{what}, `-n {workers}`; baseline: the single process", took, us, GOAL)


def _figure(what: str, us: measure.Took, them: measure.Took, goal: float) -> Figure:
    return Figure(
        "calls", what, f"{us.wall:.2f} s{us.note}", f"{them.wall:.2f} s{them.note}", us.wall / them.wall, goal, "x"
    )


def _brief(seen: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in seen.items() if name != "per_second"}
