"""How submitted jobs stand: asked of their providers, written down, waited for, cancelled. Owns the asking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from touchstone.errors import CallError, CallFailed, UsageError
from touchstone.places import Places

from .keeping import keep
from .ledger import Entry, Ledger
from .offices import open_provider
from .provider import Provider, Standing
from .sweep import NamedSweep, ProviderName

Tell = Callable[[str, Entry, Standing | None, str], None]
"""Told a job's name, its entry, how it stands where that was asked, and why it could not be asked."""


@runtime_checkable
class Advancing(Protocol):
    """A provider that works only while somebody waits."""

    def advance(self, job: str) -> None:
        """See that somebody works on it."""
        ...


@dataclass
class Follower:
    """Follows the jobs of a sweep. One provider is opened once."""

    sweep: NamedSweep
    places: Places
    opened: Callable[[ProviderName, Places], Provider] = open_provider

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.sweep.name, self.places)
        self._offices: dict[ProviderName, Provider] = {}

    def office(self, name: ProviderName) -> Provider:
        """The provider of that name."""
        return self._offices.setdefault(name, self.opened(name, self.places))

    def entries(self, names: tuple[str, ...]) -> Iterator[tuple[str, ProviderName, Entry]]:
        """Jobs that were submitted: in the sweep's order, then those that it names no more, which may still cost money.

        Raises UsageError for a name that neither knows.
        """
        kept, told = self.ledger.names(), [job.name for job in self.sweep.jobs]
        known = [*(name for name in told if name in kept), *(name for name in kept if name not in told)]
        self.sweep.chosen([name for name in names if name not in known])
        for name in known:
            entry = self.ledger.get(name)
            if entry is not None and entry.submitted and (not names or name in names):
                yield name, entry.provider, entry

    def look(self, name: str, provider: ProviderName, entry: Entry) -> tuple[Entry, Standing | None]:
        """The entry as it is now; an ended one is asked no more. Raises CallError."""
        if entry.ended:
            return entry, None
        standing = self.office(provider).standing(entry.job)
        return keep(self.ledger, name, entry, standing), standing

    def wait(self, names: tuple[str, ...], tell: Tell, every: float, within: float | None = None) -> bool:
        """Until all have ended; false where time ran out, or some could not be asked: the others are followed still.

        A look that failed for now is tried again, and told once.
        """
        until = None if within is None else time.monotonic() + within
        left, lost = dict(self._open(names)), set[str]()
        while left:
            for name, (provider, entry) in list(left.items()):
                found = self._seen(name, provider, entry, tell, lost)
                if found is None or found.ended:
                    del left[name]
                else:
                    left[name] = (provider, found)
            rest = every if until is None else min(every, until - time.monotonic())
            if left and rest <= 0:
                return False
            time.sleep(rest if left else 0)
        return not lost

    def _seen(self, name: str, provider: ProviderName, entry: Entry, tell: Tell, lost: set[str]) -> Entry | None:
        """One look, with a push for those who wait for one; None for a job that cannot be asked."""
        try:
            office = self.office(provider)
            if isinstance(office, Advancing):
                office.advance(entry.job)
            now, standing = self.look(name, provider, entry)
        except CallFailed as error:
            if name not in lost:
                tell(name, entry, None, str(error))
            lost.add(name)
            return entry
        except CallError as error:
            tell(name, entry, None, str(error))
            lost.add(name)
            return None
        lost.discard(name)
        tell(name, now, standing, "")
        return now

    def cancel(self, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Cancel what has not ended: each job's name, and why it could not be. Raises UsageError for nothing at all."""
        found = list(self.entries(names))
        if not found:
            hint = f"touchstone tune submit {self.sweep.name}"
            raise UsageError("nothing was submitted", where=self.sweep.shown, hint=hint)
        for name, provider, entry in found:
            if not entry.ended:
                try:
                    self.office(provider).cancel(entry.job)
                    self.look(name, provider, entry)
                except CallError as error:
                    yield name, str(error)
                else:
                    yield name, ""

    def _open(self, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[ProviderName, Entry]]]:
        for name, provider, entry in self.entries(names):
            if not entry.ended:
                yield name, (provider, entry)
