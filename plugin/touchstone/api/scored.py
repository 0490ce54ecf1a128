"""Outputs that are there already, scored: no call of the task is made. Owns what comes of it; the engine scores.

The engine has a thread and an event loop of its own, so that a notebook's running loop is not in its way. Plain scorers
run in the caller's thread, and what they print is seen.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..caching import calls_here
from ..config import Catalogue, load_catalogue
from ..datasets import Dataset
from ..errors import UsageError
from ..evals import Choice, Eval, Job, Suite, bound_scorers
from ..fingerprint import fingerprint
from ..records import Outcome, Response, Row, SampleRecord, Score
from ..report import summarise
from ..report.github import code
from ..report.github import row as line
from ..report.summary import Calls
from ..report.text import plural
from ..scorers import name_of, traits
from ..sending import Limit
from ..session import Options, Session
from . import notebook
from .estimates import ScoreEstimate, of_scored
from .given import Given, Output, of_list, of_run, stand_in
from .home import GUARD, in_no_worker, places_of
from .runs import Run

if TYPE_CHECKING:
    import pandas

    from ..caching import Calls as Source

_MOST = 4
"""Scores that one line names."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One output, and what the scorers said of it."""

    eval: str
    """`outputs`, where no run made them."""
    row: Any
    """A `Row`, or the subclass that was asked for."""
    run_config: str
    epoch: int
    output: str | None
    """None where there was none to score: `errors` says why."""
    scores: Mapping[str, Score]
    """Name -> value from 0 to 1, why, details."""
    errors: Mapping[str, str]
    """Scorer (or `call`, `row`) -> why it gave no score."""


@dataclass(frozen=True, eq=False, repr=False)
class Scoring:
    """Outputs that were scored."""

    samples: tuple[Scored, ...]
    """In the order of the outputs."""
    records: tuple[SampleRecord, ...]
    """The same as a run would keep them. No test body looked at them: their outcome says nothing."""
    names: tuple[str, ...]
    """The scorers."""
    ships: str = ""
    """The run-config that ships, of a run that was scored again."""

    @cached_property
    def scores(self) -> tuple[ScoreEstimate, ...]:
        """Eval x run-config x score, each with mean, 95 % interval, samples and errors."""
        return tuple(of_scored(self.records, self.names, self.ships))

    @cached_property
    def calls(self) -> Calls:
        """What the judges' calls took, each counted once."""
        return summarise(self.records).calls

    @property
    def cost(self) -> float | None:
        """US dollars of the judges' calls, at the price of when they were made; None where none is known."""
        return self.calls.cost

    def to_pandas(self) -> pandas.DataFrame:
        """A line an output and score, with the columns of `Run.to_pandas`. Raises UsageError without pandas."""
        from .frames import frame

        return frame(self.records, passed=False)

    def __repr__(self) -> str:
        """One line."""
        several = len({one.run_config for one in self.scores}) > 1
        told = [f"{f'{one.run_config}: ' * several}{one.score} {notebook.mean(one)}" for one in self.scores[:_MOST]]
        more = ["..."] if len(self.scores) > _MOST else []
        return notebook.plain(f"<scoring of {plural(len(self.samples), 'output')}: {', '.join([*told, *more])}>")

    def _repr_markdown_(self) -> str:
        head = [line(notebook.HEADINGS), "|---|---|---|" + "---:|" * 3]
        return "\n".join([*head, *(line(code(cell) for cell in notebook.cells(one)) for one in self.scores)])

    def _repr_html_(self) -> str:
        errors = [f"{one.row.id}: {name}: {why}" for one in self.samples for name, why in one.errors.items()]
        return notebook.framed([notebook.scores(self.scores), notebook.listed(errors)])


