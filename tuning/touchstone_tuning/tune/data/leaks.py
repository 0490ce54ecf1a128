"""Whether what is learnt from is measured on as well. Compares rows with every other data set; drops none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from touchstone.datasets import load_dataset
from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.records import Row
from touchstone.report.text import clean

from ...synth.alike import Alike, Pair
from ...synth.neighbours import files, rows_of
from ...synth.plan import Alikeness
from ...synth.task import Task

SHOWN = 5
"""Pairs that are told."""
LEARNT = "train"
"""Purpose of rows that nothing is measured on."""
MEASURED = ("eval", "golden")
"""Purposes of rows that nothing may learn from."""


def leaks(
    rows: Iterable[Mapping[str, Any]],
    places: Places,
    own: Collection[str],
    task: Task | None = None,
    alike: Alikeness | None = None,
) -> list[Pair]:
    """Each row that is alike to a row of a data set (the first such), by its words or by what it does.

    `own` names the data sets that the rows are of (`synth/train`), which are not compared; all others below
    `datasets/` are, but for their rows that were made to be learnt from. Raises UsageError for a name that is none of
    them, and for a torn file.
    """
    index, found = _others(places, frozenset(own), task, alike or Alikeness()), list[Pair]()
    for number, row in enumerate(rows, 1):
        near = index.nearest(words(row), _effect(row, task))
        found += [Pair(_id(row, number), near.id, near.how, near.similarity)] if near else []
    return found


def refuse_leaks(
    rows: Iterable[Mapping[str, Any]],
    places: Places,
    own: Collection[str],
    task: Task | None = None,
    alike: Alikeness | None = None,
) -> None:
    """Raises UsageError that names the first pairs, where any row leaks or was made to measure with."""
    learnt = list(rows)
    measuring = next((pair for pair in enumerate(learnt, 1) if _purpose(pair[1]) in MEASURED), None)
    if measuring:
        number, row = measuring
        raise UsageError(f"row {clean(_id(row, number))}: was made for {_purpose(row)}; nothing may learn from it")
    found = leaks(learnt, places, own, task, alike)
    if found:
        more = [f"… and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        told = "\n  ".join([*map(_told, found[:SHOWN]), *more])
        hint = "a score on rows that were learnt says nothing: drop them from the training rows"
        raise UsageError(f"{len(found)} of {len(learnt)} rows are alike to others:\n  {told}", hint=hint)


def words(row: Mapping[str, Any]) -> str:
    """What the user says in a row: its input, or all texts and numbers of one that has several."""
    return " ".join(_texts(row.get("input")))


def _others(places: Places, own: frozenset[str], task: Task | None, alike: Alikeness) -> Alike:
    """An index of every row of the other data sets."""
    named = [(path.relative_to(places.datasets).with_suffix("").as_posix(), path) for path in _files(places)]
    there = dict.fromkeys(name for name, _ in named)
    if unknown := sorted(own - there.keys()):
        raise UsageError(f"there is no data set {unknown[0]!r}", hint=f"data sets here: {', '.join(there) or 'none'}")
    index = Alike(text_at=alike.text, effect_at=alike.effect)
    for name, path in named:
        for number, row in enumerate(_rows(path, places) if name not in own else (), 1):
            if _purpose(row) != LEARNT:
                index.add(f"{name}:{_id(row, number)}", words(row), _effect(row, task))
    return index


def _files(places: Places) -> list[Path]:
    """Every file of rows; besides those that synthesis reads, tables."""
    tables = (path for path in places.datasets.rglob("*.csv") if not path.is_relative_to(places.ratings))
    return sorted([*files(places), *tables])


def _rows(path: Path, places: Places) -> Iterator[Mapping[str, Any]]:
    if path.suffix != ".csv":
        return rows_of(path, places)
    name = path.relative_to(places.datasets).as_posix()
    return (row.model_dump() for row in load_dataset(name, Row, places).rows)


def _effect(row: Mapping[str, Any], task: Task | None) -> frozenset[str]:
    return task.effect(row) if task is not None else frozenset()


def _texts(held: Any) -> Iterator[str]:
    if isinstance(held, str | int | float):
        yield str(held)
    elif isinstance(held, Mapping):
        yield from (text for value in held.values() for text in _texts(value))
    elif isinstance(held, list):
        yield from (text for value in held for text in _texts(value))


def _purpose(row: Mapping[str, Any]) -> str:
    made = row.get("made")
    return str(made.get("purpose", "")) if isinstance(made, Mapping) else ""


def _id(row: Mapping[str, Any], number: int) -> str:
    return str(row.get("id") or row.get("row") or number)


def _told(pair: Pair) -> str:
    how = pair.how if pair.how == "same text" else f"{pair.how} {pair.similarity:.2f}"
    return clean(f"{pair.id_a} and {pair.id_b} ({how})", 300)
