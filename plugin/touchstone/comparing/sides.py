"""Who is compared with whom: names on the command line to the samples they stand for. Reads runs; computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..baseline import Baseline, Yardsticks
from ..conclusion import Conclusion
from ..errors import UsageError
from ..records import SampleRecord
from ..store import find_run
from .measured import Measured, of_baseline, of_records


@dataclass(frozen=True)
class Side:
    """One run-config of one run, or of a baseline."""

    name: str
    """As shown: the run-config, with its run where two runs are compared."""
    run: str
    run_config: str
    records: tuple[SampleRecord, ...]
    """Empty of a baseline, which keeps figures alone."""
    scorers: Yardsticks = field(default_factory=dict)
    baseline: Baseline | None = None
    partial: frozenset[str] = frozenset()
    """Evals of which the run looked at some rows alone."""

    @cached_property
    def measured(self) -> Mapping[str, Measured]:
        """Eval -> what its rows scored."""
        if self.baseline is not None:
            return of_baseline(self.baseline, self.run_config)
        return of_records(self.records, self.scorers)


def choose(
    runs: Path,
    names: Sequence[str],
    *,
    run: str | None = None,
    against: str | None = None,
    run_config: str | None = None,
) -> list[tuple[Side, Side]]:
    """Pairs to compare: each name with the first one; with `against`, each with itself in that run.

    A name is a run-config of `run` (the last one by default), or a run: then `run_config`, or what ships, of it.
    Raises UsageError with what there is.
    """
    home = Conclusion.read(find_run(runs, run))
    if against is not None:
        there = Conclusion.read(find_run(runs, against))
        wanted = names or [shipping(home, run_config)]
        return [(side_of(there, name, of_run=True), side_of(home, name, of_run=True)) for name in wanted]
    if len(names) < 2:
        hint = f"for example: touchstone compare {' '.join(_known(home)[:2]) or 'A B'}"
        raise UsageError("wants two names at least: run-configs of one run, or runs", where="compare", hint=hint)
    if len(set(names)) < len(names):
        raise UsageError("the same name stands twice", where="compare", hint=f"there are: {_listed(home)}")
    first, *others = (_named(runs, home, name, run_config) for name in names)
    return [(first, other) for other in others]


def of_run(runs: Path, run: str | None, run_config: str | None) -> Side:
    """One run-config of a run: the one that is named, or ships."""
    home = Conclusion.read(find_run(runs, run))
    return side_of(home, shipping(home, run_config), of_run=False)


def _named(runs: Path, home: Conclusion, name: str, run_config: str | None) -> Side:
    if name in _known(home):
        return side_of(home, name, of_run=False)
    try:
        other = Conclusion.read(find_run(runs, name))
    except UsageError as error:
        message = f"{name!r} is no run-config of the run {home.info.id}, and no run"
        raise UsageError(message, hint=f"its run-configs: {_listed(home)}; {error.hint}") from None
    return side_of(other, shipping(other, run_config), of_run=True)


def side_of(run: Conclusion, name: str, *, of_run: bool) -> Side:
    """One run-config of a run. Raises UsageError where it has no sample of it."""
    records = tuple(record for record in run.records if record.run_config == name)
    if not records:
        message = f"the run {run.info.id} has no sample of {name!r}"
        raise UsageError(message, hint=f"its run-configs: {_listed(run)}")
    partial = frozenset(eval_ for eval_, config in run.partial if config == name)
    shown = f"{name} in {run.info.id}" if of_run else name
    return Side(shown, run.info.id, name, records, run.scorers, partial=partial)


def shipping(run: Conclusion, run_config: str | None) -> str:
    """The run-config that is named, or ships, or is the only one. Raises UsageError."""
    if run_config or run.info.shipping:
        return run_config or run.info.shipping
    known = _known(run)
    if len(known) == 1:
        return known[0]
    message = f"no run-config of the run {run.info.id} ships"
    raise UsageError(message, hint=f"name one with --run-config: {_listed(run)}")


def _known(run: Conclusion) -> list[str]:
    return sorted({record.run_config for record in run.records})


def _listed(run: Conclusion) -> str:
    return ", ".join(_known(run)) or "none"
