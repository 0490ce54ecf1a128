"""What samples say, each text and value once, cut so that all fit a file. Owns the cutting; knows no sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from .escaping import encoded, size

LONGEST = 20_000
"""Bytes that are kept of a text or a value at most, however few there are."""
SHORTEST = 240
"""Bytes that are kept of a text, however many there are."""
_KEPT = 2_000
"""Characters of a value's JSON up to which it is its own key; beyond, its digest."""
_STEPS = ((1500, 40), (400, 20), (120, 8), (40, 4))
"""(Characters of a text, parts of a list) to try in turn where a value is cut."""


class Pool:
    """Texts and JSON values, numbered in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[bool, str], int] = {}
        self._parts: list[Any] = []
        self._sizes: list[int] = []
        """Of each: a text's characters, a value's bytes."""

    def text(self, text: str) -> int:
        """The number of a text."""
        return self._number((True, text), text, len(text))

    def value(self, value: Any) -> int:
        """The number of a JSON value."""
        if isinstance(value, str):
            return self.text(value)
        text = encoded(value)
        key = text if len(text) <= _KEPT else hashlib.sha256(text.encode()).hexdigest()
        return self._number((False, key), value, size(text))

    def written(self, room: int) -> tuple[str, dict[int, int]]:
        """All as one JSON list of about so many bytes at most; number -> characters of those that were cut."""
        # No text takes fewer bytes than it has characters: of what cannot stay, no more than that is encoded.
        most = min(LONGEST, fair([min(long, LONGEST) for long in self._sizes], room) or LONGEST)
        texts = [_fitted(part, long, most) for part, long in zip(self._parts, self._sizes, strict=True)]
        limit = fair([size(text) for text, _ in texts], room) or most
        for number, (text, _) in enumerate(texts):
            if size(text) > limit:
                texts[number] = _fitted(self._parts[number], self._sizes[number], limit)
        cuts = {number: self._sizes[number] for number, (_, cut) in enumerate(texts) if cut}
        return f"[{','.join(text for text, _ in texts)}]", cuts

    def _number(self, key: tuple[bool, str], part: Any, long: int) -> int:
        number = self._numbers.setdefault(key, len(self._parts))
        if number == len(self._parts):
            self._parts.append(part)
            self._sizes.append(long)
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


def _fitted(part: Any, long: int, limit: int) -> tuple[str, bool]:
    """The part as JSON of at most `limit` bytes, and whether it had to be cut for that."""
    if long <= limit and size(text := encoded(part)) <= limit:
        return text, False
    return _shortened(part, limit), True


def _shortened(part: Any, limit: int) -> str:
    if not isinstance(part, str):
        for letters, parts in _STEPS:
            tried = encoded(_trimmed(part, letters, parts))
            if size(tried) <= limit:
                return tried
        part = tried
    return next(tried for tried in _heads(part[:limit], limit) if size(tried) <= limit)


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
