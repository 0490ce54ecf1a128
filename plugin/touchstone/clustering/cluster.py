"""A Ray cluster as the place where calls are made. Owns the callers, one a machine, and the scorings under way.

A caller that is lost, with its machine or alone, is never asked again: its calls have failed in a way that may pass,
so whoever retries them finds another. Models whose weights run in the process stay in this one.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CallFailed, CallRefused, ModelUnavailable, TouchstoneError
from ..models import LOCAL, Model, open_model
from ..models.keys import without_keys
from ..records import Request, Response, RunConfig, Sample
from ..scorers import name_of
from ..scoring import UNPICKLED, Scored
from .carried import Home, variables
from .joining import join, leave
from .worker import Caller, installed, score

AT_ONCE = 10_000
"""Calls of one caller at a time: the limits are the driver's."""
TRIES = 2
"""More tries of a scoring whose process died."""
READY = 120.0
"""Seconds that the first caller may take to start: a machine may have to be rented for it."""


@dataclass
class Cluster:
    """One cluster, as one pytest process has joined it."""

    address: str
    root: Path
    ours: bool
    """This process was not connected before, so it leaves."""
    _callers: list[Any] = field(default_factory=list)
    _places: dict[Any, str] = field(default_factory=dict)
    """Caller -> the machine that it was meant for."""
    _turn: int = 0
    _size: int = 0
    _ready: asyncio.Task[None] | None = None
    _home: Home | None = None
    _scoring: Any = None

    @classmethod
    def joined(cls, address: str, root: Path) -> Cluster:
        """Connected. Raises UsageError."""
        return cls(address, root, join(address, root))

    def open_model(self, config: RunConfig, root: Path) -> Model:
        """A model whose calls are made there."""
        return open_model(config, root) if config.model.startswith(LOCAL) else Far(config, self)

    async def call(self, config: RunConfig, request: Request) -> Response:
        """One call, by the next caller. Raises what it raised there, and CallFailed where the caller was lost."""
        import ray

        await self._started()
        caller = self._next()
        asked = caller.complete.remote(config, request, dict(variables(config)))
        try:
            answer: Response | TouchstoneError = await asked
        except asyncio.CancelledError:
            ray.cancel(asked)
            raise
        except ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", error)
            raise CallRefused(without_keys(f"{type(cause).__name__}: {cause}")) from None
        except ray.exceptions.RayError as error:
            self._lost(caller)
            raise CallFailed(f"a machine of the cluster was lost: {type(error).__name__}") from None
        if isinstance(answer, TouchstoneError):
            raise answer
        return answer

    async def score(self, scorer: Callable[..., Any], sample: Sample) -> Scored:
        """What a heavy scorer says, on whichever machine has a core free. A process that dies is tried again."""
        import ray

        try:
            work = pickle.dumps((scorer, sample))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            return Scored({}, {name_of(scorer): f"{UNPICKLED}: {error}"})
        try:
            said: Scored | str = await self._scorer().remote(self._here(), work)
        except ray.exceptions.RayTaskError as error:
            said = f"{UNPICKLED}: {getattr(error, 'cause', error)}"
        except ray.exceptions.RayError as error:
            said = f"its worker process died ({type(error).__name__}): out of memory, or a crash in a library"
        return said if isinstance(said, Scored) else Scored({}, {name_of(scorer): said})

    def close(self) -> None:
        """End the callers, and leave."""
        import ray

        callers, self._callers = self._callers, []
        for caller in callers:
            ray.kill(caller)
        if self.ours:
            leave()

    async def _started(self) -> None:
        """Once: a caller on each machine, of which one is asked whether it can work."""
        if self._ready is None:
            self._ready = asyncio.create_task(self._start())
        await asyncio.shield(self._ready)

    async def _start(self) -> None:
        import ray

        self._size = len(_machines())
        for _ in range(self._size):
            self._callers.append(self._hire())
        try:
            asked: list[Any] = [caller.lacks.remote(installed()) for caller in self._callers]
            said = await asyncio.wait_for(asyncio.gather(*asked), READY)
        except TimeoutError:
            raise ModelUnavailable(f"no machine of the cluster started a caller within {READY:g} s") from None
        except ray.exceptions.RayError as error:
            raise CallRefused(_unstarted(error)) from None
        if lacking := [words for words in said if words]:
            raise CallRefused(lacking[0])

    def _next(self) -> Any:
        """In turn; in the place of those that were lost, new ones wherever there is room."""
        while len(self._callers) < self._size:
            self._callers.append(self._hire())
        self._turn += 1
        return self._callers[self._turn % self._size]

    def _hire(self) -> Any:
        """Where there are fewest. Needs no core of its own: it only waits for answers."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = list(self._places.values())
        machine = min(_machines(), key=there.count)
        limits: dict[str, Any] = {"num_cpus": 0, "max_concurrency": AT_ONCE, "max_restarts": 0, "max_task_retries": 0}
        pinned = NodeAffinitySchedulingStrategy(machine, soft=False)  # what needs no core is else kept here
        caller = ray.remote(Caller).options(scheduling_strategy=pinned, **limits).remote(self._here())
        self._places[caller] = machine
        return caller

    def _lost(self, caller: Any) -> None:
        """It may be only out of reach: then it ends, for nobody will ask it again."""
        import ray

        if caller in self._callers:
            self._callers.remove(caller)
            del self._places[caller]
            ray.kill(caller)

    def _here(self) -> Home:
        if self._home is None:
            self._home = Home.here(self.root, sent=self.address.startswith("ray://"))
        return self._home

    def _scorer(self) -> Any:
        import ray

        if self._scoring is None:
            self._scoring = ray.remote(num_cpus=1, max_retries=TRIES)(score)
        return self._scoring


@dataclass(frozen=True)
class Far:
    """One run-config's model, on the cluster."""

    config: RunConfig
    cluster: Cluster

    async def complete(self, request: Request) -> Response:
        """The answer of whichever caller's turn it is."""
        return await self.cluster.call(self.config, request)

    async def aclose(self) -> None:
        """The callers are the cluster's to close."""


def _machines() -> list[str]:
    """The ids of those that are up, at least one."""
    import ray

    return sorted(node["NodeID"] for node in ray.nodes() if node["Alive"])


def _unstarted(error: Exception) -> str:
    """Why no caller could be started: most often, touchstone is not installed there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = next((line for line in reversed(lines) if "Error" in line), type(error).__name__)
    return f"the cluster's machines cannot run touchstone ({why}): install the same pytest-touchstone on each of them"
