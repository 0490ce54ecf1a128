"""Ratings given faster than anybody reads. Pure.

People read about 4 words a second (238 a minute: Brysbaert, J. Mem. Lang. 109, 2019, over 190 studies). Here 10 words a
second still count as reading, so that nobody who skims is accused, and the request counts only the first time a rater
meets it. No rating takes less than a second. Times are those that the page took, else the time since the rater's rating
before, within a session; what came in as a sheet was timed by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ...labels import Item, Rating
from ...report.text import clean, plural
from .finding import Finding, named
from .material import Material, at_once, moment, sessions

WORDS_A_SECOND = 10.0
AT_LEAST = 1.0
"""Seconds that even the shortest answer takes."""
SHARE, FEWEST = 0.1, 3
"""So many of a rater's ratings must be too fast before it is said."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Read:
    """One output as one rater saw it first."""

    item: Item
    took: float
    """Seconds."""
    needs: float
    words: int


def too_fast(material: Material) -> Iterator[Finding | str]:
    """A finding for each rater whose ratings are too fast; a line for those whom nobody timed."""
    items = {case.item.key: case.item for case in material.cases}
    by_rater: dict[str, list[Rating]] = {}
    for rating in material.history:
        by_rater.setdefault(rating.rater, []).append(rating)
    for rater in sorted(by_rater):
        sheet = at_once(by_rater[rater])
        if sheet:
            yield f"{named(rater)}: {plural(len(sheet), 'rating')} came in at once, so nobody knows how long they took"
        yield from _of_rater(rater, _reads([r for r in by_rater[rater] if r not in sheet], items))


def _of_rater(rater: str, reads: Sequence[_Read]) -> Iterator[Finding]:
    fast = sorted((one for one in reads if one.took < one.needs), key=lambda one: one.took / one.needs)
    if len(fast) < max(FEWEST, SHARE * len(reads)):
        return
    words = (
        f"{named(rater)} rated {len(fast)} of {plural(len(reads), 'output')} faster than {WORDS_A_SECOND:g} words"
        f" a second (median of all: {median(one.took for one in reads):.1f} s an output)"
    )
    evidence = tuple((clean(one.item.key, 120), _line(one)) for one in fast[:_SHOWN])
    if len(fast) > _SHOWN:
        evidence = (*evidence, ("", f"... and {len(fast) - _SHOWN} more"))
    share = len(fast) / len(reads)
    figures = {"fast": len(fast), "timed": len(reads), "median_seconds": median(one.took for one in reads)}
    yield Finding("speed", "high" if share >= 0.5 else "medium", named(rater), words, share, evidence, figures)


def _line(one: _Read) -> str:
    return f"{one.took:.1f} s for {plural(one.words, 'word')}: reading takes at least {one.needs:.1f} s"


def _reads(ratings: Sequence[Rating], items: dict[str, Item]) -> list[_Read]:
    """Each output that was rated, the first time only: who comes back has read it already."""
    found: dict[str, _Read] = {}
    rows: set[str] = set()
    for rating, took in _timed(ratings):
        key = f"{rating.row}@{rating.answer}"
        if key not in items or key in found:
            continue
        words = _words(items[key].output) + (0 if rating.row in rows else _words(items[key].input))
        rows.add(rating.row)
        found[key] = _Read(items[key], took, max(AT_LEAST, words / WORDS_A_SECOND), words)
    return list(found.values())


def _timed(ratings: Sequence[Rating]) -> Iterator[tuple[Rating, float]]:
    """Every rating with its seconds. A difference of two whole seconds may be one second short."""
    for session in sessions(ratings):
        for index, rating in enumerate(session):
            if rating.seconds is not None:
                yield rating, rating.seconds
            elif index:
                yield rating, (moment(rating) or 0.0) - (moment(session[index - 1]) or 0.0) + 1.0


def _words(text: object) -> int:
    return len((text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)).split())
