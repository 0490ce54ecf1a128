"""A topic: what a row is about. A value only; `topics.py` finds them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A leaf of the tree of topics."""

    id: str
    """Its path in the tree, with slashes: `filter/eq`."""
    about: str = ""
    """One line of what it is."""
    composable: bool = False
    """Whether the task can compose a job for it, and so go the backward way."""
