"""Two runs, run-configs, baselines or lists of outputs beside each other. Owns who they are; `comparing` computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from .. import comparing
from ..comparing import wording
from ..comparing.measured import Measured, of_records
from ..comparing.pairing import Compared, LeftOut, Repeated
from ..comparing.sides import Side, shipping, side_of
from ..errors import UsageError
from ..gates.verdict import PASSED
from ..stats import Interval
from . import notebook
from .runs import LATEST, Run, load
from .scored import Scoring

if TYPE_CHECKING:
    import pandas

Comparable: TypeAlias = Run | Scoring | str | Path
"""What may stand on a side: see `compare`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of one eval on the rows that both sides measured: the second side's, less the first's."""

    eval: str
    score: str
    """`passed` is the share of test bodies that passed."""
    rows: int
    """Rows compared."""
    first: float
    """Mean of the first side over these rows, from 0 to 1."""
    second: float
    difference: float
    """From -1 to 1."""
    interval: Interval
    """95 %, of the difference."""
    test: Literal["mcnemar", "sign-flip"]
    p: float
    """Two-sided, of the paired test."""
    p_holm: float
    """The same among all differences of this comparison, by Holm's method."""
    smallest: float | None
    """The smallest true difference that these rows could have shown, 4 times in 5; None: none at all."""
    better: tuple[str, ...]
    """Rows on which the second side scored higher."""
    worse: tuple[str, ...]

    @property
    def is_shown(self) -> bool:
        """Whether the difference is more than chance: `p_holm` below 0.05."""
        return self.p_holm < wording.SHOWN


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What differs between two sides, by how much, and what their rows could have shown."""

    found: comparing.Comparison

    @property
    def first(self) -> str:
        """The first side's name."""
        return self.found.first

    @property
    def second(self) -> str:
        """The second side's name."""
        return self.found.second

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """One an eval and score. A score that is on every row what `passed` is stands once."""
        return tuple(_difference(one) for one in self.found.scores)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What could not be compared: rows of one side alone, rows that were edited, samples without an answer."""
        return self.found.left_out

    @property
    def repeated(self) -> tuple[Repeated, ...]:
        """What repeated epochs tell of each side: pass@k, pass^k, flaky rows."""
        return self.found.repeated

    @property
    def changed(self) -> tuple[tuple[str, str], ...]:
        """(eval, score) whose scorer is not the same on both sides: not compared."""
        return self.found.changed

    @property
    def words(self) -> tuple[str, ...]:
        """What each score came to, in a sentence; differences first."""
        return tuple(wording.sentences(self.found, len(self.found.scores)))

    def to_pandas(self) -> pandas.DataFrame:
        """A line a difference: eval, score, rows, first, second, difference, low, high, p, p_holm, smallest, better and
        worse (how many rows). Raises UsageError where pandas is not installed.
        """
        from .frames import made

        return made([_line(one) for one in self.differences], _COLUMNS)

    def __repr__(self) -> str:
        """As `touchstone compare` shows it, 80 columns wide."""
        return comparing.compared([self.found], "terminal", flips=False).strip("\n")

    def _repr_markdown_(self) -> str:
        return comparing.compared([self.found], "markdown", flips=False)

    def _repr_html_(self) -> str:
        rows = [_cells(one) for one in self.differences]
        title = notebook.words(f"{self.second} against {self.first}", "strong")
        moved = [line for one in self.found.scores for line in wording.flips(one, every=False)]
        left = [line for one in self.left_out for line in wording.left_out(self.found, one)]
        table = notebook.table(_HEADINGS, rows)
        return notebook.framed([title, notebook.listed(self.words), table, notebook.listed([*moved, *left])])


def compare(
    first: Comparable,
    second: Comparable,
    *,
    eval: str | None = None,
    score: str | None = None,
    run: Run | str | Path = LATEST,
    run_config: str | None = None,
    root: str | Path | None = None,
) -> Comparison:
    """The second side beside the first, row by row: paired tests, Holm's correction, 95 % intervals.

    A side is a run-config of `run` (by name), a `Run`, whatever `load` takes (a run, a baseline), or what `score` gave:
    of these `run_config`, or what ships. `eval`, `score`: this one only. Rows that say something else on the other
    side, and scores of a scorer that has changed, are not compared. Raises UsageError where nothing can be compared.
    """
    if root is None:  # a run knows its own project, wherever this process has gone since
        root = next((one.places.root for one in (run, first, second) if isinstance(one, Run)), None)
    home = _home(first, second, run, root)
    sides = [_side(one, home, run_config, root) for one in (first, second)]
    if sides[0].name == sides[1].name:
        names = [f"{one.name} ({place})" for one, place in zip(sides, ("first", "second"), strict=True)]
        if first is second or (isinstance(first, str | Path) and first == second):
            hint = 'name two run-configs of a run, two runs, or a run and "baseline"'
            raise UsageError(f"{sides[0].name} would be compared with itself", where="compare", hint=hint)
        sides = [_renamed(one, name) for one, name in zip(sides, names, strict=True)]
    return Comparison(comparing.compare([(sides[0], sides[1])], eval, score)[0])


@dataclass(frozen=True)
class _Scored(Side):
    """Outputs that were scored by themselves: no test body looked at them, so that none passed."""

    @cached_property
    def measured(self) -> Mapping[str, Measured]:
        """Without `passed`."""
        return {name: _without_passed(one) for name, one in of_records(self.records).items()}


def _without_passed(found: Measured) -> Measured:
    scores = {name: values for name, values in found.scores.items() if name != PASSED}
    return Measured(found.hashes, scores, found.errors, found.skipped, found.scorers, found.took)


def _renamed(side: Side, name: str) -> Side:
    return type(side)(name, side.run, side.run_config, side.records, side.scorers, side.baseline)


def _home(first: Comparable, second: Comparable, run: Run | str | Path, root: str | Path | None) -> Run | None:
    """The run whose run-configs can be named; it is not looked for where no side is a name."""
    if not any(isinstance(one, str) for one in (first, second)):
        return None
    try:
        return load(run, root=root)
    except UsageError:
        if run == LATEST:  # there is none yet: a name may be a baseline
            return None
        raise


def _side(one: Comparable, home: Run | None, run_config: str | None, root: str | Path | None) -> Side:
    if isinstance(one, Scoring):
        return _of_scoring(one, run_config)
    if isinstance(one, str) and home is not None:
        if home.conclusion is not None and one in {record.run_config for record in home.samples}:
            return side_of(home.conclusion, one, of_run=False)
        try:
            other = load(one, root=root)
        except UsageError as error:
            raise _unknown(one, home, error) from None
        return _of_run(other, run_config)
    return _of_run(load(one, root=root), run_config)


def _of_run(run: Run, run_config: str | None) -> Side:
    if run.conclusion is not None:
        return side_of(run.conclusion, shipping(run.conclusion, run_config), of_run=True)
    assert run.baseline is not None  # noqa: S101  (a Run has one of the two)
    name = run_config or run.baseline.ships
    known = sorted({config for configs in run.baseline.evals.values() for config in configs})
    if name not in known:
        raise UsageError(
            f"the baseline has no scores of {name!r}", hint=f"its run-configs: {', '.join(known) or 'none'}"
        )
    return Side(f"{name} in the baseline", run.baseline.run, name, (), baseline=run.baseline)


def _of_scoring(scoring: Scoring, run_config: str | None) -> Side:
    known = sorted({record.run_config for record in scoring.records})
    name = run_config or (scoring.ships if scoring.ships in known else known[0] if len(known) == 1 else "")
    if name not in known:
        what = f"these outputs are of no run-config {name!r}" if name else "these outputs are of several run-configs"
        raise UsageError(what, where="run_config=", hint=f"name one: {', '.join(known) or 'there is none'}")
    return _Scored(name, "", name, tuple(record for record in scoring.records if record.run_config == name))


def _unknown(name: str, home: Run, error: UsageError) -> UsageError:
    known = sorted({record.run_config for record in home.samples})
    hint = f"run-configs of {home.id}: {', '.join(known) or 'none'}; {error.hint}"
    return UsageError(f"{name!r}: {error.message}", where="compare", hint=hint)


def _difference(one: Compared) -> Difference:
    of = one.found
    return Difference(
        one.eval,
        one.score,
        of.n,
        one.first,
        one.second,
        of.mean,
        of.interval,
        of.test,
        of.p,
        one.adjusted,
        one.smallest,
        one.better,
        one.worse,
    )


_COLUMNS = (
    "eval",
    "score",
    "rows",
    "first",
    "second",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "smallest",
    "better",
    "worse",
)
_HEADINGS = ("", "rows", "from", "to", "points 95 %", "p", "Holm", "up", "down", "could show")


def _line(one: Difference) -> dict[str, object]:
    known = {name: getattr(one, name) for name in _COLUMNS if name not in ("low", "high", "better", "worse")}
    span = {"low": one.interval.low, "high": one.interval.high}
    return {**known, **span, "better": len(one.better), "worse": len(one.worse)}


def _cells(one: Difference) -> tuple[str, ...]:
    span = f"{wording.points(one.difference)} [{wording.points(one.interval.low)}, {wording.points(one.interval.high)}]"
    name = one.eval if one.score == PASSED else f"{one.eval}: {one.score}"
    could = "-" if one.smallest is None else wording.points(one.smallest, sign=False)
    means = (f"{100 * one.first:.0f}", f"{100 * one.second:.0f}")
    ps = (wording.probability(one.p), wording.probability(one.p_holm))
    return (name, f"{one.rows:,}", *means, span, *ps, str(len(one.better)), str(len(one.worse)), could)
