"""A run that may not spend more: `--max-cost` and `--max-tokens`, alone and with workers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Project

from tests.openai_server import Reply, Server, serving

EVAL = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(output):
    assert output
"""
REACHED = 6
"""The exit status of a run whose budget kept calls from being made."""
PRICE = 10 * 100 / 1e6 + 5 * 1000 / 1e6
"""US dollars of one answer of the server: 10 tokens in, 5 out."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(latency=0.01)) as running:
        yield running


def priced(project: Project, server: Server, rows: int = 40, **keys: object) -> None:
    """Rows, and a run-config that costs money."""
    config = {
        "name": "main",
        "model": "openai-compatible/m",
        "base_url": server.url,
        "prompt": "ask",
        "max_tokens": 8,
        "input_cost": 100,
        "output_cost": 1000,
        **keys,
    }
    project.write("evals/run_configs.yaml", json.dumps({"run_configs": [config]}))
    project.rows(*(f"w{i}" for i in range(rows)))
    project.dataset([{"id": f"r{i}", "input": f"w{i}"} for i in range(rows)])
    project.eval(EVAL)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_budget_is_never_passed(project: Project, server: Server, workers: int) -> None:
    priced(project, server)
    result = project.run("--max-cost", "0.15", workers=workers)
    assert result.ret == REACHED
    made = len(server.bodies)
    assert 20 <= made * PRICE / 0.15 * 24 <= 25  # 0.006 each: 25 would fit, and the last worst case does not
    assert made * PRICE <= 0.15
    result.assert_outcomes(passed=made, skipped=40 - made + 1)  # the gate too: it is judged on all samples or not
    assert f"{40 - made} of 40 samples were not answered" in result.stdout.str()
    result.stdout.fnmatch_lines(["*of --max-cost 0.15 spent*calls were not made*"])
    assert f"({40 - made} samples)" in result.stdout.str()


def test_the_next_run_goes_on_where_it_stopped(project: Project, server: Server) -> None:
    priced(project, server)
    project.run("--max-cost", "0.15")
    made = len(server.bodies)
    assert project.run("--max-cost", "1").ret == 0
    assert len(server.bodies) == 40
    assert made < 40


def test_what_is_known_already_costs_nothing(project: Project, server: Server) -> None:
    priced(project, server)
    assert project.run().ret == 0
    assert project.run("--max-cost", "0.000001").ret == 0
    assert len(server.bodies) == 40


def test_a_budget_of_tokens(project: Project, server: Server) -> None:
    priced(project, server, input_cost=None, output_cost=None)
    assert project.run("--max-tokens", "200").ret == REACHED
    assert 1 <= len(server.bodies) * 15 <= 200


def test_a_price_that_nobody_knows_is_told_and_nothing_is_called(project: Project, server: Server) -> None:
    priced(project, server, rows=3, output_cost=None)
    # In a process of its own: LiteLLM, which is asked for the price, cannot be imported twice in one.
    result = project.pytester.runpytest_subprocess("evals", "--max-cost", "1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*run-config 'main': --max-cost 1 cannot be kept: its price is not known*"])
    assert server.bodies == []


@pytest.mark.parametrize("value", ["0", "-1", "much", "nan", "inf"])
def test_a_budget_that_is_none(project: Project, value: str) -> None:
    result = project.run("--max-cost", value)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--max-cost*no number above nought*"])


def test_a_bad_key_is_asked_about_once_and_not_for_each_row(project: Project, server: Server) -> None:
    priced(project, server)
    server.queue += [Reply(401, {"error": {"message": "wrong key"}}) for _ in range(40)]
    result = project.run("--concurrency", "1")
    assert result.ret == 1
    assert len(server.bodies) == 1
    result.stdout.fnmatch_lines(["*wrong key*"])
    assert "(40 samples)" in result.stdout.str()


def test_attempts_stand_in_the_record(project: Project, server: Server) -> None:
    priced(project, server, rows=1)
    server.queue += [Reply(500, {"error": {"message": "oops"}})]
    assert project.run().ret == 0
    (sample,) = project.samples()
    assert [one["why"].split(": ", 1)[1] for one in sample["response"]["attempts"]] == ["500: oops"]


def test_attempts_of_a_call_that_failed_stand_in_the_record(project: Project, server: Server) -> None:
    priced(project, server, rows=1)
    server.queue += [Reply(500, {}), Reply(400, {"error": {"message": "context too long"}})]
    assert project.run().ret == 1
    (sample,) = project.samples()
    assert len(sample["attempts"]) == 2
    assert "context too long" in sample["attempts"][1]["why"]


def test_the_budget_lies_in_the_run_and_holds_no_secret(project: Project, server: Server) -> None:
    priced(project, server, rows=2)
    project.run("--max-cost", "1")
    (run,) = project.runs
    assert (run / "budget").stat().st_size < 10_000
    assert Path(run / "run.json").is_file()
