"""Lines of JSON, one row each."""

from __future__ import annotations

from collections.abc import Sequence

from ..rowfile import encoded
from .value import Row, decoded, one_object


def write_jsonl(rows: Sequence[Row]) -> bytes:
    """A file's bytes."""
    return b"".join(map(encoded, rows))


def read_jsonl(data: bytes, shown: str) -> list[Row]:
    """Rows of a file. Raises UsageError that names the line."""
    # Not splitlines(): JSON strings may hold U+2028, which is a line there and none in a file.
    lines = enumerate(decoded(data, shown).split("\n"), 1)
    return [one_object(line, f"{shown}:{number}") for number, line in lines if line.strip()]
