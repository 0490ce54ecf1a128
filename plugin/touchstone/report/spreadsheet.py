"""A run as CSV: a line a sample and score. Owns the columns; counts nothing.

Spreadsheets run what begins with `=`, `+`, `-` or `@`, and a sample's texts are a model's: such a cell is led by an
apostrophe, which shows it as text. Every text is one line, cleaned.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from ..gates.verdict import PASSED
from ..records import SampleRecord
from .text import clean

COLUMNS = (
    "run",
    "eval",
    "row",
    "run_config",
    "epoch",
    "outcome",
    "score",
    "value",
    "why",
    "source",
    "latency_s",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "row_hash",
    "request",
)
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""As typed, and their full-width forms, which some spreadsheets take for the same."""
_LONGEST = 2000


def as_csv(run: str, records: Iterable[SampleRecord]) -> str:
    """RFC 4180 but for its line ends, which are those of Unix; the first line names the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in sorted(records, key=lambda r: (r.eval, r.run_config, r.row, r.epoch, r.test)):
        writer.writerows(_lines(run, record))
    return out.getvalue()


def _lines(run: str, record: SampleRecord) -> Iterator[list[str]]:
    """`passed` first, then each score; a scorer that failed has a line without a value, and so has a sample without
    any answer.
    """
    measured = record.outcome.kind in ("pass", "miss")
    value = f"{float(record.outcome.kind == 'pass'):g}" if measured else ""
    head, tail = _head(run, record), _tail(record)
    yield [*head, PASSED, value, text(record.outcome.why), *tail]
    for name, score in record.scores.items():
        if name != PASSED:
            yield [*head, text(name), f"{score.value:g}", text(score.why), *tail]
    for name, why in record.errors.items():
        yield [*head, text(name), "", text(why), *tail]


def _head(run: str, record: SampleRecord) -> list[str]:
    names = (run, record.eval, record.row, record.run_config)
    return [*map(text, names), str(record.epoch), record.outcome.kind]


def _tail(record: SampleRecord) -> list[str]:
    found = record.response
    took = ["", "", "", "", ""]
    if found is not None:
        numbers = (found.latency, found.usage.input_tokens, found.usage.output_tokens, found.cost)
        took = [found.source, *("" if number is None else f"{number:g}" for number in numbers)]
    return [*took, text(record.row_hash), text(record.request or "")]


def text(value: str) -> str:
    """A text as a spreadsheet's cell: one line, no formula."""
    line = clean(value, _LONGEST)
    return f"'{line}" if line.startswith(FORMULA) else line
