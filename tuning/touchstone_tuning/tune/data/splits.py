"""Which rows are learnt from and which are looked at meanwhile, and slices that nest. By hashes; reads no file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from touchstone.errors import UsageError
from touchstone.records import digest

from ...synth.splits import checked, key_of, place_of, split_of
from ...synth.task import Task

Rows = tuple[Mapping[str, Any], ...]


def parts_of(
    rows: Iterable[Mapping[str, Any]], shares: Mapping[str, float], seed: int = 0, task: Task | None = None
) -> dict[str, Rows]:
    """Split -> its rows, in their order. Rows that do the same (or, without a task, say the same) never part.

    Raises UsageError for shares that are none.
    """
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in checked(shares)}
    for row in rows:
        found[split_of(_key(row, task), shares, seed)].append(row)
    return {name: tuple(part) for name, part in found.items()}


def slice_of(rows: Sequence[Mapping[str, Any]], count: int, seed: int = 0) -> Rows:
    """So many rows, drawn by their hashes: whatever the order of the rows, a slice begins with each smaller one.

    Raises UsageError where there are fewer.
    """
    if not 0 < count <= len(rows):
        raise UsageError(f"rows: {count} cannot be taken of {len(rows)}", hint=f"rows: from 1 to {len(rows)}")
    return tuple(sorted(rows, key=lambda row: _lot(row, seed))[:count])


def _lot(row: Mapping[str, Any], seed: int) -> tuple[float, str]:
    """A row's place: that of its input, so that notes about it move nothing; rows of one input go by all they hold."""
    return place_of(digest(row.get("input")), seed), digest(dict(row))


def _key(row: Mapping[str, Any], task: Task | None) -> str:
    given, made = row.get("input"), row.get("made")
    text = given if isinstance(given, str) else json.dumps(given, sort_keys=True)
    topic = made.get("topic") if isinstance(made, Mapping) else None
    return key_of(str(topic or ""), task.effect(row) if task is not None else (), text)
