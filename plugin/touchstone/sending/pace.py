"""The pace: when the next call to one model may go out. Pure; has no clock.

By the provider's headers, its `Retry-After`, and, where it tells nothing, by what it let through before it refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..records import Allowance
from .bucket import Bucket

LOOK_BACK, ENOUGH = 1.0, 40
"""Seconds over which answers are counted, to learn what a silent provider takes; longer, to count so many."""
LONGEST_LOOK = 8.0
"""Seconds, for which even few answers are enough."""
BELOW = 0.97
"""Of what was let through: a little less is asked for, so that refusals stay rare."""
PATIENCE = 3.0
"""Seconds without a refusal after which a higher rate is tried."""
PROBE, BOLDER, BOLDEST = 1.02, 1.5, 2.0
"""So many times the rate is tried first, by so much more each time that it is taken well, and at most this."""
LEAST = 0.2
"""Calls a second: slower is never learnt."""
SHORTEST = 0.2
"""Seconds of answers that a rate is learnt from at least."""


@dataclass(slots=True)
class Pace:
    """One model's pace, as this process keeps it."""

    share: float = 1.0
    """Of the provider's allowance, what is ours: 1 / workers of the run."""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    until: float = float("-inf")
    """Nothing before: the provider asked for a wait."""
    learnt: float | None = None
    """Calls a second, of a provider that refuses and tells nothing."""
    _began: float = float("inf")
    _next: float = float("-inf")
    _quiet_since: float = float("-inf")
    _probe: float = PROBE
    _learn: bool = False
    _answers: deque[float] = field(default_factory=lambda: deque(maxlen=4096))

    def wait(self, tokens: float, now: float) -> float:
        """Seconds until a call of so many tokens may go; 0 for now."""
        waits = [b.wait(tokens if of == "tokens" else 1.0, now) for of, b in self.buckets.items()]
        if self.learnt is not None:
            waits.append(self._next - now)
        return max(0.0, self.until - now, *waits)

    def sent(self, tokens: float, now: float) -> None:
        """A call of so many tokens goes out."""
        self._began = min(self._began, now)
        for of, bucket in self.buckets.items():
            bucket.take(tokens if of == "tokens" else 1.0, now)
        if self._learn:
            self._learn, self.learnt = False, max(LEAST, self._lately(now) * BELOW)
        if self.learnt is not None:
            self._try_more(self.learnt, now)
            # What was not used for a while is not made up for in a burst.
            self._next = max(self._next, now - 1 / self.learnt) + 1 / self.learnt

    def answered(self, allowances: Iterable[Allowance], flight: Mapping[str, float], now: float) -> None:
        """An answer, with what its headers say is left; `flight`: requests and tokens that are on their way."""
        self._answers.append(now)
        self._hear(allowances, flight, now)

    def refused(
        self,
        allowances: Iterable[Allowance],
        retry_after: float | None,
        flight: Mapping[str, float],
        began: float,
        now: float,
    ) -> None:
        """A call that began at `began` was refused for being one too many."""
        self._hear(allowances, flight, now)
        self.until = max(self.until, now + (retry_after or 0.0))
        if self.buckets or began < self._quiet_since:
            return
        self._quiet_since, self._probe = now, PROBE
        if self.learnt is None:
            # Of the calls that went out together few have been answered yet: learn when the others are.
            self._learn, self.until = True, max(self.until, now + (now - began))
        else:
            self.learnt = max(LEAST, min(self.learnt, self._lately(now)) * BELOW)

    def _lately(self, now: float) -> float:
        """Answers a second, of late."""
        past = self._answers[-ENOUGH] if len(self._answers) >= ENOUGH else float("-inf")
        look = min(max(LOOK_BACK, now - past), LONGEST_LOOK)
        span = min(look, max(now - self._began, SHORTEST))
        return sum(1 for at in self._answers if at > now - span) / span

    def _try_more(self, rate: float, now: float) -> None:
        """A higher rate, where the last was taken well for long enough; ever bolder, for limits change."""
        if now - self._quiet_since > PATIENCE:
            self.learnt, self._quiet_since = rate * self._probe, now
            self._probe = min(BOLDEST, 1 + (self._probe - 1) * BOLDER)

    def _hear(self, allowances: Iterable[Allowance], flight: Mapping[str, float], now: float) -> None:
        for told in allowances:
            if told.of in self.buckets:
                self.buckets[told.of].told(told, self.share, flight[told.of], now)
            else:
                self.buckets[told.of] = Bucket.of(told, self.share, now)
            self._learn, self.learnt = False, None  # who tells need not be guessed at
