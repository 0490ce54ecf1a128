"""What an audit finds, as values: one thing that a person should look at, with its evidence. Finds nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ...report.text import clean

Kind: TypeAlias = Literal["contradiction", "rater", "batch", "speed", "unusable"]
Severity: TypeAlias = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. Its texts are made harmless already."""

    kind: Kind
    severity: Severity
    about: str
    """`row@answer` of an output, the name of a rater or judge, or of a file."""
    words: str
    """One sentence."""
    score: float = 0.0
    """How bad, among findings of its kind and severity; higher is worse."""
    evidence: tuple[tuple[str, str], ...] = ()
    """(who or what, what it says), a line each."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """The numbers behind the words."""


def named(rater: str) -> str:
    """A rater's name, whatever it holds, as a sentence can carry it."""
    return clean(rater, 40) or "(a name of nothing that shows)"


def worst_first(findings: list[Finding]) -> list[Finding]:
    """By severity, then score, then name."""
    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), -f.score, f.about, f.words))
