"""The engine: jobs made in the background, each once, never hanging whoever waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_model import FakeModel

from touchstone import calls
from touchstone.calls import Door
from touchstone.datasets import Dataset
from touchstone.engine import Engine
from touchstone.errors import CallRefused
from touchstone.evals import Eval, Job
from touchstone.places import Places
from touchstone.prompts import Prompts
from touchstone.records import Row, RunConfig
from touchstone.scoring import Workers
from touchstone.sending import Traffic

CONFIG = RunConfig(name="main", model="embedded/smollm2-135m-instruct", prompt="ask")


class Bench:
    """An engine over a fake model."""

    def __init__(self, root: Path, model: FakeModel, concurrency: int) -> None:
        (root / "ask.j2").write_text("{{ input }}")
        places = Places(root, root, root, root, root / "recordings", root / "state")
        self.model = model
        self.door = Door(places, Prompts(root, "prompts"), "auto", Traffic(concurrency))
        self.engines: list[Engine] = []

    def start(self, jobs: list[Job], ahead: list[Job] | None = None) -> Engine:
        engine = Engine(self.door, Workers(self.door.cache, self.door.claims, 1, self.door.ask), jobs, ahead)
        self.engines.append(engine)
        engine.start()
        return engine


def jobs_of(*inputs: str, scorers: tuple[Any, ...] = ()) -> list[Job]:
    rows = tuple(Row(id=f"r{i}", input=text) for i, text in enumerate(inputs))
    return [Job(Eval("words", Dataset("words", rows), scorers, ()), row, CONFIG, 1, True) for row in rows]


@pytest.fixture
def model() -> FakeModel:
    return FakeModel(rule=lambda request: request.messages[-1].content.upper(), latency=0.01)


@pytest.fixture
def bench(tmp_path: Path, model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(calls, "open_model", lambda config, root: model)
    made = Bench(tmp_path, model, concurrency=3)
    yield made
    for engine in made.engines:
        engine.stop()


def test_results_come_in_any_order_asked(bench: Bench) -> None:
    jobs = jobs_of("a", "b", "c")
    engine = bench.start(jobs)
    outputs = [engine.result(job, 20).sample for job in reversed(jobs)]
    assert [sample.output for sample in outputs if sample] == ["C", "B", "A"]


def test_calls_run_side_by_side_within_the_bound(bench: Bench) -> None:
    jobs = jobs_of(*(f"q{i}" for i in range(12)))
    engine = bench.start(jobs)
    for job in jobs:
        engine.result(job, 20)
    assert bench.model.most_at_once == 3
    assert len(bench.model.history) == 12
    assert (engine.progress.done, engine.progress.total, engine.progress.live) == (12, 12, 12)


def test_equal_requests_are_one_call(bench: Bench) -> None:
    jobs = jobs_of("same", "same", "same")
    engine = bench.start(jobs)
    assert {made.sample.output for job in jobs if (made := engine.result(job, 20)).sample} == {"SAME"}
    assert len(bench.model.history) == 1


def test_what_is_not_ahead_is_made_on_demand_alone(bench: Bench) -> None:
    jobs = jobs_of("a", "b", "c")
    engine = bench.start(jobs, jobs[:1])
    engine.result(jobs[0], 20)
    assert len(bench.model.history) == 1
    engine.result(jobs[2], 20)
    assert [r.messages[-1].content for r in bench.model.history] == ["a", "c"]


def test_a_forgotten_job_can_be_asked_for_again(bench: Bench) -> None:
    (job,) = jobs = jobs_of("a")
    engine = bench.start(jobs)
    first = engine.result(job, 20)
    engine.forget(job)
    assert engine.result(job, 20).sample == first.sample
    assert len(bench.model.history) == 1


def test_an_error_of_a_call_is_that_samples_alone(bench: Bench) -> None:
    bench.model.rule = lambda request: CallRefused("no") if request.messages[-1].content == "b" else "fine"
    jobs = jobs_of("a", "b")
    engine = bench.start(jobs)
    good, bad = (engine.result(job, 20) for job in jobs)
    assert good.outcome is None
    assert bad.sample is None
    assert bad.outcome is not None
    assert (bad.outcome.kind, bad.outcome.why) == ("error", "no")


def test_stopping_lets_nobody_wait(bench: Bench) -> None:
    bench.model.latency = 60
    jobs = jobs_of("a", "b", "c", "d", "e")
    engine = bench.start(jobs)
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(str(engine.result(jobs[0]).outcome)))
    waiting.start()
    with pytest.raises(TimeoutError):
        engine.result(jobs[1], 0.2)
    engine.stop()
    waiting.join(20)
    assert not waiting.is_alive()
    assert "stopped before it was answered" in found[0]


def test_background_scores_come_with_the_sample(bench: Bench) -> None:
    async def loud(sample: Any) -> bool:
        return bool(sample.output.isupper())

    (job,) = jobs = jobs_of("a", scorers=(loud,))
    sample = bench.start(jobs).result(job, 20).sample
    assert sample is not None
    assert sample.scores["loud"].value == 1.0


def unaided(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a task, or a call, is a mistake."""
    monkeypatch.setattr(Engine, "_make", lambda self, job: pytest.fail("a task was made"))
    bench.model.rule = lambda request: CallRefused("no call")


