"""`scale`: 100,000 samples whose answers are known, against as many trivial tests of bare pytest; and collection alone.

Processes are compared by the processor's time: they are long, and wait for nothing but the processor. The first run,
which is not measured, makes the calls (to a function that costs nothing) and fills the cache. One round takes five
minutes, so `--rounds` counts for collection alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import measure, project
from .table import Figure

SAMPLES = 100_000
MEMORY = 1_500
"""MB at most."""
_BARE = (*measure.PYTEST, "-p", "no:touchstone", "tests")
_OURS = (*measure.PYTEST, "evals")
_ONLY = ("--collect-only", "-qq")


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Collection and the run as ratios, and the peak memory of the run."""
    evals = project.with_eval(folder / "evals", SAMPLES, "python/app:answer")
    plain = project.without_eval(folder / "plain", SAMPLES)
    yield _collection(evals, plain, rounds)
    _all_passed(measure.run(_OURS, evals), SAMPLES + 1)
    (us, them) = measure.best(
        1,
        lambda: _all_passed(measure.run(_OURS, evals), SAMPLES + 1),
        lambda: _all_passed(measure.run(_BARE, plain), SAMPLES),
    )
    what = f"{SAMPLES:,} samples from the cache, a trivial scorer; baseline: bare pytest, {SAMPLES:,} trivial tests"
    yield Figure("scale", what, _shown(us), _shown(them), us.cpu / them.cpu, 1.3, "x")
    yield Figure("scale", "peak memory of the same", f"{us.peak:.0f} MB", f"{them.peak:.0f} MB", us.peak, MEMORY, "MB")


def _collection(evals: Path, plain: Path, rounds: int) -> Figure:
    us, them = measure.best(
        rounds,
        lambda: measure.run((*_OURS, *_ONLY), evals),
        lambda: measure.run((*_BARE, *_ONLY), plain),
    )
    what = f"the same, `--collect-only` of {SAMPLES:,}"
    return Figure("scale", what, _shown(us), _shown(them), us.cpu / them.cpu, 1.5, "x")


def _shown(took: measure.Took) -> str:
    return f"{took.cpu:.1f} s ({took.wall:.1f} s by the clock)"


def _all_passed(took: measure.Took, tests: int) -> measure.Took:
    if f"{tests} passed" not in took.output:
        raise measure.Failed(f"wanted {tests} passed:\n{took.output[-2000:]}")
    return took
