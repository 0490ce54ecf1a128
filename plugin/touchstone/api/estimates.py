"""Scores as estimates, a line each, of a run, a baseline or outputs that were scored. Counts as the report counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..baseline import Baseline
from ..gates.verdict import PASSED
from ..records import SampleRecord
from ..report import RunInfo, Summary, summarise
from ..report.summary import Result
from ..stats import Estimate, Interval, estimate


@dataclass(frozen=True, slots=True)
class ScoreEstimate:
    """The mean of one score of one eval and run-config, and how far to trust it."""

    eval: str
    run_config: str
    score: str
    """`passed` is the share of test bodies that passed."""
    mean: float | None
    """From 0 to 1; None where no sample gave a value."""
    interval: Interval | None
    """95 %: `low` and `high`, from 0 to 1."""
    n: int
    """Samples measured."""
    rows: int
    """Distinct rows among them."""
    errors: int
    """Samples that gave no value; in no way part of the mean."""


def of_summary(summary: Summary) -> Iterator[ScoreEstimate]:
    """`passed` of each eval and run-config, and every score beside it; in the order of the report's tables."""
    for result in _results(summary):
        key = result.eval, result.run_config
        yield _line(*key, PASSED, result.passed, result.errors)
        for name, found in result.scores.items():
            if name != PASSED:
                yield _line(*key, name, found, result.errors)


def of_baseline(baseline: Baseline) -> Iterator[ScoreEstimate]:
    """What a baseline keeps: a mean a row."""
    for name, configs in sorted(baseline.evals.items()):
        for config, scores in sorted(configs.items()):
            for score, rows in scores.items():
                found = estimate({row: [mean] for row, (_, mean) in rows.items()})
                yield _line(name, config, score, found, 0)


def of_scored(records: Iterable[SampleRecord], scorers: Iterable[str], ships: str) -> Iterator[ScoreEstimate]:
    """Of samples that no test body looked at. In the scorers' order; one that failed on all too."""
    held, names = list(records), list(scorers)
    for result in _results(summarise(held, run=RunInfo(shipping=ships))):
        key = result.eval, result.run_config
        own = [one for one in held if (one.eval, one.run_config) == key]
        for name in sorted(result.scores, key=lambda one: names.index(one) if one in names else len(names)):
            yield _line(*key, name, result.scores[name], 0)
        for name in names:
            erred = sum(name in one.errors or not one.scores for one in own)
            if name not in result.scores and (not result.scores or any(name in one.errors for one in own)):
                yield _line(*key, name, None, erred)


def _results(summary: Summary) -> Iterator[Result]:
    """By eval, and in it what ships first."""
    keys = ((name, config) for name in summary.evals for config in summary.run_configs)
    return (summary.results[key] for key in keys if key in summary.results)


def _line(eval_: str, run_config: str, score: str, found: Estimate | None, erred: int) -> ScoreEstimate:
    """`erred`: samples without a value, where none has any."""
    if found is None:
        return ScoreEstimate(eval_, run_config, score, None, None, 0, 0, erred)
    return ScoreEstimate(eval_, run_config, score, found.mean, found.interval, found.n, found.rows, found.errors)
