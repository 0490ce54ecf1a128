"""How tests drive a provider: files of examples, a job started, a job polled to its end."""

from __future__ import annotations

import json
from pathlib import Path

from touchstone_tuning.tune.provider import ENDED, Order, Provider, Standing

MOST = 20
"""Polls; no emulated job takes so many."""


def examples(path: Path, count: int = 12) -> Path:
    """The path, with so many chats in it."""
    turns = [{"role": "user", "content": "cut it"}, {"role": "assistant", "content": "ffmpeg -t 1"}]
    path.write_text("".join(json.dumps({"messages": turns}) + "\n" for _ in range(count)))
    return path


def started(provider: Provider, what: Order) -> str:
    """The job of an order, its files uploaded: those for training first."""
    train = provider.upload(what.train, what.tag)
    return provider.submit(what, train, provider.upload(what.validation, what.tag) if what.validation else None)


def to_its_end(provider: Provider, job: str) -> list[Standing]:
    """All standings of a job until it has ended."""
    seen = [provider.standing(job)]
    while seen[-1].state not in ENDED:
        assert len(seen) < MOST
        seen.append(provider.standing(job))
    return seen