def cached(bench: Bench, jobs: list[Job]) -> None:
    """Make them once, so that the cache holds their answers."""
    engine = bench.start(jobs)
    for job in jobs:
        engine.result(job, 20)
    engine.stop()
    bench.door = Door(bench.door.places, bench.door.prompts, "auto", Traffic(bench.door.traffic.concurrency))


def test_known_answers_take_no_task(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of("a", "b", "c")
    cached(bench, jobs)
    unaided(bench, monkeypatch)
    engine = bench.start(jobs)
    made = [engine.result(job, 20) for job in jobs]
    assert [one.sample.output for one in made if one.sample] == ["A", "B", "C"]
    assert {one.response.source for one in made if one.response} == {"cache"}
    assert (engine.progress.done, engine.progress.live) == (3, 0)


@pytest.mark.parametrize("order", [1, -1])
def test_far_more_than_it_makes_ahead_come_in_any_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    jobs = jobs_of(*(f"q{n}" for n in range(60)))
    cached(bench, jobs)
    for name, value in {"_BATCH": 4, "_EAGER": 8, "_NEAR": 12}.items():
        monkeypatch.setattr(f"touchstone.engine.{name}", value)
    unaided(bench, monkeypatch)
    engine = bench.start(jobs)
    assert engine.result(jobs[0], 20).sample is not None
    for job in jobs[::order]:
        sample = engine.result(job, 20).sample
        assert sample is not None
        assert sample.output == job.row.input.upper()
        engine.forget(job)


def test_known_answers_are_not_made_far_ahead_of_their_tests(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of(*(f"q{n}" for n in range(60)))
    cached(bench, jobs)
    for name, value in {"_BATCH": 4, "_EAGER": 8, "_NEAR": 12}.items():
        monkeypatch.setattr(f"touchstone.engine.{name}", value)
    engine = bench.start(jobs)
    for number, job in enumerate(jobs):
        engine.result(job, 20)
        engine.forget(job)
        assert engine.progress.done <= max(number + 1 + 4, 8)
    assert engine.progress.done == 60


def test_calls_begin_behind_known_answers_that_no_test_has_asked_for(bench: Bench) -> None:
    jobs = jobs_of(*(f"q{n}" for n in range(40)))
    cached(bench, jobs[:30])
    bench.model.history.clear()
    engine = bench.start(jobs)
    engine.result(jobs[0], 20)
    until = time.monotonic() + 20
    while engine.progress.done < 40 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(bench.model.history) == 10


def test_a_known_answer_can_be_asked_for_again(bench: Bench) -> None:
    (job,) = jobs = jobs_of("a")
    cached(bench, jobs)
    engine = bench.start(jobs)
    first = engine.result(job, 20)
    engine.forget(job)
    assert engine.result(job, 20).sample == first.sample


def test_a_prompt_that_fails_for_one_row_fails_that_sample_alone(bench: Bench) -> None:
    (bench.door.places.root / "ask.j2").write_text("{{ input.upper() }}")
    jobs = jobs_of("a", "b")
    broken = Job(jobs[0].eval, Row(id="n", input=3), CONFIG, 1, True)
    engine = bench.start([jobs[0], broken, jobs[1]])
    good, bad = engine.result(jobs[1], 20), engine.result(broken, 20)
    assert good.outcome is None
    assert bad.outcome is not None
    assert "upper" in bad.outcome.why
