"""Who is compared with whom: names on the command line to the samples they stand for. Reads runs; computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..conclusion import Conclusion
from ..errors import UsageError
from ..records import SampleRecord
from ..store import find_run


@dataclass(frozen=True, slots=True)
class Side:
    """One run-config of one run."""

    name: str
    """As shown: the run-config, with its run where two runs are compared."""
    run: str
    run_config: str
    records: tuple[SampleRecord, ...]


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
        wanted = names or [_shipping(home, run_config)]
        return [(_side(there, name, of_run=True), _side(home, name, of_run=True)) for name in wanted]
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
    return _side(home, _shipping(home, run_config), of_run=False)


def _named(runs: Path, home: Conclusion, name: str, run_config: str | None) -> Side:
    if name in _known(home):
        return _side(home, name, of_run=False)
    try:
        other = Conclusion.read(find_run(runs, name))
    except UsageError as error:
        message = f"{name!r} is no run-config of the run {home.info.id}, and no run"
        raise UsageError(message, hint=f"its run-configs: {_listed(home)}; {error.hint}") from None
    return _side(other, _shipping(other, run_config), of_run=True)


def _side(run: Conclusion, name: str, *, of_run: bool) -> Side:
    records = tuple(record for record in run.records if record.run_config == name)
    if not records:
        message = f"the run {run.info.id} has no sample of {name!r}"
        raise UsageError(message, hint=f"its run-configs: {_listed(run)}")
    return Side(f"{name} in {run.info.id}" if of_run else name, run.info.id, name, records)


def _shipping(run: Conclusion, run_config: str | None) -> str:
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
