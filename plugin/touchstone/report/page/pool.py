"""What samples say, each text and value once, cut so that all fit a file. Owns the cutting; knows no sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .escaping import encoded, size

LONGEST = 20_000
"""Characters of a text that are kept at most, however few texts there are."""
SHORTEST = 240
"""Bytes that are kept of a text, however many there are."""
_STEPS = ((1500, 40), (400, 20), (120, 8), (40, 4))
"""(Characters of a text, parts of a list) to try in turn where a value is cut."""


class Pool:
    """Texts and JSON values, numbered in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[bool, str], int] = {}
        self._parts: list[Any] = []

    def text(self, text: str) -> int:
        """The number of a text."""
        return self._number((True, text), text)

    def value(self, value: Any) -> int:
        """The number of a JSON value."""
        return self.text(value) if isinstance(value, str) else self._number((False, encoded(value)), value)

    def written(self, room: int) -> tuple[str, dict[int, int]]:
        """All as one JSON list of about so many bytes at most; number -> characters of those that were cut."""
        whole = [key[1] if not key[0] else encoded(key[1][:LONGEST]) for key in self._numbers]
        limit = fair([size(text) for text in whole], room)
        cuts: dict[int, int] = {}
        for number, (text, part) in enumerate(zip(whole, self._parts, strict=True)):
            too_long = isinstance(part, str) and len(part) > LONGEST
            if limit is not None and size(text) > limit:
                whole[number] = _shortened(part, text, limit)
                too_long = True
            if too_long:
                cuts[number] = len(part) if isinstance(part, str) else len(text)
        return f"[{','.join(whole)}]", cuts

    def _number(self, key: tuple[bool, str], part: Any) -> int:
        number = self._numbers.setdefault(key, len(self._parts))
        if number == len(self._parts):
            self._parts.append(part)
        return number


def fair(sizes: Sequence[int], room: int) -> int | None:
    """The size above which parts are cut so that all take `room`: what is short stays whole. None where all fit."""
    left = room
    for place, one in enumerate(sorted(sizes)):
        share = left // (len(sizes) - place)
        if one > share:
            return max(SHORTEST, share)
        left -= one
    return None


def _shortened(part: Any, text: str, limit: int) -> str:
    """JSON of at most `limit` bytes, or of SHORTEST."""
    if not isinstance(part, str):
        for letters, parts in _STEPS:
            tried = encoded(_trimmed(part, letters, parts))
            if size(tried) <= limit:
                return tried
        part = text
    return next(tried for tried in _heads(part[:LONGEST], limit) if size(tried) <= limit)


def _heads(text: str, limit: int) -> Iterator[str]:
    """JSON of shorter and shorter beginnings."""
    kept = len(text)
    while True:
        tried = encoded(text[:kept])
        yield tried
        kept = min(kept - 1, kept * limit // size(tried))


def _trimmed(value: Any, letters: int, parts: int) -> Any:
    match value:
        case str() if len(value) > letters:
            return f"{value[:letters]}... ({len(value):,} characters)"
        case dict():
            kept = {key[:letters]: _trimmed(item, letters, parts) for key, item in list(value.items())[:parts]}
            return kept if len(value) <= parts else {**kept, "...": f"{len(value) - parts:,} more"}
        case list() | tuple():
            kept_parts = [_trimmed(item, letters, parts) for item in value[:parts]]
            return kept_parts if len(value) <= parts else [*kept_parts, f"... {len(value) - parts:,} more"]
    return value
