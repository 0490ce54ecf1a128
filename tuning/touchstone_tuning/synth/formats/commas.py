"""CSV that no table calculation runs and no editor changes."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from touchstone.errors import UsageError

from .columns import columns_of, keys_of, once, rows_of
from .value import Row, decoded, parsed

_RISKY = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|(?s:.*)[\x00-\x08\x0b-\x1f]")
"""Text that a table calculation would run, or that an editor would change: it is written as JSON."""


def write_csv(rows: Sequence[Row]) -> bytes:
    """A file's bytes."""
    columns = columns_of(rows, keys_of(rows), _csv_kind)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if columns:
        writer.writerow(_header(column.name) for column in columns)
    writer.writerows(zip(*(column.cells for column in columns), strict=True))
    return out.getvalue().encode("utf-8")


def _csv_kind(key: str, values: Sequence[Any]) -> Callable[[Any], Any] | None:
    """Text is written as it is, unless empty (an empty cell is a missing key); tags are set apart by blanks."""
    if key == "tags":
        return " ".join if all(_is_tags(value) for value in values) else None
    return str if all(isinstance(value, str) and value and not _RISKY.match(value) for value in values) else None


def _is_tags(value: Any) -> bool:
    words = isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    return words and " ".join(value).split() == value and not _RISKY.match(" ".join(value))


def _header(name: str) -> str:
    plain = name and name[0] != '"' and name.isprintable() and not _RISKY.match(name)
    return name if plain else json.dumps(name)


def read_csv(data: bytes, shown: str) -> list[Row]:
    """Rows of a file. Raises UsageError that names the line."""
    with _long_cells():
        reader = csv.reader(io.StringIO(decoded(data, shown), newline=""), strict=True)
        try:
            lines = [(f"{shown}:{reader.line_num}", line) for line in reader if line]
        except csv.Error as error:
            raise UsageError(f"is no CSV: {error}", where=f"{shown}:{reader.line_num}") from error
    names = [_named(name, shown) for name in lines[0][1]] if lines else []
    once(names, shown)
    return rows_of(names, ((where, _cells(names, line, where)) for where, line in lines[1:]))


def _named(header: str, shown: str) -> str:
    if not header:
        raise UsageError("a column has no name", where=f"{shown}:1", hint="the first line names the columns")
    return str(parsed(header, f"{shown}:1")) if header[0] == '"' else header


def _cells(names: Sequence[str], line: Sequence[str], where: str) -> list[Any]:
    if len(line) != len(names):
        hint = "a cell with a comma, a quote or a line's end wants quotes around it"
        raise UsageError(f"has {len(line)} cells, the header {len(names)}", where=where, hint=hint)
    found: list[Any] = [cell or None for cell in line]
    return [cell.split() if name == "tags" and cell else cell for name, cell in zip(names, found, strict=True)]


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """The csv module's limit of 128 KiB a cell is the process's: lifted, and set back."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
