"""A survey of a plan's data sets: what they cover, what in them is alike. Reads and compares; words nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError
from touchstone.places import Places

from .alike import Leak, leaks
from .coverage import Coverage, cover
from .neighbours import files, rows_of
from .plan import Named
from .running import kept
from .tally import Tally
from .task import Task, load_task
from .topic import Topic


@dataclass(frozen=True, slots=True)
class Survey:
    """What `touchstone synth stats` tells."""

    coverage: Coverage
    leaks: tuple[Leak, ...]
    """Rows that are alike to one of another split or data set."""


def survey(named: Named, places: Places, others: Sequence[str] = ()) -> Survey:
    """Of the plan's splits, and of other data sets by their names (`correctness`). Raises UsageError."""
    task = load_task(named.plan.task, places.root, named.shown) if named.plan.task else None
    own = kept(named, places, tuple(named.plan.rows))
    if not any(own.values()):
        raise UsageError("has no rows yet", where=named.shown, hint=f"touchstone synth run {named.name}")
    rows = {**own, **{name: _dataset(name, places) for name in others}}
    alike = named.plan.alike
    found = leaks(_groups(rows, places, named, task), alike.text, alike.effect)
    mine = [leak for leak in found if {leak.split_a, leak.split_b} & own.keys()]
    topics = _topics(named, task, own)
    counts = {"rows alike over splits and data sets": len(mine)}
    tallies = told(named, places)
    features = task.features if task is not None else None
    return Survey(cover(rows, topics, features, duplicates=counts, tallies=tallies), tuple(mine))


def remember(named: Named, purpose: str, tally: Tally, places: Places) -> None:
    """Keep what a run took, for `stats` here; it is no part of the data."""
    path = _told(named, places)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = _read(path)
    path.write_text(json.dumps({**known, purpose: tally.as_dict()}, indent=1), encoding="utf-8")


def told(named: Named, places: Places) -> dict[str, Tally]:
    """Purpose -> what the last run of it here took."""
    return {purpose: Tally.from_dict(value) for purpose, value in _read(_told(named, places)).items()}


def _told(named: Named, places: Places) -> Path:
    return places.state / "synth" / f"{named.name}.json"


def _read(path: Path) -> dict[str, Any]:
    """Nothing where it was never written, or is torn: it can be made again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _dataset(name: str, places: Places) -> list[dict[str, Any]]:
    path = next((p for p in files(places) if _name(p, places) == name), None)
    if path is None:
        there = ", ".join(_name(p, places) for p in files(places))
        raise UsageError(
            f"there is no data set {name!r}", where=places.shown(places.datasets), hint=f"there are: {there}"
        )
    return [dict(row) for row in rows_of(path, places)]


def _name(path: Path, places: Places) -> str:
    return path.relative_to(places.datasets).with_suffix("").as_posix()


def _groups(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], places: Places, named: Named, task: Task | None
) -> dict[str, list[tuple[str, str, frozenset[str]]]]:
    """Splits, and every other data set, as what `leaks` compares."""
    own = {named.file(split, places) for purpose in named.plan.rows for split in named.splits(purpose)}
    rest = {_name(p, places): list(rows_of(p, places)) for p in files(places) if p not in own}
    return {name: [_entry(row, task) for row in some] for name, some in {**rest, **rows}.items()}


def _entry(row: Mapping[str, Any], task: Task | None) -> tuple[str, str, frozenset[str]]:
    text = row.get("input")
    effect = task.effect(row) if task is not None else frozenset[str]()
    return str(row.get("id") or row.get("row") or ""), text if isinstance(text, str) else "", effect


def _topics(named: Named, task: Task | None, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Sequence[Topic]:
    """The task's; else those that rows were made for."""
    if task is not None:
        return task.topics()
    made = {str(row["made"]["topic"]) for some in rows.values() for row in some if "topic" in row.get("made", {})}
    return [Topic(one) for one in sorted(made)]
