"""What a server was sent and what it answered, a line a request. Counts; never decides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .fates import ANSWER

ANSWERS = (ANSWER, "drip")
"""Fates that end in an answer that is one."""


@dataclass(slots=True)
class Sent:
    """One request as it came, and what came of it. Times are seconds on the machine's monotonic clock."""

    request: str
    """Digest: the same for the same request."""
    text: str
    """Of its last message."""
    attempt: int
    """From 1: so many times it has come."""
    received: float
    what: str = ANSWER
    """Its fate."""
    tokens_in: int = 0
    tokens_out: int = 0
    status: int | None = None
    """Of the answer; None where there was none."""
    written: float | None = None
    """When the last byte of its answer was the operating system's; None: never."""
    left: float | None = None
    """When it was done with, answered or not; None: it is still here."""

    @property
    def answered(self) -> bool:
        """With a completion, to the last byte."""
        return self.written is not None and self.status == 200 and self.what in ANSWERS


@dataclass(slots=True)
class Ledger:
    """All of them, in the order they came."""

    sent: list[Sent] = field(default_factory=list)
    here: int = 0
    most_at_once: int = 0
    _attempts: Counter[str] = field(default_factory=Counter)

    def receive(self, request: str, text: str, now: float) -> Sent:
        """A request comes."""
        self._attempts[request] += 1
        one = Sent(request, text, self._attempts[request], now)
        self.sent.append(one)
        self.here += 1
        self.most_at_once = max(self.most_at_once, self.here)
        return one

    def leave(self, one: Sent, now: float) -> None:
        """It is done with."""
        one.left = now
        self.here -= 1

    def log(self) -> list[dict[str, Any]]:
        """All of it, JSON-ready."""
        return [asdict(one) for one in self.sent]

    def stats(self, input_cost: float = 0.0, output_cost: float = 0.0) -> dict[str, Any]:
        """Counts; costs are US dollars a million tokens."""
        answers = Counter(one.request for one in self.sent if one.answered)
        return {
            "calls": len(self.sent),
            "distinct": len(self._attempts),
            "most_sent": max(self._attempts.values(), default=0),
            "answered": answers.total(),
            "answered_distinct": len(answers),
            "answered_twice": answers.total() - len(answers),
            "abandoned": sum(one.left is not None and one.written is None and one.what in ANSWERS for one in self.sent),
            "most_at_once": self.most_at_once,
            "here": self.here,
            "status": _counted(str(one.status) for one in self.sent),
            "what": _counted(one.what for one in self.sent),
            "spent": _cost((one for one in self.sent if one.answered), input_cost, output_cost),
            "spent_at_most": _cost(
                (one for one in self.sent if one.what in ANSWERS and one.tokens_out), input_cost, output_cost
            ),
            "per_second": self.per_second(),
        }

    def per_second(self) -> list[dict[str, int]]:
        """Of each second since the first request: how many came, were answered, and were refused with 429."""
        began = self.sent[0].received if self.sent else 0.0
        seconds: dict[int, Counter[str]] = defaultdict(Counter)
        for one in self.sent:
            seconds[int(one.received - began)].update(["came", *(["refused"] if one.status == 429 else [])])
            if one.answered and one.written is not None:
                seconds[int(one.written - began)]["answered"] += 1
        kinds = ("came", "answered", "refused")
        return [{kind: seconds[at][kind] for kind in kinds} for at in range(max(seconds, default=-1) + 1)]


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _cost(sent: Iterable[Sent], input_cost: float, output_cost: float) -> float:
    """US dollars."""
    return sum(one.tokens_in * input_cost + one.tokens_out * output_cost for one in sent) / 1e6
