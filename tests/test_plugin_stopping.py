"""A run that is stopped, in any way: what was answered is kept, and the next run goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from projects import Project

from tests.openai_server import Reply, Server, serving

EVAL = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(output):
    assert output
"""
ROWS = 24


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(latency=0.4)) as running:
        yield running


def prepared(project: Project, server: Server) -> None:
    config = {"name": "main", "model": "openai-compatible/m", "base_url": server.url, "prompt": "ask"}
    project.write("evals/run_configs.yaml", json.dumps({"run_configs": [config]}))
    project.dataset([{"id": f"r{i:02}", "input": f"w{i}"} for i in range(ROWS)])
    project.eval(EVAL)


def begun(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """`pytest evals` in a process group of its own, as a shell starts it."""
    command = (sys.executable, "-m", "pytest", "evals", "-p", "no:hypothesispytest", "--concurrency", "4", *arguments)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    return subprocess.Popen(
        command,
        cwd=project.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def ended(process: subprocess.Popen[str], seconds: float = 60) -> str:
    said, _ = process.communicate(timeout=seconds)
    return said


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_waits_for_the_calls_in_flight_and_no_call_is_made_twice(
    project: Project, server: Server, workers: int
) -> None:
    prepared(project, server)
    process = begun(project, *(("-n", str(workers)) if workers else ()))
    until(lambda: len(server.bodies) >= 6)
    os.killpg(process.pid, signal.SIGINT)
    said = ended(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    first = len(server.bodies)
    assert first < ROWS
    if not workers:
        assert "Ctrl-C again to stop now" in said
        assert "report: " in said
    assert ended(begun(project, "-q")).count("PASS")
    assert len(server.bodies) == ROWS
    assert len({body["messages"][-1]["content"] for body in server.bodies}) == ROWS


@pytest.mark.parametrize("signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)], ids=["twice", "SIGTERM"])
def test_now_means_now(project: Project, server: Server, signals: tuple[signal.Signals, ...]) -> None:
    prepared(project, server)
    server.queue += [Reply(delay=50.0)] * 4
    process = begun(project)
    until(lambda: len(server.bodies) == 4)
    began = time.monotonic()
    for one in signals:
        process.send_signal(one)
        time.sleep(0.5)
    said = ended(process, 30)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert time.monotonic() - began < 25


def test_a_run_is_gone_on_with(project: Project, server: Server) -> None:
    prepared(project, server)
    process = begun(project, "--calls", "live")
    until(lambda: len(server.bodies) >= 12)
    process.kill()
    ended(process)
    (run,) = project.runs
    kept = [json.loads(line)["row"] for line in (run / "samples-main.jsonl").read_text().splitlines()]
    asked = len(server.bodies)
    assert kept
    said = ended(begun(project, "--calls", "live", "--resume", run.name[:15]))
    assert "PASS" in said, said
    assert project.runs == [run]
    assert {sample["row"] for sample in project.samples()} == {f"r{i:02}" for i in range(ROWS)}
    times: dict[str, int] = {}
    for body in server.bodies:
        times[body["messages"][-1]["content"]] = times.get(body["messages"][-1]["content"], 0) + 1
    assert all(times[f"w{int(row[1:])}"] == 1 for row in kept)
    assert len(server.bodies) <= ROWS + asked - len(kept)
    assert f"{ROWS} rows" in said


def test_samples_of_the_first_part_count_in_the_second(project: Project, server: Server) -> None:
    prepared(project, server)
    assert project.run("-k", "r00 or r01").ret == 0
    (run,) = project.runs
    project.run("-k", "r02", "--resume", run.name)
    result = project.report()["results"][0]["passed"]
    assert (result["n"], result["rows"]) == (3, 3)


def test_a_run_that_is_not_there_cannot_be_gone_on_with(project: Project) -> None:
    project.run()
    result = project.run("--resume", "nonsense")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--resume: there is no run nonsense*", "*runs: *"])


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
import pytest
sys.exit(pytest.main(["evals", "--calls", "live", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-q"]))
"""
"""pytest under a real limit: no file may grow longer, as on a disk that is full."""


def test_a_disk_that_is_full_tears_nothing_and_the_tables_are_still_shown(project: Project) -> None:
    project.dataset([{"id": f"r{i:02}", "input": f"good {i}"} for i in range(ROWS)])
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    done = subprocess.run(
        [sys.executable, "-c", FULL, "6000"],
        cwd=project.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "could not be kept on disk" in said, said
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    assert f"{ROWS} rows" in said, said
    (run,) = project.runs
    lines = [_read(line) for line in (run / "samples-main.jsonl").read_bytes().splitlines()]
    assert len([line for line in lines if line]) >= 3
    assert len([line for line in lines if line is None]) <= 1


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def test_a_place_that_cannot_be_written_is_told_before_any_call(project: Project) -> None:
    runs = Path(project.root / ".touchstone")
    runs.mkdir()
    (runs / "runs").write_text("in the way")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the run cannot be kept: *"])
    assert project.calls == []


def test_workers_end_with_a_controller_that_was_killed(project: Project, server: Server) -> None:
    """They would go on making calls whose answers nobody reads."""
    server.latency = 0.1
    prepared(project, server)
    project.dataset([{"id": f"r{i:03}", "input": f"w{i}"} for i in range(400)])
    process = begun(project, "-n", "2")
    until(lambda: len(server.bodies) >= 20)
    process.kill()
    ended(process)  # its output ends when the last of them has
    time.sleep(0.5)
    asked = len(server.bodies)
    time.sleep(1.0)
    assert len(server.bodies) == asked < 400
