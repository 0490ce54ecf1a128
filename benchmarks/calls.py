"""`calls`: many slow calls at once. A whole pytest process with an eval, against a bare aiohttp script.

Both make the same calls to the same server, a process of its own that answers after 200 ms; 100 are in flight. Each
round of touchstone starts from an empty state, so that every call is really made, cached and kept.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import measure, project
from .table import Figure

LATENCY = 0.2
FLIGHT = 100
SIZES = ((500, 1.6), (2000, 1.35))
"""(rows, times the bare client's wall clock at most)."""


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """One figure a size."""
    with _server() as url:
        for rows, goal in SIZES:
            yield _figure(folder / str(rows), url, rows, goal, rounds)


def _figure(folder: Path, url: str, rows: int, goal: float, rounds: int) -> Figure:
    made = project.with_eval(folder, rows, "openai-compatible/mock", base_url=url)

    def ours() -> measure.Took:
        shutil.rmtree(made / ".touchstone", ignore_errors=True)
        took = measure.run((*measure.PYTEST, "evals", "--concurrency", str(FLIGHT)), made)
        return _counted(took, f"{rows + 1} passed", url, rows)

    def theirs() -> measure.Took:
        command = (measure.PYTHON, "-m", "benchmarks.bare_client", url, str(rows), str(FLIGHT))
        return _counted(measure.run(command, measure.ROOT), f"{rows} answers", url, rows)

    us, them = measure.best(rounds, ours, theirs)
    what = f"{rows:,} rows, one {LATENCY * 1000:.0f} ms call each, {FLIGHT} in flight; baseline: a bare aiohttp client"
    return Figure("calls", what, f"{us.wall:.2f} s", f"{them.wall:.2f} s", us.wall / them.wall, goal, "x")


def _counted(took: measure.Took, said: str, url: str, calls: int) -> measure.Took:
    """Only a run that did all the work, with so many calls at once, is a measurement."""
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/stats") as answer:
        seen = json.load(answer)
    urllib.request.urlopen(urllib.request.Request(f"{url.removesuffix('/v1')}/stats", method="POST")).close()
    if said not in took.output or seen != {"calls": calls, "most_at_once": FLIGHT}:
        raise measure.Failed(f"wanted {said!r} and {calls} calls, {FLIGHT} at once; got {seen}:\n{took.output[-2000:]}")
    return took


@contextmanager
def _server() -> Iterator[str]:
    """The mock server's URL, while it runs."""
    command = (measure.PYTHON, "-m", "tests.openai_server", "--latency", str(LATENCY))
    with subprocess.Popen(command, cwd=measure.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()
