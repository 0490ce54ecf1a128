"""A shard: one of several parts of a run, made on machines of their own. Owns which row is whose; runs nothing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

_FORM = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """The second of four: `2/4`."""

    number: int
    """From 1."""
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `2/4`. Raises ValueError that says what is wanted."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no shard: wanted NUMBER/OF, for example 2/4")
        number, of = int(found[1]), int(found[2])
        if not 1 <= number <= of:
            raise ValueError(f"{text!r} is no shard: " + (f"there are 1/{of} to {of}/{of}" if of else "of at least 1"))
        return cls(number, of)

    def holds(self, key: str) -> bool:
        """Whether what is called so is in this shard: by a digest of the name alone, so that every machine agrees,
        all samples of a row stay together, and adding rows moves no other."""
        start = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]
        return int.from_bytes(start) % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"
