"""What a task knows that can make and prove jobs of its own. Owns the seam; knows no task.

A plan names it as `module:attribute`, imported from the project's root.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from touchstone.errors import UsageError

from .topic import Topic


@dataclass(frozen=True, slots=True)
class Draft:
    """A composed job, before anybody asked for it in words."""

    topic: str
    facts: str
    """What the teacher is shown."""
    must: tuple[tuple[str, ...], ...]
    """Of each of these, at least one literal must stand in the request."""
    fields: Mapping[str, Any]
    """Of the row, JSON-ready; the task's own."""
    text: str = ""
    """The request, of a task that words its own; empty: the teacher is asked for it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What holds of a job."""

    verified: tuple[str, ...] = ()
    """Words such as `runs`, `as-expected`, `told-apart`; empty where nothing holds."""
    why: str = ""
    """Why no more than that."""
    lost: bool = False
    """Whether it was not made at all, through no fault of the job."""
    twice: bool = False
    """Whether the job was run twice for it already, and the same came out."""


@runtime_checkable
class Task(Protocol):
    """A task that knows its own truth. All of it is deterministic but its proofs, which run programs."""

    def topics(self) -> Sequence[Topic]:
        """Every topic of the task, composable or not."""
        ...

    def compose(self, topic: str, purpose: str, chance: random.Random) -> Draft | None:
        """A job on that topic, drawn from `chance` alone; None where there is none for that purpose."""
        ...

    def prepare(self, request: str) -> Mapping[str, Any] | None:
        """A row's fields for a request that somebody else wrote; None where the task can do nothing with it."""
        ...

    def prove(self, fields: Mapping[str, Any]) -> Proof:
        """Run the job and look. Called in worker processes, twice if need be; raises nothing for a bad job."""
        ...

    def objections(self, draft: Draft, text: str) -> Sequence[str]:
        """What in a request cannot stand; empty where nothing speaks against it."""
        ...

    def effect(self, row: Mapping[str, Any]) -> frozenset[str]:
        """What the row's job does, as tokens: rows whose tokens are alike are duplicates. Empty where unknown."""
        ...

    def features(self, row: Mapping[str, Any]) -> frozenset[str]:
        """The topics that the row's job exercises."""
        ...

    def identity(self) -> str:
        """Changes when proofs have to be made again."""
        ...


def load_task(name: str, root: Path, where: str = "") -> Task:
    """The task that a plan names. Raises UsageError."""
    module, _, attribute = name.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        found = getattr(importlib.import_module(module), attribute or "task")
    except (ImportError, AttributeError) as error:
        hint = "task: module:attribute, importable from the project's root"
        raise UsageError(f"cannot load the task {name!r}: {error}", where=where, hint=hint) from error
    if not isinstance(found, Task):
        raise UsageError(f"{name!r} is no task: it lacks some of {', '.join(_words())}", where=where)
    return found


def _words() -> list[str]:
    return sorted(word for word in vars(Task) if not word.startswith("_"))
