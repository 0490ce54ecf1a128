"""JSON lines, read so that two readers cannot differ about them. Owns the reading of bytes; knows no format."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read(line: bytes) -> dict[str, Any]:
    """The object that a line holds. Raises ValueError, in words, for half of one, or what JSON leaves open.

    A line nested a thousand times deep raises RecursionError.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start + 1}") from error
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two keys that are the same, readers disagree about which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key in found if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"has the key {twice!r} twice")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"holds {name}, which is no JSON")
