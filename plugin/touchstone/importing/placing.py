"""A set of files put into a folder: all of them or none, and never over one that is there. Owns that step alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError

_SHOWN = 5


def place(files: Mapping[str, bytes], target: Path, shown: str) -> None:
    """Write them below the folder, which is made if it is not there. `files`: path from the folder -> content.

    They are written to a folder beside it first. Raises UsageError, with nothing written, where a file is there
    already, or the disk does not take them.
    """
    _refuse_those_there(files, target, shown)
    try:
        above = _above(target)
        partial = Path(tempfile.mkdtemp(dir=above, prefix=f".{target.name}."))
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=shown) from error
    try:
        _write(files, partial)
        if target.exists():
            _move(files, partial, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.chmod(0o755)
            partial.rename(target)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=shown) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _above(target: Path) -> Path:
    """The nearest folder that is there: on the same disk."""
    return next(folder for folder in (target, *target.parents) if folder.is_dir())


def _refuse_those_there(files: Mapping[str, bytes], target: Path, shown: str) -> None:
    there = sorted(path for path in files if os.path.lexists(target / path))
    # A link or a file in the place of a folder would lead elsewhere, or nowhere.
    bent = {str(folder) for path in files for folder in Path(path).parents if _bent(target / folder)}
    if not target.is_dir() and os.path.lexists(target):
        raise UsageError("is there, and is no folder", where=shown)
    if bent:
        raise UsageError(f"{min(bent)} is a link or no folder", where=shown, hint="name another folder")
    if there:
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        hint = "nothing was written: name a new folder"
        raise UsageError(f"is there already: {', '.join(there[:_SHOWN])}{more}", where=shown, hint=hint)


def _bent(folder: Path) -> bool:
    return os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir())


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("xb") as file:
            file.write(content)


def _move(files: Mapping[str, bytes], partial: Path, target: Path) -> None:
    """Into a folder that is there. What has been moved is taken back where one cannot be."""
    moved: list[Path] = []
    try:
        for path in files:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            os.link(partial / path, target / path)  # unlike `replace`, never over what came meanwhile
            moved.append(target / path)
    except OSError:
        for path_there in moved:
            path_there.unlink()
        for folder in sorted({folder for path in files for folder in (target / path).parents}, reverse=True):
            if folder != target and folder.is_relative_to(target) and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise
