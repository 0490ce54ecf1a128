"""Calls and heavy scorers on a real Ray cluster of two nodes: the same results, and nothing lost with a node."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray_cluster
from projects import ALONE, Project
from ray_cluster import Nodes

from tests.openai_server import Reply, Server, serving
from tests.test_plugin_xdist import measured
from touchstone.clustering import Unreached
from touchstone.clustering.carried import Home, variables
from touchstone.clustering.joining import secrets_typed
from touchstone.clustering.worker import Caller, installed, score
from touchstone.errors import CallFailed, CallRefused, TouchstoneError, UsageError
from touchstone.models import open_model
from touchstone.records import Message, Request, Response, RunConfig

THERE = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(
    not THERE and not os.environ.get("TOUCHSTONE_REQUIRE_RAY"), reason="ray is not installed (make ray)"
)
KEY = "a-key-that-must-be-on-no-disk-9f31"

SCORED = """
import os
import pytest
from touchstone.scorers import scorer

@scorer(heavy=True)
def heavy(sample):
    from scoring import value

    return value(sample.output)

def plain(sample):
    return len(sample.output) > 3

@pytest.mark.eval(dataset="words", scorers=[heavy, plain], gates=["heavy >= 0.5", "errors <= 1"])
def test_words(sample):
    sample.require("heavy")
"""
SCORING = """
import os
from pathlib import Path
from touchstone.records import Score

def value(text):
    with Path(__file__).with_name("work.log").open("a") as log:
        log.write(f"{os.getppid()} {text}\\n")
    if text == "good 5":
        raise ValueError("no score for five")
    return Score(float(text.startswith("good")), "as it begins")
"""
SENT = """
import os
from pathlib import Path

def where(request):
    return str(Path(__file__).parent) if os.environ.get("MY_KEY") else "no key"
"""
HOSTED = """
run_configs:
  - {name: main, model: openai-compatible/m, prompt: ask, base_url: "%s", key_env: MY_KEY, default: true}
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with ray_cluster.running(port) as nodes:
        yield nodes


@pytest.fixture
def model(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Twenty rows, asked of a server that counts; a heavy scorer that keeps a list of where it ran."""
    monkeypatch.setenv("MY_KEY", KEY)
    with serving(Server(latency=0.02, text=lambda body: body["messages"][-1]["content"])) as served:
        project.write("evals/run_configs.yaml", HOSTED % served.url)
        project.write("scoring.py", SCORING)
        project.eval(SCORED)
        project.rows(*(f"{'bad' if i % 4 == 0 else 'good'} {i}" for i in range(20)))
        yield served


def start(project: Project, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "evals", "-q", *ALONE, *more]
    return subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@needs_ray
def test_the_results_are_those_of_one_process_also_with_workers(project: Project, model: Server, nodes: Nodes) -> None:
    here = project.run()
    alone = measured(project.report())
    work = sorted(line.split(" ", 1)[1] for line in (project.root / "work.log").read_text().splitlines())
    (project.root / "work.log").unlink()
    model.bodies.clear()
    there = start(project, "--engine", f"ray:{nodes.address}", "-n", "2", "-o", "touchstone_state=.there")
    output = there.communicate(timeout=180)[0]
    assert there.returncode == here.ret == 1, output
    (run,) = (project.root / ".there/runs").glob("*")
    (project.root / ".touchstone/runs" / here_run(project)).rename(project.root / "before")
    run.rename(project.root / ".touchstone/runs" / run.name)
    assert measured(project.report()) == alone
    assert len(model.bodies) == 20
    assert {header["Authorization"] for header in model.headers} == {f"Bearer {KEY}"}
    lines = [line.split(" ", 1) for line in (project.root / "work.log").read_text().splitlines()]
    assert sorted(text for _, text in lines if text != "good 5") == [text for text in work if text != "good 5"]
    assert os.getpid() not in {int(parent) for parent, _ in lines}
    until(lambda: nodes.callers() == [], 10)
    assert holds(nodes.session, KEY) == []
    assert holds(project.root, KEY) == []


def here_run(project: Project) -> str:
    (run,) = project.runs
    return run.name


def holds(folder: Path, word: str) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 2**26]
    return [str(path) for path in files if word.encode() in path.read_bytes()]


@needs_ray
def test_errors_come_back_as_themselves_and_a_lost_caller_is_replaced(
    project: Project, model: Server, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from touchstone.clustering.cluster import Cluster

    root, cluster = project.root, Cluster.joined(nodes.address, project.root)
    hosted = RunConfig(name="h", model="openai-compatible/m", prompt="ask", base_url=model.url, key_env="MY_KEY")
    request = Request("m", (Message("user", "good one"),))

    async def asked(config: RunConfig) -> Response | Exception:
        try:
            return await cluster.open_model(config, root).complete(request)
        except TouchstoneError as error:
            return error

    async def main() -> None:
        local = open_model(hosted, root)
        here, there = await local.complete(request), await asked(hosted)
        await local.aclose()
        assert isinstance(there, Response)
        assert replace(there, latency=0) == replace(here, latency=0)
        model.queue += [Reply(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"})]
        busy = await asked(hosted)
        assert isinstance(busy, CallFailed)
        assert (busy.retry_after, type(busy)) == (7.0, CallFailed)
        model.queue += [Reply(401, {"error": {"message": f"wrong key {KEY}"}})]
        refused = await asked(hosted)
        assert type(refused) is CallRefused
        assert "wrong key <MY_KEY>" in str(refused)
        assert "boom" not in str(await asked(hosted))
        on_fire = replace(request, messages=(Message("user", "boom"),))
        with pytest.raises(CallRefused, match="app:echo raised RuntimeError: the model is on fire"):
            await cluster.open_model(RunConfig(name="p", model="python/app:echo", prompt="ask"), root).complete(on_fire)
        await lose_one(hosted)

    async def lose_one(config: RunConfig) -> None:
        """While its call is under way."""
        model.latency = 2
        waiting = [asyncio.create_task(asked(config)) for _ in range(2)]
        await asyncio.sleep(0.7)
        os.kill(nodes.callers()[0], signal.SIGKILL)
        ended = await asyncio.gather(*waiting)
        model.latency = 0.02
        assert sorted(type(one).__name__ for one in ended) == ["CallFailed", "Response"]
        assert [type(await asked(config)) for _ in range(4)] == [Response] * 4
        assert len(nodes.callers()) == 2

    try:
        asyncio.run(main())
    finally:
        cluster.close()
    until(lambda: nodes.callers() == [], 10)


@needs_ray
def test_a_project_is_sent_to_a_cluster_that_has_it_not(
    project: Project, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model tells where its code lies: in Ray's folder, not in the project's."""
    monkeypatch.setenv("MY_KEY", KEY)
    project.write("app.py", SENT)
    named = "{name: m, model: python/app:where, prompt: ask, key_env: MY_KEY, default: true}"
    project.write("evals/run_configs.yaml", f"run_configs: [{named}]")
    project.write(".env", f"MY_KEY={KEY}\n")
    project.eval('import pytest\n\n@pytest.mark.eval(dataset="words")\ndef test_words(output):\n    print(output)\n')
    running = start(project, "--engine", nodes.client)
    output = running.communicate(timeout=180)[0]
    assert running.returncode == 0, output
    outputs = {sample["output"] for sample in project.samples()}
    assert all("/runtime_resources/working_dir_files/" in text for text in outputs), outputs
    (sent,) = {path for text in outputs for path in Path(text).iterdir() if path.name == "app.py"}
    assert not (sent.parent / ".env").exists()
    assert holds(nodes.session, KEY) == []


@needs_ray
def test_the_end_by_ctrl_c_leaves_nothing_behind(project: Project, model: Server, nodes: Nodes) -> None:
    model.latency = 4
    running = start(project, "--engine", f"ray:{nodes.address}", "--concurrency", "4")
    until(lambda: len(model.bodies) == 4)
    assert len(nodes.callers()) == 2
    running.send_signal(signal.SIGINT)
    output = running.communicate(timeout=30)[0]
    assert running.returncode == pytest.ExitCode.INTERRUPTED, output
    until(lambda: nodes.callers() == [], 10)


@needs_ray
def test_a_node_that_dies_in_a_run_loses_no_sample(project: Project, model: Server, nodes: Nodes) -> None:
    """The last test of the cluster: it has one node less afterwards."""
    model.latency = 0.5
    running = start(project, "--engine", f"ray:{nodes.address}", "--concurrency", "4")
    until(lambda: len(model.bodies) > 6)
    nodes.lose_one()
    output = running.communicate(timeout=120)[0]
    assert "error" not in {s["outcome"]["kind"] for s in project.samples() if s["row"] != "f"}, output
    assert len(project.samples()) == 20
    assert 20 <= len(model.bodies) <= 20 + 4


# Without a cluster


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("dask", "*there is no engine 'dask': write local, ray, or ray:HOST:PORT*"),
        ("ray:nonsense", "ERROR: --engine: 'nonsense' is no address of a Ray cluster*"),
        ("ray:127.0.0.1:1", "ERROR: --engine: no Ray cluster answers at 127.0.0.1:1: Connection refused*"),
        ("ray://127.0.0.1:1", "ERROR: --engine: no Ray cluster answers at ray://127.0.0.1:1: Connection refused*"),
    ],
)
def test_a_wrong_engine_is_a_usage_error(
    project: Project, engine: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: object())  # Ray would be there
    result = project.run("--engine", engine)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert project.calls == []


