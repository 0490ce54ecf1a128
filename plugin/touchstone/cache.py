"""The working cache: responses and scores under `.touchstone/cache`, as JSON text in SQLite. Owns that folder.

It never stores nor reads a pickle: whatever lies in the folder cannot run (diskcache's own JSON disk still unpickles
what claims to be a pickle: CVE-2025-69872). Only its owner can read the folder.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .errors import UsageError
from .filesystems import over_network
from .records import SCHEMA

if TYPE_CHECKING:
    from diskcache import Cache as DiskCache  # type: ignore[import-untyped]

Kind = Literal["response", "score"]
KINDS: tuple[Kind, ...] = ("response", "score")
UNBOUNDED = 2**50
_AT_ONCE = 500
"""Keys in one question to SQLite, which takes 999 everywhere."""
_MANY = "SELECT key, mode, filename, value FROM Cache WHERE raw = 1 AND key IN ({})"
T = TypeVar("T")


class Cache:
    """JSON objects by kind and key. Safe for many processes at once; opened at its first use.

    Every method raises UsageError where the folder is damaged, foreign or not to be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def is_there(self) -> bool:
        """Whether anything was ever put there; asking makes nothing."""
        return self.folder.is_dir()

    def get(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """What was put there, or None. About 20 microseconds."""
        return value_of(self._try(lambda: self._disk.get(f"{kind}/{key}")))

    async def find(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """`get`, for callers on an event loop: a local look-up is too short to be worth a thread."""
        return self.get(kind, key)

    def get_many(self, kind: Kind, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What was put under each of the keys; nothing of those that are not there. A third of what `get` takes."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(keys), _AT_ONCE):
            names = [f"{kind}/{key}" for key in keys[start : start + _AT_ONCE]]
            for name, line in self._try(lambda names=names: self._lines(names)):  # type: ignore[misc]
                if (value := value_of(line)) is not None:
                    found[name.removeprefix(f"{kind}/")] = value
        return found

    def put(self, kind: Kind, key: str, value: Mapping[str, Any]) -> None:
        """Keep a JSON-ready mapping; the last one wins."""
        self.put_all(kind, {key: value})

    def put_all(self, kind: Kind, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep several at once, or, where that fails, none."""
        lines = {f"{kind}/{key}": line_of(value) for key, value in values.items()}
        self._try(lambda: self._set(lines))

    def items(self, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every (key, value) of one kind, in the order of keys."""
        for name in self._names(f"{kind}/"):
            value = value_of(self._try(lambda name=name: self._disk.get(name)))  # type: ignore[misc]
            if value is not None:
                yield name.removeprefix(f"{kind}/"), value

    def stats(self) -> dict[str, int]:
        """How many of each kind, and `bytes` on disk."""
        counts: dict[str, int] = {kind: len(self._names(f"{kind}/")) for kind in KINDS}
        return {**counts, "bytes": self._try(lambda: int(self._disk.volume()))}

    def prune(self, older_than: timedelta | None = None, max_bytes: int | None = None) -> int:
        """Drop what was put longer ago than that, then the oldest until the rest fits; returns how many went."""
        before = len(self._names(""))
        if older_than is not None:
            self._drop_before(time.time() - older_than.total_seconds())
        if max_bytes is not None:
            self._try(lambda: self._cull(max_bytes))
        return before - len(self._names(""))

    def close(self) -> None:
        """Let go of the file; a later call opens it again."""
        if "_disk" in self.__dict__:
            self._disk.close()
            del self._disk

    def _lines(self, names: Sequence[str]) -> list[tuple[str, Any]]:
        """Stored lines, by one question to SQLite: diskcache itself asks for one key at a time."""
        rows = self._disk._sql(_MANY.format(",".join("?" * len(names))), names).fetchall()
        return [(name, line) for name, *row in rows if (line := self._fetched(*row)) is not None]

    def _fetched(self, mode: int, filename: str | None, value: object) -> Any:
        try:
            return self._disk.disk.fetch(mode, filename, value, False)
        except FileNotFoundError:  # dropped by another process since
            return None

    def _set(self, lines: Mapping[str, Mapping[str, Any]]) -> None:
        with self._disk.transact(retry=True):
            for name, line in lines.items():
                self._disk.set(name, line)

    def _names(self, prefix: str) -> list[str]:
        return [name for name in self._try(lambda: list(self._disk.iterkeys())) if name.startswith(prefix)]

    def _drop_before(self, then: float) -> None:
        for name in self._names(""):
            line = self._try(lambda name=name: self._disk.get(name))  # type: ignore[misc]
            if not isinstance(line, dict) or line.get("at", 0) < then:
                self._try(lambda name=name: self._disk.delete(name))  # type: ignore[misc]

    def _cull(self, limit: int) -> None:
        self._disk.reset("size_limit", limit)
        self._disk.cull()
        self._disk.reset("size_limit", UNBOUNDED)

    def _try(self, action: Callable[[], T]) -> T:
        """Run it; SQLite's errors come out in words."""
        try:
            return action()
        except (sqlite3.Error, TimeoutError, OSError, Foreign) as error:
            hint = f"it holds only what can be made again: rm -r '{self.folder}'"
            why = str(error) or "it stayed locked by another process"
            raise UsageError(f"the cache cannot be used: {why}", where=str(self.folder), hint=hint) from error

    @cached_property
    def _disk(self) -> DiskCache:
        """The open store. Nothing is thrown out unless asked (`prune`)."""
        import diskcache

        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        options: dict[str, Any] = {"size_limit": UNBOUNDED, "cull_limit": 0, "statistics": False}
        if over_network(self.folder):  # the write-ahead log needs memory that all who write share
            options |= {"sqlite_journal_mode": "delete", "sqlite_mmap_size": 0}
        try:
            return diskcache.Cache(str(self.folder), disk=_text_disk(), **options)
        except diskcache.Timeout as error:
            raise TimeoutError("it stayed locked by another process") from error


class Foreign(ValueError):
    """Something in the store that this cache never writes."""


def line_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value as it is stored: with the version of what it holds, and when it was put."""
    return {"v": SCHEMA, "at": int(time.time()), "value": dict(value)}


def value_of(line: Any) -> dict[str, Any] | None:
    """What a stored line holds; None for a line of another version, which is as good as none."""
    if not isinstance(line, dict) or line.get("v") != SCHEMA or not isinstance(line.get("value"), dict):
        return None
    value: dict[str, Any] = line["value"]
    return value


def _text_disk() -> type[Any]:
    """The class of diskcache's storage layer that knows JSON text and nothing else.

    Made in a function, for its base class is imported only when a cache is opened.
    """
    import diskcache
    from diskcache.core import MODE_RAW, MODE_TEXT, UNKNOWN  # type: ignore[import-untyped]

    class TextDisk(diskcache.Disk):  # type: ignore[misc]
        """Keys are plain text, values are JSON text, inline or in a file of their own when long."""

        def put(self, key: object) -> tuple[str, bool]:
            """The key as it is stored."""
            if not isinstance(key, str):
                raise Foreign(f"a key of type {type(key).__name__}")
            return key, True

        def get(self, key: object, raw: bool) -> str:
            """The stored key; a pickled one (`raw` false) is refused."""
            if not raw or not isinstance(key, str):
                raise Foreign("it holds a pickled key, which touchstone neither writes nor opens")
            return key

        def store(self, value: object, read: bool, key: object = UNKNOWN) -> Any:
            """The value as a row."""
            return super().store(json.dumps(value, separators=(",", ":")), False, key)

        def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> Any:
            """The value of a row; a pickle, or a file outside the cache, is refused unopened."""
            if mode not in (MODE_RAW, MODE_TEXT):
                raise Foreign("it holds a pickled value, which touchstone neither writes nor opens")
            if filename is not None and (".." in PurePosixPath(filename).parts or filename.startswith("/")):
                raise Foreign("it points at a file outside itself")
            return json.loads(super().fetch(mode, filename, value, read))

    return TextDisk
