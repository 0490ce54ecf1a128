"""What is kept of what was made: rows that differ from all others, in their splits. Owns that fold; makes no draft.

Rows are taken one after the other in an order that no clock and no number of workers changes, so that recordings give
the same rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .alike import Alike
from .plan import Named, Part, Purpose
from .reviews import Review, text_hash
from .splits import key_of, split_of
from .tally import Tally

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""
BARREN = 3
"""Times that every topic is tried without a new row before it is given up."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that may become a row."""

    id: str
    topic: str
    slot: int
    voice: str
    text: str
    prompt: str
    effect: frozenset[str]
    fields: Mapping[str, Any]
    """The task's own, of the row."""
    how: Mapping[str, Any]
    """What its way says of where it comes from."""


@dataclass(frozen=True, slots=True)
class Made:
    """Rows by split, sorted by id, and what they took."""

    rows: Mapping[str, list[dict[str, Any]]]
    tally: Tally
    stopped: str = ""
    """Why there are fewer than the plan wants; empty where there are not."""


@dataclass
class Keeper:
    """The rows of one purpose."""

    named: Named
    purpose: Purpose
    teacher: str
    """The model's identity; empty where the task words its own requests."""
    index: Alike
    """Holds what no row may be alike to; takes each kept row in."""
    reviews: Mapping[tuple[str, str], Review]
    """(row's id, hash of its request as the model wrote it) -> the decision that stands."""
    wanted: int
    tally: Tally = field(default_factory=Tally)
    texts: set[str] = field(default_factory=set)
    """Requests that were kept."""
    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(split, row) as they were kept."""

    @property
    def part(self) -> Part:
        """What the plan wants."""
        return self.named.part(self.purpose)

    @property
    def lacking(self) -> int:
        """Rows that are still wanted."""
        return self.wanted - self.tally.kept

    def keep(self, found: Found) -> bool:
        """Take it, if it is wanted and differs from every row before it."""
        review = self.reviews.get((found.id, text_hash(found.text)))
        if self.lacking <= 0:
            return False
        if review is not None and review.verdict == "drop":
            self.tally.dropped["a person dropped it"] += 1
            return False
        text = review.input if review is not None and review.verdict == "edit" else found.text
        if near := self._near(text, found.effect):
            self.tally.dropped[near] += 1
            return False
        self.tally.kept += 1
        split = split_of(key_of(found.topic, found.effect, text), self.named.splits(self.purpose), self.named.plan.seed)
        self.rows.append((split, self._row(found, text, review)))
        return True

    def _near(self, text: str, effect: frozenset[str]) -> str:
        """Why a row is too like another one; where it is not, it is remembered, and the answer is empty."""
        if near := self.index.nearest(text, effect):
            return f"near another row: {near.how}"
        if text in self.texts:
            return "near another row: same text"
        self.texts.add(text)
        if self.named.plan.alike.own:
            self.index.add(str(len(self.texts)), text, effect)
        return ""

    def made(self, tried: str) -> Made:
        """All that was kept; `tried` says what more could not be had from, where there is too little."""
        rows: dict[str, list[dict[str, Any]]] = {split: [] for split in self.named.splits(self.purpose)}
        for split, row in sorted(self.rows, key=lambda one: str(one[1]["id"])):
            rows[split].append(row)
        return Made(rows, self.tally, f"{self.tally.kept} rows {tried}{self._mostly()}" if self.lacking > 0 else "")

    def _row(self, found: Found, text: str, review: Review | None) -> dict[str, Any]:
        made: dict[str, Any] = {
            "plan": self.named.name,
            "seed": self.named.plan.seed,
            "topic": found.topic,
            "slot": found.slot,
            "way": self.part.way,
            "purpose": self.purpose,
            **({"voice": found.voice, "teacher": self.teacher, "prompt": found.prompt} if self.teacher else {}),
            **found.how,
        }
        if review is not None:
            edited = {"was": review.hash} if review.verdict == "edit" else {}
            made["reviewed"] = {"by": review.by, "verdict": review.verdict, **edited}
        fields = {"tags": [], **found.fields}
        return {"id": found.id, "input": text, **fields, "made": made}

    def _mostly(self) -> str:
        most = (self.tally.dropped or self.tally.refused).most_common(1)
        return f"; most often: {most[0][0]} ({most[0][1]})" if most else ""
