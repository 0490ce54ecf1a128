"""What a run is reported against: a name to the run or the baseline that it stands for. Reads; compares nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..baseline import Baseline, baseline_at
from ..conclusion import Conclusion
from ..errors import UsageError
from ..gitfile import PREFIX, branches, is_repository
from ..places import Places
from ..report.text import clean
from ..store import find_run
from .sides import Side, shipping, side_of


@dataclass(frozen=True, slots=True)
class Other:
    """The other side: a run, or a baseline; the run that a baseline was taken from, where its records are here."""

    shown: str
    """For people: `main (3f2a1b0c)`, `evals/baseline.json`, `the run ...`."""
    run: Conclusion | None = None
    baseline: Baseline | None = None


def resolve(places: Places, name: str) -> Other:
    """A run by its name or its beginning, a file, `git:REF`, or a bare ref. Raises UsageError with what there is."""
    runs = places.state / "runs"
    if not name.strip():
        raise UsageError("wants a name", where="--against", hint="for example: --against main")
    if name.startswith(PREFIX):
        return _baseline(places, name)
    if (run := _run(runs, name)) is not None:
        return Other(f"the run {clean(run.info.id, 60)}", run)
    if (places.root / name).is_file() or name.endswith(".json"):
        return _baseline(places, name)
    try:
        return _baseline(places, PREFIX + name)
    except UsageError as error:
        if "no commit" in error.message or not is_repository(places.root):
            raise _nothing(places, name, error) from None
        raise


def sides(home: Conclusion, other: Other, run_configs: Sequence[str] = ()) -> list[tuple[Side, Side]]:
    """(the other side, this run) of each run-config that is named; of what ships, where none is. Raises UsageError.

    A run-config that the other side does not have stands beside what ships there.
    """
    if other.run is not None and other.baseline is None and other.run.folder == home.folder:
        raise UsageError(f"the run {home.info.id} is the last one: it would be compared with itself", where="--against")
    return [
        (_there(other, name, named=bool(run_configs)), side_of(home, name, of_run=False))
        for name in _who(home, run_configs)
    ]


def _who(home: Conclusion, run_configs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(run_configs)) or [shipping(home, None)]


def _there(other: Other, name: str, *, named: bool) -> Side:
    if other.baseline is not None:
        return _kept(other, other.baseline, name if named else other.baseline.ships)
    assert other.run is not None  # noqa: S101  (one of the two is there)
    known = {record.run_config for record in other.run.records}
    chosen = name if named and name in known else shipping(other.run, None)
    return side_of(other.run, chosen, of_run=True)


def _kept(other: Other, baseline: Baseline, name: str) -> Side:
    there = {config for configs in baseline.evals.values() for config in configs}
    chosen = name if name in there else baseline.ships
    records = tuple(r for r in other.run.records if r.run_config == chosen) if other.run is not None else ()
    return Side(f"{chosen} on {other.shown}", baseline.run, chosen, records, baseline=baseline)


def _baseline(places: Places, named: str) -> Other:
    baseline, shown = baseline_at(named, places)
    run = _run(places.state / "runs", baseline.run) if baseline.run else None
    return Other(clean(shown, 100), run, baseline)


def _run(runs: Path, name: str) -> Conclusion | None:
    try:
        return Conclusion.read(find_run(runs, name))
    except UsageError:
        return None


def _nothing(places: Places, name: str, error: UsageError) -> UsageError:
    """No run, no file, no ref of that name."""
    there = sorted(path.name for path in (places.state / "runs").glob("*") if path.is_dir())[-3:]
    known = [f"runs: {', '.join(there) or 'none'}"]
    if is_repository(places.root):
        known += [f"branches: {', '.join(branches(places.root)) or 'none'}", error.hint.splitlines()[0]]
    else:
        known.append(f"{error.message}: name a run or a file")
    return UsageError(f"{name!r} is no run, no file and no git ref", where="--against", hint="\n  ".join(known))
