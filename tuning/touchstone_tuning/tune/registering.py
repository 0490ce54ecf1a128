"""A tuned model as a run-config like any other: its adapter in git, its line in the project's file. Owns both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from touchstone.config import load_catalogue
from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.records import RunConfig
from touchstone.starting.appending import append_run_config
from touchstone.wholefile import replace_file

from .below import Wanted, weights_below
from .keeping import keep
from .ledger import Entry, Ledger
from .local.desk import Desk
from .provider import Provider, Standing
from .sweep import Job, NamedSweep


@dataclass(frozen=True, slots=True)
class Done:
    """A job with what is known of it."""

    sweep: NamedSweep
    job: Job
    entry: Entry


def check(done: Done, name: str, places: Places) -> None:
    """Raises UsageError where a job's model cannot become the run-config NAME: before anything is done, or paid for."""
    if done.entry.state != "succeeded":
        hint = f"touchstone tune wait {done.sweep.name}"
        raise UsageError(
            f"{done.job.name} has not succeeded: it is {done.entry.state}", where=done.sweep.shown, hint=hint
        )
    where = places.shown(places.run_configs)
    if name in {one.name for one in load_catalogue(places).run_configs}:
        raise UsageError(f"a run-config is called {name!r} already", where=where, hint="--as OTHER")
    try:
        RunConfig.model_validate({"name": name, "model": "x", "prompt": done.job.prompt})
    except ValidationError as error:
        hint = "--as NAME: letters, digits, `.`, `_` and `-`, at most 60"
        raise UsageError(f"{name!r} cannot name a run-config", where=where, hint=hint) from error


def register(done: Done, provider: Provider, name: str, places: Places, weights: str | None = None) -> Path | None:
    """Add the run-config NAME; where the adapter was put, for one that was tuned here. Raises UsageError.

    `weights`: the GGUF file that the adapter is laid over, where the base is none.
    """
    check(done, name, places)
    entry, ledger = done.entry, Ledger(done.sweep.name, places)
    told: dict[str, Any] = {"name": name, "model": entry.served or entry.model, "prompt": done.job.prompt}
    adapter = None
    if weights is not None and done.job.provider != "local":
        raise UsageError("is for a model that was tuned on this machine", where="--weights", hint="leave it out")
    if done.job.provider == "local":
        standing = provider.standing(entry.job)
        below = _below(done, name, places, weights)
        adapter = _adapter(done, standing, name, places)
        entry = keep(ledger, done.job.name, entry, standing)
        file = adapter.relative_to(places.root).as_posix()
        told |= {**below, "adapter": file, "adapter_sha256": _sha256(adapter)}
    append_run_config(told, places)
    ledger.put(done.job.name, entry)
    return adapter


def _below(done: Done, name: str, places: Places, weights: str | None) -> dict[str, str]:
    """The keys that name the weights below the adapter."""
    desk = Desk(places.state / "tunes" / done.entry.job)
    return weights_below(Wanted(done.sweep.name, done.job, name, weights), desk, places)


def _adapter(done: Done, standing: Standing, name: str, places: Places) -> Path:
    """A copy of what training left, below `tuning/adapters`."""
    found = Path(standing.model)
    if not found.is_file():
        hint = (
            f"delete its file in tuning/jobs/{done.sweep.name} and its folder in .touchstone/tunes, and submit it again"
        )
        raise UsageError(f"the adapter of {done.job.name} is not here", where=done.sweep.shown, hint=hint)
    kept = places.root / "tuning" / "adapters" / f"{name}.gguf"
    replace_file(kept, found.read_bytes())
    return kept


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
