"""What a scorer is: a function of a sample. Owns how one is declared and how its answer is read; runs none.

A scorer is any callable that takes a `Sample` and returns a bool, a number from 0 to 1, a `Score`, or a mapping
of names to those (one look, several scores). It may be async. What it raises is an error, never a zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from .errors import ScorerError
from .fingerprint import fingerprint
from .records import Message, Response, RunConfig, Score

Ask: TypeAlias = Callable[[RunConfig, tuple[Message, ...], int, Mapping[str, Any]], Awaitable[Response]]
"""The way of a judge to a model, through the same recordings, cache and limits as every other call:
(how the model runs, the messages, repetition from 1, further parameters) -> response."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Traits:
    """How a scorer wants to be run."""

    heavy: bool = False
    """Runs in worker processes (so it must be importable by name), and its scores are cached on disk."""
    names: tuple[str, ...] = ()
    """The scores that it returns, where it returns a mapping."""
    identity: Callable[[], str] | None = None
    """Whatever can change its verdict on the same sample: a version, a tool's version, a hash of sources."""
    asks: bool = False
    """It calls a model: it is async, and takes the sample and an `Ask`."""


def scorer(
    *, heavy: bool = False, names: Sequence[str] = (), identity: Callable[[], str] | None = None
) -> Callable[[F], F]:
    """Declare a scorer that is CPU-heavy, or that returns several scores.

    Plain functions need no decorator. A heavy scorer runs in a worker process and its scores are cached on disk, so
    it must be importable by name and depend on nothing but the row, the output and its `identity`: by default, a
    hash of the Python sources of its package.
    """

    def mark(function: F) -> F:
        function.__touchstone__ = Traits(heavy, tuple(names), identity)  # type: ignore[attr-defined]
        return function

    return mark


def traits(function: Callable[..., Any]) -> Traits:
    """The traits that `@scorer` gave, or the defaults."""
    return getattr(function, "__touchstone__", Traits())


def name_of(function: Callable[..., Any]) -> str:
    """The scorer's name: `__name__`, or its class's name in lower case."""
    return getattr(function, "__name__", type(function).__name__.lower())


def names_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the scores that it returns."""
    return traits(function).names or (name_of(function),)


def identity_of(function: Callable[..., Any]) -> str:
    """Text that changes whenever the scorer's verdict on the same sample may change."""
    named = traits(function).identity
    module = getattr(function, "__module__", type(function).__module__)
    return f"{module}.{name_of(function)}@{named() if named else fingerprint(module)}"


def in_background(scorer: Callable[..., Any]) -> bool:
    """Whether a scorer runs beside the calls: it is async or heavy."""
    function = scorer if inspect.isroutine(scorer) else type(scorer).__call__
    return traits(scorer).heavy or inspect.iscoroutinefunction(function)


def as_scores(name: str, answer: Any) -> dict[str, Score]:
    """What a scorer returned, as named scores. Raises ScorerError for what is no score."""
    if not isinstance(answer, bool | int | float | Score) and isinstance(answer, Mapping):  # which is slow to tell
        return {str(key): _as_score(str(key), value) for key, value in answer.items()}
    return {name: _as_score(name, answer)}


def _as_score(name: str, answer: Any) -> Score:
    if isinstance(answer, bool | int | float):
        answer = Score(float(answer))
    if not isinstance(answer, Score):
        raise ScorerError(f"{name}: returned {type(answer).__name__}; wanted a bool, a number from 0 to 1, or a Score")
    if not 0.0 <= answer.value <= 1.0:
        raise ScorerError(f"{name}: returned {answer.value!r}; a score is a number from 0 to 1")
    return answer
