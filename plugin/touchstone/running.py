"""The evals of one pytest process, between its hooks and the session underneath. Knows pytest; computes no score."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .baseline import Baseline, baseline_of_gates
from .caching import calls_here
from .conclusion import Conclusion, Gate, asked_baseline, info_of
from .config import load_catalogue
from .dealing import deal
from .engine import Made
from .errors import TouchstoneError, UsageError
from .evals import Choice, Eval, Job, Suite
from .garbage import Spared
from .gateitem import GateItem, GateMissed, mark_below
from .gates import Verdict
from .machines import join, places_of
from .origin import origin
from .orphans import end_with_controller
from .part import Option, Part, selected
from .places import Places
from .planning import judges_calls, later_calls, plan, table
from .posting import look
from .progress import waiting
from .records import Outcome, RunConfig, Sample, SampleRecord
from .report import RunInfo
from .sending import Limit
from .session import Options, Session
from .shard import Shard
from .stopping import stoppable
from .trust.standing import trusts
from .yardsticks import yardsticks

if TYPE_CHECKING:
    from .clustering import Site

_MADE = pytest.StashKey[Made]()
_MISSES = (AssertionError, pytest.fail.Exception)
"""What a test's body raises to say that the row scored badly."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+(?=>)")
_CHOOSING: Mapping[Option, tuple[str, object]] = {
    "--run-config": ("run_config", []),
    "--epochs": ("epochs", 1),
    "--rows": ("rows", None),
    "--rows-seed": ("rows_seed", 0),
    "-k": ("keyword", ""),
    "-m": ("markexpr", ""),
    "--ignore": ("ignore", None),
    "--deselect": ("deselect", None),
    "--gate": ("gate", "default"),
    "--strict-judges": ("strict_judges", False),
}
"""Option -> its name, and its usual value."""


