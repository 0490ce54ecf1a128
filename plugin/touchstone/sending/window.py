"""The window: how many calls to one model may be in flight. Grows while it is used and nothing is refused. Pure.

Additive increase, multiplicative decrease, as TCP has it (RFC 5681): until the first refusal each answer makes room for
several more, afterwards a whole window of answers makes room for one.
"""

from __future__ import annotations

from dataclasses import dataclass

START = 20
"""Calls in flight to begin with."""
GROWTH = 4
"""Places more for each answer, until the first refusal."""
CUT = 0.7
"""What is left of the window after a refusal."""


@dataclass(slots=True)
class Window:
    """A number of places, from 1 to `cap`."""

    cap: int
    size: float = START
    throttled: bool = False
    """A call has been refused for being one too many."""
    _since: float = float("-inf")
    """Seconds on the caller's clock of the last cut."""

    def __post_init__(self) -> None:
        self.size = min(self.size, self.cap)

    @property
    def places(self) -> int:
        """Calls that may be in flight now."""
        return max(1, int(self.size))

    def answered(self, in_flight: int) -> None:
        """A call was answered, while so many were in flight. A window that is not full proves nothing by it."""
        if in_flight >= self.places:
            self.size = min(self.cap, self.size + (1 / self.size if self.throttled else GROWTH))

    def refused(self, began: float, now: float) -> None:
        """A call that began at `began` was one too many. Those sent before the last cut do not count again."""
        if began > self._since:
            self.size, self.throttled, self._since = max(1.0, self.size * CUT), True, now
