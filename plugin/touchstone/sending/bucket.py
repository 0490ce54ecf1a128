"""The bucket: how many requests, or tokens, a provider still lets through, by its own headers. Pure; has no clock.

A token bucket that is filled from what the headers say: `limit` is its size, `resets` how long it takes to be full.
Between two answers it counts itself, so that calls do not all go on the word of one answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Allowance

MINUTE = 60.0
"""Seconds: limits are by the minute, where the headers do not tell how fast they fill."""
SOON = 0.02
"""Seconds below which `resets` is too coarse to tell a rate from."""


@dataclass(slots=True)
class Bucket:
    """What is left, in requests or tokens."""

    size: float
    level: float
    rate: float
    """So many come back a second."""
    at: float
    """Seconds on the caller's clock, of `level`."""

    @classmethod
    def of(cls, told: Allowance, share: float, now: float) -> Bucket:
        """As the first answer says; `share` of it is ours (from 0 to 1), where several workers draw on it."""
        return cls(told.limit * share, told.remaining * share, _rate(told) * share, now)

    def told(self, told: Allowance, share: float, in_flight: float, now: float) -> None:
        """A later answer, while so much is in flight, of which it may know or not.

        Lower than we counted: others draw on it too. Higher: it fills faster than we thought.
        """
        self._flow(now)
        left = told.remaining * share
        self.size = told.limit * share
        self.rate = _rate(told) * share
        self.level = min(max(self.level, left - in_flight), left, self.size)

    def take(self, amount: float, now: float) -> None:
        """So much goes. Below nought is allowed: it is what a later wait pays for."""
        self._flow(now)
        self.level -= amount

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much is there; a call that is larger than the bucket waits for a full one."""
        self._flow(now)
        lack = min(amount, self.size) - self.level
        return max(0.0, lack / self.rate) if lack > 0 else 0.0

    def _flow(self, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now


def _rate(told: Allowance) -> float:
    """What comes back a second."""
    gone = told.limit - told.remaining
    if told.resets is not None and told.resets >= SOON and gone > 0:
        return gone / told.resets
    return max(told.limit, 1.0) / MINUTE