def test_ray_that_is_not_installed_is_named_with_the_command_that_does(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    result = project.run("--engine", "ray")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --engine ray: ray is not installed", "*pip install 'pytest-touchstone?ray?'"])


def test_a_worker_that_cannot_join_says_so_for_each_call(tmp_path: Path) -> None:
    unreached = Unreached(UsageError("no cluster"))
    with pytest.raises(UsageError, match="no cluster"):
        asyncio.run(
            unreached.open_model(RunConfig(name="m", model="x", prompt="p"), tmp_path).complete(Request("m", ()))
        )


def test_a_machine_that_lacks_the_project_or_this_version_says_so(tmp_path: Path) -> None:
    def lacks(root: Path, version: str) -> str:
        return asyncio.run(Caller(Home(str(root), (), sent=False)).lacks(version))

    assert lacks(tmp_path, installed()) == ""
    assert f"has no folder {tmp_path}/x: keep the project on a folder" in lacks(tmp_path / "x", installed())
    assert f"has touchstone {installed()}, and this process 9.9" in lacks(tmp_path, "9.9")
    assert "has no folder /no/such" in str(score(Home("/no/such", (), sent=False), b""))


def test_only_variables_of_the_calls_own_provider_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORGANIZATION", "ANTHROPIC_API_KEY", "AWS_ACCESS_KEY_ID", "MINE", "PATH"):
        monkeypatch.setenv(name, "x")
    carried = [variables(RunConfig(name="m", model=m, prompt="p", key_env="MINE")) for m in ("gpt-5", "python/a:b")]
    assert [set(one) for one in carried] == [{"OPENAI_API_KEY", "OPENAI_ORGANIZATION", "MINE"}, {"MINE"}]


def test_a_password_in_the_command_line_is_not_handed_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest", "--cache", "redis://:typed@host/0"])
    secrets_typed("redis://:from-a-variable@host/0")
    with pytest.raises(UsageError, match="command line of its jobs"):
        secrets_typed("redis://:typed@host/0")
