"""What `--batch` asks for, at a run's beginning and its end: look at batches, submit one. Knows pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from .batching import Notes, Slip, collect, submit
from .caches import open_stores
from .caching import calls_here
from .machines import places_of
from .places import Places


def check(config: pytest.Config) -> None:
    """Raises pytest.UsageError where no answer of a batch could ever be used."""
    asked = config.getoption("calls")
    if (calls := calls_here(asked)) in ("replay", "live"):
        why = "makes no calls" if calls == "replay" else "never uses an answer that came before"
        where = f"--calls {calls}" if asked else "where CI is set, --calls is replay, which"
        raise pytest.UsageError(f"--batch: {where} {why}; write --calls auto, or record")


def look(config: pytest.Config, run_id: str) -> None:
    """Before the first sample, take in the answers of batches that are done; one of xdist's workers does it for all."""
    places = places_of(config)
    notes, asked = Notes(places.state), config.getoption("batch")
    if config.getoption("plan") or calls_here(config.getoption("calls")) == "replay" or not (asked or notes.any):
        return
    try:
        with notes.alone():
            _look(config, notes, Slip(_folder(places, run_id)))
    except OSError as error:
        raise pytest.UsageError(f"batches cannot be noted: {error.filename}: {error.strerror}") from None


def _look(config: pytest.Config, notes: Notes, slip: Slip) -> None:
    token = getattr(config, "workerinput", {}).get("testrunuid", "")
    if token and not notes.first(token):
        return
    slip.begin()
    places = places_of(config)
    stores = open_stores(places.cache, places.state)
    try:
        collect(slip, notes, stores.cache)
    finally:
        stores.cache.close()


def send(config: pytest.Config, run_id: str) -> bool:
    """Submit what the run has put on its slip; False where that failed."""
    places = places_of(config)
    slip = Slip(_folder(places, run_id))
    before = dict(slip.read().told)
    try:
        submit(slip, Notes(places.state), places.root)
    except OSError as error:  # the disk is full: what was created is found again by its intent
        config.get_terminal_writer().line(f"\nbatch: cannot be noted: {error.strerror}", red=True)
        return False
    return not any(bad for line, bad in slip.read().told.items() if line not in before)


def told(folder: Path) -> dict[str, bool]:
    """Line -> whether it is bad news: what there is to tell of a run's batches."""
    return Slip(folder).read().told


def _folder(places: Places, run_id: str) -> Path:
    return places.state / "runs" / run_id
