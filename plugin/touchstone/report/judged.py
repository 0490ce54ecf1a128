"""What judges said of a run, corrected for the errors that their certificates measured. Counts; renders nothing.

A judge's mean is a mean of opinions. Where its certificate holds pairs (truth, judge), the share that truly passes is
estimated too: by prediction-powered inference from golden outputs of the same run-config, and by Rogan and Gladen's
formula from all of them (`stats.corrected`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..labels import Trust, answer_hash
from ..records import SampleRecord
from ..stats import Estimate, Interval
from ..stats.corrected import Corrected, prediction_powered, rogan_gladen

Labelled: TypeAlias = Mapping[str, tuple[float, float, str]]
"""As `Trust.pairs`."""
_FEWEST = 20
"""Labelled pairs below which nothing is corrected: their own noise is all that would be seen."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One judge's score of one eval and run-config."""

    eval: str
    run_config: str
    judge: str
    state: str
    raw: Estimate
    powered: Corrected | None = None
    """Prediction-powered; None where there is no valid certificate, or too few pairs."""
    solved: Corrected | None = None
    """Rogan-Gladen, of passes and fails."""
    same: int = 0
    """Samples that are golden outputs themselves: they count as labelled, not as judged."""


def judged(key: tuple[str, str], raw: Estimate, trust: Trust, records: Iterable[SampleRecord]) -> Judged:
    """A judge's score, raw and corrected. `key`: eval and run-config; `raw`: the mean of what it said."""
    said = [record for record in records if record.outcome.kind != "error" and trust.judge in record.scores]
    fresh = [record for record in said if _key(record) not in trust.pairs]
    found = Judged(*key, trust.judge, trust.state, raw, same=len(said) - len(fresh))
    return _corrected(found, trust, fresh) if len(trust.pairs) >= _FEWEST else found


def lines(found: Iterable[Judged]) -> Iterator[tuple[str, str]]:
    """(whose, what) of each judge's score, in per cent."""
    for one in found:
        told = f"raw {_span(one.raw.mean, one.raw.interval)}"
        if one.powered is not None:
            told += f"; corrected {_words(one.powered)} (PPI++), {_words(one.solved)} (Rogan-Gladen)"
        yield f"{one.judge} on {one.eval}, {one.run_config}", told


def _corrected(found: Judged, trust: Trust, fresh: Sequence[SampleRecord]) -> Judged:
    """PPI++ by labelled outputs of the same run-config alone, for others pass at another rate; Rogan-Gladen by all."""
    values, others = [record.scores[trust.judge].value for record in fresh], [record.row for record in fresh]
    own = {key: pair for key, pair in trust.pairs.items() if pair[2] == found.run_config}
    solved = rogan_gladen(
        _pairs(trust.pairs), values, rows=_rows(trust.pairs), unlabelled_rows=others, threshold=trust.threshold
    )
    if len(own) < _FEWEST:
        why = f"{len(own)} golden outputs of {found.run_config}, wanted {_FEWEST}"
        return replace(found, powered=Corrected(None, None, 0.0, len(own), len(values), why), solved=solved)
    powered = prediction_powered(_pairs(own), values, rows=_rows(own), unlabelled_rows=others)
    return replace(found, powered=powered, solved=solved)


def _pairs(known: Labelled) -> list[tuple[float, float]]:
    return [(truth, judge) for truth, judge, _ in known.values()]


def _rows(known: Labelled) -> list[str]:
    return [key.rpartition("@")[0] for key in known]


def _key(record: SampleRecord) -> str:
    return f"{record.row}@{answer_hash(record.output or '')}"


def _words(one: Corrected | None) -> str:
    """`36 [27, 45]`, or why there is none."""
    if one is None or one.mean is None or one.interval is None:
        return f"none: {one.why}" if one is not None and one.why else "none"
    return _span(one.mean, one.interval)


def _span(mean: float, interval: Interval) -> str:
    return f"{100 * mean:.0f} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
