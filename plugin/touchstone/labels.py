"""The nouns of people's judgement: labels on a scale, ratings, golden items. Values only: no file, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from .errors import UsageError

Scale: TypeAlias = Literal["pass_fail", "critical", "stars"]
Label: TypeAlias = str | int
"""pass, fail, critical, unsure, or 1 to 5 (stars)."""

UNSURE = "unsure"
SCALES: Mapping[str, tuple[Label, ...]] = {
    "pass_fail": ("fail", "pass"),
    "critical": ("critical", "fail", "pass"),
    "stars": (1, 2, 3, 4, 5),
}
"""Scale -> its labels, the worst first. Every scale has `unsure` too, which is no measurement."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's word on one output. Never overwritten: a person who changes their mind adds another."""

    row: str
    answer: str
    """`answer_hash` of the output that was rated."""
    rater: str
    """git's user.name; free text, hostile like any other."""
    value: Label
    when: str
    """UTC, `2026-11-23T20:15:00Z`."""
    note: str = ""
    seconds: float | None = None
    """Between seeing and rating; None where nobody measured (a spreadsheet)."""
    peeked: bool = False
    """The rater asked for the evidence of execution before rating."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; what is at its default is left out."""
        kept = {k: v for k, v in asdict(self).items() if k in ("row", "answer", "rater", "value", "when") or v}
        return kept if self.seconds is None else {**kept, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class Item:
    """One golden output: what people rate and judges are measured on."""

    row: str
    """Id of the row in the eval's dataset."""
    row_hash: str
    """`row_hash` of the row when it was drawn: another row under the same id is another task."""
    input: Any
    output: str
    run_config: str
    """Which run-config wrote it. Raters and judges are never told."""

    @property
    def answer(self) -> str:
        """`answer_hash` of the output."""
        return answer_hash(self.output)

    @property
    def key(self) -> str:
        """Names the item: `row@answer`."""
        return f"{self.row}@{self.answer}"


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a judge may be trusted today, by its certificate."""

    judge: str
    state: Literal["certified", "no evidence", "missing", "out of date"]
    words: str
    """One line for a report."""
    threshold: float = 0.5
    """From which value on it passes an answer."""
    pairs: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    """`row@answer` -> (truth, judge, the run-config that wrote it); empty where there is no valid certificate."""

    @property
    def trusted(self) -> bool:
        """Whether a gate may rest on it."""
        return self.state == "certified"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `run.json`."""
        return {**asdict(self), "pairs": {key: list(pair) for key, pair in self.pairs.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trust:
        """Inverse of `as_dict`."""
        return cls(**{**data, "pairs": {key: (t, j, who) for key, (t, j, who) in data["pairs"].items()}})


def answer_hash(output: str) -> str:
    """The first 16 hex digits of the SHA-256 of the text: which answer a rating is about."""
    return hashlib.sha256(output.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def normalised(value: Label, scale: str) -> float | None:
    """A label as a number from 0 to 1, as the field does: (stars - 1)/4, (critical + 1)/2, pass 1; unsure is None.

    On the scale `critical`: critical 0, fail 0.5, pass 1. Raises UsageError for a label that the scale does not have.
    """
    if value == UNSURE:
        return None
    labels = SCALES[scale]
    if value not in labels:
        raise UsageError(f"{value!r} is no label of the scale {scale}; it has: {', '.join(map(str, labels))}, unsure")
    return labels.index(value) / (len(labels) - 1)
