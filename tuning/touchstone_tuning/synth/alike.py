"""Rows that are the same or nearly so: by their words, and by what their job does. Owns the measure; drops nothing.

Words: Jaccard similarity of the normalised text's shingles; what a job does: Jaccard similarity of its tokens.
MinHash with locality-sensitive hashing (datasketch) only proposes: every proposal is measured exactly, so that luck
can miss a pair (seldom, see `bands`) and never make one.
"""

from __future__ import annotations

import importlib
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from touchstone.errors import UsageError

PERMUTATIONS = 128
RECALL = 0.998
"""Least chance with which a pair just at the threshold is proposed; one above it is proposed more often still."""
LEAST = 0.1
"""Lowest threshold: below it, more pairs would be missed than RECALL allows."""
How = Literal["same text", "text", "effect"]
Entry = tuple[str, str, frozenset[str]]
"""(id, text, effect)."""

_DENSE = "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\uffff\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
"""Scripts whose one character says as much as a syllable or a word, most of them written without blanks."""
_GRAM, _DENSE_GRAM = 5, 3
"""Characters of a shingle: of scripts with letters, and of dense ones."""
_LETTER = rf"[^\W{_DENSE}]"
_FILE = re.compile(
    rf"(?<!{_LETTER})(?<![@%+~/.-])(?:{_LETTER}|[@%+~/.-])*{_LETTER}"
    r"\.([a-z][a-z0-9]{1,4}|[A-Z][A-Z0-9]{1,4}|3gp|7z)(?![A-Za-z0-9_])"
)
"""A name with its suffix, which starts with a letter (`1.5x` is no file) and is in one case (nor is `that.Then`)."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)
"""Controls that are no blanks, and what takes no room: joiners, marks of direction, variation selectors, fillers."""
_KEPT = re.compile(rf"<[a-z0-9]{{2,5}}>|(?<!{_LETTER})(?<!\.)-(?=\.?\d)|(?<![\w.])\.(?=\d)|(?<=\d)\.(?=\d)")
"""What is no letter and stays: kinds of files, the sign of a number, and its point."""


@dataclass(frozen=True, slots=True)
class Near:
    """The row that another one is alike to."""

    id: str
    how: How
    similarity: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows that are alike, in the order in which they came."""

    id_a: str
    id_b: str
    how: How
    similarity: float


@dataclass(frozen=True, slots=True)
class Leak:
    """Two rows of different splits that are alike."""

    split_a: str
    id_a: str
    split_b: str
    id_b: str
    how: How
    similarity: float


def normalised(text: str) -> str:
    """What a text says: its letters and numbers, small, one blank apart; of a file's name, its suffix as `<mp4>`."""
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)))
    named = _FILE.sub(lambda found: f" <{found[1].lower()}> ", seen)
    folded = unicodedata.normalize("NFKC", named.casefold()).replace("\u2212", "-")
    kept = {place for found in _KEPT.finditer(folded) for place in range(*found.span())}
    plain = (c if n in kept or unicodedata.category(c)[0] in "LMN" else " " for n, c in enumerate(folded))
    return " ".join("".join(plain).split())


def shingles(plain: str) -> frozenset[str]:
    """The overlapping pieces of a normalised text; the text itself where it is shorter than one."""
    sizes = (_DENSE_GRAM if re.match(f"[{_DENSE}]", c) else _GRAM for c in plain)
    found = (plain[n : n + size] for n, size in enumerate(sizes) if n + size <= len(plain))
    return frozenset(found) or frozenset([plain])


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Size of what both have by that of what either has; 0 where both are empty."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if one or other else 0.0


