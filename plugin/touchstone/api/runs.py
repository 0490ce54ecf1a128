"""A run on disk, or a baseline, as a value: its samples, scores, gates and cost. Reads; makes no sample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from ..baseline import Baseline, baseline_at
from ..conclusion import Conclusion
from ..errors import UsageError
from ..gitfile import PREFIX
from ..places import Places
from ..records import SampleRecord
from ..report import GateResult, Summary, headline, markdown, summarise
from ..report.text import clean, plural
from ..store import RUN_FILE, find_run
from . import notebook
from .estimates import ScoreEstimate, of_baseline, of_summary
from .home import places_of

if TYPE_CHECKING:
    import pandas

    from ..report.summary import Calls, Notice

LATEST, BASELINE = "latest", "baseline"


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One run's records, counted as its report counts them; or a baseline, which keeps scores and no samples.

    Nothing of it changes: what is made later on disk is seen by `load`.
    """

    places: Places
    """Where the project keeps its files; `places.root` is the project."""
    conclusion: Conclusion | None
    """The run as read from disk; None of a baseline."""
    baseline: Baseline | None = None
    exit_status: int | None = None
    """pytest's: 0 if all that decides passed; 1 if a gate or a test did not; 6 if the budget kept calls from being
    made. None of what was loaded.
    """

    @property
    def id(self) -> str:
        """The run's name, as `touchstone report` knows it; of a baseline the run that it was taken from."""
        return str(self.conclusion.info.id) if self.conclusion else self.baseline.run if self.baseline else ""

    @property
    def folder(self) -> Path | None:
        """Where its records are; None of a baseline."""
        return self.conclusion.folder if self.conclusion else None

    @property
    def ships(self) -> str:
        """The run-config that ships; empty where none does."""
        return self.baseline.ships if self.baseline else self._summary.run.shipping

    @property
    def samples(self) -> tuple[SampleRecord, ...]:
        """Every sample: row, run_config, epoch, outcome, scores, errors, input, output, response ..."""
        return self.conclusion.records if self.conclusion else ()

    @cached_property
    def scores(self) -> tuple[ScoreEstimate, ...]:
        """Eval x run-config x score, each with mean, 95 % interval, samples and errors."""
        return tuple(of_baseline(self.baseline) if self.baseline else of_summary(self._summary))

    @property
    def gates(self) -> tuple[GateResult, ...]:
        """Every gate: `eval`, `run_config`, `binding` (it decides the run), `verdict` (rule, kind, why, value ...)."""
        return self._summary.gates

    @property
    def verdict(self) -> Literal["pass", "fail", "not_judged"]:
        """What the binding gates come to. A gate that cannot tell is not passed."""
        if self._summary.failing:
            return "fail"
        return "pass" if any(one.verdict.kind == "pass" for one in self._summary.binding) else "not_judged"

    @property
    def errors(self) -> tuple[Notice, ...]:
        """Why samples have no answer or lack a score, the most frequent reason first."""
        return self._summary.errors

    @property
    def skipped(self) -> tuple[Notice, ...]:
        """Why samples were not made: a key that is not set, weights that are not there."""
        return self._summary.skipped

    @property
    def calls(self) -> Calls:
        """What its calls took, each counted once: tokens, seconds, and how many were replayed."""
        return self._summary.calls

    @property
    def cost(self) -> float | None:
        """US dollars of its calls, at the price of when they were made, replayed ones too; None where none is known."""
        return self.calls.cost

    @property
    def page(self) -> Path:
        """The report for a browser, one file; written where it is not there yet. Raises UsageError of a baseline."""
        from ..reporting import PAGE, write_page

        if self.conclusion is None:
            raise UsageError("a baseline keeps no samples, so it has no page", hint="touchstone.load(run).page")
        there = self.conclusion.folder / PAGE
        return there if there.is_file() else write_page(self.conclusion, self.places)

    def to_pandas(self) -> pandas.DataFrame:
        """A line a sample and score: eval, row, run_config, epoch, outcome, score, value (0 to 1), why, input, output,
        source, latency_s, input_tokens, output_tokens, cost_usd. Raises UsageError where pandas is not installed.
        """
        from .frames import frame

        return frame(self.samples)

    @cached_property
    def _summary(self) -> Summary:
        return self.conclusion.summary if self.conclusion else summarise(())

    def __repr__(self) -> str:
        """One line."""
        if self.conclusion is None:
            return f"<baseline of {clean(self.id, 60) or 'no run'}: {plural(len(self.scores), 'score')}>"
        return f"<run {clean(self.id, 60)}: {headline(self._summary)}; {plural(len(self.samples), 'sample')}>"

    def _repr_markdown_(self) -> str:
        return markdown(self._summary) if self.conclusion else f"`{repr(self).replace('`', '')}`"

    def _repr_html_(self) -> str:
        if self.conclusion is not None:
            return notebook.of_run(self._summary)
        return notebook.framed([notebook.words(repr(self)), notebook.scores(self.scores)])


def load(run: Run | str | Path = LATEST, *, root: str | Path | None = None) -> Run:
    """A run that is on disk, or a baseline.

    `run`: "latest"; a run's name or its beginning; a run's folder; "baseline", the file of a baseline, or `git:REF`,
    the project's baseline at a commit. A `Run` is given back as it is. `root`: the project (default: from here up).
    Raises UsageError, with what there is, where there is no such thing.
    """
    if isinstance(run, Run):
        return run
    places, name = places_of(root), str(run)
    if not name.strip():
        raise UsageError(
            "wants a run's name, its folder, or a baseline", where="load", hint='touchstone.load("latest")'
        )
    if name == BASELINE or name.startswith(PREFIX) or name.endswith(".json"):
        file = name if name.startswith(PREFIX) else str(_at(places, name))
        return Run(places, None, baseline_at(None if name == BASELINE else file, places)[0])
    return Run(places, _read(_folder(places, run, name)))


def of_id(places: Places, run_id: str, exit_status: int) -> Run | None:
    """A run that has just ended; None where it made no sample."""
    folder = places.state / "runs" / run_id
    return Run(places, _read(folder), exit_status=exit_status) if folder.is_dir() else None


def _folder(places: Places, run: str | Path, name: str) -> Path:
    if isinstance(run, Path) or "/" in name:
        folder = _at(places, name)
        if not (folder / RUN_FILE).is_file() and not list(folder.glob("samples-*.jsonl")):
            raise UsageError("is no run's folder", where=name, hint="a run's folder is .touchstone/runs/NAME")
        return folder
    return find_run(places.state / "runs", None if name == LATEST else name)


def _at(places: Places, name: str) -> Path:
    """A path from the project's folder, or from here."""
    found = (places.root / name, Path(name).expanduser().absolute())
    return next((path for path in found if path.exists()), Path(name))


def _read(folder: Path) -> Conclusion:
    """Raises UsageError where what is there cannot be a run."""
    try:
        found = Conclusion.read(folder)
        _ = found.summary
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        problem = f"is no run's description: {clean(str(error), 100)}"
        raise UsageError(
            problem, where=str(folder / RUN_FILE), hint="delete it: the samples beside it are kept"
        ) from error
    return found
