"""The golden set: the outputs that people rate and judges are measured on. Owns `datasets/golden/`; scores nothing.

One line an output, sorted, so that a changed set is a small diff. Which outputs are drawn follows from the run and
the seed alone: every row and every output has a lot of its own, and a new row moves few others.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import UsageError
from .jsonl import encoded, read_lines
from .labels import Item, answer_hash
from .places import Places
from .records import SampleRecord
from .store import write_text

_SHOWN_PROBLEMS = 10


class _Line(BaseModel):
    """An item as it stands in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    row: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    """Id of the row in the eval's dataset."""
    row_hash: str
    """The row's digest when it was drawn."""
    input: Any
    """What the row asked."""
    output: str
    """What was answered."""
    run_config: str
    """Which run-config wrote it; raters and judges are never told."""


@dataclass(frozen=True)
class Golden:
    """The golden set of one eval."""

    path: Path
    shown: str
    """How errors name the file."""
    eval: str

    def read(self) -> tuple[Item, ...]:
        """The items, by row and answer.

        Raises UsageError where there is no set yet, and with every bad line (the first ten) by `path:line`.
        """
        if not self.path.is_file():
            hint = f"touchstone golden {self.eval}   draws one from the last run"
            raise UsageError(f"the eval {self.eval!r} has no golden set yet", where=self.shown, hint=hint)
        lines = read_lines(self.path, self.shown)
        items: dict[str, Item] = {}
        problems = [*lines.problems, *(why for where, value in lines.values if (why := _take(items, where, value)))]
        if problems:
            raise UsageError(_summary(problems))
        return _sorted(items.values())

    def write(self, items: Iterable[Item]) -> Path:
        """The whole set, sorted; an output that stands twice for a row is written once."""
        unique = {item.key: item for item in items}
        text = b"".join(encoded(asdict(item)) for item in _sorted(unique.values())).decode("utf-8")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.path, text)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=self.shown) from error
        return self.path


def golden_of(places: Places, eval: str) -> Golden:
    """The golden set of the eval, whether it is there or not. Raises UsageError for a name that is no name."""
    path = below(places.golden, eval, ".jsonl")
    return Golden(path, places.shown(path), eval)


def below(folder: Path, eval: str, suffix: str = "") -> Path:
    """Where the eval's file (or folder) is below the folder: its name may hold `/` and dots, and never leads out."""
    parts = PurePosixPath(eval).parts
    if not parts or eval.startswith("/") or "\0" in eval or "\\" in eval or any(p in ("..", ".") for p in parts):
        raise UsageError(f"{eval!r} is no name of an eval", hint="for evals/test_correctness.py it is: correctness")
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)


