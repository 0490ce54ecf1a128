"""What a page sends, checked field by field. Owns those checks; knows neither ratings nor reviews, and no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UsageError

LONGEST_NOTE = 4000
"""Characters."""
_LONGEST_ID = 64


def fields(data: object) -> Mapping[str, Any]:
    """The object that was sent; none of its fields where it is something else."""
    return data if isinstance(data, Mapping) else {}


def identity(given: Mapping[str, Any], noun: str) -> str:
    """Its id, by which what comes twice is known. Raises UsageError."""
    found = given.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID:
        raise UsageError(f"{noun} wants an id (text, at most {_LONGEST_ID} characters)")
    return found


def note(given: Mapping[str, Any]) -> str:
    """Its note, without blanks around it. Raises UsageError."""
    found = given.get("note")
    if not isinstance(found, str) or len(found) > LONGEST_NOTE:
        raise UsageError(f"a note is text of at most {LONGEST_NOTE} characters")
    return found.strip()
