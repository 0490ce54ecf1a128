"""Markdown in blocks that fit a limit: what does not fit is counted, and said. Knows no report and no figure.

GitHub takes comments of 65,536 characters and says nothing useful of longer ones. Blocks are served by rank, each up to
its own share, and stand in the order they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .text import plural

LIMIT = 60_000
"""Bytes of a whole page: never fewer than its characters."""
_NOTE = 120
"""Bytes kept for saying what is left out."""
_ALL = 400
"""Bytes kept for naming the blocks that are not there at all."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page."""

    title: str
    """Names it where it is left out; in our own words."""
    head: tuple[str, ...]
    items: tuple[str, ...] = ()
    """What may be left out, the last first; each one line or several."""
    tail: tuple[str, ...] = ("",)
    noun: str = "line"
    """What an item is."""
    rank: int = 5
    """The lowest are served first."""
    share: int = 10_000
    """Bytes at most."""
    more: int = 0
    """Items that were left out before."""


def fitted(blocks: Iterable[Block], limit: int = LIMIT) -> str:
    """The page, of at most `limit` bytes of UTF-8 (1,000 at least)."""
    known = list(blocks)
    kept: dict[int, list[str]] = {}
    left = max(1000, limit) - _ALL
    for index in sorted(range(len(known)), key=lambda i: known[i].rank):
        lines = list(_lines(known[index], min(left, known[index].share)))
        if _size(lines) <= left:
            kept[index] = lines
            left -= _size(lines)
    lost = [known[index].title for index in range(len(known)) if index not in kept]
    return "\n".join([*(line for index in sorted(kept) for line in kept[index]), *_told(lost)]) + "\n"


def _lines(block: Block, room: int) -> Iterator[str]:
    """As many items as there is room for, and how many there are not. Longer than `room` where not even one fits."""
    yield from block.head
    left, shown = room - _size([*block.head, *block.tail]) - _NOTE, 0
    for item in block.items:
        left -= _size([item])
        if left < 0:
            break
        yield item
        shown += 1
    missing = len(block.items) - shown + block.more
    if missing:
        yield from ("", f"{plural(missing, f'more {block.noun}')} left out here, as GitHub shows no longer text.")
        yield from ([""] if block.tail and block.tail[0] else [])
    yield from block.tail


def _told(lost: Sequence[str]) -> list[str]:
    if not lost:
        return []
    return [f"Left out, as GitHub shows no longer text: {', '.join(lost)}"[: _ALL - 20] + "."]


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
