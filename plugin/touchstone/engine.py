"""The engine: makes every selected sample in the background, while each test item waits for its own.

Owns one thread with one event loop. A sample is a function of its job: request -> response -> scores. Never reports.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .calls import Door
from .errors import CallError, ModelUnavailable, TouchstoneError
from .evals import Job
from .records import Outcome, Request, Response, Sample
from .scoring import Scored, Workers

_AHEAD = 4
"""Samples under way for each call in flight: enough that scoring never starves the calls."""

_LOOK = 5.0
"""Seconds after which a waiting test makes sure that the engine still lives."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a job."""

    request: Request | None
    sample: Sample | None = None
    """With its background scores; None where there is no answer."""
    response: Response | None = None
    outcome: Outcome | None = None
    """Error or skipped, where there is no sample."""
    attempts: tuple[Mapping[str, Any], ...] = ()
    """Of a call that gave no answer."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the engine is."""

    done: int
    total: int
    live: int
    """Calls made, not replayed."""
    cost: float
    """US dollars of those calls, as far as known."""


class Engine:
    """Makes jobs in their order, a bounded number at a time. `result` may be asked for any job, in any order."""

    def __init__(self, door: Door, workers: Workers, jobs: Sequence[Job], ahead: Sequence[Job] | None = None) -> None:
        """`ahead` are those to make before they are asked for (all, if not given); the rest are made on demand."""
        self._door, self._workers, self._window = door, workers, max(64, _AHEAD * door.traffic.concurrency)
        self._results: dict[int, Future[Made]] = {}
        self._forgotten: set[int] = set()
        self._queue, self._total = list(jobs if ahead is None else ahead), len(jobs)
        self._started: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="touchstone-engine", daemon=True)
        self._done = 0

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def result(self, job: Job, timeout: float | None = None) -> Made:
        """Wait for a job. Raises TimeoutError after so many seconds."""
        if id(job) in self._forgotten:  # but another item (or a rerun) wants it too
            self._forgotten.discard(id(job))
            self._started.discard(id(job))
        future = self._future(job)
        if id(job) not in self._started and not future.done():
            self._loop.call_soon_threadsafe(self._begin, job)
        return self._wait(future, timeout)

    def forget(self, job: Job) -> None:
        """Let go of a result that nobody will ask for again."""
        self._results.pop(id(job), None)
        self._forgotten.add(id(job))

    @property
    def progress(self) -> Progress:
        """How far it is; may be read from any thread."""
        return Progress(self._done, self._total, self._door.live, self._door.cost)

    def stop(self) -> None:
        """Cancel what is under way, keep what was answered, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()

    def _wait(self, future: Future[Made], timeout: float | None) -> Made:
        """Never for a thread that is gone."""
        while timeout is None and self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                return future.result(_LOOK)
        return future.result(timeout or 0)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._serve())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._close())
            self._loop.close()

    async def _serve(self) -> None:
        """Feed jobs into the window, then stay for those that are asked for."""
        self._room = asyncio.Semaphore(self._window)
        for job in self._unstarted():
            await self._room.acquire()
            self._begin(job).add_done_callback(lambda _: self._room.release())
        await asyncio.Event().wait()

    def _unstarted(self) -> Iterator[Job]:
        """Jobs in order; a job that an item asked for meanwhile is under way already."""
        yield from (job for job in self._queue if id(job) not in self._started)

    async def _close(self) -> None:
        self._workers.close()
        tasks = [t for t in asyncio.all_tasks(self._loop) if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._door.aclose()

    def _begin(self, job: Job) -> asyncio.Task[None]:
        """Start a job; a job already under way is not started again."""
        if id(job) in self._started:
            return self._loop.create_task(asyncio.sleep(0))
        self._started.add(id(job))
        return self._loop.create_task(self._fulfil(job, self._future(job)))

    def _future(self, job: Job) -> Future[Made]:
        """Made when it is first wanted, by either thread: thousands that lie about slow every collection of garbage."""
        return self._results.setdefault(id(job), Future())

    async def _fulfil(self, job: Job, result: Future[Made]) -> None:
        try:
            result.set_result(await self._make(job))
        except asyncio.CancelledError:
            result.set_result(Made(None, outcome=Outcome("error", "stopped before it was answered")))
            raise
        except Exception as error:  # noqa: BLE001  (a waiting test must hear of a bug here, not hang for ever)
            result.set_result(Made(None, outcome=Outcome("error", f"internal error: {type(error).__name__}: {error}")))
        finally:
            self._done += 1

    async def _make(self, job: Job) -> Made:
        request = None
        try:
            if job.given is not None:
                return await self._scored(job, None, Response(job.given, source="recording"))
            request = self._door.request(job.run_config, job.row, job.epoch)
            response = await self._door.complete(job.run_config, request)
        except ModelUnavailable as error:
            return Made(request, outcome=Outcome("skipped", str(error)))
        except TouchstoneError as error:
            tried = error.attempts if isinstance(error, CallError) else ()
            return Made(request, outcome=Outcome("error", str(error)), attempts=tried)
        return await self._scored(job, request, response)

    async def _scored(self, job: Job, request: Request | None, response: Response) -> Made:
        sample = Sample(job.eval.name, job.row, job.run_config, job.epoch, response.text, response)
        scored = await self._score(sample, job)
        return Made(request, scored.onto(sample), response)

    async def _score(self, sample: Sample, job: Job) -> Scored:
        return await self._workers.score(sample, job.eval.scorers) if job.eval.scorers else Scored()
