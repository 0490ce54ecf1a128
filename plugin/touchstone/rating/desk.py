"""One rater's desk: the outputs in their order, what was said of each, what was looked at. Knows no HTTP.

What the rater must not see never comes here to be shown: neither the run-config, nor judges' or other people's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..errors import UsageError
from ..labels import Item, Label, Rating, Scale
from ..ratings import Ratings, labels_of
from . import sent as checks

LONGEST_NOTE = checks.LONGEST_NOTE
_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A rating as the page sends it."""

    id: str
    key: str
    value: Label
    note: str
    seconds: float | None

    @classmethod
    def of(cls, data: object) -> Sent:
        """Checked field by field. Raises UsageError that names the first that is wrong."""
        given = checks.fields(data)
        sent_id, key, value = checks.identity(given, "a rating"), given.get("key"), given.get("value")
        if not isinstance(key, str):
            raise UsageError("a rating wants the key of an item")
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise UsageError("a rating wants a value")
        return cls(sent_id, key, value, checks.note(given), _seconds(given.get("seconds")))


@dataclass
class Desk:
    """What one person rates, in this process."""

    items: Sequence[Item]
    rows: Mapping[str, Mapping[str, object]]
    """Row's id -> what else of the row raters are shown beside its input."""
    ratings: Ratings
    rater: str
    scale: Scale
    clock: Callable[[], float]
    """Seconds since 1970."""
    looked: set[str] = field(default_factory=set)
    """Keys of the items whose evidence was handed out: what is said of them from then on is not blind."""
    done: set[str] = field(default_factory=set)
    """Ids of what was sent: what comes twice (a retry) is one rating."""
    count: int = 0
    """Ratings taken since the start."""

    def __post_init__(self) -> None:
        self.items = in_order(self.items, self.rater)
        self._by_key = {item.key: item for item in self.items}

    def item(self, key: str) -> Item | None:
        """The item of that key."""
        return self._by_key.get(key)

    def overview(self) -> list[dict[str, Any]]:
        """Every item in this rater's order, with what they said of it: key, value, note."""
        mine = self._mine()
        return [{"key": item.key, **self._said(item, mine)} for item in self.items]

    def contents(self, item: Item) -> dict[str, Any]:
        """What is shown of an item."""
        about = dict(self.rows.get(item.row, {}))
        return {"key": item.key, "row": item.row, "input": item.input, "output": item.output, "about": about}

    def may_look(self, item: Item, *, peek: bool) -> bool:
        """Evidence is handed out after the rating, or to one who asks for it in so many words."""
        return peek or item.key in self.looked or item.key in self._mine()

    @property
    def words(self) -> str:
        """What a rater may say, as text."""
        return ", ".join(map(str, labels_of(self.scale)))

    def rating(self, item: Item, value: Label, note: str, seconds: float | None) -> Rating:
        """This rater's word on the item, said now. A clock that went back must not let their older word win."""
        before, now = self._mine().get(item.key), datetime.fromtimestamp(self.clock(), UTC)
        when = max(now.strftime("%Y-%m-%dT%H:%M:%SZ"), before.when if before else "")
        peeked = item.key in self.looked or (before is not None and before.peeked)
        return Rating(item.row, item.answer, self.rater, value, when, note, seconds, peeked)

    def checked(self, data: object) -> Sent:
        """A rating as the page sends it, if it is one of this desk's. Raises UsageError with what is wrong."""
        sent = Sent.of(data)
        if sent.key not in self._by_key:
            raise UsageError("this output is not in the golden set")
        if sent.value not in labels_of(self.scale):
            raise UsageError(f"{sent.value!r} is no label of the scale {self.scale}")
        return sent

    def rate(self, sent: Sent) -> dict[str, Any]:
        """Keep a rating; the item as it stands now.

        Nothing is added for what was sent before, or says what stands there already. Raises UsageError where it
        cannot be written.
        """
        item, before = self._by_key[sent.key], self._mine().get(sent.key)
        same = before is not None and (before.value, before.note) == (sent.value, sent.note)
        if sent.id not in self.done and not same:
            self.ratings.add(self.rating(item, sent.value, sent.note, sent.seconds))
            self.count += 1
        self.done.add(sent.id)
        return {"key": item.key, **self._said(item)}

    def _said(self, item: Item, mine: Mapping[str, Rating] | None = None) -> dict[str, Any]:
        """What this rater said of an item, having looked at its evidence or not; and whether they have by now."""
        rating = (self._mine() if mine is None else mine).get(item.key)
        looked = item.key in self.looked
        if rating is None:
            return {"value": None, "note": "", "peeked": False, "looked": looked}
        return {"value": rating.value, "note": rating.note, "peeked": rating.peeked, "looked": looked}

    def _mine(self) -> dict[str, Rating]:
        """Item's key -> this rater's latest rating."""
        current = self.ratings.current(self.items)
        return {key: by[self.rater] for key, by in current.items() if self.rater in by}


def in_order(items: Sequence[Item], rater: str) -> list[Item]:
    """Each rater's own order, always the same: nobody's last outputs are everybody's tired ones."""
    lot = {item.key: hashlib.sha256(f"{rater}\0{item.key}".encode("utf-8", "surrogatepass")).digest() for item in items}
    return sorted(items, key=lambda item: lot[item.key])


def _seconds(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not given >= 0:
        raise UsageError("seconds is a number, from 0")
    return round(min(float(given), _A_DAY), 1) if given < _A_DAY else _A_DAY
