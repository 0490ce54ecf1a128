"""Sharding as pytest sees it: which of the selected tests this run keeps. Knows items; runs and judges nothing."""

from __future__ import annotations

import pytest

from .evals import Job
from .gateitem import GateItem
from .shard import Shard


def deal(session: pytest.Session, shard: Shard) -> None:
    """Deselect what belongs to other shards. Gates stay in each: what they say of it is that a merge judges them."""
    kept, others = list[pytest.Item](), list[pytest.Item]()
    for item in session.items:
        (kept if isinstance(item, GateItem) or shard.holds(_key(item)) else others).append(item)
    session.items[:] = kept
    if others:
        session.config.hook.pytest_deselected(items=others)


def _key(item: pytest.Item) -> str:
    """A sample goes with its row, whatever its eval, run-config or epoch; another test is dealt out by its own name."""
    job = getattr(getattr(item, "callspec", None), "params", {}).get("sample")
    return job.row.id if isinstance(job, Job) else item.nodeid
