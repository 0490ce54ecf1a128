"""What becomes of another tool's project, and how it goes into a folder, so that it runs there at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .placing import place
from .unplaced import Leftovers

MARKS = ("pyproject.toml", "pytest.ini", "pytest.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True)
class Imported:
    """What becomes of a project."""

    files: Mapping[str, bytes]
    counts: Mapping[str, int]
    """Kind of the other tool's -> how many were read."""
    made: Mapping[str, int]
    """What there is here -> how many."""
    left: Leftovers


def put(found: Imported, target: Path, shown: str) -> None:
    """All its files, with pytest's configuration where there is none. Raises UsageError, with nothing written."""
    new = {} if any((target / mark).exists() for mark in MARKS) else {"pytest.ini": b"[pytest]\npythonpath = .\n"}
    kept = {} if (target / ".gitignore").exists() else {".gitignore": b".touchstone/\n"}
    place({**found.files, **new, **kept}, target, shown)
