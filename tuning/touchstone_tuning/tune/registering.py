"""A tuned model as a run-config like any other: its adapter in git, its line in the project's file. Owns both."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from touchstone.config import load_catalogue
from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.wholefile import replace_file

from .ledger import Entry
from .provider import Provider
from .sweep import Job, NamedSweep


@dataclass(frozen=True, slots=True)
class Done:
    """A job with what is known of it."""

    sweep: NamedSweep
    job: Job
    entry: Entry


def register(done: Done, provider: Provider, name: str, places: Places) -> Path | None:
    """Add the run-config NAME; where the adapter was put, for one that was tuned here. Raises UsageError."""
    sweep, job, entry = done.sweep, done.job, done.entry
    if entry.state != "succeeded":
        hint = f"touchstone tune wait {sweep.name}"
        raise UsageError(f"{job.name} has not succeeded: it is {entry.state}", where=sweep.shown, hint=hint)
    if name in {one.name for one in load_catalogue(places).run_configs}:
        raise UsageError(
            f"a run-config is called {name!r} already", where=places.shown(places.run_configs), hint="--as OTHER"
        )
    told: dict[str, Any] = {"name": name, "model": entry.model, "prompt": job.prompt}
    adapter = None
    if job.provider == "local":
        adapter = _adapter(done, provider, places)
        file = adapter.relative_to(places.root).as_posix()
        told |= {"model": job.base, "adapter": file, "adapter_sha256": hashlib.sha256(adapter.read_bytes()).hexdigest()}
    _append(told, places)
    return adapter


def _adapter(done: Done, provider: Provider, places: Places) -> Path:
    """A copy of what training left, below `tuning/adapters`."""
    sweep, job, entry = done.sweep, done.job, done.entry
    found = Path(provider.standing(entry.job).model)
    if not found.is_file():
        hint = (
            f"it was tuned on another machine: fetch it from there, or tune it again: touchstone tune wait {sweep.name}"
        )
        raise UsageError(f"the adapter of {job.name} is not here", where=sweep.shown, hint=hint)
    kept = places.root / "tuning" / "adapters" / sweep.name / f"{job.name}.gguf"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found, kept)
    return kept


def _append(told: dict[str, Any], places: Places) -> None:
    """One line behind the last run-config, all else as it stands; put back where the file would then not load."""
    path, before = places.run_configs, places.run_configs.read_text(encoding="utf-8")
    lines = before.splitlines(keepends=True)
    at, indent = _behind(before)
    # JSON is YAML: whatever a model is called, it stays one text.
    line = " " * indent + "- " + json.dumps(told, ensure_ascii=False) + "\n"
    if lines and not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    replace_file(path, "".join([*lines[:at], line, *lines[at:]]).encode("utf-8"))
    try:
        load_catalogue(places)
    except UsageError as error:
        replace_file(path, before.encode("utf-8"))
        raise UsageError(f"cannot be added to by itself: add the line\n  {line}", where=places.shown(path)) from error


def _behind(text: str) -> tuple[int, int]:
    """(lines before the place behind the last run-config, how far its dash stands in)."""
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(tree, yaml.MappingNode)  # noqa: S101  (the file was loaded)
    configs = next(value for key, value in tree.value if key.value == "run_configs")
    last = configs.value[-1]
    end = last.end_mark.line + (1 if last.end_mark.column else 0)
    lines = text.splitlines()
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    dash = lines[configs.value[-1].start_mark.line]
    return end, len(dash) - len(dash.lstrip()) if dash.lstrip().startswith("-") else configs.start_mark.column
