"""`import`: what the installed plugin costs those who do not use it.

Once as `import touchstone`, once as the whole of a pytest run in a project without evals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from . import measure, project
from .table import Figure

TIMES = 7
"""Takes a round: the median of that many, for each is over in a moment."""


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Milliseconds over pytest alone: of the import, and of a whole run of one test."""
    plain = project.without_eval(folder, 1)

    def importing(module: str) -> Callable[[], float]:
        return lambda: measure.run((measure.PYTHON, "-c", f"import {module}"), plain).wall

    def testing(*options: str) -> Callable[[], float]:
        return lambda: measure.run((*measure.PYTEST, *options, "tests"), plain).wall

    pairs = (
        (
            "`import touchstone` over `import pytest`",
            importing("pytest, touchstone"),
            importing("pytest"),
        ),
        ("pytest without evals, plugin installed, over `-p no:touchstone`", testing(), testing("-p", "no:touchstone")),
    )
    for what, ours, theirs in pairs:
        us, them = _medians(TIMES * rounds, ours, theirs)
        yield Figure("import", what, f"{us:.0f} ms", f"{them:.0f} ms", us - them, 60, "ms")


def _medians(times: int, *works: Callable[[], float]) -> list[float]:
    """Milliseconds: the median of each work, taken in turns."""
    took = [[work() * 1000 for work in works] for _ in range(times)]
    return [median(column) for column in zip(*took, strict=True)]
