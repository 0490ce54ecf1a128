"""Kiln's projects. `reading` -> `converting`; `shapes` says what of their files is used."""

from __future__ import annotations

from pathlib import Path

from ..imported import Imported, put
from .converting import convert
from .modules import Scorer
from .reading import read

__all__ = ["Imported", "Scorer", "import_project"]


def import_project(project: Path, target: Path, shown: str, truth: Scorer | None = None) -> Imported:
    """Read it all, convert it all, and write it all or nothing. Raises UsageError."""
    found = convert(read(project), truth)
    put(found, target, shown)
    return found
