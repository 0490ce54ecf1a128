"""`budget`: a run that may spend a dollar and would cost several, under eight workers. The account is the server's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import ability, measure, project
from .mock.client import Mock, serving
from .table import Figure, LeftOut

ROWS, BUDGET = 3000, 1.00
INPUT, OUTPUT = 2.0, 20.0
"""US dollars a million tokens: about a tenth of a cent a call, so that the budget is reached in the middle."""
MOST_OUT = 100
"""Tokens of an answer at most: half as many on average."""
WORKERS: tuple[tuple[str, ...], ...] = ((), ("-n", "8"))


def figures(folder: Path, rounds: int) -> Iterator[Figure | LeftOut]:
    """What was spent; once each, whatever `rounds`."""
    if why := ability.lacks_option("--max-cost"):
        yield LeftOut("budget", f"`--max-cost {BUDGET:.2f} -n 8`", why)
        return
    prices = ("--input-cost", str(INPUT), "--output-cost", str(OUTPUT))
    with serving("--latency", "0.2", "--jitter", "0.5", *prices) as mock:
        keys = {"input_cost": INPUT, "output_cost": OUTPUT, "max_tokens": MOST_OUT}
        made = project.with_eval(folder, ROWS, "openai-compatible/mock", base_url=mock.url, **keys)
        for options in WORKERS:
            yield _figure(made, mock, options)


def _figure(made: Path, mock: Mock, options: tuple[str, ...]) -> Figure:
    mock.forget()
    command = (*measure.PYTEST, "evals", "--concurrency", "100", "--max-cost", f"{BUDGET:.2f}", *options)
    took = measure.run(command, project.without_state(made), may_exit=range(256))
    seen = mock.stats()
    how = " ".join((f"`--max-cost {BUDGET:.2f}", *options)) + "`"
    what = f"{ROWS:,} rows, {how}: spent by the server's account, answers that nobody waited for as well"
    ours = f"${seen['spent_at_most']:.4f} for {seen['answered']:,} answers, exit status {took.status}"
    return Figure("budget", what, ours, "-", seen["spent_at_most"], BUDGET, "$")
