"""Rows as columns, which CSV and Arrow share. Owns which of them hold JSON text.

A column of one kind of plain values is written as such. All others hold JSON text and say so in their name, as in
`media:json`: the mark survives whatever tool copies the table, and each value comes back as it was. A key that a row
lacks is an empty cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from touchstone.errors import UsageError

from .value import Row, dumped, parsed

MARK = ":json"
"""End of the name of a column that holds JSON text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its values, None where a row has none."""

    name: str
    cells: list[Any]


Kind = Callable[[str, Sequence[Any]], Callable[[Any], Any] | None]
"""(key, values) -> how to write each of the values; None: as JSON."""


def columns_of(rows: Sequence[Row], keys: Iterable[str], kind: Kind, among: Sequence[Row] = ()) -> list[Column]:
    """A column for each key. Its kind is that of all rows `among`: the files of a data set must agree."""
    found = []
    for key in keys:
        plain = None if key.endswith(MARK) else kind(key, [row[key] for row in among or rows if key in row])
        write = plain or dumped
        cells = [write(row[key]) if key in row else None for row in rows]
        found.append(Column(key if plain else f"{key}{MARK}", cells))
    return found


def keys_of(rows: Iterable[Row]) -> list[str]:
    """Every key, in the order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def rows_of(columns: Sequence[str], cells: Iterable[tuple[str, Sequence[Any]]]) -> list[Row]:
    """Rows again, from (place, cells). Cells that are None are keys that the row lacks."""
    keys = [name.removesuffix(MARK) for name in columns]
    marked = [name.endswith(MARK) for name in columns]
    return [
        {
            key: parsed(cell, f"{where}: {key}{MARK}") if is_json else cell
            for key, is_json, cell in zip(keys, marked, line, strict=True)
            if cell is not None
        }
        for where, line in cells
    ]


def once(names: Sequence[str], shown: str) -> None:
    """Raises UsageError for a column that stands twice."""
    keys = [name.removesuffix(MARK) for name in names]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(f"the column {twice!r} stands twice", where=shown, hint="rename one of them")
