"""Proofs of many jobs, in worker processes. Owns the pool, and when a proof is made anew; proves nothing itself.

What is recorded goes before what is cached, and that before a proof, as with a model's answers.
"""

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

from touchstone.caches import CacheLike
from touchstone.caching import Calls
from touchstone.orphans import end_with_parent
from touchstone.records import digest

from .task import Proof, load_task
from .verdicts import Verdicts

Step = Callable[[int, int], None]
"""Told after each: how many are done, of how many."""


@dataclass
class Prover:
    """Proves jobs of one task."""

    task: str
    root: Path
    identity: str
    cache: CacheLike
    verdicts: Verdicts
    calls: Calls = "auto"
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
        """End the processes, for whose work nobody waits, and write what is to be recorded. Raises UsageError."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self.verdicts.write()

    async def _one(self, fields: Mapping[str, Any]) -> Proof:
        proof = self._known(fields) or await self._made(fields)
        if self.calls == "record" and not proof.lost:
            self.verdicts.add(fields, self.identity, proof.verified)
        return proof

    def _known(self, fields: Mapping[str, Any]) -> Proof | None:
        """Recorded or cached. A replay takes what was recorded, whoever proved it."""
        if self.calls == "live":
            return None
        held = self.verdicts.get(fields, None if self.calls == "replay" else self.identity)
        if held is not None:
            return Proof(held)
        found = self.cache.get("score", self._key(fields))
        return Proof(tuple(found["verified"]), found["why"]) if found else None

    async def _made(self, fields: Mapping[str, Any]) -> Proof:
        loop, job = asyncio.get_running_loop(), dict(fields)
        try:
            proof = await loop.run_in_executor(self._workers(), _prove, self.task, str(self.root), job)
        except BrokenProcessPool:
            # Out of memory, most likely, and not by what the job says: it is not remembered.
            self._pool = None
            return Proof((), "the process that proved it died", lost=True)
        if not proof.lost:
            self.cache.put("score", self._key(fields), {"verified": list(proof.verified), "why": proof.why})
        return proof

    def _key(self, fields: Mapping[str, Any]) -> str:
        return digest(["proven twice", self.identity, dict(fields)])

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: the parent holds threads and, where a model is embedded, its weights.
            context = multiprocessing.get_context("forkserver")
            self._pool = ProcessPoolExecutor(self.processes, mp_context=context, initializer=end_with_parent)
        return self._pool


def _prove(task: str, root: str, fields: dict[str, Any]) -> Proof:
    """In a worker process. A fault of the task costs that job and not the run, and is not remembered."""
    try:
        return _each_time(task, root, fields)
    except Exception as error:  # noqa: BLE001  (whatever a project's task raises)
        return Proof((), f"{type(error).__name__}: {error}", lost=True)


def _each_time(task: str, root: str, fields: dict[str, Any]) -> Proof:
    """What holds twice: some programs do not come out the same each time, and a row that rests on one is a coin."""
    found = load_task(task, Path(root))
    proof = found.prove(fields)
    again = found.prove(fields) if proof.verified and not proof.twice else proof
    if again.verified == proof.verified:
        return proof
    both = tuple(word for word in proof.verified if word in again.verified)
    return Proof(both, f"not the same each time: {again.why or proof.why}")
