"""How submitted jobs stand: asked of their providers, written down, waited for, cancelled. Owns the asking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from touchstone.errors import CallFailed, UsageError
from touchstone.places import Places

from .ledger import Entry, Ledger
from .offices import open_provider
from .provider import Provider, Standing
from .sweep import NamedSweep, ProviderName

Tell = Callable[[str, Entry, Standing | None], None]
"""Told a job's name, its entry, and how it stands where that was asked."""


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
        """Jobs that were submitted, in the sweep's order."""
        for job in self.sweep.chosen(names):
            entry = self.ledger.get(job.name)
            if entry is not None and entry.submitted:
                yield job.name, job.provider, entry

    def look(self, name: str, provider: ProviderName, entry: Entry) -> tuple[Entry, Standing | None]:
        """The entry as it is now; an ended one is asked no more. Raises CallError."""
        if entry.ended:
            return entry, None
        standing = self.office(provider).standing(entry.job)
        entry = updated(entry, standing, keep_model=provider != "local")
        self.ledger.put(name, entry)
        return entry, standing

    def wait(self, names: tuple[str, ...], tell: Tell, every: float, within: float | None = None) -> bool:
        """Until all have ended; false where time ran out. A look that failed for now is tried again."""
        until, left = None if within is None else time.monotonic() + within, dict(self._open(names))
        while left:
            for name, (provider, entry) in list(left.items()):
                advance = getattr(self.office(provider), "advance", None)
                if advance is not None:
                    advance(entry.job)
                try:
                    now, standing = self.look(name, provider, entry)
                except CallFailed:
                    continue  # the next look may reach it
                tell(name, now, standing)
                left[name] = (provider, now)
                if now.ended:
                    del left[name]
            if until is not None and left and time.monotonic() >= until:
                return False
            time.sleep(every if left else 0)
        return True

    def cancel(self, names: tuple[str, ...]) -> list[str]:
        """Cancel what has not ended; the names of those jobs. Raises UsageError where nothing was submitted."""
        found = list(self.entries(names))
        if not found:
            raise UsageError(
                "nothing was submitted", where=self.sweep.shown, hint=f"touchstone tune submit {self.sweep.name}"
            )
        open_ = [(name, provider, entry) for name, provider, entry in found if not entry.ended]
        for name, provider, entry in open_:
            self.office(provider).cancel(entry.job)
            self.look(name, provider, entry)
        return [name for name, _, _ in open_]

    def _open(self, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[ProviderName, Entry]]]:
        for name, provider, entry in self.entries(names):
            if not entry.ended:
                yield name, (provider, entry)


def updated(entry: Entry, standing: Standing, *, keep_model: bool) -> Entry:
    """The entry with what the provider says. A path of this machine is not kept: it means nothing elsewhere."""
    found: Mapping[str, object] = {
        "state": standing.state,
        "why": standing.why,
        "model": standing.model if keep_model else "",
        "trained_tokens": standing.tokens,
        "dollars": standing.dollars,
        "step": standing.step,
        "steps": standing.steps,
        "train_loss": _last(standing, "train"),
        "validation_loss": _last(standing, "validation"),
    }
    return entry.model_copy(update=found)


def _last(standing: Standing, which: str) -> float | None:
    values = [getattr(one, which) for one in standing.losses]
    known = [value for value in values if value is not None]
    return round(known[-1], 4) if known else None
