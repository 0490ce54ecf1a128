"""Slots: a hard number of places that the workers of one run share. Owns one lock file; decides nothing.

A place is a lock on one byte of the file: the operating system frees it when its holder dies.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..bytelock import freed, taken

FIRST_WAIT, LONGEST_WAIT = 0.002, 0.05
"""Seconds between two looks, where all places are taken."""


class Slots:
    """So many places. One a process and file: closing any handle on a file frees all its locks of the process."""

    def __init__(self, path: Path, places: int, worker: int = 0) -> None:
        """`worker` is where this process begins to look, so that workers do not all try the same places first."""
        self._path, self._places = path, places
        self._held: set[int] = set()
        self._first = worker * max(1, places // 8) % places
        self._handle: int | None = None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place."""
        place = await self._take()
        try:
            yield
        finally:
            self._held.discard(place)
            if self._handle is not None:
                freed(self._handle, place)

    def close(self) -> None:
        """Free every place of this process."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    async def _take(self) -> int:
        pause = FIRST_WAIT
        while (place := self._free()) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)
        return place

    def _free(self) -> int | None:
        """A place that nobody holds, now held; None where there is none."""
        if self._handle is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for step in range(self._places):
            place = (self._first + step) % self._places
            if place not in self._held and taken(self._handle, place):
                self._held.add(place)
                return place
        return None
