"""Where the project is: as given, or from here up. Reads pytest's configuration; never changes a folder."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from ..errors import UsageError
from ..places import Places

GUARD = 'put what the script does under `if __name__ == "__main__":`'


def in_no_worker() -> None:
    """Raises UsageError in a process that is there for a heavy scorer, and runs a script again that has no guard."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError("a heavy scorer runs the whole script again", where="touchstone", hint=GUARD)


def places_of(root: str | Path | None) -> Places:
    """Where the project keeps its files. Raises UsageError where `root` is no folder, or its settings are no good."""
    from ..cli.words import places, project

    if root is None:
        return places(project(Path.cwd()))
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise UsageError("is no folder", where=f"root={str(root)!r}", hint="name the project's folder")
    return places(folder)
