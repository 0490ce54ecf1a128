"""What one side's rows scored, eval by eval: of a run's samples, or of a baseline. Pairs nothing, tests nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..baseline import Baseline, Yardsticks
from ..gates import passed
from ..gates.verdict import HASH, PASSED
from ..records import SampleRecord, Took
from ..stats import by_row

Values: TypeAlias = dict[str, list[float]]
"""Row -> its scores, one an epoch; one mean of a baseline."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One eval of one side."""

    hashes: Mapping[str, str]
    """Row -> the beginning of its hash; also of rows without an answer, but those of a baseline."""
    scores: Mapping[str, Values]
    """Score -> rows; without those that gave no measurement."""
    errors: int = 0
    """Samples without an answer or a score."""
    skipped: int = 0
    scorers: Mapping[str, str] = field(default_factory=dict)
    """Score -> identity of what gives it; empty where nobody kept it."""
    took: Took | None = None
    """None where nobody kept it."""


def of_records(records: Iterable[SampleRecord], scorers: Yardsticks | None = None) -> dict[str, Measured]:
    """Eval -> what a run-config's samples scored."""
    return {name: _of(own, (scorers or {}).get(name, {})) for name, own in by_eval(records).items()}


def of_baseline(baseline: Baseline, run_config: str) -> dict[str, Measured]:
    """Eval -> what the baseline keeps of a run-config; nothing of evals in which it has none."""
    return {
        name: Measured(
            {row: hash_ for rows in configs[run_config].values() for row, (hash_, _) in rows.items()},
            {score: {row: [mean] for row, (_, mean) in rows.items()} for score, rows in configs[run_config].items()},
            scorers=baseline.scorers.get(name, {}),
            took=baseline.took.get(name, {}).get(run_config),
        )
        for name, configs in sorted(baseline.evals.items())
        if run_config in configs
    }


def by_eval(records: Iterable[SampleRecord]) -> dict[str, list[SampleRecord]]:
    """Eval -> its samples, by name."""
    evals: dict[str, list[SampleRecord]] = {}
    for record in sorted(records, key=lambda r: (r.eval, r.row, r.epoch, r.test)):
        evals.setdefault(record.eval, []).append(record)
    return evals


def values_of(records: Iterable[SampleRecord], score: str) -> Values:
    """Row -> its scores, one an epoch; samples without a measurement left out."""
    known = [r for r in records if r.outcome.kind in ("pass", "miss") and (score == PASSED or score in r.scores)]
    return by_row((r.row, passed(r) if score == PASSED else r.scores[score].value) for r in known)


def scores_of(records: Sequence[SampleRecord]) -> list[str]:
    """`passed`, and the scores that tell more than it does."""
    return telling(_of(records, {}))


def telling(*sides: Measured) -> list[str]:
    """`passed`, and the scores that tell more than it does on some side; in the order of the last side first."""
    names = dict.fromkeys(name for side in reversed(sides) for name in side.scores if name != PASSED)
    return [PASSED, *(name for name in names if any(_differs(side, name) for side in sides))]


def _differs(side: Measured, score: str) -> bool:
    return side.scores.get(score, {}) != side.scores.get(PASSED, {})


def _of(records: Sequence[SampleRecord], scorers: Mapping[str, str]) -> Measured:
    names = dict.fromkeys([PASSED, *(name for record in records for name in record.scores)])
    kinds = [record.outcome.kind for record in records]
    return Measured(
        {record.row: record.row_hash[:HASH] for record in records},
        {name: values_of(records, name) for name in names},
        sum(record.outcome.kind == "error" or bool(record.errors) for record in records),
        kinds.count("skipped"),
        scorers,
        Took.of(record for record in records if record.outcome.kind in ("pass", "miss")),
    )
