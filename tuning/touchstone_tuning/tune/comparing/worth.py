"""What a sweep's models are worth: their scores in one run, and the gains over their bases.

Owns who is held against whom; the figures are those of `touchstone compare` and of the run's report.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from touchstone.comparing import Comparison, Side, compare
from touchstone.comparing.pairing import Compared
from touchstone.conclusion import Conclusion
from touchstone.errors import UsageError
from touchstone.gates.verdict import PASSED
from touchstone.records import SampleRecord
from touchstone.report import Summary, summarise
from touchstone.store import find_run

from .roster import Roster


@dataclass(frozen=True, slots=True)
class Worth:
    """One run's figures of the roster's run-configs."""

    run: str
    summary: Summary
    comparisons: tuple[Comparison, ...]
    """Of all pairs, corrected for their number."""
    gains: Mapping[tuple[str, str], Compared]
    """(eval, run-config) -> over its base."""
    measured: frozenset[str]
    """Run-configs with a sample."""

    @property
    def evals(self) -> tuple[str, ...]:
        """Of the run, as far as the roster's run-configs have samples of them."""
        return self.summary.evals

    @property
    def tests(self) -> int:
        """How many were made at once."""
        return sum(len(one.scores) for one in self.comparisons)


def worth(roster: Roster, runs: Path, run: str | None, evals: Sequence[str]) -> Worth:
    """Scores and gains, from a run (the last one for None) and those evals (all for none).

    Raises UsageError where there is no such run or eval, or the run has no sample of the roster's run-configs.
    """
    home = Conclusion.read(find_run(runs, run))
    _check(evals, home)
    found = [r for r in home.records if r.run_config in roster.run_configs and (not evals or r.eval in evals)]
    if not found:
        names = ", ".join(roster.run_configs) or "the sweep: no job is registered"
        raise UsageError(f"the run {home.info.id} has no sample of {names}", hint=running(roster.run_configs))
    comparisons, gains = _gains(roster, found, home.info.id)
    measured = frozenset(record.run_config for record in found)
    return Worth(home.info.id, summarise(found, run=home.info), comparisons, gains, measured)


def running(run_configs: Sequence[str]) -> str:
    """The command that makes samples of them, all in one run."""
    return " ".join(("pytest evals/ --calls record", *(f"--run-config {name}" for name in run_configs)))


def pairs(roster: Roster) -> tuple[tuple[str, str], ...]:
    """(base, run-config): every tuned one against its own; the others too, where all have one base."""
    tuned = [(one.base, name) for one in roster.learners for name in one.run_configs]
    others = [(roster.bases[0], name) for name in roster.against] if len(roster.bases) == 1 else []
    return tuple((base, name) for base, name in dict.fromkeys((*tuned, *others)) if base and base != name)


def _gains(
    roster: Roster, records: Sequence[SampleRecord], run: str
) -> tuple[tuple[Comparison, ...], dict[tuple[str, str], Compared]]:
    known = {record.run_config for record in records}
    sides = {name: Side(name, run, name, tuple(r for r in records if r.run_config == name)) for name in known}
    both = [(sides[base], sides[name]) for base, name in pairs(roster) if base in sides and name in sides]
    try:
        found = compare(both, score=PASSED) if both else ()
    except UsageError:  # they share no row: the table shows no gain
        return (), {}
    return found, {(each.eval, one.second): each for one in found for each in one.scores}


def _check(evals: Sequence[str], home: Conclusion) -> None:
    known = sorted({record.eval for record in home.records})
    for name in evals:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"its evals: {', '.join(known) or 'none'}"
            raise UsageError(f"the run {home.info.id} has no eval {name!r}", where="--eval", hint=hint)
