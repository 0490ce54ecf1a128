"""A compared sweep as curves: losses against steps, scores against rows. Owns which points; draws none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from touchstone.report.text import clean, crop
from touchstone.stats import Interval

from .roster import Learner, Roster
from .tables import numbered
from .whole import Whole
from .worth import Worth

_LABEL = 44


@dataclass(frozen=True, slots=True)
class Point:
    """One point, with the interval of its height where it has one."""

    x: float
    y: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Points from left to right."""

    label: str
    """Empty for one that shares its label, and its colour, with the line before."""
    points: tuple[Point, ...]
    colour: int
    """Lines of one number have one colour."""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. Its texts are clean, and no shorter than that."""

    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    note: str = ""
    """What the lines' looks mean."""


def panels(whole: Whole) -> tuple[Panel, ...]:
    """The losses, then each eval; none that would be empty."""
    found = [_losses(whole.roster)]
    found += [_learning(whole.roster, whole.worth, name) for name in whole.worth.evals] if whole.worth else []
    return tuple(panel for panel in found if panel.lines)


def _losses(roster: Roster) -> Panel:
    lines = tuple(line for at, one in enumerate(roster.learners) for line in _fall(at, one))
    return Panel("Loss", "step", "loss", lines, "solid: of training; dashed: of validation")


def _fall(at: int, one: Learner) -> Iterator[Line]:
    label = crop(numbered(at + 1, one.job.name), _LABEL)
    for which, dashed in (("train", False), ("validation", True)):
        values = ((loss.step, getattr(loss, which)) for loss in one.losses)
        points = tuple(Point(step, value) for step, value in values if value is not None)
        if points:
            yield Line(label, points, at, dashed)
            label = ""


def _learning(roster: Roster, worth: Worth, eval_: str) -> Panel:
    lines = [_series(at, label, own, worth, eval_) for at, (label, own) in enumerate(_groups(roster).items())]
    kept = tuple(line for line in lines if any(point.x for point in line.points))
    note = "per cent passed, with 95 % intervals; 0 rows: the base"
    return Panel(f"Learning curve: {clean(eval_, 60)}", "rows learnt from", "per cent passed", kept, note)


def _groups(roster: Roster) -> Mapping[str, list[Learner]]:
    """Jobs that differ in their rows alone."""
    found: dict[str, list[Learner]] = {}
    for one in roster.learners:
        varied = [f"{name} {clean(str(one.job.parameters.get(name, '-')), 20)}" for name in roster.varied]
        ways = [clean(getattr(one.job, what), 40) for what in ("base", "prompt", "provider") if _differ(roster, what)]
        epochs = [] if len({other.epochs for other in roster.learners}) == 1 else [f"epochs {one.epochs or '-'}"]
        found.setdefault(", ".join((*ways, *varied, *epochs)) or clean(roster.sweep.name, 60), []).append(one)
    return found


def _differ(roster: Roster, what: str) -> bool:
    return len({getattr(one.job, what) for one in roster.learners}) > 1


def _series(colour: int, label: str, own: Sequence[Learner], worth: Worth, eval_: str) -> Line:
    bases = {(0, one.base) for one in own if one.base}
    tuned = {(one.rows, name) for one in own for name in one.run_configs[:1] if one.rows is not None}
    points = [point for x, name in sorted(bases | tuned) if (point := _point(worth, eval_, name, x)) is not None]
    return Line(crop(label, _LABEL), tuple(points), colour)


def _point(worth: Worth, eval_: str, run_config: str, rows: int) -> Point | None:
    result = worth.summary.results.get((eval_, run_config))
    if result is None or result.passed is None:
        return None
    span = result.passed.interval
    return Point(rows, 100 * result.passed.mean, Interval(100 * span.low, 100 * span.high))
