"""Proofs of many jobs: in worker processes, each job once. Owns the pool and what is remembered; proves nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from touchstone.cache import Cache
from touchstone.records import digest

from .task import Proof, load_task

Step = Callable[[int, int], None]
"""Told after each: how many are done, of how many."""


@dataclass
class Prover:
    """Proves jobs of one task."""

    task: str
    root: Path
    identity: str
    cache: Cache
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    _pool: ProcessPoolExecutor | None = None

    async def prove(self, jobs: Sequence[Mapping[str, Any]], step: Step) -> list[Proof]:
        """A proof of each job, in their order; what was proven before is looked up."""
        done = 0

        async def one(fields: Mapping[str, Any]) -> Proof:
            nonlocal done
            proof = await self._one(fields)
            done += 1
            step(done, len(jobs))
            return proof

        return list(await asyncio.gather(*map(one, jobs)))

    def close(self) -> None:
        """End the processes; nobody waits for what they still do."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _one(self, fields: Mapping[str, Any]) -> Proof:
        key = digest(["proof", self.identity, dict(fields)])
        if found := self.cache.get("score", key):
            return Proof(tuple(found["verified"]), found["why"])
        try:
            proof = await asyncio.get_running_loop().run_in_executor(
                self._workers(), _prove, *self._named, dict(fields)
            )
        except BrokenProcessPool:
            # Out of memory, most likely, and not by what the job says: it is not remembered.
            self._pool = None
            return Proof((), "the process that proved it died")
        self.cache.put("score", key, {"verified": list(proof.verified), "why": proof.why})
        return proof

    @property
    def _named(self) -> tuple[str, str]:
        return self.task, str(self.root)

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: the parent holds threads and, where a model is embedded, its weights.
            context = multiprocessing.get_context("forkserver")
            self._pool = ProcessPoolExecutor(self.processes, mp_context=context)
        return self._pool


def _prove(task: str, root: str, fields: dict[str, Any]) -> Proof:
    """In a worker process."""
    return load_task(task, Path(root)).prove(fields)
