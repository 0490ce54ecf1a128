"""The account of a run: what was spent, and what each of its processes holds for calls under way. Owns one small file.

Every change is one write under a lock. A process that dies leaves what it held, and its lock is freed by the operating
system: by that the others know that those calls may have been billed and will never be settled.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..bytelock import freed, taken
from ..errors import UsageError

PROCESSES = 256
"""Processes that may draw on one account."""
_HEAD, _HELD = struct.Struct("<3q"), struct.Struct("<2q")
"""Nanodollars and tokens spent, refusals; nanodollars and tokens that one process holds."""
_NANO = 1_000_000_000
_MUTEX = 1 << 40
"""The byte that is locked while the account is open; byte N is locked for as long as process N lives."""


@dataclass(frozen=True, slots=True)
class Sum:
    """US dollars and tokens."""

    cost: float = 0.0
    tokens: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.cost + other.cost, self.tokens + other.tokens)

    def negative(self) -> Sum:
        """The same below nought."""
        return Sum(-self.cost, -self.tokens)


class Account:
    """One process's way to the account. One a process and file: closing any handle on a file frees all its locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._number = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[Book]:
        """The book, alone among processes; written back at the end. Raises UsageError where it cannot be kept."""
        handle = self._handle if self._handle is not None else self._join()
        fcntl.lockf(handle, fcntl.LOCK_EX, 1, _MUTEX)
        try:
            book = Book.read(handle, self._number)
            yield book
            os.pwrite(handle, book.bytes(), 0)
        except OSError as error:
            raise UsageError(f"the budget cannot be kept: {error.strerror}", where=str(self._path)) from error
        finally:
            fcntl.lockf(handle, fcntl.LOCK_UN, 1, _MUTEX)

    def close(self) -> None:
        """Leave."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _join(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"the budget cannot be kept: {error.strerror}", where=str(self._path)) from error
        number = next((n for n in range(PROCESSES) if taken(handle, n)), None)
        if number is None:
            os.close(handle)
            raise UsageError(f"more than {PROCESSES} processes draw on one budget", where=str(self._path))
        self._handle, self._number = handle, number
        with self.open() as book:  # what a dead process of this number held
            book.write_off(number)
        return handle


class Book:
    """The account while it is open. Amounts are whole nanodollars, so that sums are exact."""

    def __init__(self, handle: int, number: int, head: tuple[int, ...], held: list[tuple[int, int]]) -> None:
        self._handle, self._number, self._held = handle, number, held
        self._cost, self._tokens, self.refusals = head

    @classmethod
    def read(cls, handle: int, number: int) -> Self:
        """As it stands on disk; a new one is empty."""
        size = _HEAD.size + PROCESSES * _HELD.size
        data = os.pread(handle, size, 0).ljust(size, b"\0")
        held = [_HELD.unpack_from(data, _HEAD.size + n * _HELD.size) for n in range(PROCESSES)]
        return cls(handle, number, _HEAD.unpack_from(data), [(cost, tokens) for cost, tokens in held])

    @property
    def spent(self) -> Sum:
        """What was spent for certain, or by calls that were cut off."""
        return Sum(self._cost / _NANO, self._tokens)

    @property
    def held(self) -> Sum:
        """The worst cases of calls that are under way."""
        return Sum(sum(cost for cost, _ in self._held) / _NANO, sum(tokens for _, tokens in self._held))

    def spend(self, amount: Sum) -> None:
        """Count it as spent."""
        self._cost, self._tokens = self._cost + round(amount.cost * _NANO), self._tokens + amount.tokens

    def hold(self, amount: Sum) -> None:
        """This process holds so much more."""
        cost, tokens = self._held[self._number]
        self._held[self._number] = cost + round(amount.cost * _NANO), tokens + amount.tokens

    def write_off(self, number: int) -> None:
        """What a process held that is gone counts as spent."""
        cost, tokens = self._held[number]
        self._cost, self._tokens, self._held[number] = self._cost + cost, self._tokens + tokens, (0, 0)

    def bury_the_dead(self) -> None:
        """Write off what processes hold that live no longer."""
        for number, held in enumerate(self._held):
            if held != (0, 0) and number != self._number and taken(self._handle, number):
                freed(self._handle, number)
                self.write_off(number)

    def bytes(self) -> bytes:
        """As it is kept."""
        return _HEAD.pack(self._cost, self._tokens, self.refusals) + b"".join(_HELD.pack(*one) for one in self._held)
