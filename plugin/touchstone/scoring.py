"""Scoring: a sample's scorers, each where it belongs. Owns worker processes and cached scores; never makes a call.

Async scorers run on the engine's loop, heavy ones in worker processes, plain functions in the test item's own
thread. What a scorer raises is kept beside the scores, as an error.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle  # only its error: multiprocessing uses it between our own processes
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from .caches import CacheLike, ClaimsLike
from .errors import AnswerLater, ScorerError, TouchstoneError
from .evals import row_hash
from .orphans import end_with_parent
from .records import Message, Response, RunConfig, Sample, Score, digest
from .scorers import as_scores, identity_of, name_of, traits

Complete: TypeAlias = Callable[
    [RunConfig, tuple[Message, ...], int, Mapping[str, Any]], Awaitable[tuple[str, Response]]
]
"""A call: (run-config, messages, epoch, further parameters) -> the request's key and the response."""
Elsewhere: TypeAlias = Callable[[Callable[..., Any], Sample], Awaitable["Scored"]]
"""Runs a heavy scorer on another machine: (scorer, sample) -> what it says."""
UNPICKLED = "a heavy scorer must be importable by name, and its answer plain values"


@dataclass(frozen=True, slots=True)
class Scored:
    """What the scorers of one sample said."""

    scores: Mapping[str, Score] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Scorer's name -> what went wrong."""
    asked: Mapping[str, Response] = field(default_factory=dict)
    """The judges' calls, by their requests' keys."""

    def __or__(self, other: Scored) -> Scored:
        scores, errors = {**self.scores, **other.scores}, {**self.errors, **other.errors}
        return Scored(scores, errors, {**self.asked, **other.asked})

    def onto(self, sample: Sample) -> Sample:
        """The sample with these scores."""
        of = sample
        said = (self.scores, self.errors, self.asked, of.request, of.earlier)
        return Sample(of.eval, of.row, of.run_config, of.epoch, of.output, of.response, *said)


def score_plain(sample: Sample, scorers: tuple[Callable[..., Any], ...]) -> Scored:
    """Run these plain scorers here and now."""
    results = [_guarded(one, lambda one=one: one(sample)) for one in scorers]  # type: ignore[misc]
    return results[0] if len(results) == 1 else reduce(or_, results, Scored())