def bands(at: float) -> tuple[int, int]:
    """(bands, rows of each) of a sketch: bands as long as RECALL allows, so that little else is proposed."""
    sizes = range(PERMUTATIONS // 2, 0, -1)
    fit = (size for size in sizes if 1 - (1 - at**size) ** (PERMUTATIONS // size) >= RECALL)
    size = next(fit)
    needed = (n for n in range(2, PERMUTATIONS + 1) if 1 - (1 - at**size) ** n >= RECALL)
    return next(needed), size


Key = TypeVar("Key", str, frozenset[str])


@dataclass
class _Side(Generic[Key]):
    """An index of texts, or of effects: which rows have it, and which others are near."""

    at: float
    parts: Callable[[Key], frozenset[str]]
    """The set that a key is measured by. Cut anew each time: kept, the sets were most of the memory."""
    rows: dict[Key, list[int]] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    lsh: Any = None
    last: tuple[Key, Any] | None = None
    """The latest sketch: a row is mostly asked about and then added."""

    def add(self, key: Key, row: int) -> None:
        """Take a row in; an empty key is alike to nothing, and left out."""
        if key and key not in self.rows:
            self.index().insert(len(self.keys), self.sketch(key), check_duplication=False)
            self.keys.append(key)
        if key:
            self.rows.setdefault(key, []).append(row)

    def near(self, key: Key) -> Iterator[tuple[Key, float]]:
        """Every key that is alike, with its similarity; the very same one first."""
        if not key:
            return
        if key in self.rows:
            yield key, 1.0
        mine = self.parts(key)
        for number in sorted(self.index().query(self.sketch(key))):
            other = self.keys[number]
            if other != key and (similarity := jaccard(mine, self.parts(other))) >= self.at:
                yield other, similarity

    def index(self) -> Any:
        """The proposing index, made when it is first wanted."""
        if self.lsh is None:
            # datasketch draws a name, which nothing uses here, from Python's global generator: its state is set back.
            state = random.getstate()
            self.lsh = _datasketch().MinHashLSH(num_perm=PERMUTATIONS, params=bands(self.at))
            random.setstate(state)
        return self.lsh

    def sketch(self, key: Key) -> Any:
        """SHA-1 and permutations of a fixed seed: the same in each process; a minimum, so no order matters."""
        if self.last is None or self.last[0] != key:
            found = _datasketch().MinHash(num_perm=PERMUTATIONS, seed=1)
            found.update_batch(one.encode("utf-8", "surrogatepass") for one in self.parts(key))
            self.last = key, found
        return self.last[1]


class Alike:
    """An index of rows, asked whether another one is alike to any of them. Not for two threads at a time."""

    def __init__(self, text_at: float = 0.7, effect_at: float = 0.9) -> None:
        """Similarities from which on rows are alike, from LEAST to 1. Raises UsageError."""
        for name, at in (("text", text_at), ("effect", effect_at)):
            if not LEAST <= at <= 1:
                raise UsageError(f"alike: {name}: {at:g} is no threshold", hint=f"{name}: from {LEAST} to 1")
        self._ids: list[str] = []
        self._text: _Side[str] = _Side(text_at, shingles)
        self._effect: _Side[frozenset[str]] = _Side(effect_at, frozenset)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str, text: str, effect: frozenset[str] = frozenset()) -> None:
        """Take a row in."""
        self._text.add(normalised(text), len(self._ids))
        self._effect.add(effect, len(self._ids))
        self._ids.append(id)

    def nearest(self, text: str, effect: frozenset[str] = frozenset()) -> Near | None:
        """The row that was added first of those that are alike; None where there is none.

        Texts without a letter or number, and empty effects, are alike to nothing. Of a row alike in several ways, the
        first of: same text, text, effect.
        """
        return next((near for _, near in self._found(normalised(text), effect, every=False)), None)

    def every(self, text: str, effect: frozenset[str] = frozenset()) -> list[tuple[int, Near]]:
        """(number in the order of adding, row) of each row that is alike."""
        return list(self._found(normalised(text), effect, every=True))

    def _found(self, plain: str, effect: frozenset[str], *, every: bool) -> Iterator[tuple[int, Near]]:
        found: dict[int, tuple[How, float]] = {}
        for key, similarity in self._text.near(plain):
            for row in self._text.rows[key][: None if every else 1]:
                found.setdefault(row, ("same text" if key == plain else "text", similarity))
        for tokens, similarity in self._effect.near(effect):
            for row in self._effect.rows[tokens][: None if every else 1]:
                found.setdefault(row, ("effect", similarity))
        for row, (how, similarity) in sorted(found.items()):
            yield row, Near(self._ids[row], how, similarity)


def pairs(rows: Iterable[Entry], text_at: float = 0.7, effect_at: float = 0.9) -> list[Pair]:
    """Every two rows that are alike. So many rows that are all the same are so many pairs squared."""
    index, found = Alike(text_at, effect_at), list[Pair]()
    for id_, text, effect in rows:
        found += [Pair(near.id, id_, near.how, near.similarity) for _, near in index.every(text, effect)]
        index.add(id_, text, effect)
    return found


def leaks(groups: Mapping[str, Iterable[Entry]], text_at: float = 0.7, effect_at: float = 0.9) -> list[Leak]:
    """Every two rows of different groups that are alike; `split_a` is the group that comes first."""
    index, found, splits = Alike(text_at, effect_at), list[Leak](), list[str]()
    for split, entries in groups.items():
        mine = list(entries)
        for id_, text, effect in mine:
            nears = index.every(text, effect)
            found += [Leak(splits[row], near.id, split, id_, near.how, near.similarity) for row, near in nears]
        for id_, text, effect in mine:
            index.add(id_, text, effect)
            splits.append(split)
    return found


def _datasketch() -> Any:
    try:
        return importlib.import_module("datasketch")
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]'"
        raise UsageError("finding duplicates wants the package datasketch", hint=hint) from error
