"""Claims over machines: a key in Redis that runs out unless its holder renews it. Owns those keys, and their renewal.

A holder that dies renews no longer, so its claim is free after `SECONDS`, wherever it ran. A thread of its own
renews, for a scorer may hold up the event loop.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..records import SCHEMA
from .batches import Batch
from .connection import Away, Connection

if TYPE_CHECKING:
    from redis import Redis

SECONDS = 9.0
"""After which a claim that nobody renews is free; it is renewed three times as often."""
FIRST_WAIT, LONGEST_WAIT = 0.02, 0.25
"""Seconds between two looks at a claim that somebody else holds."""
PREFIX = f"touchstone:{SCHEMA}:claim:"

# Only its own: a holder that was suspended for longer than its claim lasted must not free the next one's.
_RENEW = "for _, k in ipairs(KEYS) do if redis.call('get', k) == ARGV[1] then redis.call('pexpire', k, ARGV[2]) end end"
_FREE = "for _, k in ipairs(KEYS) do if redis.call('get', k) == ARGV[1] then redis.call('del', k) end end"


class Leases:
    """Claims by key. Where the server is away, whoever asks goes on as if the claim were free."""

    def __init__(self, connection: Connection, seconds: float = SECONDS) -> None:
        self._connection, self._seconds = connection, seconds
        self._token = secrets.token_hex(16)
        self._batch: Batch[str, bool] = Batch(self._take)
        self._local: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._held: set[str] = set()
        self._freed: list[str] = []
        self._change = threading.Condition()
        self._renewing: threading.Thread | None = None

    @asynccontextmanager
    async def claim(self, key: str) -> AsyncIterator[None]:
        """Hold the claim on a key; waits for as long as somebody else holds it."""
        name = f"{PREFIX}{key}"
        lock = self._local.setdefault(key, asyncio.Lock())
        async with lock:
            await self._wait(name)
            try:
                yield
            finally:
                self._free(name)

    def close(self) -> None:
        """Free every claim of this process, and end the thread."""
        with self._change:
            names, self._held, self._freed = [*self._held, *self._freed], set(), []
            thread, self._renewing = self._renewing, None
            self._change.notify()
        if thread is not None:
            thread.join()
        with suppress(Away):
            self._run(_FREE, names)

    async def _wait(self, name: str) -> None:
        pause = FIRST_WAIT
        while not await self._batch.ask(name):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)

    def _take(self, names: list[str]) -> list[bool]:
        """In a thread: which of these are ours now."""
        self._free_now()  # else a claim that was just let go would be found taken, by ourselves
        try:
            taken = self._connection.ask(lambda redis: self._set(redis, names))
        except Away as error:
            self._connection.warn(error)
            return [True] * len(names)
        self._hold([name for name, ours in zip(names, taken, strict=True) if ours])
        return taken

    def _set(self, redis: Redis, names: list[str]) -> list[bool]:
        with redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.set(name, self._token, nx=True, px=int(self._seconds * 1000))
            return [bool(answer) for answer in pipe.execute()]

    def _hold(self, names: list[str]) -> None:
        with self._change:
            self._held.update(names)
            if names and self._renewing is None:
                self._renewing = threading.Thread(target=self._renew, name="touchstone-leases", daemon=True)
                self._renewing.start()

    def _free(self, name: str) -> None:
        """The thread does it: this may be a task that was cancelled, which must wait for nothing."""
        with self._change:
            if name in self._held:
                self._held.remove(name)
                self._freed.append(name)
                self._change.notify()

    def _renew(self) -> None:
        """The thread: free what is let go at once, renew what is held in time."""
        due = time.monotonic() + self._seconds / 3
        while True:
            with self._change:
                self._change.wait_for(lambda: self._freed or self._renewing is None, due - time.monotonic())
                if self._renewing is not threading.current_thread():
                    return
                held = list(self._held)
            self._free_now()
            if time.monotonic() >= due:
                due = time.monotonic() + self._seconds / 3
                with suppress(Away):
                    self._run(_RENEW, held, str(int(self._seconds * 1000)))

    def _free_now(self) -> None:
        with self._change:
            names, self._freed = self._freed, []
        with suppress(Away):  # they run out by themselves
            self._run(_FREE, names)

    def _run(self, script: str, names: list[str], *more: str) -> None:
        if names:
            self._connection.ask(lambda redis: redis.eval(script, len(names), *names, self._token, *more))
