"""Ratings that count for nothing: stale, unreadable, of another scale, at a time that never was. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...labels import UNSURE, Rating
from ...report.text import clean, plural
from .finding import Finding, Severity, named
from .material import Material, moment

_SHOWN = 5


def unusable(material: Material) -> Iterator[Finding]:
    """One finding for each sort, and for each rater of stale ratings."""
    for rater in sorted({rating.rater for rating in material.stale}):
        yield _stale(rater, [rating for rating in material.stale if rating.rater == rater])
    if material.problems:
        words = f"{plural(len(material.problems), 'line')} of ratings cannot be read"
        lines = [("", clean(problem)) for problem in material.problems]
        yield _finding("medium", "ratings", words, lines)
    current = [rating for case in material.cases for rating in case.said.values()]
    yield from _listed(
        "of another scale than most", [r for r in current if r.value != UNSURE and material.value(r) is None]
    )
    yield from _listed("from a time that is on no calendar", [r for r in material.history if moment(r) is None])


def _stale(rater: str, ratings: list[Rating]) -> Finding:
    words = f"{plural(len(ratings), 'rating')} by {named(rater)} stale: about answers that the golden set no longer has"
    lines = [(clean(r.row, 100), f"{r.value}, {clean(r.when, 20)}") for r in ratings]
    return _finding("low", named(rater), words, lines)


def _listed(what: str, ratings: list[Rating]) -> Iterator[Finding]:
    if ratings:
        lines = [(named(r.rater), f"{r.value} of {clean(r.row, 100)}, {clean(r.when, 20)}") for r in ratings]
        yield _finding("medium", "ratings", f"{plural(len(ratings), 'rating')} {what}", lines)


def _finding(severity: Severity, about: str, words: str, lines: Iterable[tuple[str, str]]) -> Finding:
    known = list(lines)
    more = [("", f"... and {len(known) - _SHOWN} more")] if len(known) > _SHOWN else []
    return Finding("unusable", severity, about, words, len(known), (*known[:_SHOWN], *more))
