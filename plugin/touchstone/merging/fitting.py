"""Whether shards fit together: parts of one run, each once, each whole. Says what is wrong and what to type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from ..conclusion import Conclusion
from ..errors import UsageError
from ..part import Option, Part, selected
from ..report.text import clean
from ..shard import Shard
from .pieces import AGAIN, Piece

_JUDGED: dict[str, Callable[[Conclusion], Any]] = {
    "the gates are": lambda run: (run.gates, run.strict),
    "the baseline is": lambda run: run.baseline,
    "the judges' certificates are": lambda run: run.info.judges,
    "the run-config that ships is": lambda run: (run.info.shipping, run.info.run_configs),
}
"""What a gate is judged by, beside the samples."""


def check(pieces: Sequence[Piece]) -> None:
    """Raise UsageError unless the pieces, ordered by number, are all shards of one run."""
    first = pieces[0]
    for piece in pieces[1:]:
        _same_cut(first, piece)
    for piece, after in pairwise(pieces):
        _not_twice(piece, after, pieces)
    for piece in pieces[1:]:
        _same_options(first, piece)
        _same_origin(first, piece)
    _none_missing(pieces)
    for piece in pieces:
        _ended(piece)
    if selected(test for piece in pieces for test in piece.part.tests) != first.part.selection:
        raise UsageError("the shards together are not the samples that were selected", hint=AGAIN)


def _same_cut(first: Piece, other: Piece) -> None:
    if first.part.of != other.part.of:
        hint = f"cut all alike, for example: {_typed(other.part, Shard(1, first.part.of))}"
        raise UsageError(f"{first} and {other} are not of as many shards", hint=hint)


def _not_twice(piece: Piece, after: Piece, pieces: Sequence[Piece]) -> None:
    if piece.part.number == after.part.number:
        others = " ".join(one.shown for one in pieces if one is not after)
        message = f"shard {piece.part.shard} is there twice: {piece.shown} and {after.shown}"
        raise UsageError(message, hint=f"leave one of them out: touchstone merge {others}")


def _same_options(first: Piece, other: Piece) -> None:
    for option in [*first.part.chosen, *other.part.chosen]:
        one, two = (_given(piece.part, option) for piece in (first, other))
        if one != two:
            raise UsageError(f"{first} was run {one}, {other} {two}", hint=_like(first, other))


def _given(part: Part, option: Option) -> str:
    words = clean(f"{option} {part.chosen.get(option, '')}".strip())
    return f"with {words}" if option in part.chosen else f"without {words}"


def _same_origin(first: Piece, other: Piece) -> None:
    """What the two were made of, and are judged by; the most telling first."""
    one, two = first.part.origin, other.part.origin
    for word in sorted(one.keys() | two.keys()):
        if one.get(word) != two.get(word):
            _differ(first, other, f"{clean(word)} {'are' if word.startswith('the rows') else 'is'} not the same")
    for what, value in _JUDGED.items():
        if value(first.run) != value(other.run):
            _differ(first, other, f"{what} not the same")
    if (first.part.selection, first.part.every_row) != (other.part.selection, other.part.every_row):
        _differ(first, other, "not the same samples were selected")


def _differ(first: Piece, other: Piece, what: str) -> None:
    raise UsageError(f"{what} in {first} and in {other}", hint=_like(first, other))


def _like(first: Piece, other: Piece) -> str:
    return f"run every shard of one commit and alike, for example: {_typed(first.part, other.part.shard)}"


def _none_missing(pieces: Sequence[Piece]) -> None:
    part, there = pieces[0].part, {piece.part.number for piece in pieces}
    missing = [Shard(number, part.of) for number in range(1, part.of + 1) if number not in there]
    if missing:
        which = ", ".join(map(str, missing[:10])) + ", ..." * (len(missing) > 10)
        what = f"a shard is missing: {which}" if len(missing) == 1 else f"{len(missing)} shards are missing: {which}"
        raise UsageError(what, hint=f"add it, or make it: {_typed(part, missing[0])}")


def _ended(piece: Piece) -> None:
    """Every sample was made, and no other."""
    there = {record.test for record in piece.run.records}
    lost = [test for test in piece.part.tests if test not in there]
    if lost:
        have = "has" if len(lost) == 1 else "have"
        what = f"{len(lost)} of its {len(piece.part.tests)} samples {have} no record: {clean(lost[0])}"
        raise UsageError(f"{piece} did not end: {what}", hint=f"run it again: {_typed(piece.part, piece.part.shard)}")
    if strange := sorted(there - piece.part.tests.keys()):
        raise UsageError(f"{piece} holds a sample that is not its own: {clean(strange[0])}", hint=AGAIN)


def _typed(part: Part, shard: Shard) -> str:
    return clean(part.command(shard), 400)
