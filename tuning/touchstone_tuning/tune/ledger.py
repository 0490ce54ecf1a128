"""What is known of a sweep's jobs: one readable file a job, in git. Owns those files; asks no provider.

`tuning/jobs/SWEEP/JOB.json`. What is about to be asked is written down before it is asked, so that a crash between
the two leaves a mark to look for the job by, and never leads to a second one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.wholefile import replace_file

from .provider import ENDED, State
from .sweep import ProviderName


class Entry(BaseModel):
    """One job, as its file holds it. No key and no path of one machine stands in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    tag: str
    of: str = ""
    """The tag of the first try, where this one was made anew behind one that failed or was cancelled."""
    provider: ProviderName
    base: str
    prompt: str = ""
    rows: int | None = None
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    examples: int = 0
    tokens: int = 0
    """Of one epoch, as counted before."""
    estimate: float | None = None
    """Dollars, as estimated before."""
    job: str = ""
    """What the provider calls it; empty while it was about to be submitted."""
    state: State = "queued"
    why: str = ""
    model: str = ""
    """What the tuned model is called by, where it does not lie on this machine."""
    trained_tokens: int | None = None
    dollars: float | None = None
    step: int | None = None
    steps: int | None = None
    train_loss: float | None = None
    validation_loss: float | None = None

    @property
    def submitted(self) -> bool:
        """Whether the provider is known to have it."""
        return bool(self.job)

    @property
    def first_tag(self) -> str:
        """What follows from the job itself."""
        return self.of or self.tag

    @property
    def in_vain(self) -> bool:
        """Whether it ended without a model."""
        return self.submitted and self.state in ("failed", "cancelled")

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.submitted and self.state in ENDED


class Ledger:
    """All entries of a sweep."""

    def __init__(self, sweep: str, places: Places) -> None:
        self.folder, self._places = places.root / "tuning" / "jobs" / sweep, places

    def get(self, name: str) -> Entry | None:
        """A job's entry; None for one that was never submitted. Raises UsageError for a file that is none."""
        path = self.folder / f"{name}.json"
        if not path.is_file():
            return None
        try:
            return Entry.model_validate_json(path.read_bytes())
        except (ValidationError, ValueError) as error:
            hint = "take it from git again, or delete it: the provider is asked for the job before a new one is made"
            raise UsageError("is no entry of a job", where=self._places.shown(path), hint=hint) from error

    def put(self, name: str, entry: Entry) -> None:
        """Write an entry, whole or not at all. Raises UsageError where it cannot be written."""
        path = self.folder / f"{name}.json"
        data = entry.model_dump_json(indent=1, exclude_defaults=True).encode("utf-8") + b"\n"
        try:
            if not path.is_file() or path.read_bytes() != data:
                replace_file(path, data)
        except OSError as error:
            where = self._places.shown(path)
            raise UsageError(f"cannot be written: {error.strerror or error}", where=where) from error

    def names(self) -> list[str]:
        """Jobs that have an entry."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within, no other process of this machine submits jobs of this sweep. Raises UsageError where one does."""
        lock = self._places.state / "tunes" / f"{self.folder.name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            hint = "wait for it, or end it"
            raise UsageError(
                "another process submits jobs of this sweep just now", where=lock.name, hint=hint
            ) from error
        try:
            yield
        finally:
            os.close(handle)


def folders(places: Places) -> list[str]:
    """Sweeps that have entries."""
    return sorted(path.name for path in (places.root / "tuning" / "jobs").glob("*") if path.is_dir())
