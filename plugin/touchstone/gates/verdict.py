"""What judging takes and gives: the baseline's figures of one eval, and a verdict. Values only; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Literal, TypeAlias

from ..stats import Interval

Kind: TypeAlias = Literal["pass", "fail", "cannot_tell", "not_judged"]
Kept: TypeAlias = Mapping[str, tuple[str, float]]
"""Row -> (beginning of its `row_hash`, mean of a score over its epochs)."""

HASH = 8
"""Hex digits of a row's hash that a baseline keeps."""
PASSED = "passed"
"""Under this name a baseline keeps the share of samples whose test body passed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of some samples."""

    rule: str
    kind: Kind
    """`cannot_tell`: too few rows, or answers missing. `not_judged`: there was no sample to judge."""
    why: str
    """One line for a person. May quote model text and row ids: clean it before showing it."""
    value: float | None = None
    """What was compared with the rule's bound: a mean, share or end of an interval; against a baseline a difference."""
    interval: Interval | None = None
    """95 %, of a mean, share or difference."""
    n: int = 0
    """Samples measured; against a baseline, rows compared."""
    errors: int = 0
    """Samples that gave no measurement."""
    needed: int | None = None
    """How many more rows would tell, if what they say stays the same; None where the rule can tell, or where no
    reasonable number would."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the main branch stands on, of one eval."""

    run_config: str = ""
    """The one that shipped."""
    scores: Mapping[str, Kept] = field(default_factory=dict)
    problem: str = ""
    """Why there is none, and what to type."""
    changed: frozenset[str] = frozenset()
    """Scores that something else gave then: not to be compared."""
    own: Standing | None = None
    """What the branch itself says it stands on, for what main cannot be asked: a new eval, a scorer that changed."""


def kept_mean(values: Sequence[float]) -> float:
    """A row's mean as a baseline keeps it: six decimals, so that the file is fit to be read."""
    return round(fsum(values) / len(values), 6)
