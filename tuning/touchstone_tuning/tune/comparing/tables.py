"""A compared sweep as tables: what was learnt, what it is worth, how the losses fell. Owns columns and cells.

The terminal, Markdown and HTML draw the same tables, so that they never tell different stories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from touchstone.comparing.wording import effect
from touchstone.report.tables import Column, Table, overview
from touchstone.report.text import clean, count, dollars

from ..provider import Loss
from .roster import Learner, Roster
from .steps import standing
from .whole import Whole
from .wording import SHOWN
from .worth import Worth

Cell = Callable[[Learner], str]
_VALUE = 24
"""Characters of a parameter's value."""
_GAIN = ": gain"
"""Behind an eval's name."""
_WAY = {"start": 0.0, "a quarter": 0.25, "half": 0.5, "end": 1.0}
"""Shares of the steps."""


def numbered(at: int, name: str) -> str:
    """A job's name behind its number, which the curves have too."""
    return f"{at} {clean(name, 80)}"


def learnt(roster: Roster) -> Table:
    """Jobs downwards: what each was taught, and what that took. Columns that say nothing are left out."""
    found = [Column(heading, tuple(map(cell, roster.learners))) for heading, cell in _columns(roster)]
    kept = tuple(column for column in found if set(column.cells) != {"-"})
    return Table("what was learnt", _jobs(roster), kept)


def scores(whole: Whole) -> Table | None:
    """The bases, the jobs and what else was asked for downwards; evals across. None where there is no score."""
    if whole.worth is None or not whole.worth.evals:
        return None
    lines = list(_lines(whole.roster))
    columns = [column for name in whole.worth.evals for column in _eval(whole.worth, name, lines)]
    columns = [column for column in columns if set(column.cells) != {"-"}]
    return Table("what it is worth", tuple(label for label, _ in lines), tuple(columns))


def closer(table: Table) -> Table:
    """Each gain in the column of its score, for where there is little room."""
    found: list[Column] = []
    for column in table.columns:
        if found and column.heading == f"{found[-1].heading}{_GAIN}":
            widest = max(map(len, column.cells))
            cells = zip(found[-1].cells, column.cells, strict=True)
            found[-1] = Column(
                f"{found[-1].heading}, gain", tuple(f"{score} {gain:>{widest}}" for score, gain in cells)
            )
        else:
            found.append(column)
    return Table(table.title, table.names, tuple(found))


def losses(roster: Roster) -> Table | None:
    """Jobs downwards, the way to the last step across. None where no loss was kept."""
    own = [(at, one) for at, one in enumerate(roster.learners, 1) if one.losses]
    if not own:
        return None
    columns = [Column(name, tuple(_at(one.losses, share) for _, one in own)) for name, share in _WAY.items()]
    names = tuple(numbered(at, one.job.name) for at, one in own)
    return Table("train loss (val loss) on the way", names, tuple(columns))


# What was learnt


def _jobs(roster: Roster) -> tuple[str, ...]:
    return tuple(numbered(at, one.job.name) for at, one in enumerate(roster.learners, 1))


def _columns(roster: Roster) -> Iterator[tuple[str, Cell]]:
    yield "run-config", standing
    yield "rows", lambda one: "-" if one.rows is None else f"{one.rows:,}"
    yield "epochs", lambda one: "-" if one.epochs is None else f"{one.epochs:g}"
    for name in roster.varied:
        yield name, lambda one, name=name: _value(one.job.parameters.get(name))  # type: ignore[misc]
    for what in ("base", "prompt", "provider"):
        if len({getattr(one.job, what) for one in roster.learners}) > 1:
            yield what, lambda one, what=what: clean(getattr(one.job, what), _VALUE)  # type: ignore[misc]
    yield from _taken()


def _taken() -> Iterator[tuple[str, Cell]]:
    yield "tokens", lambda one: count(one.entry.trained_tokens if one.entry else None)
    yield "time", lambda one: _time(one.entry.seconds if one.entry else None)
    yield "tokens/s", _speed
    yield "train loss", lambda one: _loss(one.entry.train_loss if one.entry else None)
    yield "val loss", lambda one: _loss(one.entry.validation_loss if one.entry else None)
    yield "adapter", lambda one: _size(one.entry.adapter_bytes if one.entry else None)
    yield "cost", _cost


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else clean(str(value), _VALUE)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _speed(one: Learner) -> str:
    if one.entry is None or not one.entry.seconds or one.entry.trained_tokens is None:
        return "-"
    return f"{one.entry.trained_tokens / one.entry.seconds:,.0f}"


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    return f"{size / 1e3:.0f} kB" if size < 999_500 else f"{size / 1e6:.1f} MB"


def _cost(one: Learner) -> str:
    if one.entry is None or (one.entry.dollars is None and one.entry.estimate is None):
        return "-"
    return dollars(one.entry.dollars) if one.entry.dollars is not None else f"~{dollars(one.entry.estimate)}"


# What it is worth


def _lines(roster: Roster) -> Iterator[tuple[str, str]]:
    """(label, run-config); a job without one has an empty name."""
    yield from ((f"{clean(name, 70)} (base)", name) for name in roster.bases)
    for at, one in enumerate(roster.learners, 1):
        if not one.run_configs:
            yield f"{numbered(at, one.job.name)}", ""
        yield from ((numbered(at, name), name) for name in one.run_configs if name not in roster.bases)
    yield from ((clean(name, 80), name) for name in roster.against)


def _eval(worth: Worth, name: str, lines: Sequence[tuple[str, str]]) -> Iterator[Column]:
    shown = overview(worth.summary)
    cells = next((dict(zip(shown.names, one.cells, strict=True)) for one in shown.columns if one.heading == name), {})
    yield Column(name, tuple(cells.get(config) or _missing(worth, config) for _, config in lines))
    yield Column(f"{name}{_GAIN}", tuple(_gain(worth, name, config) for _, config in lines))


def _missing(worth: Worth, config: str) -> str:
    if not config:
        return "no model"
    return "skipped" if config in worth.measured else "no sample"


def _gain(worth: Worth, eval_: str, config: str) -> str:
    found = worth.gains.get((eval_, config))
    return "-" if found is None else effect(found) + ("*" if found.adjusted < SHOWN else "")


# Losses


def _at(losses: Sequence[Loss], share: float) -> str:
    """The losses measured nearest to that share of the steps."""
    wanted = losses[0].step + share * (losses[-1].step - losses[0].step)
    train, validation = (_nearest(losses, which, wanted) for which in ("train", "validation"))
    shown = "-" if train is None else f"{train:.2f}"
    return shown + (f" ({validation:.2f})" if validation is not None else "")


def _nearest(losses: Sequence[Loss], which: str, step: float) -> float | None:
    known = [one for one in losses if getattr(one, which) is not None]
    return getattr(min(known, key=lambda one: abs(one.step - step)), which) if known else None
