"""How much a server lets through, and the headers that say so, in OpenAI's words. Pure: the caller brings the time."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """A token bucket: full to begin with, filled at a rate."""

    rate: float
    """So much a second."""
    size: float
    level: float
    at: float
    """Seconds on the caller's clock, of `level`."""

    @classmethod
    def full(cls, rate: float, size: float, now: float) -> Bucket:
        """One that nothing was taken from."""
        return cls(rate, size, size, now)

    def holds(self, amount: float, now: float) -> bool:
        """Whether so much is there. What is larger than the bucket is let through when it is full."""
        self._flow(now)
        return self.level >= min(amount, self.size) - 1e-9

    def take(self, amount: float, now: float) -> None:
        """So much goes."""
        self._flow(now)
        self.level -= amount

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much is there."""
        self._flow(now)
        return max(0.0, (min(amount, self.size) - self.level) / self.rate)

    def headers(self, of: str, now: float) -> dict[str, str]:
        """Limit, what remains, and when it will be full again; `of` is `requests` or `tokens`."""
        self._flow(now)
        return {
            f"x-ratelimit-limit-{of}": str(int(self.size)),
            f"x-ratelimit-remaining-{of}": str(max(0, int(self.level + 1e-9))),
            f"x-ratelimit-reset-{of}": duration((self.size - self.level) / self.rate),
        }

    def _flow(self, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.at) * self.rate)
        self.at = now


def duration(seconds: float) -> str:
    """As Go writes it, which is how OpenAI does: `17ms`, `1.2s`, `6m0s`. Never shorter than it is."""
    whole = math.ceil(seconds * 1000 - 1e-6)
    if whole < 1000:
        return f"{whole}ms"
    minutes, rest = divmod(whole, 60_000)
    return (f"{minutes}m" if minutes else "") + f"{rest / 1000:g}s"


def retry_after(seconds: float) -> dict[str, str]:
    """Both ways to say it: whole seconds, rounded up, and milliseconds."""
    return {"Retry-After": str(max(1, math.ceil(seconds))), "retry-after-ms": str(max(1, math.ceil(seconds * 1000)))}
