"""Kiln's scores on our scales. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...labels import Label, Scale

SCALES: Mapping[str, Scale] = {"pass_fail": "pass_fail", "pass_fail_critical": "critical", "five_star": "stars"}
"""Type of a score of Kiln's -> the scale here."""
PASS_AT: Mapping[Scale, float] = {"pass_fail": 0.5, "critical": 1.0, "stars": 0.75}
ENDS: Mapping[Scale, tuple[float, float]] = {"pass_fail": (0.0, 1.0), "critical": (-1.0, 1.0), "stars": (1.0, 5.0)}
"""The worst and the best number that Kiln gives."""
_LABELS: Mapping[Scale, Mapping[float, Label]] = {
    "pass_fail": {0.0: "fail", 1.0: "pass"},
    "critical": {-1.0: "critical", 0.0: "fail", 1.0: "pass"},
    "stars": {1.0: 1, 2.0: 2, 3.0: 3, 4.0: 4, 5.0: 5},
}


def normal(value: float, scale: Scale) -> float | None:
    """From 0 to 1, as Kiln normalises; None for what is off the scale."""
    low, high = ENDS[scale]
    return (value - low) / (high - low) if low <= value <= high else None


def label(value: float, scale: Scale) -> Label | None:
    """What a person said; None for a number between two labels."""
    return _LABELS[scale].get(value)


def number(said: Label, scale: Scale) -> float:
    """A label as the number that Kiln keeps."""
    return next(value for value, one in _LABELS[scale].items() if one == said)


def key(name: str) -> str:
    """A score's name as Kiln keys it."""
    return re.sub(r"[^a-z0-9_]", "", name.strip().lower().replace(" ", "_"))
