"""Which split a row belongs to: by a hash of what it is, so that a row never moves when others come. Holds no rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def split_of(key: str, shares: Mapping[str, float], seed: int = 0) -> str:
    """The split of a key, by its hash alone. `shares` need not add up to 1.

    The shares are laid out in their order on a line from 0 to 1, on which each key has its place.
    """
    place = int.from_bytes(hashlib.sha256(f"{seed}\n{key}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    total, edge = sum(shares.values()), 0.0
    for name, share in shares.items():
        edge += share / total
        if place < edge:
            return name
    return list(shares)[-1]
