"""A sweep compared: the roster and what it is worth, put together. Owns what is asked for, and what may be lacking."""

from __future__ import annotations

from dataclasses import dataclass

from touchstone.errors import UsageError
from touchstone.places import Places

from ..sweep import load_sweep
from .roster import Roster, roster
from .steps import step
from .worth import Worth, worth


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    base: str | None = None
    against: tuple[str, ...] = ()
    run: str | None = None
    evals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whole:
    """All there is to show."""

    roster: Roster
    worth: Worth | None
    """None where no run has scores of them."""
    lacking: UsageError | None
    """Why nothing can be held against anything, and what to type next. What was learnt can be shown all the same."""


def whole(name: str, places: Places, asked: Asked) -> Whole:
    """The sweep NAME compared. Raises UsageError for a name that is unknown, or a run or eval that was asked for."""
    found = roster(load_sweep(name, places), places, asked.base, asked.against)
    lacking = None if found.registered else _unregistered(found)
    try:
        return Whole(found, worth(found, places.state / "runs", asked.run, asked.evals), lacking)
    except UsageError as error:
        if asked.run or asked.evals:
            raise
        return Whole(found, None, lacking or error)


def _unregistered(found: Roster) -> UsageError:
    nearest = sorted(found.learners, key=lambda one: one.entry is None or one.entry.state != "succeeded")
    hint = step(found, nearest[0])
    return UsageError("no job is registered, so that no model of it has a score", where=found.sweep.shown, hint=hint)
