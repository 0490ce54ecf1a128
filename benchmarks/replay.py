"""`replay`: 10,000 samples whose answers are known, each scored anew. Against as many trivial tests of bare pytest.

The first run, which is not measured, makes the calls (to a function that costs nothing) and fills the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import measure, project
from .table import Figure

SAMPLES = 10_000


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """The time as a ratio, and the peak memory."""
    evals = project.with_eval(folder / "evals", SAMPLES, "python/app:answer")
    plain = project.without_eval(folder / "plain", SAMPLES)
    command = (*measure.PYTEST, "evals")
    measure.run(command, evals)

    def ours() -> measure.Took:
        return _all_passed(measure.run(command, evals), SAMPLES + 1)

    def theirs() -> measure.Took:
        return _all_passed(measure.run((*measure.PYTEST, "-p", "no:touchstone", "tests"), plain), SAMPLES)

    us, them = measure.best(rounds, ours, theirs)
    what = f"{SAMPLES:,} samples from the cache, a trivial scorer; baseline: bare pytest, {SAMPLES:,} trivial tests"
    yield Figure("replay", what, f"{us.wall:.2f} s", f"{them.wall:.2f} s", us.wall / them.wall, 1.5, "x")
    yield Figure("replay", "peak memory of the same", f"{us.peak:.0f} MB", f"{them.peak:.0f} MB", us.peak, 250, "MB")


def _all_passed(took: measure.Took, tests: int) -> measure.Took:
    if f"{tests} passed" not in took.output:
        raise measure.Failed(f"wanted {tests} passed:\n{took.output[-2000:]}")
    return took