def draw(
    records: Iterable[SampleRecord], size: int, seed: int, truth: str | None, kept: Sequence[Item] = ()
) -> list[Item]:
    """At most `size` outputs of a run, beside those `kept`: which ones, is the seed's choice and nobody's.

    Half of them miss by the score `truth` and half pass, as far as there are such outputs; rows come once each before
    any comes twice; and run-configs are as even as those two wishes let them be. Errors and empty outputs are left
    out. Without `truth` passes and misses come as they fall. Raises UsageError where no sample has the score.
    """
    there = {item.key for item in kept}
    pool = [c for c in _candidates(records, seed, truth) if c.key not in there]
    if truth is not None and pool and all(c.passed is None for c in pool):
        raise UsageError(f"no output of this run has the score {truth!r}", where="--balance")
    chosen = _Draw(pool, Counter(item.row for item in kept), Counter(item.run_config for item in kept))
    chosen.take(_wanted(pool, size))
    chosen.even_rows()
    chosen.even_run_configs()
    return list(_sorted(c.item for c in chosen.picks))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An output that may be drawn."""

    item: Item
    key: str
    passed: bool | None
    """By the score that is the truth; None where there is none."""
    lot: str
    """Its place in the queue: from the seed, the row and the output alone."""
    row_lot: str


@dataclass
class _Draw:
    """A choice in the making."""

    pool: Sequence[_Candidate]
    rows: Counter[str]
    """How often each row is chosen."""
    run_configs: Counter[str]
    picks: list[_Candidate] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Keys of the picks: an output that two run-configs wrote is one."""

    def take(self, wanted: Sequence[tuple[bool | None, int]]) -> None:
        """So many of each kind, the rarest first: it has the least choice of rows."""
        for passed, number in wanted:
            queues = self._queues(passed)
            for _ in range(number):
                row = min(queues, key=lambda r: (self.rows[r], queues[r][0].row_lot))
                self._add(queues[row].pop(0))
                if not queues[row]:
                    del queues[row]

    def even_rows(self) -> None:
        """Where a row came twice and another of the same kind not at all, take that instead."""
        for pick in sorted(self.picks, key=lambda c: c.row_lot, reverse=True):
            fewer = [
                c
                for c in self.pool
                if self._may_replace(c, pick) and self.rows[c.item.row] + 1 < self.rows[pick.item.row]
            ]
            if fewer:
                self._swap(pick, min(fewer, key=lambda c: (self.rows[c.item.row], c.row_lot, c.lot)))

    def even_run_configs(self) -> None:
        """The same row's output by a rarer run-config, while that makes the counts more even."""
        alike: dict[tuple[str, bool | None], list[_Candidate]] = defaultdict(list)
        for candidate in self.pool:
            alike[candidate.item.row, candidate.passed].append(candidate)
        while swap := self._evening_swap(alike):
            self._swap(*swap)

    def _queues(self, passed: bool | None) -> dict[str, list[_Candidate]]:
        """Row -> its free outputs of that kind, one an answer, in the order of their lots."""
        queues: dict[str, dict[str, _Candidate]] = defaultdict(dict)
        for candidate in sorted(self.pool, key=lambda c: c.lot):
            if candidate.passed is passed and candidate.key not in self.taken:
                queues[candidate.item.row].setdefault(candidate.key, candidate)
        return {row: list(found.values()) for row, found in queues.items()}

    def _evening_swap(
        self, alike: dict[tuple[str, bool | None], list[_Candidate]]
    ) -> tuple[_Candidate, _Candidate] | None:
        """(pick, what replaces it): from the run-config that is chosen most, by the first lot that can."""
        for pick in sorted(self.picks, key=lambda c: (-self.run_configs[c.item.run_config], c.lot)):
            count = self.run_configs[pick.item.run_config]
            rarer = [
                c
                for c in alike[pick.item.row, pick.passed]
                if self._may_replace(c, pick) and self.run_configs[c.item.run_config] + 1 < count
            ]
            if rarer:
                return pick, min(rarer, key=lambda c: (self.run_configs[c.item.run_config], c.lot))
        return None

    def _may_replace(self, other: _Candidate, pick: _Candidate) -> bool:
        return other.passed is pick.passed and (other.key == pick.key or other.key not in self.taken)

    def _swap(self, old: _Candidate, new: _Candidate) -> None:
        self.picks.remove(old)
        self.taken.discard(old.key)
        self.rows[old.item.row] -= 1
        self.run_configs[old.item.run_config] -= 1
        self._add(new)

    def _add(self, new: _Candidate) -> None:
        self.picks.append(new)
        self.taken.add(new.key)
        self.rows[new.item.row] += 1
        self.run_configs[new.item.run_config] += 1


def _candidates(records: Iterable[SampleRecord], seed: int, truth: str | None) -> list[_Candidate]:
    """One for each usable sample; a sample that was run again counts the last time."""
    last = {(r.row, r.run_config, r.epoch): r for r in records}
    return [_candidate(r, r.output, seed, truth) for r in last.values() if _usable(r) and r.output is not None]


def _usable(record: SampleRecord) -> bool:
    return record.outcome.kind in ("pass", "miss") and bool(record.output and record.output.strip())


def _candidate(record: SampleRecord, output: str, seed: int, truth: str | None) -> _Candidate:
    item = Item(record.row, record.row_hash, record.input, output, record.run_config)
    score = record.scores.get(truth) if truth is not None else None
    lot = _lot(seed, record.row, record.run_config, answer_hash(output), str(record.epoch))
    return _Candidate(item, item.key, None if score is None else score.value >= 1.0, lot, _lot(seed, record.row))


def _wanted(pool: Sequence[_Candidate], size: int) -> list[tuple[bool | None, int]]:
    """(kind, how many of it), the rarest kind first; what has no score comes last, for what is still missing."""
    kinds = {c.key: c.passed for c in pool}
    there = Counter(kinds.values())
    few, many = sorted((True, False), key=lambda kind: (there[kind], kind))
    first = min(there[few], size // 2)
    second = min(there[many], size - first)
    return [(few, first), (many, second), (None, min(there[None], size - first - second))]


def _lot(seed: int, *names: str) -> str:
    return hashlib.sha256("\0".join([str(seed), *names]).encode("utf-8", "surrogatepass")).hexdigest()


def _sorted(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (item.row, item.answer)))


def _take(items: dict[str, Item], where: str, value: dict[str, Any]) -> str | None:
    """Put a line's item to the others, or say why it cannot be."""
    try:
        item = Item(**_Line.model_validate(value).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{where}: {'.'.join(str(p) for p in first['loc'])}: {first['msg']}"
    if item.key in items:
        return f"{where}: this output of the row {item.row!r} stands in the set twice"
    items[item.key] = item
    return None


def _summary(problems: Sequence[str]) -> str:
    more = len(problems) - _SHOWN_PROBLEMS
    return "\n".join([*problems[:_SHOWN_PROBLEMS], *([f"... and {more} more"] if more > 0 else [])])
