"""Which split a row belongs to: by a hash of what it is, so that a row never moves when others come. Holds no rows."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping

from touchstone.errors import UsageError

from .alike import normalised

NAME = re.compile(r"(?!all$)[A-Za-z0-9_]{1,40}", re.ASCII)
"""What may name a split: it stands in file names, and Hugging Face takes `all` for every split at once."""
_WHOLE = 1e-3
"""How far from 1 shares may add up to: thirds are written 0.333."""


def split_of(key: str, shares: Mapping[str, float], seed: int = 0) -> str:
    """The split of a key, by its hash and the shares alone. Raises UsageError for shares that are none.

    The shares are laid out by their names on a line from 0 to 1, on which each key has its place: neither other rows
    nor the order of the shares matter.
    """
    place, names = place_of(key, seed), sorted(checked(shares))
    edges = (math.fsum(shares[one] for one in names[: n + 1]) for n in range(len(names)))
    found = (name for name, edge in zip(names, edges, strict=True) if place < edge)
    return next(found, max(name for name in names if shares[name] > 0))


def place_of(key: str, seed: int = 0) -> float:
    """Where a key stands on a line from 0 up to, not including, 1."""
    lot = hashlib.sha256(f"{seed}\n{key}".encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(lot[:8]) >> 11) / 2**53


def key_of(topic: str, effect: Iterable[str], text: str = "") -> str:
    """What decides on a row's split. Rows of one effect never part, whatever their topics and words.

    Where the effect is unknown it is the topic and the words, so that only rows that say the same stay together.
    """
    tokens = sorted(set(effect))
    return json.dumps(["effect", *tokens] if tokens else ["topic", topic, normalised(text)])


def checked(shares: Mapping[str, float], where: str = "") -> Mapping[str, float]:
    """The shares, if they are some. Raises UsageError, which says what to write instead."""
    if not shares:
        raise UsageError("splits: there are none", where=where, hint="splits: {train: 0.9, val: 0.1}")
    for name, share in shares.items():
        _check(name, share, where)
    total = math.fsum(shares.values())
    if abs(total - 1) > _WHOLE:
        raise UsageError(f"splits: the shares add up to {total:g}, not to 1", where=where, hint=_hint(shares, total))
    return shares


def check_name(name: object, where: str = "") -> None:
    """Raises UsageError for what cannot name a split."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        hint = "letters, digits and _, at most 40, and not `all`; such as train, val, eval"
        raise UsageError(f"{name!r} cannot name a split", where=where, hint=hint)


def _check(name: object, share: object, where: str) -> None:
    check_name(name, where)
    if isinstance(share, bool) or not isinstance(share, int | float) or not math.isfinite(share):
        hint = f"a part of 1, as in {name}: 0.1"
        raise UsageError(f"splits: {name}: {share!r} is no number", where=where, hint=hint)
    if share < 0:
        raise UsageError(f"splits: {name}: a share of {share:g} is less than none", where=where, hint="from 0 to 1")


def _hint(shares: Mapping[str, float], total: float) -> str:
    if total == 0:
        return "splits: {train: 0.9, val: 0.1}"
    said = ", ".join(f"{name}: {share / total:.4g}" for name, share in shares.items())
    return f"shares are parts of 1: did you mean {{{said}}}?"
