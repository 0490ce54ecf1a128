"""The last thing a run shows: its tables, its verdicts, and where its report lies; or its plan."""

from __future__ import annotations

import pytest

from . import report
from .conclusion import Conclusion
from .errors import UsageError
from .machines import places_of
from .places import Places
from .posting import told
from .reporting import compared, write_page
from .sending import Limit, state

_MOST = 10
"""Damaged recordings that are shown; `touchstone cache verify` lists them all."""
_PAGED = 5_000
"""Samples up to which a run writes its page at once."""


def show(reporter: pytest.TerminalReporter, conclusion: Conclusion | None, plan: str | None) -> None:
    """Write to pytest's terminal, in its width and with colour only where it has colour."""
    if plan is not None:
        reporter.section("evals: the plan")
        reporter.write_line(plan)
    if conclusion is not None:
        reporter.section("evals")
        width, color = min(reporter._tw.fullwidth, 120), reporter._tw.hasmarkup
        beside, problem = _beside(reporter.config, conclusion)
        reporter.write_line(report.terminal(conclusion.summary, width=max(width, 80), color=color, beside=beside))
        if conclusion.gates and not any(gate.binding for gate in conclusion.gates):
            why = "no run-config of this run ships (`default: true` in run_configs.yaml)"
            reporter.write_line(f"no gate can fail this run: {why}; with --gate all each of them does", yellow=True)
        if problem:
            reporter.write_line(f"not compared: {problem}", yellow=True)
        if spent := _spent(reporter.config, conclusion):
            reporter.write_line(spent, yellow=True)
        for line, bad in told(conclusion.folder).items():
            reporter.write_line(f"batch: {line}", red=bad)
        for problem in conclusion.problems[:_MOST]:
            reporter.write_line(f"recording not used: {problem}", yellow=True)
        places = places_of(reporter.config)
        try:
            paths = conclusion.write(beside)
            reporter.write_line("report: " + "  ".join(places.shown(path) for path in paths))
            reporter.write_line(f"page:   {_page(conclusion, places)}")
        except OSError as error:  # the disk is full: what is shown above is all there is
            again = f"touchstone report {conclusion.folder.name}"
            reporter.write_line(f"the report could not be written: {error.strerror}; later: {again}", red=True)


def _spent(config: pytest.Config, conclusion: Conclusion) -> str:
    """What became of the budget; empty where there was none."""
    limit = Limit(config.getoption("max_cost"), config.getoption("max_tokens"))
    if not limit or (known := state(conclusion.folder)) is None:
        return ""
    spent, refused = known
    took = f"${spent.cost:.4f} and {spent.tokens:,} tokens of {limit} spent at most"
    return f"budget: {took}; calls were not made, and their samples skipped" if refused else f"budget: {took}"


def _beside(config: pytest.Config, conclusion: Conclusion) -> tuple[report.Beside | None, str]:
    """The run beside the baseline that was named, or why not: a report is written all the same.

    A shard is compared once it is merged: it would take the rows of the other shards for removed.
    """
    if (named := config.getoption("baseline")) is None or conclusion.part is not None:
        return None, ""
    try:
        return compared(places_of(config), conclusion, named), ""
    except UsageError as error:
        return None, str(error)


def _page(conclusion: Conclusion, places: Places) -> str:
    """Where the page is. It costs a third of a second for 2,000 samples: a run of very many does not wait for it."""
    if sum(record.outcome.kind != "skipped" for record in conclusion.records) > _PAGED:
        return f"touchstone report {conclusion.folder.name} --format html"
    return places.shown(write_page(conclusion.whole(), places))
