"""A file of rows, written whole or not at all. Owns the bytes: the same rows give the same file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError
from touchstone.recordings import UNSEEN
from touchstone.wholefile import replace_file


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Write rows, one a line, in the order given; False where the file holds just that already."""
    return write_lines(path, map(encoded, rows))


def write_lines(path: Path, lines: Iterable[bytes]) -> bool:
    """Write lines, each with its end; False where the file holds just that already. Raises UsageError."""
    data = b"".join(lines)
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        replace_file(path, data)
    except OSError as error:
        hint = "what was answered and proven is kept: make room or rights, and run it again"
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(path), hint=hint) from error
    return True


def encoded(row: Mapping[str, Any]) -> bytes:
    """One line: readable UTF-8, the characters escaped that would not be seen."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode("utf-8") + b"\n"