class Running:
    """Created at the first test that is an eval."""

    def __init__(self, config: pytest.Config, run_id: str) -> None:
        self.config, self.run_id = config, run_id
        self.worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
        self._suite: Suite | None = None
        self._session: Session | None = None
        self._evals: dict[str, Eval] = {}
        self._planned: dict[tuple[str, str], int] = {}
        """(eval, run-config) -> samples of all rows, or at least one of each."""
        self._gates: tuple[Gate, ...] = ()
        self._verdicts: dict[str, tuple[Verdict, ...]] = {}
        self._plan: str | None = None
        self._problems: tuple[str, ...] = ()
        self._part: Part | None = None
        self._partial: tuple[tuple[str, str], ...] = ()
        self._spared = Spared()
        self._spared.begin()

    @property
    def suite(self) -> Suite:
        """The project's files, as read for the evals. Raises UsageError where they are wrong."""
        return self._require_suite()

    @property
    def evals(self) -> dict[str, Eval]:
        """The evals that were collected, by name."""
        return {one.name: one for one in self._evals.values()}

    # Collection

    def jobs_of(self, definition: pytest.Item, marker: pytest.Mark) -> list[Job]:
        """The samples of one test function. A mistake in the project's files fails its collection in plain words."""
        path, line, _ = definition.location
        try:
            return self._jobs(definition, marker, f"{path}:{(line or 0) + 1}")
        except TouchstoneError as error:
            raise pytest.Collector.CollectError(str(error)) from None

    def gate_items(self, collector: pytest.Collector, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """The gates of the eval whose samples these items are; none where they are no eval's."""
        job = next((j for i in items if (j := _job_of(i)) is not None), None)
        if job is None:
            return []
        for item in items:
            _ask_for_sample(item)
        first: Any = items[0]
        counts = Counter(j.run_config.name for i in items if (j := _job_of(i)) is not None)
        every = len(job.eval.dataset.rows) if self.suite.choice.rows is not None else 0
        self._planned |= {(job.eval.name, name): max(n, every) for name, n in counts.items()}
        made = [self._gate(first, job.eval, config, counts) for config in job.eval.run_configs]
        name = getattr(first, "originalname", first.name)
        marks = [mark for mark in getattr(first.obj, "pytestmark", ()) if mark.name != "parametrize"]
        return [
            GateItem.from_parent(
                collector, name=f"{name}[gate:{gate.run_config}]", running=self, gate=gate, marks=marks
            )
            for gate in made
        ]

    def ordered(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Samples and other tests as they are, gates behind them."""
        gates = [item for item in items if type(item) is GateItem]  # `isinstance` is slow for pytest's classes
        return [item for item in items if type(item) is not GateItem] + gates

    def take(self, session: pytest.Session) -> None:
        """Count what was selected, and keep this shard's share; under xdist, leave the gates to the controller."""
        jobs = {item.nodeid: job for item in session.items if (job := _job_of(item)) is not None}
        counts = Counter((job.eval.name, job.run_config.name) for job in jobs.values())
        self._partial = tuple(one for one, planned in self._planned.items() if 0 < counts[one] < planned)
        gates = [item for item in session.items if isinstance(item, GateItem)]
        for item in gates:
            item.gate = replace(item.gate, selected=counts[item.gate.eval, item.gate.run_config])
        if (text := self.config.getoption("shard")) is not None:
            shard = Shard.parse(text)
            deal(session, shard)
            self._part = self._described(session, shard, list(jobs)) if jobs else None
        self._gates = tuple(item.gate for item in session.items if isinstance(item, GateItem))
        if self.worker is not None:
            session.items[:] = [item for item in session.items if not isinstance(item, GateItem)]

    def _described(self, session: pytest.Session, shard: Shard, tests: Sequence[str]) -> Part:
        """What this shard is a part of: `tests` are the node ids of the whole run's samples, in their order."""
        get, places = self.config.getoption, self.suite.places
        place = {nodeid: index for index, nodeid in enumerate(tests)}
        given = {name: get(option) for name, (option, usual) in _CHOOSING.items() if get(option) != usual}
        return Part(
            number=shard.number,
            of=shard.of,
            selection=selected(tests),
            tests={item.nodeid: place[item.nodeid] for item in session.items if _job_of(item) is not None},
            every_row=tuple(sorted(name for name, one in self.evals.items() if one.every_row)),
            chosen={name: _typed(value, places.root) for name, value in given.items()},
            paths=tuple(_below(path, places.root) for path in self.config.args),
            origin=origin(places, self._evals),
        )

    # Running

    def loop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Around pytest's loop: the engine, or the plan in its place."""
        jobs = [job for item in session.items if (job := _job_of(item)) is not None]
        if not (jobs or self._part) or (session.testsfailed and not self.config.option.continue_on_collection_errors):
            return (yield)
        look(self.config, self.run_id)
        self._session = Session(self._require_suite(), self._options(), self.run_id, self._site())
        if self.config.getoption("plan"):
            door = self._session.door
            self._plan = table(plan(door, jobs), judges_calls(jobs), later_calls(door, jobs))
            session.items.clear()
            return (yield)
        return (yield from self._run(self._session, jobs))

    def _run(self, session: Session, jobs: Sequence[Job]) -> Generator[None, object, object]:
        self._problems = tuple(session.door.recordings.problems)
        # Before the engine's thread starts: it may parse sources too, which Python 3.11 cannot do twice at a time.
        described = self._conclusion(())
        if self.worker is not None:
            end_with_controller()
        try:
            session.start(jobs)
            described.describe()
        except OSError as error:
            session.stop()
            raise pytest.UsageError(f"the run cannot be kept: {error.filename}: {error.strerror}") from None
        try:
            with stoppable(session, self.config):
                try:
                    return (yield)
                finally:
                    if self.worker is not None and not session.stopping:
                        session.drain(finish=True)  # other workers' tests wait for what this one has asked
                    session.stop()
        finally:
            if session.lost:
                self._problems = (*self._problems, session.lost)

    def sample(self, item: pytest.Item) -> Sample:
        """The sample of the test that asks, when it is ready."""
        if (job := _job_of(item)) is None:
            pytest.fail("there is a sample only in a test that is marked as an eval", pytrace=False)
        session = self._require_session()
        if session.stopping and not session.door.traffic.in_flight:
            raise KeyboardInterrupt("all that was asked has come back")
        made = waiting(session, job, self.config)
        item.stash[_MADE] = made
        if made.outcome is not None and made.outcome.kind == "skipped":
            pytest.skip(made.outcome.why)
        if made.sample is None and session.stopping:
            raise KeyboardInterrupt("the rest was not asked")
        if made.sample is None:
            pytest.fail(made.outcome.why if made.outcome else "no answer", pytrace=False)
        if made.sample.errors:
            pytest.fail("\n".join(f"{name}: {why}" for name, why in made.sample.errors.items()), pytrace=False)
        return made.sample

    def explain_briefly(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A miss that fails nothing is explained by its assertion alone.

        Its traceback would be shown nowhere, and takes longer to build than the test took to run.
        """
        if call.when != "call" or not _is(call, *_MISSES):
            return
        if (job := _job_of(item)) is not None and not self._must_pass(job):
            item.repr_failure = _words_of  # type: ignore[method-assign]

    def reported(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> pytest.TestReport:
        """The report with misses told from failures; the sample is kept as soon as its end is known."""
        if report.when == "teardown" or (report.when == "setup" and report.passed):
            return report
        if isinstance(item, GateItem) and report.failed and not item.gate.binding and _is(call, GateMissed):
            mark_below(report)
        if (job := _job_of(item)) is None:
            return report
        made = item.stash.get(_MADE, Made(None, outcome=Outcome("error", f"no sample was made: {_why(call)}")))
        outcome = _outcome(call, report, made)
        self._require_session().keep(job, made, outcome, item.nodeid)
        item.stash.setdefault(_MADE, made)
        del item.stash[_MADE]  # the record holds what is needed of it: thousands of items live on
        item.user_properties += _score_properties(made)  # JUnit reads them at the item's end
        self._show(job, outcome, report)
        return report

    def verdicts(self, gate: Gate) -> tuple[Verdict, ...]:
        """What a gate says of this process's samples; asked after the last of them."""
        if gate.nodeid not in self._verdicts:
            current = next((g for g in self._gates if g.nodeid == gate.nodeid), gate)
            kept = self._session.records.values() if self._session is not None else ()  # gates may run alone
            records = [record for record in kept if _of(record) == (gate.eval, gate.run_config)]
            self._verdicts[gate.nodeid] = self._conclusion(()).judged(current, records)
        return self._verdicts[gate.nodeid]

    # Ending

    def conclusion(self) -> Conclusion | None:
        """What the run came to; None for a worker, a plan, or a run that made no sample."""
        if self.worker is not None or self._session is None or self._plan is not None:
            return None
        if not (self._session.records or self._part):
            return None
        return self._conclusion(tuple(self._session.records.values()))

    @property
    def plan(self) -> str | None:
        """The plan that was asked for."""
        return self._plan

    def close(self) -> None:
        """End the engine, if it still runs, and leave Python as it was."""
        if self._session is not None:
            self._session.stop()
            self._session = None  # its records are not looked through once more for garbage
        self._spared.end()

    @cached_property
    def _baseline(self) -> Baseline | None:
        """What gates are compared with, read once: before the first sample, when `run.json` is written."""
        places, named = self._require_suite().places, self.config.getoption("baseline")
        return asked_baseline(self._gates, lambda: baseline_of_gates(named, places))

    def _conclusion(self, records: tuple[SampleRecord, ...]) -> Conclusion:
        suite = self._require_suite()
        folder = suite.places.state / "runs" / self.run_id
        strict = self.config.getoption("strict_judges")
        return Conclusion(
            folder,
            self._gates,
            self._info,
            records,
            self._problems,
            self._baseline,
            strict,
            self._part,
            self._yardsticks,
            self._partial,
        )

    @cached_property
    def _yardsticks(self) -> dict[str, dict[str, str]]:
        """What the scores of each eval are measured with."""
        root = self._require_suite().places.root
        modules = {key: (root / key.partition("::")[0]).resolve() for key in self._evals}
        return {one.name: yardsticks(one, modules[key], root) for key, one in self._evals.items()}

    @cached_property
    def _info(self) -> RunInfo:
        """What the report says of the run; judges are looked at once."""
        suite = self._require_suite()
        judges = trusts(self._evals.values(), suite.places, suite.catalogue)
        return replace(info_of(self.run_id, suite), judges=judges, shard=str(self._part.shard) if self._part else "")

    def _jobs(self, definition: pytest.Item, marker: pytest.Mark, where: str) -> list[Job]:
        suite = self._require_suite()
        if marker.args:
            raise UsageError("eval() takes keywords only", where=where, hint='for example: eval(dataset="questions")')
        key = definition.nodeid
        if key not in self._evals:
            self._evals[key] = suite.resolve(_eval_name(definition, suite.places), marker.kwargs, where)
        return suite.jobs(self._evals[key])

    def _require_suite(self) -> Suite:
        """Read the project's run-configs at the first eval; raises UsageError again for each next eval."""
        if self._suite is None:
            places = places_of(self.config)
            self._suite = Suite(places, load_catalogue(places), self._choice())
        return self._suite

    def _require_session(self) -> Session:
        if self._session is None:
            raise RuntimeError("evals run inside pytest's own loop")
        return self._session

    def _gate(self, first: pytest.Item, evaluation: Eval, config: RunConfig, counts: Mapping[str, int]) -> Gate:
        suite = self._require_suite()
        binding = config is suite.catalogue.default or self.config.getoption("gate") == "all"
        rules = tuple(rule.text for rule in evaluation.rules)
        return Gate(evaluation.name, config.name, rules, binding, "", first.location, counts[config.name])

    def _choice(self) -> Choice:
        get = self.config.getoption
        return Choice(tuple(get("run_config")), get("epochs"), get("rows"), get("rows_seed"))

    def _options(self) -> Options:
        get, worker = self.config.getoption, self.worker or {}
        number = int(str(worker.get("workerid", "gw0")).removeprefix("gw"))
        limit, resumed = Limit(get("max_cost"), get("max_tokens")), get("resume") is not None
        workers = int(worker.get("workercount", 1))
        return Options(calls_here(get("calls")), get("concurrency"), number, workers, limit, resumed, get("batch"))

    def _site(self) -> Site | None:
        """Where calls are carried out; a plan makes none."""
        return None if self.config.getoption("plan") else join(self.config)

    def _show(self, job: Job, outcome: Outcome, report: pytest.TestReport) -> None:
        """A miss is no failure, unless each row of the run-config that ships must pass."""
        if outcome.kind == "miss" and not self._must_pass(job):
            report.outcome = "skipped"
            report.wasxfail = f"miss: {outcome.why}"
            report.touchstone = "miss"  # type: ignore[attr-defined]

    def _must_pass(self, job: Job) -> bool:
        """Whether a miss of this sample fails its test. In a shard none does: the merged run is judged."""
        return self._part is None and job.eval.every_row and job.ships


def _eval_name(definition: pytest.Item, places: Places) -> str:
    """`correctness` for evals/test_correctness.py::test_correctness; `correctness.short` for another test of that file.

    A module below that folder, or elsewhere, is told apart by its own: `video/correctness`.
    """
    folder = definition.path.parent
    home = next((h for h in (places.run_configs.parent, places.root) if folder.is_relative_to(h)), folder)
    stem, function = definition.path.stem.removeprefix("test_"), definition.name.removeprefix("test_")
    module = (folder.relative_to(home) / stem).as_posix()
    parts = [
        p.name.removeprefix("test_").removeprefix("Test") for p in definition.listchain() if isinstance(p, pytest.Class)
    ]
    return module if function == stem and not parts else ".".join([module, *parts, function])


def _ask_for_sample(item: Any) -> None:
    """A test that names no fixture of ours has a sample all the same."""
    if "sample" not in item.fixturenames:
        item.fixturenames.append("sample")


def _score_properties(made: Made) -> list[tuple[str, object]]:
    scores = made.sample.scores if made.sample else {}
    return [(f"score.{name}", f"{score.value:g}") for name, score in scores.items()]


def _of(record: SampleRecord) -> tuple[str, str]:
    return record.eval, record.run_config


def _job_of(item: pytest.Item) -> Job | None:
    callspec = getattr(item, "callspec", None)
    job = callspec.params.get("sample") if callspec is not None else None
    return job if isinstance(job, Job) else None


def _typed(value: Any, root: Path) -> str:
    """An option's value as it is typed; nothing for a flag."""
    if isinstance(value, list):
        return shlex.join(_below(one, root) for one in value)
    return "" if value is True else str(value)


def _below(path: str, root: Path) -> str:
    """A path from the project's root: machines keep projects in different places."""
    return os.path.relpath(path, root) if Path(path).is_absolute() else path


def _words_of(excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
    return str(excinfo.value)


def _outcome(call: pytest.CallInfo[None], report: pytest.TestReport, made: Made) -> Outcome:
    if made.outcome is not None:
        return made.outcome
    if report.passed:
        return Outcome("pass")
    if report.skipped:
        return Outcome("skipped", _why(call))
    if report.when == "call" and _is(call, *_MISSES):
        return Outcome("miss", _why(call))
    return Outcome("error", _why(call))


def _is(call: pytest.CallInfo[None], *kinds: type[BaseException]) -> bool:
    return call.excinfo is not None and isinstance(call.excinfo.value, kinds)


def _why(call: pytest.CallInfo[None]) -> str:
    """pytest's own explanation, without the name of the exception, nor where in memory something lies: that is another
    place in each run."""
    if call.excinfo is None:
        return ""
    text = _ADDRESS.sub("", str(call.excinfo.value))
    return text if _is(call, AssertionError, pytest.fail.Exception, pytest.skip.Exception) else call.excinfo.exconly()