def score(
    outputs: Run | Iterable[Output],
    scorers: Sequence[Callable[..., Any]],
    *,
    row: type[Row] = Row,
    run_config: str = "given",
    calls: Source | None = None,
    max_cost: float | None = None,
    root: str | Path | None = None,
) -> Scoring:
    """Score outputs that are there already. No model is asked, but by judges.

    `outputs`: pairs of a row (a `Row`, or a mapping with `input` and whatever the scorers need) and its output, or
    mappings with the row's keys and `output`; or a run, whose samples are scored again, with their rows as the datasets
    have them now. `scorers`: as an eval takes them: functions, async ones, heavy ones that stand in a module, and
    `Judge("name")` of the project. `row`: the class of the rows, as an eval names it. `run_config`: a name for what
    gave the outputs. `calls`, `max_cost`: of the judges, as for `run`. `root`: the project (default: from here up).

    What a scorer raises is an error of its output, never a zero. Raises UsageError for what cannot be scored at all.
    """
    in_no_worker()
    places = outputs.places if isinstance(outputs, Run) and root is None else places_of(root)
    wanted = _scorers(scorers)
    if not (isinstance(row, type) and issubclass(row, Row)):
        raise UsageError("wants a subclass of touchstone.Row", where="row=")
    catalogue = load_catalogue(places) if places.run_configs.is_file() else None
    ours = stand_in(run_config, catalogue)
    bound = bound_scorers(wanted, places, catalogue or Catalogue((ours,)), "scorers=")
    fingerprint.cache_clear()  # a notebook lives long, and a heavy scorer's source may have been edited
    given = of_run(outputs, row, catalogue) if isinstance(outputs, Run) else of_list(_listed(outputs), row, ours)
    if not given:
        raise UsageError("there is no output to score", where="score")
    suite = Suite(places, catalogue or Catalogue((ours,)), Choice())
    records = _records(suite, bound, given, Options(calls_here(calls), limit=Limit(max_cost)))
    samples = [_scored(one, record) for one, record in zip(given, records, strict=True)]
    ships = outputs.ships if isinstance(outputs, Run) else ""
    return Scoring(tuple(samples), tuple(records), tuple(map(name_of, bound)), ships)


def _records(
    suite: Suite, scorers: tuple[Callable[..., Any], ...], given: Sequence[Given], options: Options
) -> list[SampleRecord]:
    """What the scorers say of each, in order."""
    evals = {name: Eval(name, Dataset(name, ()), scorers, ()) for name in dict.fromkeys(one.eval for one in given)}
    jobs = [None if one.output is None else _job(evals[one.eval], one, one.output) for one in given]
    # Of a budget, what is spent is noted in a folder that is no run's: an absolute path, so it lies not in the project.
    with tempfile.TemporaryDirectory(prefix="touchstone-") as folder:
        session = Session(suite, options, folder)
        session.start([job for job in jobs if job is not None], kept=False)
        try:
            return [_record(session, one, job) for one, job in zip(given, jobs, strict=True)]
        finally:
            session.stop()


def _job(evaluation: Eval, one: Given, output: str) -> Job:
    return Job(evaluation, one.row, one.run_config, one.epoch, False, given=Response(output, source="recording"))


def _record(session: Session, one: Given, job: Job | None) -> SampleRecord:
    made = session.made(job) if job is not None else None
    sample = made.sample if made else None
    errors = dict(sample.errors if sample else one.errors)
    if made is not None and sample is None:
        errors["call"] = made.outcome.why if made.outcome else "no sample"
    return SampleRecord(
        one.eval,
        one.row.id,
        one.run_config.name,
        one.epoch,
        Outcome("pass"),
        sample.scores if sample else {},
        errors,
        one.row.input,
        one.output,
        row_hash=one.row_hash,
        asked=sample.asked if sample else {},
    )


def _scored(one: Given, record: SampleRecord) -> Scored:
    return Scored(one.eval, one.row, one.run_config.name, one.epoch, one.output, record.scores, record.errors)


def _scorers(scorers: Sequence[Callable[..., Any]]) -> tuple[Callable[..., Any], ...]:
    """Raises UsageError for what cannot be asked."""
    if not isinstance(scorers, list | tuple) or not scorers:
        hint = "for example: touchstone.score(outputs, [exact])"
        raise UsageError("wants a list of one scorer at least", where="scorers=", hint=hint)
    for one in scorers:
        if traits(one).heavy and getattr(one, "__module__", "") == "__main__":
            hint = "put it into a module and import it from there"
            raise UsageError(
                f"{name_of(one)} is heavy: a process of its own must import it", where="scorers=", hint=hint
            )
    if any(traits(one).heavy for one in scorers):
        _check_script()
    return tuple(scorers)


def _listed(outputs: object) -> Iterable[Any]:
    if isinstance(outputs, str | bytes | Mapping) or not isinstance(outputs, Iterable):
        hint = "a list of pairs (row, output), or a run: touchstone.load()"
        raise UsageError(f"cannot score {type(outputs).__name__}", where="score", hint=hint)
    return outputs


def _check_script() -> None:
    """Each worker process runs the script that started it once more, up to its guard."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None) if getattr(main, "__spec__", None) is None else None
    if file and Path(file).is_file() and "__name__" not in Path(file).read_text(encoding="utf-8", errors="replace"):
        raise UsageError("a heavy scorer runs the whole script again", where=file, hint=GUARD)
