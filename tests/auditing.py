"""A golden set with ratings, made up: for tests of the audit."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from touchstone.labels import Item, Label, Rating, Trust
from touchstone.records import Score
from touchstone.trust.audit import Audit, Case, Finding, Material, audit

START = 1_780_000_000.0
HOSTILE = "Eve\x1b[31m\u202e `x` | <img src=x> @team\n::error::" + "e\u0301\u0301\u0301\u0301" * 400


@dataclass
class Golden:
    """A golden set in the making: what each output is in truth, and who said what of it, when."""

    truth: Sequence[bool]
    configs: Sequence[str] = ()
    rows: Sequence[str] = ()
    tags: Sequence[tuple[str, ...]] = ()
    judges: dict[str, tuple[Trust, Sequence[float]]] = field(default_factory=dict)
    ratings: list[list[Rating]] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.truth)
        rows = self.rows or [f"row{i:03}" for i in range(n)]
        configs = self.configs or ["main"] * n
        self.items = [Item(rows[i], "h", f"request {i}\nmore", f"answer {i}", configs[i]) for i in range(n)]
        self.ratings = [[] for _ in range(n)]

    def rate(
        self,
        rater: str,
        labels: Sequence[Label | None],
        *,
        seconds: Callable[[int], float | None] = lambda i: 9.0,
        when: Callable[[int], float] = lambda i: START + 20.0 * i,
        **more: object,
    ) -> Golden:
        """One person's labels, in the order of the outputs."""
        for i, label in enumerate(labels):
            if label is not None:
                at = f"{datetime.fromtimestamp(when(i), UTC):%Y-%m-%dT%H:%M:%SZ}"
                one = Rating(self.items[i].row, self.items[i].answer, rater, label, at, seconds=seconds(i))
                self.ratings[i].append(replace(one, **more))  # type: ignore[arg-type]
        return self

    def judge(self, name: str, values: Sequence[float], state: str = "certified") -> Golden:
        """One judge's scores."""
        self.judges[name] = (Trust(name, state, ""), values)  # type: ignore[arg-type]
        return self

    def material(self, *, executed: bool = True) -> Material:
        """As an audit takes it."""
        cases = []
        for i, item in enumerate(self.items):
            seen = {"runs": Score(float(self.truth[i]), "" if self.truth[i] else "exit 1: no such filter")}
            scores = {name: Score(values[i], "so it says") for name, (_, values) in self.judges.items()}
            said = {rating.rater: rating for rating in self.ratings[i]}
            tags = self.tags[i] if self.tags else ()
            cases.append(Case(item, said, scores | (seen if executed else {}), tags))
        history = tuple(rating for one in self.ratings for rating in one)
        judges = tuple(trust for trust, _ in self.judges.values())
        return Material(tuple(cases), history, "runs" if executed else "", judges)

    def audit(self, *, executed: bool = True) -> Audit:
        """Audited."""
        return audit(self.material(executed=executed))


def labels_of(passes: Sequence[bool]) -> list[Label | None]:
    return ["pass" if one else "fail" for one in passes]


def mixed(n: int, seed: int = 1, share: float = 0.5) -> list[bool]:
    rng = random.Random(seed)
    return [rng.random() < share for _ in range(n)]


def kinds(found: Audit, *wanted: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.kind in wanted]


def words(found: Audit) -> str:
    return "\n".join(finding.words for finding in found.findings)
