"""An eval's golden set, what people said of it, and what scorers and judges say: what `agree` and `audit` share.

Reads the files and has the outputs measured, with a bar on standard error; compares nothing and words no result.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..caching import Calls
    from ..evals import Eval, Suite
    from ..judges import BoundJudge
    from ..labels import Item, Rating
    from ..ratings import Ratings
    from ..trust.measuring import Measured
    from .collecting import Collected


@dataclass(frozen=True)
class Study:
    """One measurement of an eval's golden set."""

    suite: Suite
    eval: Eval
    everything: tuple[Item, ...]
    """The whole golden set."""
    left: tuple[str, ...]
    """A line about each item whose row has changed or gone."""
    there: Ratings
    judges: tuple[BoundJudge, ...]
    measured: tuple[Measured, ...]
    """One for each item whose row is still what it was."""

    @property
    def ratings(self) -> dict[str, dict[str, Rating]]:
        """Item's key -> rater -> their latest rating."""
        return self.there.current(self.everything)

    def errors(self) -> Iterator[str]:
        """Who could not say anything, why, and of how many outputs."""
        counts = Counter(f"{who}: {why}" for one in self.measured for who, why in one.errors.items())
        yield from (f"error: {why} ({count} outputs)" for why, count in counts.items())


def study(collected: Collected, name: str, judges: Mapping[str, BoundJudge], calls: Calls | None) -> Study:
    """Read the golden set of the eval and measure it. Raises UsageError."""
    from ..golden import golden_of
    from ..ratings import ratings_of
    from ..trust.measuring import usable

    suite, evaluation = collected.suite, collected.eval(name)
    items = golden_of(suite.places, name).read()
    kept, left = usable(items, evaluation)
    measured = _measure(collected, evaluation, kept, list(judges.values()), calls)
    there = ratings_of(suite.places, name)
    return Study(suite, evaluation, items, tuple(left), there, tuple(judges.values()), tuple(measured))


def judges_for(collected: Collected, name: str, names: Sequence[str]) -> dict[str, BoundJudge]:
    """The judges of the given names; without any, those whose file names the eval, and those among its scorers."""
    from ..judges import BoundJudge, judges_of, load_judge

    suite, evaluation = collected.suite, collected.eval(name)
    if names:
        found = [load_judge(one, suite.places, suite.catalogue) for one in names]
    else:
        found = judges_of(evaluation.name, suite.places, suite.catalogue)
    own = {} if names else {one.definition.name: one for one in evaluation.judges}
    return {one.name: BoundJudge.of(one, suite.places.root) for one in found} | own


def no_judge(evaluation: str) -> click.UsageError:
    """What to do where an eval has no judge, and one is needed."""
    return click.UsageError(f"no judge of {evaluation} yet: write evals/judges/NAME.j2 (docs/judges.md)")


def _measure(
    collected: Collected, evaluation: Eval, items: Sequence[Item], judges: Sequence[BoundJudge], calls: Calls | None
) -> list[Measured]:
    from ..caching import calls_here
    from ..session import Options, Session
    from ..trust.measuring import measure, with_judges

    with bar("measuring") as progress:
        session = Session(collected.suite, Options(calls_here(calls)), "")
        return measure(session, with_judges(evaluation, judges), items, progress)


@contextmanager
def bar(doing: str) -> Iterator[Any]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(doing, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
