"""The samples of one process: makes them, scores them, keeps them. Knows pytest only by name; judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .caching import Calls
from .calls import Door
from .clustering import Site
from .engine import Engine, Made
from .evals import Job, Suite, row_hash
from .records import Outcome, SampleRecord
from .scoring import Scored, Workers, score_plain, worker_processes
from .store import RunWriter


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of making samples."""

    calls: Calls = "auto"
    concurrency: int = 32
    worker: int = 0
    """Which of xdist's workers this is, from 0."""
    workers: int = 1


class Session:
    """The samples of one process: makes them, scores them, keeps them."""

    def __init__(self, suite: Suite, options: Options, run_id: str, site: Site | None = None) -> None:
        """`site` is where calls are carried out; None for this process."""
        self.suite, self.options, self._site = suite, options, site
        self.door = Door(suite.places, suite.prompts, options.calls, options.concurrency)
        if site is not None:
            self.door.opened = site.open_model
        processes = worker_processes(options.workers)
        elsewhere = site.score if site else None
        self._workers = Workers(self.door.cache, self.door.claims, processes, self.door.ask, elsewhere)
        self._name = f"gw{options.worker}" if options.workers > 1 else "main"
        self._run_id = run_id
        self._writer: RunWriter | None = None
        self.engine: Engine | None = None
        self.records: dict[str, SampleRecord] = {}
        self._hashes: dict[int, str] = {}

    def start(self, jobs: Sequence[Job], *, kept: bool = True) -> None:
        """Begin making the jobs in the background; under xdist this worker's share of them, the rest when asked for."""
        if kept:  # else nobody wants these samples on disk
            self._writer = RunWriter(self.suite.places.state / "runs", self._run_id, self._name)
        share = jobs[self.options.worker :: self.options.workers]
        self.engine = Engine(self.door, self._workers, jobs, share)
        self.engine.start()

    def made(self, job: Job, timeout: float | None = None) -> Made:
        """Wait for a job, and run its plain scorers. Raises TimeoutError."""
        if self.engine is None:
            raise RuntimeError("the session was not started")
        made = self.engine.result(job, timeout)
        self.engine.forget(job)
        return self._with_plain_scores(made, job)

    def keep(self, job: Job, made: Made, outcome: Outcome, nodeid: str) -> None:
        """Record how a sample ended, at once."""
        record = self._record(job, made, outcome, nodeid)
        self.records[nodeid] = record
        if self._writer is not None:
            self._writer.append(record)

    def stop(self) -> None:
        """End the engine; what was answered is kept."""
        if self.engine is not None:
            self.engine.stop()
        if self._writer is not None:
            self._writer.close()
        if self._site is not None:
            self._site.close()

    def _with_plain_scores(self, made: Made, job: Job) -> Made:
        if made.sample is None or not job.eval.scorers:
            return made
        before = Scored(made.sample.scores, made.sample.errors, made.sample.asked)
        plain = score_plain(replace(made.sample, scores={}, errors={}), job.eval.scorers)
        return replace(made, sample=(before | plain).onto(made.sample))

    def _record(self, job: Job, made: Made, outcome: Outcome, nodeid: str) -> SampleRecord:
        sample = made.sample
        return SampleRecord(
            eval=job.eval.name,
            row=job.row.id,
            run_config=job.run_config.name,
            epoch=job.epoch,
            outcome=outcome,
            scores=sample.scores if sample else {},
            errors=sample.errors if sample else ({"call": outcome.why} if outcome.kind == "error" else {}),
            input=job.row.input,
            output=sample.output if sample else None,
            request=made.request.key if made.request else None,
            response=made.response,
            row_hash=self._hash(job),
            asked=sample.asked if sample else {},
            test=nodeid,
        )

    def _hash(self, job: Job) -> str:
        if id(job.row) not in self._hashes:
            self._hashes[id(job.row)] = row_hash(job.row)
        return self._hashes[id(job.row)]
