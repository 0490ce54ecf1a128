"""The samples of one process: makes them, scores them, keeps them. Knows pytest only by name; judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .batching import Slip
from .caching import Calls
from .calls import Door
from .clustering import Site
from .engine import Engine, Made
from .evals import Job, Suite, row_hash
from .records import Outcome, SampleRecord
from .scoring import Scored, Workers, score_plain, worker_processes
from .sending import NO_LIMIT, Limit, Share, Traffic
from .store import RunWriter, read_run


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of making samples."""

    calls: Calls = "auto"
    concurrency: int = 32
    worker: int = 0
    """Which of xdist's workers this is, from 0."""
    workers: int = 1
    limit: Limit = NO_LIMIT
    """What may be spent."""
    resumed: bool = False
    """The run has begun before."""
    batch: bool = False
    """Calls that can be batched are put on the run's slip."""


class Session:
    """The samples of one process: makes them, scores them, keeps them."""

    def __init__(self, suite: Suite, options: Options, run_id: str, site: Site | None = None) -> None:
        """`site` is where calls are carried out; None for this process."""
        self.suite, self.options, self._site = suite, options, site
        share = Share(suite.places.state / "runs" / run_id, options.worker, options.workers, options.limit)
        self.door = Door(suite.places, suite.prompts, options.calls, Traffic(options.concurrency, share))
        if site is not None:
            self.door.opened = site.open_model
        if options.batch:
            self.door.slip = Slip(share.folder)
        processes = worker_processes(options.workers)
        elsewhere = site.score if site else None
        self._workers = Workers(self.door.cache, self.door.claims, processes, self.door.ask, elsewhere)
        self._name = f"gw{options.worker}" if options.workers > 1 else "main"
        self._run_id = run_id
        self._writer: RunWriter | None = None
        self.engine: Engine | None = None
        self.records: dict[str, SampleRecord] = {}
        """What gates and tables want of each sample, by its test. All of it is on disk."""
        self.lost = ""
        """Why samples could not be kept on disk; empty where all were."""
        if options.resumed:
            self._resume(suite.places.state / "runs" / run_id)

    def start(self, jobs: Sequence[Job], *, kept: bool = True) -> None:
        """Begin making the jobs in the background; under xdist this worker's share of them, the rest when asked for."""
        if kept:  # else nobody wants these samples on disk
            runs = self.suite.places.state / "runs"
            self._writer = RunWriter(runs, self._run_id, self._name, again=self.options.resumed)
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
        self.records[nodeid] = record.brief()
        if self._writer is not None:
            try:
                self._writer.append(record)
            except OSError as error:  # the disk is full: what was scored is still reported
                self.lost = self.lost or f"samples could not be kept on disk: {error.strerror}"

    @property
    def stopping(self) -> bool:
        """No call goes out any more."""
        return self.engine is not None and self.engine.draining

    def drain(self, *, finish: bool = False) -> None:
        """Let no call go out any more; with `finish`, but for those that were tried before."""
        if self.engine is not None and not self.engine.draining:
            self.engine.drain(finish=finish)

    def hurry(self) -> None:
        """Wait for nothing."""
        if self.engine is not None:
            self.engine.hurry()

    def stop(self) -> None:
        """End the engine; what was answered is kept."""
        if self.engine is not None:
            self.engine.stop()
        if self._writer is not None:
            self._writer.close()
        if self._site is not None:
            self._site.close()

    def _resume(self, folder: Path) -> None:
        """What the run has already: its samples stand until they are made again, and its answers are not asked for."""
        known = read_run(folder)
        self.records = {record.test: record.brief() for record in known if record.test}
        self.door.give({r.request: r.response for r in known if r.request is not None and r.response is not None})
        self.door.give({key: response for r in known for key, response in r.earlier.items()})

    def _with_plain_scores(self, made: Made, job: Job) -> Made:
        sample = made.sample
        if sample is None or not job.eval.plain:
            return made
        bare = replace(sample, scores={}, errors={}) if job.eval.beside else sample
        plain = score_plain(bare, job.eval.plain)
        scored = Scored(sample.scores, sample.errors, sample.asked) | plain if job.eval.beside else plain
        whole = scored.onto(sample)
        return Made(made.request, whole, made.response, earlier=made.earlier, row_hash=made.row_hash)

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
            row_hash=made.row_hash or row_hash(job.row),
            asked=sample.asked if sample else {},
            test=nodeid,
            attempts=made.attempts,
            earlier=made.earlier,
        )
