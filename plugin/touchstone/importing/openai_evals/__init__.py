"""Evals of OpenAI's: samples, a registry's entry, a model-graded spec. `registry` reads, `converting` makes files."""

from __future__ import annotations

from pathlib import Path

from ..imported import Imported, put
from .converting import Wish, convert

__all__ = ["Wish", "import_samples"]


def import_samples(samples: Path, wish: Wish, target: Path, shown: str) -> Imported:
    """Read it, convert it, and write it all or nothing. Raises UsageError."""
    found = convert(samples, wish)
    put(found, target, shown)
    return found
