"""Samples as a pandas DataFrame: a line a sample and score, with the columns of `touchstone report --format csv`.

pandas is imported here alone, when a frame is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..gates.verdict import PASSED
from ..records import SampleRecord

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "eval",
    "row",
    "run_config",
    "epoch",
    "outcome",
    "score",
    "value",
    "why",
    "input",
    "output",
    "source",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "cost_usd",
)


def frame(records: Iterable[SampleRecord], *, passed: bool = True) -> pandas.DataFrame:
    """A line a sample and score: `passed` first, if wanted, then each score; a scorer that failed has no value.

    Raises UsageError where pandas is not installed.
    """
    lines = [line for record in records for line in _lines(record, passed)]
    return made(lines, COLUMNS)


def made(lines: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pandas.DataFrame:
    """A frame of these lines. Raises UsageError where pandas is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise UsageError("pandas is not installed", where="to_pandas", hint="pip install pandas") from error
    return pandas.DataFrame(list(lines), columns=list(columns))


def _lines(record: SampleRecord, passed: bool) -> Iterator[dict[str, Any]]:
    of, took = record, record.response
    head = {"eval": of.eval, "row": of.row, "run_config": of.run_config, "epoch": of.epoch, "outcome": of.outcome.kind}
    tail = {"input": of.input, "output": of.output}
    if took is not None:
        tail |= {"source": took.source, "latency_s": took.latency, "cost_usd": took.cost}
        tail |= {"input_tokens": took.usage.input_tokens, "output_tokens": took.usage.output_tokens}
    if passed:
        value = float(of.outcome.kind == "pass") if of.outcome.kind in ("pass", "miss") else None
        yield {**head, "score": PASSED, "value": value, "why": of.outcome.why, **tail}
    for name, score in of.scores.items():
        if name != PASSED or not passed:
            yield {**head, "score": name, "value": score.value, "why": score.why, **tail}
    for name, why in of.errors.items():
        yield {**head, "score": name, "value": None, "why": why, **tail}
