"""The journal: answers on disk the moment they come, until the cache has them. Owns `.touchstone/journal/`.

One file a process, one line an answer, each in one write: what was answered outlives a kill at any moment, however long
the cache takes to write. What a process left behind that is gone, the next one takes in.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SUFFIX = ".jsonl"


class Journal:
    """This process's file; made at the first answer. It is locked for as long as the process lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle: int | None = None
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"

    def add(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep an answer. Raises OSError where the disk takes no more."""
        line = json.dumps({"key": key, "value": value}, separators=(",", ":")) + "\n"
        handle, data = self._open(), line.encode("ascii")
        if os.write(handle, data) != len(data):
            os.write(handle, b"\n")  # so that the next line is not glued to the torn one
            raise OSError(errno.ENOSPC, "the disk is full")

    def _open(self) -> int:
        if self._handle is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            unlocked = self._path.with_suffix(".new")  # nobody takes it for one that was left before it is locked
            handle = os.open(unlocked, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            unlocked.rename(self._path)
            self._handle = handle
        return self._handle

    def sync(self) -> None:
        """Bring what was written onto the disk itself: a loss of power does not lose it."""
        if self._handle is not None:
            os.fdatasync(self._handle)

    def clear(self) -> None:
        """The cache has all of it."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)

    def close(self, *, keep: bool = False) -> None:
        """Leave; the file goes, unless what it holds is to be kept for the next process."""
        if self._handle is not None:
            if not keep:
                self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None


@contextlib.contextmanager
def left_behind(folder: Path) -> Iterator[dict[str, Any]]:
    """Answers (by key) of processes that are gone. Their files go when the block ends without an error."""
    taken: list[tuple[Path, int]] = []
    try:
        found: dict[str, Any] = {}
        for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
            if (handle := _abandoned(path)) is not None:
                taken.append((path, handle))
                found |= _read(path)
        yield found
        for path, _ in taken:
            path.unlink(missing_ok=True)
    finally:
        for _, handle in taken:
            os.close(handle)


def abandoned(folder: Path) -> int:
    """How many journals hold answers of processes that are gone. Takes none of them in."""
    handles = [_abandoned(path) for path in sorted(folder.glob(f"*{SUFFIX}"))] if folder.is_dir() else []
    held = [handle for handle in handles if handle is not None]
    count = sum(os.fstat(handle).st_size > 0 for handle in held)
    for handle in held:
        os.close(handle)
    return count


def _abandoned(path: Path) -> int | None:
    """A locked handle of a journal whose process is gone; None for one that is in use."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _read(path: Path) -> dict[str, Any]:
    """Its answers; a torn line (the machine lost power, the disk was full) is left out."""
    found: dict[str, Any] = {}
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            data = json.loads(line)
            found[data["key"]] = dict(data["value"])
    return found
