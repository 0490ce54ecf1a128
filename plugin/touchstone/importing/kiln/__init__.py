"""Kiln's projects. `reading` -> `converting`; `shapes` says what of their files is used."""

from __future__ import annotations

from pathlib import Path

from ..placing import place
from .converting import Imported, convert
from .modules import Scorer
from .reading import read

__all__ = ["Imported", "Scorer", "import_project"]

MARKS = ("pyproject.toml", "pytest.ini", "pytest.toml", "tox.ini", "setup.cfg")


def import_project(project: Path, target: Path, shown: str, truth: Scorer | None = None) -> Imported:
    """Read it all, convert it all, and write it all or nothing. Raises UsageError."""
    found = convert(read(project), truth)
    new = {} if any((target / mark).exists() for mark in MARKS) else {"pytest.ini": b"[pytest]\npythonpath = .\n"}
    kept = {} if (target / ".gitignore").exists() else {".gitignore": b".touchstone/\n"}
    place({**found.files, **new, **kept}, target, shown)
    return found
