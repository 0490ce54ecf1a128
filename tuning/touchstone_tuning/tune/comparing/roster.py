"""Who stands in the table: a sweep's jobs, the run-configs that their models became, and what these are held against.

Reads the ledger and the project's run-configs. Reads no run.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.config import Catalogue, load_catalogue
from touchstone.errors import UsageError
from touchstone.models import identity
from touchstone.models.weights import known_adapter
from touchstone.places import Places
from touchstone.records import RunConfig

from ..ledger import Entry, Ledger
from ..offices import parameters_of
from ..provider import Loss
from ..submitting import EPOCHS
from ..sweep import Job, NamedSweep

OWN = frozenset({"name", "default", "adapter", "adapter_sha256", "model", "weights", "sha256"})
"""What a tuned run-config and its base may differ in."""


@dataclass(frozen=True, slots=True)
class Learner:
    """One job."""

    job: Job
    entry: Entry | None
    """None for one that was never submitted."""
    losses: tuple[Loss, ...]
    run_configs: tuple[str, ...]
    """What its model was registered as."""
    base: str
    """The run-config that it is held against; empty where there is none."""
    untuned: tuple[str, ...] = ()
    """Run-configs of its base that have another prompt."""

    @property
    def rows(self) -> int | None:
        """Learnt from; None where that is not known before it is submitted."""
        return self.job.rows or (self.entry.examples if self.entry else None)

    @property
    def epochs(self) -> float | None:
        """As asked for; None where the provider chooses."""
        fields = parameters_of(self.job.provider).model_fields
        given = [self.job.parameters[name] for name in EPOCHS if name in self.job.parameters]
        found = given or [fields[name].default for name in EPOCHS if name in fields]
        return float(found[0]) if found and isinstance(found[0], int | float) else None


@dataclass(frozen=True, slots=True)
class Roster:
    """All of a sweep."""

    sweep: NamedSweep
    learners: tuple[Learner, ...]
    bases: tuple[str, ...]
    against: tuple[str, ...]
    """Further run-configs to show."""

    @property
    def run_configs(self) -> tuple[str, ...]:
        """All that can have scores: the bases, what was tuned, the others."""
        tuned = (name for one in self.learners for name in one.run_configs)
        return tuple(dict.fromkeys((*self.bases, *tuned, *self.against)))

    @property
    def registered(self) -> bool:
        """Whether some job's model is a run-config."""
        return any(one.run_configs for one in self.learners)

    @property
    def varied(self) -> tuple[str, ...]:
        """Parameters in which the jobs differ."""
        known = [one.job.parameters for one in self.learners]
        names = dict.fromkeys(name for parameters in known for name in parameters if name not in EPOCHS)
        return tuple(name for name in names if any(one.get(name) != known[0].get(name) for one in known))


def roster(sweep: NamedSweep, places: Places, base: str | None, against: Sequence[str]) -> Roster:
    """The sweep's jobs, and those that it names no more. Raises UsageError where none was submitted."""
    ledger, catalogue = Ledger(sweep.name, places), load_catalogue(places)
    for name, option in ((base, "--base"), *((name, "--against") for name in against)):
        _check(name, option, catalogue, places)
    found = tuple(_learners(sweep, ledger, _Configs(catalogue, places.root), base))
    if not any(one.entry and one.entry.submitted for one in found):
        raise UsageError("nothing was submitted", where=sweep.shown, hint=f"touchstone tune submit {sweep.name}")
    bases = tuple(dict.fromkeys(one.base for one in found if one.base))
    known = {*bases, *(name for one in found for name in one.run_configs)}
    return Roster(sweep, found, bases, tuple(name for name in dict.fromkeys(against) if name not in known))


def _check(name: str | None, option: str, catalogue: Catalogue, places: Places) -> None:
    known = [one.name for one in catalogue.run_configs]
    if name is None or name in known:
        return
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else f"run-configs: {', '.join(known)}"
    where = f"{option}: {places.shown(places.run_configs)}"
    raise UsageError(f"has no run-config {name!r}", where=where, hint=hint)


def _learners(sweep: NamedSweep, ledger: Ledger, configs: _Configs, base: str | None) -> Iterator[Learner]:
    for job, entry in _jobs(sweep, ledger):
        tuned = configs.of(entry) if entry else []
        bases = configs.bases(job, tuned)
        same = configs.closest([one for one in bases if one.prompt == job.prompt], tuned)
        losses = ledger.losses(job.name) if entry and entry.ended else ()
        names = tuple(one.name for one in tuned)
        yield Learner(job, entry, losses, names, base or same, tuple(one.name for one in bases))


def _jobs(sweep: NamedSweep, ledger: Ledger) -> Iterator[tuple[Job, Entry | None]]:
    """In the sweep's order; behind them, as they were submitted, those that it names no more."""
    for job in sweep.jobs:
        yield job, ledger.get(job.name)
    for name in ledger.names():
        entry = ledger.get(name)
        if entry is not None and name not in {job.name for job in sweep.jobs}:
            yield Job(name, entry.provider, entry.base, entry.prompt, entry.rows, entry.parameters), entry


@dataclass(frozen=True, slots=True)
class _Configs:
    """The project's run-configs, asked whose they are."""

    catalogue: Catalogue
    root: Path

    def of(self, entry: Entry) -> list[RunConfig]:
        """Those that the job's model was registered as: of the same adapter, or called by the same name."""
        names = {name for name in (entry.model, entry.served) if name}
        return [
            one
            for one in self.catalogue.run_configs
            if (entry.adapter_sha256 and self._adapter(one) == entry.adapter_sha256) or one.model in names
        ]

    def bases(self, job: Job, tuned: Sequence[RunConfig]) -> list[RunConfig]:
        """Those of the model that the job began with, untuned."""
        names = {job.base, f"gguf/{Path(job.base).stem.lower()}"} if job.base.endswith(".gguf") else {job.base}
        weights = {self._weights(one) for one in tuned if one.adapter}
        return [
            one
            for one in self.catalogue.run_configs
            if not one.adapter
            and (one.model in names or one.model.partition("/")[2] in names)
            and (not weights or self._weights(one) in weights)
        ]

    def closest(self, bases: Sequence[RunConfig], tuned: Sequence[RunConfig]) -> str:
        """The first that is sampled as the tuned one is; the first at all where none is."""
        wanted = [_sampling(one) for one in tuned]
        ordered = sorted(bases, key=lambda one: _sampling(one) not in wanted)
        return ordered[0].name if ordered else ""

    def _adapter(self, config: RunConfig) -> str | None:
        try:
            return known_adapter(config, self.root)
        except UsageError:  # it is another's file, or gone: what the run-config says counts
            return config.adapter_sha256

    def _weights(self, config: RunConfig) -> str:
        try:
            return identity(config.model_copy(update={"adapter": None, "adapter_sha256": None}), self.root)
        except UsageError:
            return config.model


def _sampling(config: RunConfig) -> Mapping[str, Any]:
    return config.model_dump(exclude=set(OWN))
