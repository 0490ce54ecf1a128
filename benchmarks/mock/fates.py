"""What becomes of a request: drawn from the seed, what it says, and how often it came before. Pure; has no clock.

So a run is repeatable whatever order its requests come in, and a retry of one that failed may pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

ANSWER = "answer"
FAULTS = ("429", "500", "hang", "drip", "reset", "garbage", "schema", "empty")
"""Refused; failed; never answered; answered by the byte; cut off; no JSON; JSON of another shape; no choice in it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One request's."""

    what: str
    """ANSWER or one of FAULTS."""
    latency: float
    """Seconds until the answer."""
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Fates:
    """How a server behaves."""

    latency: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Share of the latency, from 0 to 1, that an answer may be early or late, all alike probable."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """Of FAULTS -> its share of all requests."""
    seed: int = 0

    def __post_init__(self) -> None:
        if unknown := set(self.faults) - set(FAULTS):
            raise ValueError(f"no fault is called {min(unknown)!r}; there are: {', '.join(FAULTS)}")
        if sum(self.faults.values()) > 1 or min(self.faults.values(), default=0.0) < 0:
            raise ValueError("the shares of the faults want to be from 0 to 1, and 1 together at most")

    def of(self, request: str, attempt: int, most_out: int) -> Fate:
        """Of a request (its digest) that comes for so many times, counted from 1, and may get so many tokens."""
        which, when, length = _draws(f"{self.seed}/{request}/{attempt}")
        latency = self.latency * (1 + self.jitter * (2 * when - 1))
        return Fate(self._what(which), latency, 1 + int(length * most_out))

    def _what(self, drawn: float) -> str:
        for fault in FAULTS:
            drawn -= self.faults.get(fault, 0.0)
            if drawn < 0:
                return fault
        return ANSWER


def parsed(text: str) -> dict[str, float]:
    """`429=0.05,500=0.02` as shares. Raises ValueError."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    return {name.strip(): float(share) for name, _, share in pairs}


def _draws(text: str) -> tuple[float, float, float]:
    """Three numbers from 0 to 1, never 1 itself; the same in every version of Python."""
    drawn = hashlib.blake2b(text.encode(), digest_size=24).digest()
    first, second, third = (int.from_bytes(drawn[at : at + 8], "big") / 2**64 for at in (0, 8, 16))
    return min(first, 1 - 2**-53), min(second, 1 - 2**-53), min(third, 1 - 2**-53)
