"""Where answers and heavy scores are kept, and who makes which just now: a folder, or a Redis that machines share.

Owns the seam and the choice. Keeps nothing itself, and imports no client before one is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from ..cache import Cache, Kind
from ..claims import Claims
from .address import is_url, replaced


class CacheLike(Protocol):
    """JSON objects by kind and key, for many processes at once."""

    @property
    def is_there(self) -> bool:
        """Whether anything was ever put there; asking makes nothing."""
        ...

    def get(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """What was put there, or None."""
        ...

    def get_many(self, kind: Kind, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those of the keys that are there, with their values."""
        ...

    async def find(self, kind: Kind, key: str) -> dict[str, Any] | None:
        """As `get`, from an event loop, which it never holds up."""
        ...

    def put(self, kind: Kind, key: str, value: Mapping[str, Any]) -> None:
        """Keep a JSON-ready mapping; the last one wins."""
        ...

    def put_all(self, kind: Kind, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep several at once."""
        ...

    def items(self, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every (key, value) of one kind, in the order of keys."""
        ...

    def stats(self) -> dict[str, int]:
        """How many of each kind, and their `bytes`."""
        ...

    def prune(self, older_than: timedelta | None = None, max_bytes: int | None = None) -> int:
        """Drop what was put longer ago than that, then the oldest until the rest fits; returns how many went."""
        ...

    def close(self) -> None:
        """Let go of it; a later call opens it again."""
        ...


class ClaimsLike(Protocol):
    """Claims by key, over all processes that share them."""

    def claim(self, key: str) -> AbstractAsyncContextManager[None]:
        """Hold the claim on a hexadecimal key; waits for as long as somebody else holds it."""
        ...

    def close(self) -> None:
        """Free every claim of this process."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Both, as one place has them."""

    cache: CacheLike
    claims: ClaimsLike


def open_stores(where: str, state: Path) -> Stores:
    """The stores at `where`, a folder or a `redis://` URL; empty is the project's own `state` folder. Opens nothing.

    Raises UsageError for an address that cannot be one.
    """
    place = replaced(where)
    if is_url(place):
        from .connection import Connection
        from .leases import Leases
        from .remote import Remote

        unsent = state / "unsent"
        then = f"going on without it; what it does not take is kept in {unsent}, and a later run brings it there"
        connection = Connection.of(place, then)
        return Stores(Remote(connection, unsent), Leases(connection))
    folder = Path(place).expanduser() if place else state
    return Stores(Cache(folder / "cache"), Claims(folder / "claims"))


def check_stores(where: str, state: Path) -> None:
    """Make sure that a Redis answers, and bring it what it did not take in an earlier run. Raises UsageError."""
    stores = open_stores(where, state)
    if not isinstance(stores.cache, Cache):
        from .remote import Remote

        assert isinstance(stores.cache, Remote)  # noqa: S101  (for mypy: there are two)
        try:
            stores.cache.check()
        finally:
            stores.cache.close()
