"""Rows that are the same or nearly so: by their words, and by what their job does. Owns the measure; drops nothing.

Words: Jaccard similarity of character 5-grams of the normalised text; what a job does: Jaccard similarity of its
tokens. MinHash with locality-sensitive hashing (datasketch) only proposes: every proposal is measured exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from touchstone.errors import UsageError

GRAM = 5
"""Characters of a shingle."""
PERMUTATIONS = 128
_FILE = re.compile(r"[\w@%+-]+(?:\.[\w-]+)*\.([a-z0-9]{2,5})\b")
How = Literal["same words", "words", "what it does"]
Entry = tuple[str, str, frozenset[str]]
"""(id, text, effect)."""


@dataclass(frozen=True, slots=True)
class Near:
    """The row that another one is alike to."""

    id: str
    how: How
    similarity: float


@dataclass(frozen=True, slots=True)
class Leak:
    """Two rows of different splits that are alike."""

    split: str
    id: str
    other_split: str
    other_id: str
    how: How
    similarity: float


def normalised(text: str) -> str:
    """What a text says, without case, punctuation, unseen characters and the names of files; numbers stay."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in ("Cf", "Cc", "Cs"))
    named = _FILE.sub(r" \1file ", seen.casefold())
    return " ".join(re.sub(r"[^\w.]|(?<!\d)\.|\.(?!\d)", " ", named).split())


def shingles(text: str) -> frozenset[str]:
    """Character 5-grams of a normalised text; the text itself where it is shorter."""
    plain = normalised(text)
    return frozenset(plain[i : i + GRAM] for i in range(max(len(plain) - GRAM + 1, 1))) if plain else frozenset()


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Size of what both have by that of what either has; 0 where both are empty."""
    return len(one & other) / len(one | other) if one or other else 0.0


@dataclass
class _Side:
    """One kind of sets, and an index of them."""

    at: float
    sets: dict[int, frozenset[str]] = field(default_factory=dict)
    exact: dict[frozenset[str], int] = field(default_factory=dict)
    index: Any = None

    def add(self, number: int, items: frozenset[str]) -> None:
        if items and items not in self.exact:
            self.exact[items] = number
            self.sets[number] = items
            self._lsh().insert(number, _minhash(items))

    def nearest(self, items: frozenset[str]) -> tuple[int, float] | None:
        """The most alike set from the threshold on, and how alike it is; of several the one that came first."""
        if not items:
            return None
        if items in self.exact:
            return self.exact[items], 1.0
        found = ((jaccard(items, self.sets[n]), n) for n in self._lsh().query(_minhash(items)))
        best = max(((s, -n) for s, n in found if s >= self.at), default=None)
        return (-best[1], best[0]) if best else None

    def _lsh(self) -> Any:
        if self.index is None:
            # Proposed from well below the threshold on, so that hardly any pair above it is missed.
            self.index = _datasketch().MinHashLSH(threshold=max(self.at - 0.2, 0.1), num_perm=PERMUTATIONS)
        return self.index


class Alike:
    """An index of rows, asked whether another one is alike to any of them."""

    def __init__(self, text_at: float = 0.7, effect_at: float = 0.9) -> None:
        """Similarities from which on rows are alike."""
        self._names: list[str] = []
        self._text, self._effect = _Side(text_at), _Side(effect_at)
        self._words: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def add(self, id: str, text: str, effect: frozenset[str] = frozenset()) -> None:
        """Take a row in."""
        number = len(self._names)
        self._names.append(id)
        if plain := normalised(text):
            self._words.setdefault(plain, number)
        self._text.add(number, shingles(text))
        self._effect.add(number, effect)

    def nearest(self, text: str, effect: frozenset[str] = frozenset()) -> Near | None:
        """A row that is alike; None where there is none. Empty texts and effects are alike to nothing."""
        plain = normalised(text)
        if plain and plain in self._words:
            return Near(self._names[self._words[plain]], "same words", 1.0)
        if found := self._text.nearest(shingles(text)):
            return Near(self._names[found[0]], "words", found[1])
        if found := self._effect.nearest(effect):
            return Near(self._names[found[0]], "what it does", found[1])
        return None


def leaks(groups: Mapping[str, Iterable[Entry]], text_at: float = 0.7, effect_at: float = 0.9) -> list[Leak]:
    """Every row that is alike to one of an earlier group, each with the nearest."""
    found, before = list[Leak](), list[tuple[str, Alike]]()
    for split, entries in groups.items():
        mine, rows = Alike(text_at, effect_at), list(entries)
        for id_, text, effect in rows:
            found += _against(before, split, (id_, text, effect))
            mine.add(id_, text, effect)
        before.append((split, mine))
    return found


def _against(before: Sequence[tuple[str, Alike]], split: str, entry: Entry) -> list[Leak]:
    nears = ((other, index.nearest(entry[1], entry[2])) for other, index in before)
    return [Leak(split, entry[0], other, near.id, near.how, near.similarity) for other, near in nears if near]


def _minhash(items: frozenset[str]) -> Any:
    # Sorted, so that nothing depends on the order in which a set is walked.
    sketch = _datasketch().MinHash(num_perm=PERMUTATIONS, seed=1)
    sketch.update_batch([one.encode("utf-8", "surrogatepass") for one in sorted(items)])
    return sketch


def _datasketch() -> Any:
    try:
        import datasketch  # type: ignore[import-untyped]
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]'"
        raise UsageError("finding duplicates wants the package datasketch", hint=hint) from error
    return datasketch
