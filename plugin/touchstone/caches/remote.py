"""The working cache in Redis: JSON text under `touchstone:1:KIND:KEY`. Owns those names there, and nothing else in it.

What the server holds is believed no further than JSON goes: a line that is none, or of another version, is as good as
none. Where the server goes away, a run goes on without it, and what was paid meanwhile is kept on this disk until it is
back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ..cache import KINDS, Cache, Kind, line_of, value_of
from ..records import SCHEMA
from .batches import Batch
from .connection import Away, Connection

PREFIX = f"touchstone:{SCHEMA}:"
_AT_ONCE = 500
"""Lines of one round trip."""
T = TypeVar("T")


class Remote:
    """JSON objects by kind and key, for all machines that reach the server.

    What a run needs (`get`, `find`, `put`) never raises where it is away; what looks after it raises Away.
    """

    def __init__(self, connection: Connection, unsent: Path) -> None:
        """`unsent` is the folder for what the server does not take."""
        self._connection, self._unsent = connection, Cache(unsent)
        self._batch: Batch[str, dict[str, Any] | None] = Batch(self._held)

    @property
    def is_there(self) -> bool:
        """A server is."""
        return True

    def get(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """What was put there, or None. A round trip."""
        return self._held([_name(kind, key)])[0]

    def get_many(self, kind: Kind, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those of the keys that are there, with their values, in few round trips."""
        found: dict[str, dict[str, Any]] = {}
        for part in _parts(keys, _AT_ONCE):
            values = self._held([_name(kind, key) for key in part])
            found |= {key: value for key, value in zip(part, values, strict=True) if value is not None}
        return found

    async def find(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """As `get`, with all others that are looked for in the same moment."""
        return await self._batch.ask(_name(kind, key))

    def put(self, kind: Kind, key: str, value: Mapping[str, Any]) -> None:
        """Keep a JSON-ready mapping; the last one wins."""
        self.put_all(kind, {key: value})

    def put_all(self, kind: Kind, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep several at once; here, where the server does not take them."""
        try:
            self._send(kind, values)
        except Away as error:
            self._connection.warn(error)
            self._unsent.put_all(kind, values)

    def items(self, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every (key, value) of one kind, in the order of keys."""
        start = _name(kind, "")
        for name, line in self._lines(self._names(start)):
            if (value := value_of(_read(line))) is not None:
                yield name.removeprefix(start), value

    def stats(self) -> dict[str, int]:
        """How many of each kind, and the `bytes` of all."""
        counts: dict[str, int] = {kind: len(self._names(_name(kind, ""))) for kind in KINDS}
        return {**counts, "bytes": sum(size for size, _, _ in self._sizes())}

    def prune(self, older_than: timedelta | None = None, max_bytes: int | None = None) -> int:
        """Drop what was put longer ago than that, then the oldest until the rest fits; returns how many went."""
        held = sorted(self._sizes(), key=lambda one: one[1])
        then = time.time() - older_than.total_seconds() if older_than is not None else 0
        old = [name for _, at, name in held if at < then]
        rest = held[len(old) :]
        over = sum(size for size, _, _ in rest) - max_bytes if max_bytes is not None else 0
        for size, _, name in rest:
            if over <= 0:
                break
            old.append(name)
            over -= size
        for part in _parts(old, _AT_ONCE):
            self._connection.ask(lambda redis, part=part: redis.unlink(*part))  # type: ignore[misc]
        return len(old)

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()
        self._unsent.close()

    def check(self) -> None:
        """Make sure that the server answers and takes what we write, and bring it what was kept for it. Raises Away."""
        self._connection.ask(lambda redis: redis.set(f"{PREFIX}check", "1", ex=1))
        if self._unsent.is_there:
            self._bring()

    def _bring(self) -> None:
        """What was put in this very second stays, for the next time: another process may be at it."""
        now = int(time.time())
        for kind in KINDS:
            for part in _parts(self._unsent.items(kind), _AT_ONCE):
                self._send(kind, dict(part))
        self._unsent.prune(older_than=timedelta(seconds=time.time() - now))

    def _send(self, kind: Kind, values: Mapping[str, Mapping[str, Any]]) -> None:
        lines = {_name(kind, key): json.dumps(line_of(value), separators=(",", ":")) for key, value in values.items()}
        self._connection.ask(lambda redis: redis.mset(lines))

    def _held(self, names: list[str]) -> list[dict[str, Any] | None]:
        """The values of these names; nothing where the server is away."""
        try:
            lines: list[Any] = self._connection.ask(lambda redis: redis.mget(names))
        except Away as error:
            self._connection.warn(error)
            return [None] * len(names)
        return [value_of(_read(line)) for line in lines]

    def _names(self, start: str) -> list[str]:
        """SCAN may say a name twice."""
        return sorted(set(self._connection.ask(lambda redis: list(redis.scan_iter(f"{start}*", count=1000)))))

    def _lines(self, names: list[str]) -> Iterator[tuple[str, str | None]]:
        for part in _parts(names, _AT_ONCE):
            lines: list[str | None] = self._connection.ask(lambda redis, part=part: redis.mget(part))  # type: ignore[misc]
            yield from zip(part, lines, strict=True)

    def _sizes(self) -> list[tuple[int, float, str]]:
        """(bytes, when it was put, name) of each line."""
        names = [name for kind in KINDS for name in self._names(_name(kind, ""))]
        return [(len(line.encode()), _at(_read(line)), name) for name, line in self._lines(names) if line is not None]


def _name(kind: Kind, key: str) -> str:
    return f"{PREFIX}{kind}:{key}"


def _read(line: str | None) -> Any:
    """What a line says; None for one that is no JSON."""
    try:
        return json.loads(line) if line is not None else None
    except (ValueError, RecursionError):
        return None


def _at(line: Any) -> float:
    at = line.get("at", 0) if isinstance(line, dict) else 0
    return float(at) if isinstance(at, (int, float)) else 0.0


def _parts(all_of_them: Iterable[T], most: int) -> Iterator[list[T]]:
    rest = iter(all_of_them)
    while part := list(islice(rest, most)):
        yield part
