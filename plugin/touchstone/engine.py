"""The engine: makes every selected sample in the background, while each test item waits for its own.

Owns one thread with one event loop. A sample is a function of its job: request -> response -> scores. Never reports.

Jobs are looked at in batches. Those whose answers are recorded or cached, and whose scorers all run in the tests' own
thread, are made there and then; a job that has anything to wait for gets a task.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .calls import Door
from .dialogue import Dialogue
from .errors import CallError, ModelUnavailable, TouchstoneError
from .evals import Job, row_hash
from .records import Outcome, Request, Response, Sample
from .scoring import Workers

_AHEAD = 4
"""Samples under way for each call in flight: enough that scoring never starves the calls."""

_BATCH = 512
"""Jobs whose answers are looked up together. A test that waits for the first of them does so for some 30 ms."""

_EAGER = 2_048
"""Jobs that are looked at right away: calls that stand behind so many known answers do not wait for their tests."""

_NEAR = 5_000
"""How far samples are made before the tests that want them."""

_NONE: Mapping[str, Response] = {}
"""Shared by the many samples that are one call."""

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
    earlier: Mapping[str, Response] = field(default_factory=dict)
    """The answers before the last, by their requests' keys."""
    row_hash: str = ""
    """`row_hash` of the job's row, where it was known by then: of many rows in a row it takes a third of the time."""


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
        self._hashes: dict[int, str] = {}
        self._ready: dict[int, Made] = {}
        """What was made without a task."""
        self._queue, self._place = list(jobs if ahead is None else ahead), {id(job): n for n, job in enumerate(jobs)}
        self._at = 0
        """The furthest place that a test asked for."""
        self._rests_until: int | None = None
        """The place at which the engine looks further ahead."""
        self._due: frozenset[int] = frozenset()
        """The batch that is made next."""
        self._idle = False
        """Nothing of the last batch had to wait for anything."""
        self.draining = False
        self._started: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="touchstone-engine", daemon=True)
        self._done = 0

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def result(self, job: Job, timeout: float | None = None) -> Made:
        """Wait for a job. Raises TimeoutError after so many seconds."""
        self._move(job)
        return self._ready.get(id(job)) or self._waited(job, timeout)

    def forget(self, job: Job) -> None:
        """Let go of a result that nobody will ask for again."""
        self._ready.pop(id(job), None)
        self._results.pop(id(job), None)

    @property
    def progress(self) -> Progress:
        """How far it is; may be read from any thread."""
        return Progress(self._done, len(self._place), self._door.live, self._door.cost)

    def stop(self) -> None:
        """Cancel what is under way, keep what was answered, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()

    def drain(self, *, finish: bool = False) -> None:
        """Let no call go out any more; `stop` then waits for those in flight. Ends nothing that needs no call.

        With `finish`, calls that failed and wait to be tried again are.
        """
        self.draining = True
        self._loop.call_soon_threadsafe(partial(self._door.traffic.stop, finish=finish))

    def hurry(self) -> None:
        """Wait for no call in flight after all."""
        self.draining = False
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def _move(self, job: Job) -> None:
        """The tests have come so far: the engine may look further."""
        self._at = max(self._at, self._place.get(id(job), 0))
        if self._rests_until is not None and self._at >= self._rests_until:
            self._rests_until = None
            self._loop.call_soon_threadsafe(self._moved.set)

    def _waited(self, job: Job, timeout: float | None) -> Made:
        """The result of a job that is not ready, or was let go of and is wanted again (by a rerun)."""
        if id(job) in self._started and id(job) not in self._results:
            self._started.discard(id(job))
        future = self._future(job)
        if (made := self._ready.get(id(job))) is not None:  # since we looked, and before the future was there to see
            return made
        if id(job) not in self._started and not future.done():
            self._loop.call_soon_threadsafe(self._wanted, job)
        return self._wait(future, timeout)

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
        self._room, self._moved = asyncio.Semaphore(self._window), asyncio.Event()
        for start in range(0, len(self._queue), _BATCH):
            batch = self._queue[start : start + _BATCH]
            await self._rest(batch)
            await self._make_all(batch)
        await asyncio.Event().wait()

    async def _rest(self, batch: Sequence[Job]) -> None:
        """Let others work. Far ahead of the tests, wait until they have come nearer.

        Where nothing takes time, until they want the batch: it is made while they wait, and two threads that both
        want Python's lock at every step would take longer than one after the other.
        """
        await asyncio.sleep(0)
        first = self._place[id(batch[0])]
        until = first if self._idle and first >= _EAGER else first - _NEAR
        self._due = frozenset(map(id, batch))
        while self._at < until:
            self._moved.clear()
            self._rests_until = until
            await self._moved.wait()

    async def _make_all(self, batch: Sequence[Job]) -> None:
        """Put there what waits for nothing, and begin the others as there is room."""
        self._put(self._at_hand(self._unstarted(batch)))
        self._due = frozenset()
        others = self._unstarted(batch)
        self._idle = not others
        for job in others:
            await self._room.acquire()
            self._begin(job).add_done_callback(lambda _: self._room.release())
        if len(self._ready) > 2 * _NEAR:  # of tests that another process ran, or that skipped before they asked
            for key in [key for key in list(self._ready) if self._place[key] < self._at]:
                self._ready.pop(key, None)

    def _unstarted(self, jobs: Sequence[Job]) -> list[Job]:
        """A job that an item asked for meanwhile is under way already."""
        return [job for job in jobs if id(job) not in self._started]

    def _wanted(self, job: Job) -> None:
        """A test waits for a job that nobody has begun; where it is due, it comes with its batch."""
        if id(job) not in self._due and id(job) not in self._started:
            self._put(self._at_hand([job]))
            self._begin(job)

    def _at_hand(self, jobs: Sequence[Job]) -> list[tuple[Job, Made]]:
        """Of these jobs, those that wait for nothing, made. What goes wrong is left to the job's own task to tell."""
        plain = [(job, request) for job in jobs if (request := self._asked(job)) is not None]
        try:
            answers = self._door.at_hand([request for _, request in plain])
        except TouchstoneError:
            return []
        return [
            (job, Made(request, _answered(job, request, response), response, row_hash=self._hash(job)))
            for job, request in plain
            if (response := answers.get(request.key)) is not None
        ]

    def _is_plain(self, job: Job) -> bool:
        """Whether it is one call, and the test's own thread scores all of it."""
        return job.given is None and not job.eval.beside and not self._door.goes_on(job.run_config, job.row)

    def _hash(self, job: Job) -> str:
        """Once a row, however many run-configs and epochs it has."""
        if (known := self._hashes.get(id(job.row))) is None:
            known = self._hashes[id(job.row)] = row_hash(job.row)
        return known

    def _asked(self, job: Job) -> Request | None:
        """The request of a job that waits for nothing but its answer."""
        try:
            return self._door.request(job.run_config, job.row, job.epoch) if self._is_plain(job) else None
        except Exception:  # noqa: BLE001  (whatever a prompt raises is this job's alone: its task tells)
            return None

    def _put(self, made: Sequence[tuple[Job, Made]]) -> None:
        """Ready first, started then: `_waited` looks in the other order. Who waits is told when all are there."""
        for job, one in made:
            self._ready[id(job)] = one
            self._started.add(id(job))
        self._done += len(made)
        for job, one in made:
            if (waiting := self._results.get(id(job))) is not None and not waiting.done():
                waiting.set_result(one)

    async def _close(self) -> None:
        if self.draining:
            with contextlib.suppress(asyncio.CancelledError):
                await self._door.settled()
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
        future = self._future(job)
        self._started.add(id(job))
        return self._loop.create_task(self._fulfil(job, future))

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
        held = Dialogue(self._door, job.run_config, job.row, job.epoch)
        try:
            response = job.given if job.given is not None else await held.hold()
            return await self._scored(job, held, response)
        except ModelUnavailable as error:
            return Made(held.request, outcome=Outcome("skipped", str(error)), earlier=held.earlier)
        except TouchstoneError as error:
            tried = error.attempts if isinstance(error, CallError) else ()
            return Made(held.request, outcome=Outcome("error", str(error)), attempts=tried, earlier=held.earlier)

    async def _scored(self, job: Job, held: Dialogue, response: Response) -> Made:
        sample = _answered(job, held.request, response, held.earlier)
        if job.eval.beside:
            sample = (await self._workers.score(sample, job.eval.beside)).onto(sample)
        return Made(held.request, sample, response, earlier=held.earlier, row_hash=self._hash(job))


def _answered(
    job: Job, request: Request | None, response: Response, earlier: Mapping[str, Response] | None = None
) -> Sample:
    made = job.eval.name, job.row, job.run_config, job.epoch, response.text, response
    return Sample(*made, request=request, earlier=earlier or _NONE)
