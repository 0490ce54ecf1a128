"""What a report says of a run beside another. Values only: `comparing` makes them, the reports draw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fitting import Block


@dataclass(frozen=True, slots=True)
class Beside:
    """The run beside one other side."""

    against: str
    """What it is compared with, for people."""
    title: str
    """What changed, in a few words."""
    heading: str
    """The same in Markdown."""
    told: tuple[str, ...]
    """At most four lines that say what changed and whether it is real; plain text, cleaned, in ASCII but for names."""
    marked: tuple[str, ...]
    """The same in Markdown."""
    marks: Mapping[tuple[str, str], str]
    """(eval, run-config) -> what stands below the overview's figure, in Markdown."""
    blocks: tuple[Block, ...]
    """Tables, rows that moved, answers before and after, in Markdown."""
    data: Mapping[str, Any]
    """For programs."""
