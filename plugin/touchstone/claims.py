"""Claims: who is making a call just now, over all tasks of this process and all processes of this machine.

Owns one lock file. A claim is a lock on the byte of that file that the key points at: the operating system frees it
when its holder dies, so a crash never leaves a call blocked. Never decides what to do with a claim.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from .bytelock import freed, taken
from .errors import UsageError

FIRST_WAIT, LONGEST_WAIT = 0.005, 0.1
"""Seconds between two looks at a claim that another process holds."""


class Claims:
    """Claims by key. One a process and event loop: closing any handle on the file frees all claims of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        self._local: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def claim(self, key: str) -> AsyncIterator[None]:
        """Hold the claim on a hexadecimal key; waits for as long as somebody else holds it."""
        place = int(key[:15], 16)
        lock = self._local.setdefault(place, asyncio.Lock())
        async with lock:
            handle = self._open()
            await self._wait(handle, place)
            try:
                yield
            finally:
                freed(handle, place)

    def close(self) -> None:
        """Free every claim of this process."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open(self) -> int:
        if self._handle is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise UsageError(f"cannot open the lock file: {error.strerror}", where=str(self.path)) from error
        return self._handle

    async def _wait(self, handle: int, place: int) -> None:
        """POSIX locks have no queue that an event loop could wait on, so look again, less and less often."""
        pause = FIRST_WAIT
        while not self._take(handle, place):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)

    def _take(self, handle: int, place: int) -> bool:
        try:
            return taken(handle, place)
        except OSError as error:
            hint = "put the project on a local file system, or use `--calls live`"
            raise UsageError(f"cannot lock: {error.strerror}", where=str(self.path), hint=hint) from error
