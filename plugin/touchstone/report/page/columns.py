"""Samples as columns of numbers, for a script that sorts and filters them. Owns that shape; cuts and words nothing.

{"evals": [NAME], "configs": [NAME], "rows": [NAME], "tests": [FILE::NAME], "measures": [NAME],
 "heads": [[ROLE, TEXT, ROLE, TEXT ...]], "prompts": [[HEAD, ROLE, TEXT]],
 "columns": {"eval", "config", "row", "epoch", "kind", "why", "input", "output", "thinking", "prompt", "request",
             "scores": [[MEASURE, VALUE, TEXT, VALUE-NUMBER, [[PLACE, PICTURE] ...]] ...], "errors": [[WHO, TEXT]],
             "call", "asked", "test"}}

TEXT and VALUE-NUMBER are numbers in the pool, PICTURE is one among the pictures, PLACE the keys that lead to it in the
evidence (a score without pictures has no such list); null is none. `call` is [finish, input tokens, output tokens,
cost, latency, source, made], `asked` [calls, output tokens, cost] of judges. Samples that were skipped are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ...records import Message, Response, SampleRecord, Score
from ..data import LONGEST
from ..summary import Summary
from ..text import clean
from .pictures import Pictures
from .pool import Pool

Prompts: TypeAlias = Mapping[str, Sequence[Message]]
"""Key of a request -> its messages."""
_KINDS = ("pass", "miss", "error")
_KEY = 12
"""Hex digits of a request's key: enough to tell calls apart and to find one in the recordings."""
_NAMES = ("eval", "config", "row", "epoch", "kind", "why", "input", "output", "thinking", "prompt", "request")
_LISTS = ("scores", "errors", "call", "asked", "test")


class Names:
    """Names, numbered in the order in which they came; cleaned as the summary's are, so that each is found by both."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._given: dict[str, int] = {}
        for name in first:
            self.of(name)

    def of(self, name: str) -> int:
        """The name's number."""
        number = self._given.get(name)
        if number is None:
            number = self._given[name] = self._numbers.setdefault(clean(name, LONGEST), len(self._numbers))
        return number

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)


class Columns:
    """The samples, taken in one by one."""

    def __init__(self, pool: Pool, pictures: Pictures, prompts: Prompts, run: Summary) -> None:
        self._pool, self._pictures, self._prompts = pool, pictures, prompts
        self._ships = run.run.shipping
        self._evals, self._configs = Names(run.evals), Names(run.run_configs)
        self._rows, self._tests, self._measures = Names(), Names(), Names()
        self._heads: dict[tuple[str | int, ...], int] = {}
        self._asked: dict[tuple[int, str, int], int] = {}
        self._columns: dict[str, list[Any]] = {name: [] for name in (*_NAMES, *_LISTS)}

    def add(self, record: SampleRecord) -> None:
        """One more sample; a skipped one is nothing to look at."""
        if record.outcome.kind in _KINDS:
            values = (*self._named(record), *self._listed(record))
            for column, value in zip(self._columns.values(), values, strict=True):
                column.append(value)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, as this module's head says."""
        return {
            "evals": list(self._evals),
            "configs": list(self._configs),
            "rows": list(self._rows),
            "tests": list(self._tests),
            "measures": list(self._measures),
            "kinds": _KINDS,
            "heads": list(self._heads),
            "prompts": list(self._asked),
            "columns": self._columns,
        }

    def _named(self, record: SampleRecord) -> tuple[Any, ...]:
        thinking = record.response.thinking if record.response else ""
        return (
            self._evals.of(record.eval),
            self._configs.of(record.run_config),
            self._rows.of(record.row),
            record.epoch,
            _KINDS.index(record.outcome.kind),
            self._text(record.outcome.why),
            None if record.input is None else self._pool.value(record.input),
            None if record.output is None else self._pool.text(record.output),
            self._text(thinking),
            self._prompt(record.request),
            (record.request or "")[:_KEY],
        )

    def _listed(self, record: SampleRecord) -> tuple[Any, ...]:
        return (
            [self._score(name, score, self._rank(record)) for name, score in record.scores.items()],
            [[who, self._pool.text(what)] for who, what in record.errors.items()],
            self._call(record.took),
            _asked(record.asked.values()),
            self._tests.of(record.test.partition("[")[0]),
        )

    def _score(self, name: str, score: Score, rank: int) -> list[Any]:
        evidence, pictures = self._pictures.lifted(score.details, rank)
        details = self._pool.value(evidence) if evidence else None
        said = [self._measures.of(name), _short(score.value), self._text(score.why), details]
        return [*said, pictures] if pictures else said

    def _rank(self, record: SampleRecord) -> int:
        """Whose pictures are kept first: those of what ships, and of these, and then of others, the misses'."""
        return 2 * (record.run_config != self._ships) + (record.outcome.kind != "miss")

    def _call(self, response: Response | None) -> list[Any] | None:
        if response is None:
            return None
        used, made = response.usage, self._pool.value(dict(response.made))
        rest = [_short(response.cost), round(response.latency, 3), response.source, made]
        return [response.finish, used.input_tokens, used.output_tokens, *rest]

    def _prompt(self, key: str | None) -> int | None:
        """A prompt's leading messages stand once: most of it is the same in every sample."""
        messages = self._prompts.get(key or "")
        if not messages:
            return None
        *leading, last = messages
        head = tuple(part for one in leading for part in (one.role, self._pool.text(one.shown)))
        number = self._heads.setdefault(head, len(self._heads))
        asked = (number, last.role, self._pool.text(last.shown))
        return self._asked.setdefault(asked, len(self._asked))

    def _text(self, text: str) -> int | None:
        return self._pool.text(text) if text else None


def _asked(calls: Iterable[Response]) -> list[Any] | None:
    known = list(calls)
    if not known:
        return None
    tokens = sum(call.usage.output_tokens or 0 for call in known)
    prices = [call.cost for call in known if call.cost is not None]
    return [len(known), tokens, _short(sum(prices)) if prices else None]


def _short(value: float | None) -> float | None:
    """Six digits are more than any figure here is worth."""
    return None if value is None else float(f"{value:.6g}")
