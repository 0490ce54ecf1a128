"""Scores over the git history of the baseline: what main stood on, commit by commit. Figures; draws and words none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..baseline import Baseline, parse
from ..errors import UsageError
from ..gates.verdict import PASSED
from ..gitfile import Commit, blob, commits
from ..places import Places
from ..stats import Estimate, estimate
from .pairing import Compared, Comparison, lay_beside
from .sides import Side


@dataclass(frozen=True, slots=True)
class Point:
    """One eval's score at one commit."""

    commit: Commit
    run_config: str
    """What shipped."""
    found: Estimate
    """Rows weigh alike; a row's epochs were averaged when the baseline was taken."""
    change: Compared | None = None
    """Against the point before, over the rows of both; None at the first, and where nothing could be compared."""
    scorer_changed: bool = False
    """What gives the score is not what it was at the point before."""
    others: int = 0
    """Rows that are new, removed or edited since the point before."""


@dataclass(frozen=True, slots=True)
class Line:
    """One eval, the oldest point first."""

    eval: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Every eval that some baseline has."""

    score: str
    lines: tuple[Line, ...]
    number: int
    """Changes that were tested at once."""
    problems: tuple[str, ...]
    """Commits whose baseline cannot be read: no point of the history."""


def history(places: Places, eval_: str | None = None, score: str = PASSED) -> History:
    """Read the baseline at every commit that changed it. Raises UsageError where there is none, or none of `eval_`."""
    known, problems = _read(places)
    names = sorted({name for _, baseline in known for name in baseline.evals})
    if eval_ is not None and eval_ not in names:
        raise UsageError(f"no baseline has the eval {eval_!r}", where="log", hint=f"there are: {', '.join(names)}")
    chains = {name: _chain(known, name, score) for name in names if eval_ in (None, name)}
    pairs = [pair for chain in chains.values() for pair in pairwise(chain)]
    found = iter(lay_beside([(before[1], after[1]) for before, after in pairs], score=score))
    lines = tuple(Line(name, tuple(_points(chain, score, found))) for name, chain in chains.items() if chain)
    if not lines:
        there = {which for _, baseline in known for e in baseline.evals.values() for c in e.values() for which in c}
        hint = f"there are: {', '.join(sorted(there)) or 'none'}"
        raise UsageError(f"no baseline has a score {score!r}" + f" of {eval_}" * bool(eval_), where="log", hint=hint)
    number = sum(point.change is not None for line in lines for point in line.points)
    return History(score, lines, number, tuple(problems))


def _read(places: Places) -> tuple[list[tuple[Commit, Baseline]], list[str]]:
    """The baselines, the oldest first, and what is wrong with others."""
    path, root = places.baseline, places.root
    known, problems = list[tuple[Commit, Baseline]](), list[str]()
    for commit in commits(path, root):
        text = blob(path, commit, root)
        try:
            known += [] if text is None else [(commit, parse(text, places.shown(path)))]
        except UsageError as error:
            problems.append(f"{commit.short} ({commit.date}): {error.message}")
    if not known:
        hint = "make one and commit it: touchstone baseline update, then git add and git commit"
        raise UsageError(f"git knows no {places.shown(path)} that can be read", where="log", hint=hint)
    return known, problems


def _chain(known: Sequence[tuple[Commit, Baseline]], eval_: str, score: str) -> list[tuple[Commit, Side]]:
    """The commits that have the score, each with a side of that eval alone."""
    return [
        (commit, Side(commit.short, baseline.run, baseline.ships, (), baseline=_alone(baseline, eval_)))
        for commit, baseline in known
        if baseline.evals.get(eval_, {}).get(baseline.ships, {}).get(score)
    ]


def _alone(baseline: Baseline, eval_: str) -> Baseline:
    return replace(baseline, evals={eval_: baseline.evals[eval_]})


def _points(chain: Sequence[tuple[Commit, Side]], score: str, found: Iterator[Comparison]) -> Iterator[Point]:
    for index, (commit, side) in enumerate(chain):
        (measured,) = side.measured.values()
        value = estimate(measured.scores[score])
        assert value is not None  # noqa: S101  (the chain holds those that have rows)
        point = Point(commit, side.run_config, value)
        yield _changed(point, next(found)) if index else point


def _changed(point: Point, one: Comparison) -> Point:
    others = sum(len(rows) for left in one.left_out for rows in (left.edited, left.only_first, left.only_second))
    change = one.scores[0] if one.scores else None
    return replace(point, change=change, scorer_changed=bool(one.changed), others=others)
