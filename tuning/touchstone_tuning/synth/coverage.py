"""What data sets cover: features, topics, voices, lengths, proofs. Pure counting; draws nothing and reads no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from statistics import median
from typing import Any

from .tally import Tally
from .topic import Topic

Row = Mapping[str, Any]
ORDER = ("train", "val", "eval", "golden")
"""Splits that stand first, in this order; others follow by name."""
CROWDED = 5
"""Topics with the most rows that are named."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The features of one kind: `filter`, `encoder` ...; empty for topics that are no path."""

    name: str
    uses: Mapping[str, Mapping[str, int]]
    """Feature without its kind, every known one -> split -> rows that exercise it; nothing for none."""

    @property
    def known(self) -> int:
        """Number of features."""
        return len(self.uses)

    def exercised(self, split: str) -> int:
        """Features that a row of the split exercises."""
        return sum(split in rows for rows in self.uses.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """Features that no row exercises."""
        return tuple(name for name, rows in self.uses.items() if not rows)

    def lacking(self, split: str) -> tuple[str, ...]:
        """Features that no row of the split exercises."""
        return tuple(name for name, rows in self.uses.items() if split not in rows)


@dataclass(frozen=True, slots=True)
class Balance:
    """How rows spread over the topics that they were made for."""

    topics: int
    least: int
    middle: float
    most: int
    crowded: tuple[tuple[str, int], ...]
    """(topic, rows), most rows first."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Words of a request: the smallest, tenths of the rows, the largest (nearest rank)."""

    least: int
    tenth: int
    half: int
    nine_tenths: int
    most: int


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of one split."""

    rows: int
    balance: Balance | None
    """None where no row says what topic it was made for."""
    voices: Mapping[str, int]
    """Voice -> rows, most first."""
    lengths: Lengths | None
    verified: Mapping[str, int]
    """Word of a proof -> rows."""
    reviewed: int
    """Rows that a person has looked at."""
    made: int
    """Rows that a plan made; the others were written by hand."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All that was counted."""

    splits: Mapping[str, Split]
    kinds: tuple[Kind, ...]
    composable: int
    """Topics that the task has a template for."""
    unmade: tuple[str, ...]
    """Those of them that no row was made for."""
    unlisted: tuple[str, ...]
    """Features that rows exercise and that no topic stands for."""
    duplicates: Mapping[str, int] = field(default_factory=dict)
    """What was compared -> pairs that are alike, as the caller counted them."""
    yields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Purpose -> what making its rows took (`Tally.as_dict`), with `share` of drafts kept."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "schema": 1,
            "splits": {name: asdict(split) for name, split in self.splits.items()},
            "kinds": {one.name: _kind_as_dict(one, tuple(self.splits)) for one in self.kinds},
            "composable": self.composable,
            "unmade": list(self.unmade),
            "unlisted": list(self.unlisted),
            "duplicates": dict(self.duplicates),
            "yields": {purpose: dict(took) for purpose, took in self.yields.items()},
        }


def cover(
    rows: Mapping[str, Sequence[Row]],
    topics: Sequence[Topic],
    features: Callable[[Row], Collection[str]] | None = None,
    *,
    duplicates: Mapping[str, int] | None = None,
    tallies: Mapping[str, Tally] | None = None,
) -> Coverage:
    """Count the rows of each split. Without `features`, a row exercises nothing but the topic that it was made for."""
    splits = {name: _split(rows[name]) for name in in_order(rows)}
    uses = _uses({name: rows[name] for name in splits}, features or _own)
    known = dict.fromkeys(one.id for one in topics)
    done = {topic for split in rows.values() for row in split for topic in _own(row)}
    composable = [one.id for one in topics if one.composable]
    return Coverage(
        splits=splits,
        kinds=_kinds(known, uses),
        composable=len(composable),
        unmade=tuple(one for one in composable if one not in done),
        unlisted=tuple(sorted(uses.keys() - known.keys())),
        duplicates=dict(duplicates or {}),
        yields={purpose: {**one.as_dict(), "share": round(one.share, 4)} for purpose, one in (tallies or {}).items()},
    )


def in_order(splits: Iterable[str]) -> list[str]:
    """Names of splits, the usual ones first."""
    return sorted(splits, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def _own(row: Row) -> tuple[str, ...]:
    """The topic that a row was made for."""
    topic = _made(row).get("topic")
    return (str(topic),) if topic else ()


def _made(row: Row) -> Mapping[str, Any]:
    """How a row came about; nothing for one written by hand."""
    made = row.get("made")
    return made if isinstance(made, Mapping) else {}


def _proofs(made: Mapping[str, Any]) -> set[str]:
    words = made.get("verified")
    return set(map(str, words)) if isinstance(words, Sequence) and not isinstance(words, str) else set()


def _uses(rows: Mapping[str, Sequence[Row]], features: Callable[[Row], Collection[str]]) -> dict[str, dict[str, int]]:
    """Feature -> split -> rows."""
    found: dict[str, dict[str, int]] = {}
    for split, own in rows.items():
        for feature, number in Counter(one for row in own for one in set(features(row))).items():
            found.setdefault(feature, {})[split] = number
    return found


def _kinds(known: Collection[str], uses: Mapping[str, Mapping[str, int]]) -> tuple[Kind, ...]:
    """The features by their first step, in the order in which the topics have them."""
    found: dict[str, dict[str, Mapping[str, int]]] = {}
    for feature in known:
        kind, slash, name = feature.partition("/")
        found.setdefault(kind if slash else "", {})[name if slash else kind] = uses.get(feature, {})
    return tuple(Kind(kind, own) for kind, own in found.items())


def _kind_as_dict(kind: Kind, splits: Sequence[str]) -> dict[str, Any]:
    exercised = {split: kind.exercised(split) for split in splits}
    uses = {name: dict(rows) for name, rows in kind.uses.items() if rows}
    return {"known": kind.known, "exercised": exercised, "missing": list(kind.missing), "rows": uses}


def _split(rows: Sequence[Row]) -> Split:
    made = [_made(row) for row in rows]
    return Split(
        rows=len(rows),
        balance=_balance([topic for row in rows for topic in _own(row)]),
        voices=_counted(str(one["voice"]) for one in made if one.get("voice")),
        lengths=_lengths([len(str(row.get("input", "")).split()) for row in rows]),
        verified=_counted(str(word) for one in made for word in _proofs(one)),
        reviewed=sum(bool(one.get("reviewed")) for one in made),
        made=sum(map(bool, made)),
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    """Most first; of as many, by name."""
    return dict(sorted(Counter(words).items(), key=lambda pair: (-pair[1], pair[0])))


def _balance(topics: Sequence[str]) -> Balance | None:
    counted = _counted(topics)
    if not counted:
        return None
    numbers = list(counted.values())
    crowded = tuple(list(counted.items())[:CROWDED])
    return Balance(len(numbers), numbers[-1], median(numbers), numbers[0], crowded)


def _lengths(numbers: Sequence[int]) -> Lengths | None:
    if not numbers:
        return None
    ranked = sorted(numbers)
    tenth, half, nine_tenths = (ranked[max(1, ceil(share * len(ranked))) - 1] for share in (0.1, 0.5, 0.9))
    return Lengths(ranked[0], tenth, half, nine_tenths, ranked[-1])
