"""Every judge of an eval against people and against execution, beside the answers that look at nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from ..judges import BoundJudge
from ..labels import Rating, normalised
from ..stats.agreement import Agreement, Constant, Evidence, Figure, against_constant, agreement, constant
from ..stats.raters import krippendorff
from .certificates import Against
from .measuring import Measured

PEOPLE_PASS: Mapping[str, float] = {"pass_fail": 1.0, "critical": 1.0, "stars": 0.75}
"""From which mean rating on people pass an output: "pass", or four stars."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What judges are measured against: item's key -> value from 0 to 1."""

    name: Against
    values: Mapping[str, float]
    threshold: float


@dataclass(frozen=True, slots=True)
class Line:
    """One judge (or people, where the truth is execution)."""

    name: str
    agreement: Agreement
    evidence: Evidence
    errors: int
    """Outputs of which it gave no usable verdict."""
    span: float
    """Of its own scale: raw MAE is MAE times this."""
    pairs: Mapping[str, tuple[float, float]]
    """Item's key -> (truth, judge)."""


@dataclass(frozen=True, slots=True)
class Table:
    """All lines against one truth."""

    truth: Truth
    lines: tuple[Line, ...]
    constants: tuple[Constant, ...]


def execution(measured: Sequence[Measured], score: str) -> Truth:
    """What running the outputs showed: the score that the eval calls its truth."""
    values = {one.item.key: one.scores[score].value for one in measured if score in one.scores}
    return Truth("execution", values, 1.0)


def people(ratings: Mapping[str, Mapping[str, Rating]], scale: str) -> Truth:
    """What people said: the mean over raters; those who were unsure do not count."""
    values = {key: fsum(known) / len(known) for key, by in ratings.items() if (known := _known(by, scale))}
    return Truth("people", values, PEOPLE_PASS[scale])


def raters(ratings: Mapping[str, Mapping[str, Rating]], scale: str) -> Figure:
    """Krippendorff's alpha (ordinal) of the people who rated."""
    by_item = {
        key: {who: v for who, r in by.items() if (v := normalised(r.value, scale)) is not None}
        for key, by in ratings.items()
    }
    return krippendorff(by_item)


def table(measured: Sequence[Measured], judges: Sequence[BoundJudge], truth: Truth, beside: Truth | None) -> Table:
    """Every judge against a truth; `beside` is another truth that is shown as if it were a judge (people, say)."""
    rows = {one.item.key: one.item.row for one in measured}
    lines = [_of_judge(judge, measured, truth, rows) for judge in judges]
    if beside is not None:
        lines.append(_line(beside.name, beside, truth, rows))
    known = [key for key in rows if key in truth.values]
    fixed = constant([truth.values[key] for key in known], [rows[key] for key in known], threshold=truth.threshold)
    return Table(truth, tuple(lines), fixed)


def _of_judge(judge: BoundJudge, measured: Sequence[Measured], truth: Truth, rows: Mapping[str, str]) -> Line:
    name = judge.definition.name
    values = {one.item.key: one.scores[name].value for one in measured if name in one.scores}
    found = _line(name, Truth(truth.name, values, judge.definition.pass_at), truth, rows)
    errors = sum(name in one.errors for one in measured)
    return replace(found, errors=errors, span=judge.definition.form.span)


def _line(name: str, said: Truth, truth: Truth, rows: Mapping[str, str]) -> Line:
    """One line, over the items that both know."""
    pairs = {key: (truth.values[key], said.values[key]) for key in rows if key in said.values and key in truth.values}
    is_so, says = [pair[0] for pair in pairs.values()], [pair[1] for pair in pairs.values()]
    homes = [rows[key] for key in pairs]
    agreed = agreement(says, is_so, homes, threshold=said.threshold, truth_threshold=truth.threshold)
    evidence = against_constant(says, is_so, homes, threshold=said.threshold, truth_threshold=truth.threshold)
    return Line(name, agreed, evidence, 0, 1.0, pairs)


def _known(by: Mapping[str, Rating], scale: str) -> list[float]:
    return [v for rating in by.values() if (v := normalised(rating.value, scale)) is not None]
