"""`rate`: a server that lets 50 requests a second through. How much of that is used, and how much is refused.

The server's limit is a token bucket with a burst of one second's worth. Used is what it answered, of what it would have
let through from the first request to the last that it let through: the burst, and 50 a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import measure, project
from .mock.client import Mock, serving
from .table import Figure

ROWS, RATE = 1500, 50.0
WORKERS: tuple[tuple[str, ...], ...] = ((), ("-n", "4"))
USED, REFUSED = 90.0, 1.0
"""Percent: at least, and at most."""


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """With and without headers, of one process and of four. One run each, whatever `rounds`: it takes half a minute."""
    for told, options in (("with headers", ()), ("without headers", ("--no-headers",))):
        with serving("--latency", "0.2", "--jitter", "0.5", "--rate", str(RATE), *options) as mock:
            made = project.with_eval(folder, ROWS, "openai-compatible/mock", base_url=mock.url)
            for workers in WORKERS:
                yield from _figures(made, mock, told, workers)


def _figures(made: Path, mock: Mock, told: str, workers: tuple[str, ...]) -> Iterator[Figure]:
    mock.forget()
    command = (*measure.PYTEST, "evals", "--concurrency", "100", *workers)
    took = measure.run(command, project.without_state(made), may_exit=(0, 1))
    seen = mock.stats()
    refused = seen["status"].get("429", 0)
    where = f"{ROWS:,} rows at {RATE:.0f} a second, {told}{''.join(f' `{w}`' for w in (' '.join(workers),) if w)}"
    answers = f"{seen['answered_distinct']:,} rows answered in {took.wall:.1f} s"
    yield Figure("rate", f"{where}: used", answers, "-", used(mock.log(), RATE, RATE), USED, "%", least=True)
    share = 100 * refused / max(1, seen["calls"])
    yield Figure("rate", f"{where}: refused", f"{refused:,} of {seen['calls']:,}", "-", share, REFUSED, "%")


def used(log: Sequence[dict[str, Any]], rate: float, burst: float) -> float:
    """Percent of what could have come through that did, from the first request to the last that came through."""
    through = [one["received"] for one in log if one["status"] == 200]
    if not through:
        return 0.0
    seconds = float(max(through) - log[0]["received"])
    return 100 * len(through) / (burst + rate * seconds)
