"""What an import found and has no place for here: kept with its value and its file, so that nothing is lost unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..jsonl import encoded

EMPTY: tuple[Any, ...] = (None, "", [], {}, False)
"""Values that say nothing, and are not listed."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """One thing without a place."""

    of: str
    """The kind of record, as the other tool calls it."""
    what: str
    """The field; empty for the whole record."""
    where: str
    """Its file, from the other project's root."""
    why: str
    value: Any = None


@dataclass
class Leftovers:
    """All of them, in the order found."""

    found: list[Unplaced] = field(default_factory=list)
    _places: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, of: str, what: str, where: str, why: str, value: Any = None) -> None:
        """One more."""
        self.found.append(Unplaced(of, what, where, why, value))

    def fields(self, of: str, where: str, values: Iterable[tuple[str, Any]], why: str) -> None:
        """Each field that says anything."""
        for what, value in values:
            if not any(value is one or value == one for one in EMPTY) or (value == 0 and value is not False):
                self.add(of, what, where, why, value)

    def fields_at(self, of: str, values: Iterable[tuple[str, str, Any]], why: str = "no such thing here") -> None:
        """Each (field, place, value) that says anything, once for each place."""
        for what, where, value in values:
            if (of, what, where) not in self._places:
                self._places.add((of, what, where))
                self.fields(of, where, [(what, value)], why)

    def lines(self) -> bytes:
        """As a file, a thing a line."""
        return b"".join(
            encoded({"of": one.of, "what": one.what, "where": one.where, "why": one.why, "value": one.value})
            for one in self.found
        )

    def counted(self) -> list[tuple[str, int]]:
        """("kind: field: why", how many), in the order found."""
        words = (": ".join(part for part in (one.of, one.what, one.why) if part) for one in self.found)
        return list(Counter(words).items())
