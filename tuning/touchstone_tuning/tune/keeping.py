"""What is kept of how a job stands, so that a fresh clone can tell of it. Owns that choice; asks no provider.

An entry holds the last figures. Once the job has ended, its losses lie beside the entry, thinned to what a curve shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Literal

from .ledger import Entry, Ledger
from .provider import Loss, Standing

Which = Literal["train", "validation"]
MOST: Mapping[Which, int] = {"train": 40, "validation": 20}
"""Steps of each kind that are kept."""
_DIGITS = 4


def keep(ledger: Ledger, name: str, entry: Entry, standing: Standing) -> Entry:
    """Write down how a job stands; the entry as it is now. Raises UsageError where it cannot be written."""
    now = updated(entry, standing)
    if now.ended:  # first: an entry that says so is asked no more
        ledger.put_losses(name, thinned(standing.losses))
    ledger.put(name, now)
    return now


def updated(entry: Entry, standing: Standing) -> Entry:
    """The entry with what the provider says. A path of this machine is not kept: it means nothing elsewhere."""
    here = entry.provider == "local"
    found: Mapping[str, object] = {
        "state": standing.state,
        "why": standing.why,
        "model": "" if here else standing.model,
        "trained_tokens": standing.tokens,
        "seconds": standing.seconds,
        "dollars": standing.dollars,
        "step": standing.step,
        "steps": standing.steps,
        "train_loss": _last(standing.losses, "train"),
        "validation_loss": _last(standing.losses, "validation"),
    }
    return entry.model_copy(update={**found, **(_weighed(Path(standing.model)) if here and standing.model else {})})


def thinned(losses: Sequence[Loss]) -> tuple[Loss, ...]:
    """At most so many steps of each kind as MOST says, evenly spread, the first and the last among them."""
    kept = {step for which, most in MOST.items() for step in _spread([one.step for one in _known(losses, which)], most)}
    rounded = (Loss(one.step, _number(one.train), _number(one.validation)) for one in losses if one.step in kept)
    return tuple(rounded)


def _weighed(adapter: Path) -> dict[str, object]:
    """What tells an adapter apart from all others, and its size; nothing where it is not there any more."""
    if not adapter.is_file():
        return {}
    with adapter.open("rb") as stream:
        return {
            "adapter_sha256": hashlib.file_digest(stream, "sha256").hexdigest(),
            "adapter_bytes": adapter.stat().st_size,
        }


def _spread(steps: Sequence[int], most: int) -> Sequence[int]:
    if len(steps) <= most:
        return steps
    return [steps[round(at * (len(steps) - 1) / (most - 1))] for at in range(most)]


def _known(losses: Sequence[Loss], which: Which) -> list[Loss]:
    return [one for one in losses if _number(getattr(one, which)) is not None]


def _last(losses: Sequence[Loss], which: Which) -> float | None:
    known = _known(losses, which)
    return _number(getattr(known[-1], which)) if known else None


def _number(value: float | None) -> float | None:
    """Rounded; None for what is no number, which a training run that went wrong writes."""
    return None if value is None or not isfinite(value) else round(value, _DIGITS)
