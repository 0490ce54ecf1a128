"""What is known of a sweep's jobs, in git: a readable file a job, its losses beside it. Owns those; asks no provider.

`tuning/jobs/SWEEP/JOB.json`, and `JOB.losses.jsonl` once it has ended. What is about to be asked is written down before
it is asked, so that a crash between the two leaves a mark to look for the job by, and never leads to a second one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from touchstone.errors import UsageError
from touchstone.jsonl import encoded, read_lines
from touchstone.places import Places
from touchstone.wholefile import replace_file

from .provider import ENDED, Loss, State
from .sweep import ProviderName

_LOSS = TypeAdapter(Loss)
_GIT = "take it from git again, or delete it: the losses are then not shown"


class Entry(BaseModel):
    """One job, as its file holds it. No key and no path of one machine stands in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    """Version of the file."""
    tag: str
    """What the provider carries: a digest of all that makes the job."""
    of: str = ""
    """The tag of the first try, where this one was made anew behind one that failed or was cancelled."""
    provider: ProviderName
    """Who trains."""
    base: str
    """The base model, as the provider names it."""
    prompt: str = ""
    """Name of the prompt that was learnt with."""
    rows: int | None = None
    """Rows learnt from; None: all."""
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    """The provider's own."""
    examples: int = 0
    """Lines of the file that was learnt from."""
    tokens: int = 0
    """Of one epoch, as counted before."""
    estimate: float | None = None
    """Dollars, as estimated before."""
    job: str = ""
    """What the provider calls it; empty while it was about to be submitted."""
    state: State = "queued"
    """How it stands."""
    why: str = ""
    """Why it failed, or waits."""
    model: str = ""
    """What the tuned model is called by, where it does not lie on this machine."""
    served: str = ""
    """What it is called by as it was deployed, where that is another name: the run-config's."""
    adapter_sha256: str = ""
    """Of the adapter that was made here: what its run-configs are told by."""
    adapter_bytes: int | None = None
    """Its size."""
    trained_tokens: int | None = None
    """As the provider counts them."""
    seconds: float | None = None
    """Of training."""
    dollars: float | None = None
    """What it cost, where the provider says."""
    step: int | None = None
    """Steps done."""
    steps: int | None = None
    """Steps in all."""
    train_loss: float | None = None
    """The last one."""
    validation_loss: float | None = None
    """The last one."""

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
        data = entry.model_dump_json(indent=1, exclude_defaults=True).encode("utf-8") + b"\n"
        self._write(self.folder / f"{name}.json", data)

    def losses(self, name: str) -> tuple[Loss, ...]:
        """What was kept of a job's losses, by step; none before its end. Raises UsageError for a line that is none."""
        path = self._losses(name)
        if not path.is_file():
            return ()
        lines = read_lines(path, self._places.shown(path))
        try:
            found = [_LOSS.validate_python(value) for _, value in lines.values]
        except ValidationError as error:
            raise UsageError("holds a line that is no loss", where=self._places.shown(path), hint=_GIT) from error
        if lines.problems:
            raise UsageError(lines.problems[0], hint=_GIT)
        return tuple(sorted(found, key=lambda one: one.step))

    def put_losses(self, name: str, losses: Sequence[Loss]) -> None:
        """Write a job's losses, a step a line; no file where there are none. Raises UsageError as `put`."""
        lines = [{key: value for key, value in asdict(one).items() if value is not None} for one in losses]
        if lines:
            self._write(self._losses(name), b"".join(map(encoded, lines)))

    def _losses(self, name: str) -> Path:
        return self.folder / f"{name}.losses.jsonl"

    def _write(self, path: Path, data: bytes) -> None:
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