class Workers:
    """Runs async and heavy scorers; heavy ones at most once for the same row and output, over all processes."""

    def __init__(
        self,
        cache: CacheLike,
        claims: ClaimsLike,
        processes: int,
        complete: Complete,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`complete` is how judges reach their models; `elsewhere` is where heavy scorers run, if not in a pool."""
        self._cache, self._claims, self._processes, self._complete = cache, claims, processes, complete
        self._elsewhere = elsewhere
        self._pool: ProcessPoolExecutor | None = None
        self._busy: dict[str, asyncio.Future[Scored]] = {}
        self._alone = asyncio.Lock()

    async def score(self, sample: Sample, scorers: tuple[Callable[..., Any], ...]) -> Scored:
        """Scores and errors of these scorers, which run in the background. Raises AnswerLater where a judge's waits."""
        waiting = [self._one(sample, one) for one in scorers]
        scored = Scored()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(result, BaseException):  # only when all have asked what they would
                raise result
            scored |= result
        return scored

    def close(self) -> None:
        """End the worker processes now: nobody waits for what they still do."""
        if self._pool is not None:
            _end(self._pool)

    async def _one(self, sample: Sample, scorer: Callable[..., Any]) -> Scored:
        if traits(scorer).heavy:
            return await self._shared(sample, scorer)
        if traits(scorer).asks:
            return await self._judged(sample, scorer)
        try:
            return Scored(as_scores(name_of(scorer), await scorer(sample)))
        except Exception as error:  # noqa: BLE001  (a scorer is the user's code: whatever it raises is data)
            return _failure(scorer, error)

    async def _judged(self, sample: Sample, judge: Callable[..., Any]) -> Scored:
        """A judge's scores with the calls that it made, also where it then fails: they were paid."""
        asked: dict[str, Response] = {}

        async def ask(
            config: RunConfig, messages: tuple[Message, ...], epoch: int, parameters: Mapping[str, Any]
        ) -> Response:
            key, response = await self._complete(config, messages, epoch, parameters)
            asked[key] = response
            return response

        try:
            return Scored(as_scores(name_of(judge), await judge(sample, ask)), {}, asked)
        except AnswerLater:
            raise
        except TouchstoneError as error:
            return Scored({}, {name_of(judge): str(error)}, asked)
        except Exception as error:  # noqa: BLE001  (its templates and functions are the user's code)
            return replace(_failure(judge, error), asked=asked)

    async def _shared(self, sample: Sample, scorer: Callable[..., Any]) -> Scored:
        """The same work that is already on its way is waited for, not done again."""
        key = digest([identity_of(scorer), row_hash(sample.row), sample.output, *_beside(sample)])
        if key not in self._busy:
            self._busy[key] = asyncio.ensure_future(self._cached(key, sample, scorer))
        try:
            return await asyncio.shield(self._busy[key])
        finally:
            if key in self._busy and self._busy[key].done():
                del self._busy[key]

    async def _cached(self, key: str, sample: Sample, scorer: Callable[..., Any]) -> Scored:
        if (known := await self._cache.find("score", key)) is not None:
            return _from_dict(known)
        async with self._claims.claim(key):
            if (known := await self._cache.find("score", key)) is not None:
                return _from_dict(known)
            scored = await (self._elsewhere(scorer, sample) if self._elsewhere else self._heavy(sample, scorer))
            if not scored.errors:
                data = {name: asdict(score) for name, score in scored.scores.items()}
                await asyncio.to_thread(self._cache.put, "score", key, data)
            return scored

    async def _heavy(self, sample: Sample, scorer: Callable[..., Any]) -> Scored:
        """In the shared pool; where a process of it died, whoever killed it, once more and alone."""
        pool = self._pool = self._pool or _new_pool(self._processes)
        try:
            return await _submitted(pool, sample, scorer)
        except BrokenProcessPool:
            self._pool = None if self._pool is pool else self._pool
        async with self._alone:
            return await self._by_itself(sample, scorer)

    async def _by_itself(self, sample: Sample, scorer: Callable[..., Any]) -> Scored:
        pool = _new_pool(1)
        try:
            return await _submitted(pool, sample, scorer)
        except BrokenProcessPool:
            return Scored({}, {name_of(scorer): "its worker process died: out of memory, or a crash in a library"})
        finally:
            _end(pool)


async def _submitted(pool: ProcessPoolExecutor, sample: Sample, scorer: Callable[..., Any]) -> Scored:
    """What a worker process says. Raises BrokenProcessPool where it dies."""
    try:
        return await asyncio.wrap_future(pool.submit(run_heavy, scorer, sample))
    except (pickle.PicklingError, AttributeError, TypeError) as error:  # of the way there or back
        return Scored({}, {name_of(scorer): f"{UNPICKLED}: {error}"})


def _end(pool: ProcessPoolExecutor) -> None:
    """End its processes now: nobody waits for what they still do."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


def _beside(sample: Sample) -> list[Any]:
    """What a scorer sees of a conversation, of tools and of pictures beside the row and the output."""
    messages = sample.messages
    if not (sample.earlier or sample.tool_calls or any(message.parts for message in messages)):
        return []
    return [[message.as_dict() for message in messages]]


def run_heavy(scorer: Callable[..., Any], sample: Sample) -> Scored:
    """In a worker process."""
    return _guarded(scorer, lambda: scorer(sample))


def _new_pool(processes: int) -> ProcessPoolExecutor:
    # Not fork: this process has threads. Not forkserver: it would import the parent's __main__ for nothing.
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=end_with_parent)


def worker_processes(workers: int) -> int:
    """How many processes score at once, where `workers` pytest processes share the machine."""
    return max(1, len(os.sched_getaffinity(0)) // max(1, workers))


def _guarded(scorer: Callable[..., Any], run: Callable[[], Any]) -> Scored:
    try:
        return Scored(as_scores(name_of(scorer), run()))
    except Exception as error:  # noqa: BLE001  (a scorer is the user's code: whatever it raises is data)
        return _failure(scorer, error)


def _failure(scorer: Callable[..., Any], error: Exception) -> Scored:
    text = str(error) if isinstance(error, ScorerError) else f"{type(error).__name__}: {error}"
    return Scored({}, {name_of(scorer): text})


def _from_dict(data: Mapping[str, Any]) -> Scored:
    return Scored({name: Score(**score) for name, score in data.items()})
