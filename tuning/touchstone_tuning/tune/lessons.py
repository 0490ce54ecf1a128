"""What a job learns from: files made of rows, and checked before anybody sees them. Owns that way; sends nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.prompts import Prompts
from touchstone.wholefile import replace_file

from ..synth.neighbours import rows_of
from ..synth.task import Task, load_task
from .data.checks import check, refuse
from .data.examples import Fields, examples_of, prompted
from .data.formats import Format, encode
from .data.leaks import refuse_leaks
from .data.lengths import tokens_in
from .data.splits import Rows, parts_of, slice_of
from .data.tokens import Counter, counter_of
from .provider import Provider
from .sweep import Data, Job, NamedSweep


@dataclass(frozen=True, slots=True)
class Lessons:
    """The files of one job."""

    train: Path
    validation: Path | None
    examples: int
    tokens: int
    """Of one epoch."""
    counted: str
    """What counted them; an estimate says so."""

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 (hex) of each file, so that a job is known by what it learns."""
        return tuple(_digest(path) for path in (self.train, self.validation) if path is not None)


@dataclass(frozen=True, slots=True)
class Material:
    """A sweep's rows, looked through for leaks once."""

    places: Places
    sweep: NamedSweep
    train: Rows
    validation: Rows

    @classmethod
    def of(cls, sweep: NamedSweep, places: Places) -> Material:
        """Read the rows. Raises UsageError for a data set that is not there, and for one that leaks."""
        data = sweep.sweep.data
        task = load_task(data.task, places.root, sweep.shown) if data.task else None
        train, validation = _parts(data, places, sweep.shown, task)
        own = {*data.train, *([data.validation] if isinstance(data.validation, str) else [])}
        refuse_leaks([*train, *validation], places, own, task)
        return cls(places, sweep, train, validation)

    def lessons(self, job: Job, provider: Provider) -> Lessons:
        """The job's files in the provider's format, written and checked. Raises UsageError."""
        rows = self.train if job.rows is None else slice_of(self.train, job.rows, self.sweep.sweep.data.seed)
        counter = _counter(job.base, self.places.root)
        train = self._written(rows, job, provider, counter)
        validation = self._written(self.validation, job, provider, counter) if self.validation else None
        lines = train.read_bytes().splitlines()
        return Lessons(train, validation, len(lines), tokens_in(lines, counter), counter.estimate or counter.name)

    def _written(self, rows: Rows, job: Job, provider: Provider, counter: Counter) -> Path:
        lines = b"".join(self._encoded(rows, job, provider.format))
        path = self.places.state / "tunes" / "files" / f"{hashlib.sha256(lines).hexdigest()[:24]}.jsonl"
        if not path.is_file():
            replace_file(path, lines)
        limits = provider.limits
        if longest := job.parameters.get("max_tokens"):  # what is longer would be cut, its answer first
            limits = replace(limits, tokens=int(longest))
        refuse(check(path, provider.format, limits, counter), f"{self.sweep.shown}: {job.name}")
        return path

    def _encoded(self, rows: Rows, job: Job, format: Format) -> Iterable[bytes]:
        data = self.sweep.sweep.data
        prompts = Prompts(self.places.prompts, self.places.shown(self.places.prompts))
        fields = Fields(data.answer, data.thinking)
        return encode(examples_of(rows, prompted(prompts, job.prompt), data.strategy, fields), format)


def _parts(data: Data, places: Places, where: str, task: Task | None) -> tuple[Rows, Rows]:
    """(rows to learn from, rows to look at)."""
    train = tuple(row for name in data.train for row in _rows(name, places, where))
    if isinstance(data.validation, float):
        parts = parts_of(train, {"train": 1 - data.validation, "validation": data.validation}, data.seed, task)
        return parts["train"], parts["validation"]
    return train, _rows(data.validation, places, where) if data.validation else ()


def _rows(name: str, places: Places, where: str) -> tuple[Mapping[str, Any], ...]:
    path = places.datasets / f"{name}.jsonl"
    if not path.is_file():
        raise UsageError(f"there is no data set {places.shown(path)}", where=where, hint="data: train: synth/train")
    return tuple(rows_of(path, places))


@cache
def _counter(base: str, root: Path) -> Counter:
    return counter_of(base, root)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
