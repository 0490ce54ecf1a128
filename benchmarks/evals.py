"""`evals`: this project's own main job from its recordings. First everything is executed, then again with scores kept.

The first run has nothing: no media, no score, no cache. The second finds what the first left. Both replay: a call
that is not recorded is an error of its sample, and the benchmark says how many there were.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from . import measure
from .table import Figure

FIRST, WARM = 120, 6
"""Seconds at most, on two idle cores."""


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """The first run, once; then the warm one, the best of the rounds."""
    shutil.rmtree(folder, ignore_errors=True)
    first = _run(folder)
    (warm,) = measure.best(rounds, lambda: _run(folder))
    yield Figure("evals", f"`pytest evals/`, everything executed ({_counts(first)})", *_seconds(first), FIRST, "s")
    yield Figure("evals", f"the same, warm ({_counts(warm)})", *_seconds(warm), WARM, "s")


def _run(folder: Path) -> measure.Took:
    """A failed gate is a result too, so exit status 1 is a measurement."""
    state = f"touchstone_state={folder / 'state'}"
    command = (*measure.PYTEST, "evals", "--calls", "replay", "--run-config", "recorded", "-o", state)
    media = {"TOUCHSTONE_MEDIA_CACHE": str(folder / "media")}
    return measure.run(command, measure.ROOT, media, may_exit=(0, 1))


def _seconds(took: measure.Took) -> tuple[str, str, float]:
    return f"{took.wall:.1f} s", "-", took.wall


def _counts(took: measure.Took) -> str:
    """`120 passed, 30 missed`, from pytest's last line."""
    last = took.output.strip().splitlines()[-1]
    return ", ".join(re.findall(r"\d+ [a-z][a-z ]*(?=[, ])", last.partition(" in ")[0] + " "))
