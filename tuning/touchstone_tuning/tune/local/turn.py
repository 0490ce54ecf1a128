"""Whose turn it is to train: one job at a time in a checkout, however many commands wait. Owns that lock, and no job.

It is an open file that the training process inherits: the system frees it when that process ends, however it does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "training.lock"


@contextmanager
def take(folder: Path, job: str) -> Iterator[int | None]:
    """The turn, for a process that is started within and handed this file; None where another job has it.

    `folder` is where the jobs' folders lie.
    """
    handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        mine = _locked(handle, fcntl.LOCK_EX)
        if mine:
            os.ftruncate(handle, 0)
            os.write(handle, job.encode())
        yield handle if mine else None
    finally:
        os.close(handle)


def taken(folder: Path) -> str | None:
    """The job that is being trained; None where none is."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _locked(handle, fcntl.LOCK_SH) else os.read(handle, 100).decode("utf-8", "replace")
    finally:
        os.close(handle)


def _locked(handle: int, how: int) -> bool:
    # flock and not lockf: its lock goes with the file into a child, and holds between two files of one process.
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
