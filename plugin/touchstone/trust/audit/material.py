"""What an audit looks at: golden outputs and all that was said of them. Values and their reading; finds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from statistics import fmean

from ...labels import SCALES, UNSURE, Item, Rating, Scale, Trust, normalised
from ...records import Score
from ..agreement import PEOPLE_PASS

ENOUGH = 10
"""Fewer labels than this tell nothing of the one who gave them."""
PAUSE = 30 * 60.0
"""Seconds without a rating after which another session begins."""


@dataclass(frozen=True, slots=True)
class Case:
    """One golden output, and what everybody said of it."""

    item: Item
    said: Mapping[str, Rating]
    """Rater -> their latest rating of it."""
    scores: Mapping[str, Score]
    """What the eval's scorers and judges said."""
    tags: tuple[str, ...] = ()
    """Those of its row."""


@dataclass(frozen=True, slots=True)
class Said:
    """One rater's label of one output."""

    case: Case
    rating: Rating
    value: float
    """0 to 1."""


@dataclass(frozen=True)
class Material:
    """All of an eval's golden set that an audit needs."""

    cases: tuple[Case, ...]
    history: tuple[Rating, ...]
    """Every readable rating, also those that a rater took back later, in their files' order."""
    truth: str = ""
    """The score that execution gave; empty where the eval names none."""
    judges: tuple[Trust, ...] = ()
    stale: tuple[Rating, ...] = ()
    problems: tuple[str, ...] = ()
    """`path:line: why` of lines that could not be read."""

    @cached_property
    def scale(self) -> Scale:
        """The scale that most ratings are on."""
        values = [rating.value for case in self.cases for rating in case.said.values() if rating.value != UNSURE]
        if 2 * sum(isinstance(value, int) for value in values) > len(values):
            return "stars"
        return "critical" if "critical" in values else "pass_fail"

    @property
    def passes_at(self) -> float:
        """From which value on a person's label is a pass."""
        return PEOPLE_PASS[self.scale]

    @cached_property
    def by_rater(self) -> Mapping[str, tuple[Said, ...]]:
        """Rater -> their labels, in the order of time; without "unsure" and without labels of another scale."""
        found: dict[str, list[Said]] = {}
        for case in self.cases:
            for rater, rating in case.said.items():
                if (value := self.value(rating)) is not None:
                    found.setdefault(rater, []).append(Said(case, rating, value))
        return {rater: tuple(sorted(found[rater], key=lambda said: said.rating.when)) for rater in sorted(found)}

    @property
    def labels(self) -> int:
        """How many labels there are."""
        return sum(map(len, self.by_rater.values()))

    def value(self, rating: Rating) -> float | None:
        """A rating from 0 to 1; None for "unsure" and for a label of another scale."""
        return None if rating.value not in SCALES[self.scale] else normalised(rating.value, self.scale)

    def seen(self, case: Case) -> float | None:
        """What execution says of an output; None where it says nothing."""
        score = case.scores.get(self.truth) if self.truth else None
        return None if score is None else score.value

    def others(self, case: Case, rater: str) -> float | None:
        """The mean of all other raters' labels of an output; None where nobody else knew."""
        known = [v for who, r in case.said.items() if who != rater and (v := self.value(r)) is not None]
        return fmean(known) if known else None


def moment(rating: Rating) -> float | None:
    """When it was given, in seconds since 1970; None for a time that is on no calendar."""
    try:
        return datetime.fromisoformat(rating.when).timestamp()
    except ValueError:
        return None


def sessions(ratings: Iterable[Rating]) -> list[list[Rating]]:
    """One rater's ratings, in time, cut at every pause of more than half an hour. Those without a time are left out."""
    timed = sorted(((at, rating) for rating in ratings if (at := moment(rating)) is not None), key=lambda pair: pair[0])
    found: list[list[Rating]] = []
    last = float("-inf")
    for at, rating in timed:
        if at - last > PAUSE:
            found.append([])
        found[-1].append(rating)
        last = at
    return found


def at_once(ratings: Sequence[Rating]) -> set[Rating]:
    """One rater's ratings that came in as a sheet: nobody timed them, and three or more carry the same second."""
    untimed: dict[str, list[Rating]] = {}
    for rating in ratings:
        if rating.seconds is None:
            untimed.setdefault(rating.when, []).append(rating)
    return {rating for group in untimed.values() if len(group) >= 3 for rating in group}
