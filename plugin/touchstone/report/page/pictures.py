"""Pictures in scorers' evidence: taken out of it, kept once, whole or not at all. Owns what counts as a picture.

A string that is the address of a small PNG, JPEG or WebP in base64, and nothing else, is a picture. Whatever is
nearly so (SVG, something behind the data, another case, more of it) stays a text like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

Place: TypeAlias = list[str | int]
"""Keys and positions that lead to a picture in the evidence."""
LARGEST = 24_000
"""Characters of a picture at most."""
MOST = 24
"""Pictures of one score at most."""
STANDING = "(a picture, left out here)"
"""What stands in the evidence where a picture was: the page puts the picture there, if it has it."""
_DEEPEST = 12
"""Levels of evidence that are looked through: the page shows no more."""
_LONGEST = 400
"""Characters of a place at most: keys are a model's words too."""
_ADDRESS = re.compile(
    r"data:image/(?:png|jpeg|webp);base64,(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
)


def is_picture(value: object) -> bool:
    """Whether a value of the evidence is shown as a picture."""
    return isinstance(value, str) and len(value) <= LARGEST and _ADDRESS.fullmatch(value) is not None


class Pictures:
    """Pictures, numbered in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ranks: list[int] = []

    def lifted(self, evidence: Any, rank: int) -> tuple[Any, list[tuple[Place, int]]]:
        """The evidence without its pictures; the place and number of each. Those of a lower rank are kept first."""
        found: list[tuple[Place, str]] = []
        rest = _parted(evidence, [], found)
        near = [(place, one) for place, one in found if sum(len(str(key)) for key in place) <= _LONGEST]
        return rest, [(place, self._number(one, rank)) for place, one in near[:MOST]]

    def written(self, room: int) -> list[str | None]:
        """All in their order, as many as fit `room` bytes, by rank and the smallest first. None: left out."""
        parts = list(self._numbers)
        kept: list[str | None] = [None] * len(parts)
        for number in sorted(range(len(parts)), key=lambda n: (self._ranks[n], len(parts[n]), parts[n])):
            if len(parts[number]) <= room:
                room -= len(parts[number])
                kept[number] = parts[number]
        return kept

    def _number(self, picture: str, rank: int) -> int:
        number = self._numbers.setdefault(picture, len(self._ranks))
        if number == len(self._ranks):
            self._ranks.append(rank)
        self._ranks[number] = min(rank, self._ranks[number])
        return number


def _parted(value: Any, place: Place, found: list[tuple[Place, str]]) -> Any:
    """The value with words for its pictures, which are added to `found`."""
    if is_picture(value):
        found.append((place, value))
        return STANDING
    if len(place) >= _DEEPEST or not isinstance(value, dict | list | tuple):
        return value
    parts = [_parted(part, [*place, key], found) for key, part in _keyed(value)]
    return dict(zip(value, parts, strict=True)) if isinstance(value, dict) else parts


def _keyed(value: dict[str, Any] | list[Any] | tuple[Any, ...]) -> Iterator[tuple[str | int, Any]]:
    yield from value.items() if isinstance(value, dict) else enumerate(value)
