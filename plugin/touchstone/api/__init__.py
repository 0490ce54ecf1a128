"""The steps of an eval from a script or a notebook: `run`, `load`, `score`, `compare`. Counts nothing itself.

Evals run in a pytest process of their own (`launching`, `child`), as `pytest evals/` would run them; all else is read
from the records that a run leaves on disk.
"""

from __future__ import annotations

from .comparison import Comparison, Difference, compare
from .estimates import ScoreEstimate
from .evaluating import run
from .runs import Run, load
from .scored import Scored, Scoring, score

__all__ = [
    "Comparison",
    "Difference",
    "Run",
    "ScoreEstimate",
    "Scored",
    "Scoring",
    "compare",
    "load",
    "run",
    "score",
]
