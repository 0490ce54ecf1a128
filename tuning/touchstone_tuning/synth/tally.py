"""What making rows took and why what was dropped was dropped. Counts; decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from touchstone.records import Response


@dataclass
class Tally:
    """Counts of one purpose's run."""

    drafts: int = 0
    """Jobs composed (backward), or requests that a model wrote (forward)."""
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Why a draft came to no row -> how many."""
    refused: Counter[str] = field(default_factory=Counter)
    """Why a text was asked for once more -> how many."""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """The calls' own latencies, added up, also of calls that were replayed: several run at a time."""
    cost: float = 0.0

    def take(self, responses: Iterable[Response]) -> None:
        """Count calls."""
        for one in responses:
            self.calls += 1
            self.input_tokens += one.usage.input_tokens or 0
            self.output_tokens += one.usage.output_tokens or 0
            self.seconds += one.latency
            self.cost += one.cost or 0.0

    @property
    def tokens(self) -> int:
        """In and out together."""
        return self.input_tokens + self.output_tokens

    @property
    def share(self) -> float:
        """Kept rows of drafts."""
        return self.kept / self.drafts if self.drafts else 0.0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tally:
        """Inverse of `as_dict`."""
        counts = {name: Counter(data[name]) for name in ("dropped", "refused")}
        return cls(**{**data, **counts})

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "drafts": self.drafts,
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "refused": dict(self.refused.most_common()),
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "seconds": round(self.seconds, 1),
            "cost": round(self.cost, 6),
        }
