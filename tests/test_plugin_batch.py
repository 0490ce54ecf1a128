"""`--batch`: calls are put into a batch, and a later run picks the answers up."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

# A run inside this process forgets what it imported; the SDK holds a library that cannot be imported a second time.
import openai.resources.batches
import openai.resources.files
import openai.types  # noqa: F401
import pytest
from projects import Project

from tests.batch_server import BatchServer, answered, expired, refused
from touchstone.batching import collecting, submitting

PRICE = (10 * 100 + 5 * 1000) / 1e6
"""US dollars of one answer of the server at its usual price: 10 tokens in, 5 out."""
EVAL = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(output):
    assert output.startswith("good")
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    with BatchServer().serving() as running:
        monkeypatch.setenv("BATCH_KEY", running.key)
        yield running


def config(server: BatchServer, **keys: Any) -> dict[str, Any]:
    return {
        "name": "main",
        "model": "openai-compatible/m",
        "base_url": f"{server.url}/v1",
        "key_env": "BATCH_KEY",
        "prompt": "ask",
        "max_tokens": 8,
        "input_cost": 100,
        "output_cost": 1000,
    } | keys


def set_up(project: Project, *configs: dict[str, Any], rows: int = 3) -> None:
    project.write("evals/run_configs.yaml", json.dumps({"run_configs": configs}))
    project.dataset([{"id": f"r{i}", "input": f"w{i}"} for i in range(rows)])
    project.eval(EVAL)


def notes(project: Project) -> list[str]:
    return sorted(path.stem for path in (project.root / ".touchstone/batches").glob("*.json"))


def costs(project: Project) -> list[float]:
    lines = [line for file in project.runs[-1].glob("samples-*.jsonl") for line in file.read_text().splitlines()]
    return [json.loads(line)["response"]["cost"] for line in lines]


def test_what_is_submitted_is_picked_up_by_a_later_run(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    first = project.run("--batch")
    assert first.ret == 0
    first.assert_outcomes(skipped=4)
    first.stdout.fnmatch_lines(
        ["batch: 3 requests submitted as batch_1 (at half the price, within 24 h); run the same command again*"]
    )
    assert notes(project) == ["batch_1"]
    second = project.run("--batch")
    assert second.ret == 0
    second.assert_outcomes(passed=4)
    second.stdout.fnmatch_lines(["batch: batch_1: completed, 3 of 3 answers taken"])
    assert notes(project) == []
    assert costs(project) == [pytest.approx(PRICE / 2)] * 3
    assert len(server.asked) == 3
    assert server.live == []


def test_a_line_of_a_batch_is_what_a_live_call_would_send(project: Project, server: BatchServer) -> None:
    set_up(project, config(server, temperature=0.5, seed=7, stop=["x"], thinking=True), rows=1)
    project.run("--batch", "-rs")
    (line,) = server.asked
    set_up(project, config(server, temperature=0.5, seed=7, stop=["x"], thinking=True), rows=1)
    project.run("--calls", "live")
    assert line["body"] == server.live[0]
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert set(line) == {"custom_id", "method", "url", "body"}
    assert len(line["custom_id"]) == 64


def test_a_run_without_the_option_picks_up_too(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    project.run("--batch")
    result = project.run()
    result.assert_outcomes(passed=4)
    assert server.live == []
    assert len(server.saw("GET /v1/batches/*")) == 1
    project.run()
    assert len(server.saw("GET /v1/batches/*")) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_without_the_option_pays_nothing_twice(project: Project, server: BatchServer, workers: int) -> None:
    """What is in a batch is waited for; the rest is called, and the gate is not judged on it alone."""
    server.steps = 3
    set_up(project, config(server))
    project.run("--batch")
    set_up(project, config(server), rows=5)
    result = project.run("-rs", workers=workers)
    result.assert_outcomes(passed=2, skipped=4)
    assert len(server.live) == 2
    text = result.stdout.str()
    assert "submitted as batch_1: run the same command again later, or ask anew with --calls live" in text
    assert "3 of 5 samples were not answered" in text
    project.run("--calls", "live", "-k", "r0").assert_outcomes(passed=1)
    assert len(server.live) == 3


def test_what_is_under_way_is_not_submitted_twice(project: Project, server: BatchServer) -> None:
    server.steps = 2
    set_up(project, config(server))
    project.run("--batch")
    set_up(project, config(server), rows=5)
    second = project.run("--batch", "-rs")
    second.stdout.fnmatch_lines(
        ["*submitted as batch_1: run the same command again later*", "batch: batch_1 is in progress (0 of 3)*"]
    )
    second.stdout.fnmatch_lines(["batch: 2 requests submitted as batch_2 *"])
    assert len(server.asked) == 5
    for _ in range(2):
        project.run("--batch")
    project.run("--batch").assert_outcomes(passed=6)
    assert len(server.asked) == 5


def test_with_workers(project: Project, server: BatchServer) -> None:
    set_up(project, config(server), rows=8)
    project.eval(EVAL, "more")  # which asks the same
    first = project.run("--batch", workers=2)
    assert first.ret == 0
    first.stdout.fnmatch_lines(["batch: 8 requests submitted as batch_1 *"])
    second = project.run("--batch", workers=2)
    second.assert_outcomes(passed=18)
    second.stdout.fnmatch_lines(["batch: batch_1: completed, 8 of 8 answers taken"])
    assert len(server.saw("GET /v1/batches/*")) == 1
    assert len(server.asked) == 8


def test_record_puts_the_answers_into_the_recordings(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    project.run("--batch", "--calls", "record")
    project.run("--batch", "--calls", "record")
    (file,) = (project.root / "fixtures/recordings").glob("*.jsonl")
    calls = [json.loads(line) for line in file.read_text().splitlines() if '"key"' in line]
    assert [call["response"]["made"]["batch"] for call in calls] == ["batch_1"] * 3
    assert project.run("--calls", "replay").ret == 0


def test_a_line_that_failed_is_an_error_and_asked_again_after(project: Project, server: BatchServer) -> None:
    server.answer = lambda line: refused(line) if "w1" in str(line) else answered(line)
    set_up(project, config(server))
    project.run("--batch")
    second = project.run("--batch")
    assert second.ret == 1
    second.stdout.fnmatch_lines(["*batch_1: 400: context too long*"])
    second.stdout.fnmatch_lines(["batch: batch_1: completed, 2 of 3 answers taken, 1 failed (400: context too long)"])
    assert len(server.batches) == 1
    server.answer = answered
    project.run("--batch").stdout.fnmatch_lines(["batch: 1 request submitted as batch_2 *"])
    project.run("--batch").assert_outcomes(passed=4)


@pytest.mark.parametrize("ends", ["expired", "cancelled"])
def test_of_a_batch_that_was_not_finished_what_is_there_is_taken(
    project: Project, server: BatchServer, ends: str
) -> None:
    server.ends = ends
    server.answer = lambda line: expired(line) if "w1" in str(line) else answered(line)
    set_up(project, config(server))
    project.run("--batch")
    second = project.run("--batch")
    second.stdout.fnmatch_lines(
        [
            f"batch: batch_1: {ends}, 2 of 3 answers taken, 1 not made, which may be submitted again",
            "batch: 1 request submitted as batch_2 *",
        ]
    )
    assert second.ret == 0


def test_a_batch_that_failed_is_told_and_forgotten(project: Project, server: BatchServer) -> None:
    server.ends = "failed"
    server.errors = {"object": "list", "data": [{"code": "token_limit", "message": "too many enqueued tokens"}]}
    set_up(project, config(server))
    project.run("--batch")
    second = project.run("--batch")
    second.stdout.fnmatch_lines(
        ["batch: batch_1: failed (too many enqueued tokens), 0 of 3 answers taken, 3 not made*", "*as batch_2 *"]
    )


def test_garbage_and_what_nobody_asked_for_are_left_out(project: Project, server: BatchServer) -> None:
    stranger = {"custom_id": "0" * 64, "body": {"messages": [{"content": "evil"}]}}
    bad = [b"{", b"[]", b"null", b'{"custom_id": ["x"]}', b"\xff\xfe", json.dumps(answered(stranger)).encode()]

    def odd(line: dict[str, Any]) -> dict[str, Any]:
        match line["body"]["messages"][-1]["content"].strip():
            case "w0":
                return answered(line)
            case "w1":
                return {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": {"choices": "none"}}}
        return {"custom_id": line["custom_id"], "response": "what"}

    server.answer, server.more = odd, b"\n".join(bad)
    set_up(project, config(server))
    project.run("--batch")
    second = project.run("--batch")
    second.stdout.fnmatch_lines(
        ["batch: batch_1: completed, 1 of 3 answers taken, 2 failed (*), 6 lines that nobody asked for left out"]
    )
    second.assert_outcomes(passed=1, failed=1, errors=2)


def test_lines_are_told_apart_by_newlines_alone(project: Project, server: BatchServer) -> None:
    set_up(project, config(server), rows=1)
    project.dataset([{"id": "a", "input": "one\u2028two\x85three"}])
    project.run("--batch")
    project.run("--batch").assert_outcomes(passed=2)


def test_an_answer_of_creation_that_was_lost_is_found_again(
    project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.drop_after_next(on="POST /v1/batches")
    set_up(project, config(server))
    first = project.run("--batch")
    assert first.ret == 1
    first.stdout.fnmatch_lines(["batch: 3 requests could not be submitted: *a later run will find out"])
    assert [name[:7] for name in notes(project)] == ["intent-"]
    for number in range(2, 6):  # so that it stands on another page
        server.batches[f"batch_{number}"] = server.batches["batch_1"] | {"id": f"batch_{number}", "metadata": None}
    project.run("--batch").assert_outcomes(passed=4)
    assert len(server.saw("POST /v1/batches")) == 1
    assert notes(project) == []


def test_a_kill_between_creation_and_note_loses_nothing(
    project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(project, config(server))
    project.write(
        "conftest.py",
        "import os\n\ndef pytest_configure(config):\n    open('pid', 'w').write(str(os.getpid()))\n",
    )
    server.begun = lambda: os.kill(int((project.root / "pid").read_text()), signal.SIGKILL)
    killed = project.pytester.runpytest_subprocess("evals", "--batch")
    assert killed.ret == -signal.SIGKILL
    server.begun = lambda: None
    project.write("conftest.py", "")
    project.run("--batch").assert_outcomes(passed=4)
    assert len(server.batches) == 1


def test_a_batch_that_was_not_created_is_submitted_anew(
    project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.drop_next(on="POST /v1/batches")
    set_up(project, config(server))
    project.run("--batch")
    waiting = project.run("--batch")  # it may not stand in the list yet
    waiting.stdout.fnmatch_lines(["batch: whether there is a batch of * is not known yet: run again in a minute"])
    assert server.batches == {}
    monkeypatch.setattr(collecting, "SETTLED", 0.0)
    project.run("--batch").stdout.fnmatch_lines(["batch: 3 requests submitted as batch_1 *"])
    project.run("--batch").assert_outcomes(passed=4)


def test_a_batch_that_is_done_but_for_its_files_is_waited_for(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    project.run("--batch")
    server.batches["batch_1"]["status"] = "completed"
    project.run("--batch").stdout.fnmatch_lines(["batch: batch_1 is completed (0 of 3): run again later"])
    assert len(server.batches) == 1


@pytest.mark.parametrize("on", ["POST /v1/files", "POST /v1/batches"])
def test_a_refusal_is_told_and_leaves_no_note(project: Project, server: BatchServer, on: str) -> None:
    server.fail_next(400, {"error": {"message": "billing limit"}}, on=on)
    set_up(project, config(server))
    result = project.run("--batch")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["batch: 3 requests could not be submitted: 127.0.0.1:*: 400: billing limit"])
    assert notes(project) == []


def test_the_key_stands_in_no_file(project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret-of-openai")
    set_up(project, config(server))
    project.run("--batch")
    monkeypatch.setenv("BATCH_KEY", "sk-wrong-key-0123456789")
    result = project.run("--batch")
    result.stdout.fnmatch_lines(["batch: batch_1 could not be looked at: *401*<BATCH_KEY>*delete*batch_1.json*"])
    assert notes(project) == ["batch_1"]
    for file in (file for file in project.root.rglob("*") if file.is_file()):
        assert server.key.encode() not in file.read_bytes(), file
        assert b"sk-wrong-key" not in file.read_bytes(), file
    assert not [seen for seen in server.seen if "openai-organization" in seen.headers]


def test_without_its_key_a_run_config_is_skipped(
    project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(project, config(server))
    project.run("--batch")
    monkeypatch.delenv("BATCH_KEY")
    result = project.run("--batch", "-rs")
    result.stdout.fnmatch_lines(
        ["*BATCH_KEY is not set*", "batch: batch_1 could not be looked at: BATCH_KEY is not set"]
    )
    assert notes(project) == ["batch_1"]


def test_the_budget_counts_half(project: Project, server: BatchServer) -> None:
    set_up(project, config(server), rows=10)
    worst = ((2 + 16) * 100 + 8 * 1000) / 1e6
    result = project.run("--batch", "--max-cost", str(worst * 2.1))
    assert result.ret == 6
    result.stdout.fnmatch_lines(["batch: 4 requests submitted as batch_1 *"])
    result.assert_outcomes(skipped=11)


def test_what_cannot_be_batched_is_called_and_said_once(project: Project, server: BatchServer) -> None:
    set_up(project, config(server), {"name": "here", "model": "python/app:echo", "prompt": "ask"})
    result = project.run("--batch")
    assert len(project.calls) == 3
    said = "batch: calls of the run-config 'here' cannot be batched: they were made as usual"
    assert result.stdout.str().count(said) == 1
    assert len(server.asked) == 3


def test_files_hold_one_model_and_no_more_than_they_may(
    project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "MOST", 2)
    set_up(project, config(server), config(server, name="other", model="openai-compatible/n"))
    project.run("--batch")
    shapes = [[line["body"]["model"] for line in server.lines(batch)] for batch in server.batches.values()]
    assert sorted(shapes) == [["m"], ["m", "m"], ["n"], ["n", "n"]]
    project.run("--batch").assert_outcomes(passed=8)


def test_a_judge_asks_once_its_answers_are_there(project: Project, server: BatchServer) -> None:
    set_up(project, config(server), config(server, name="judging", model="openai-compatible/j"))
    project.write(
        "evals/judges/polite.j2",
        "---\neval: words\nrun_config: judging\n---\nAsked: {{ input }}\nAnswered: {{ answer }}\n",
    )
    project.eval(
        EVAL.replace("gates=", "scorers=[Judge('polite')], run_configs=['main'], gates=").replace(
            "import pytest", "import pytest\nfrom touchstone import Judge"
        )
    )
    first = project.run("--batch")
    assert len(server.asked) == 3, first.stdout.str()
    project.run("--batch").assert_outcomes(skipped=4)
    assert len(server.asked) == 6
    assert server.live == []


@pytest.mark.parametrize("calls", ["replay", "live"])
def test_a_run_that_could_use_no_answer_is_a_usage_error(project: Project, calls: str) -> None:
    result = project.run("--batch", "--calls", calls)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--batch: --calls {calls} *"])


def test_so_it_is_where_ci_is_set(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert project.run("--batch").ret == pytest.ExitCode.USAGE_ERROR


def test_a_note_that_is_none_is_left_alone(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    file = project.write(".touchstone/batches/batch_9.json", "{")
    result = project.run("--batch")
    result.stdout.fnmatch_lines(["batch: *batch_9.json cannot be read as a note of a batch*"])
    assert file.exists()


def test_a_run_that_is_gone_on_with_picks_up_what_it_submitted(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    project.run("--batch")
    project.run("--batch", "--resume", project.runs[-1].name).assert_outcomes(passed=4)
    assert len(server.asked) == 3


def test_what_a_provider_says_moves_no_cursor(project: Project, server: BatchServer) -> None:
    server.answer = lambda line: refused(line, message=f"\x1b[31mred {server.key}")
    set_up(project, config(server), rows=1)
    project.run("--batch")
    result = project.run("--batch")
    assert "\x1b" not in result.stdout.str()
    assert server.key not in result.stdout.str()
    assert "red <BATCH_KEY>" in result.stdout.str()


@pytest.mark.parametrize("body", ["what", [], {}, {"status": 7}, {"status": "completed", "output_file_id": [1]}])
def test_a_server_that_talks_nonsense_is_told_and_the_note_kept(
    project: Project, server: BatchServer, body: object
) -> None:
    set_up(project, config(server), rows=1)
    project.run("--batch")
    server.fail_next(200, body, on="GET /v1/batches/*")
    assert project.run("--batch").ret == 0
    assert notes(project) == ["batch_1"]


def test_an_interrupted_run_submits_nothing(project: Project, server: BatchServer) -> None:
    set_up(project, config(server))
    project.write(
        "conftest.py",
        "def pytest_runtest_logfinish(nodeid):\n    if 'r1' in nodeid:\n        raise KeyboardInterrupt\n",
    )
    result = project.pytester.runpytest_subprocess("evals", "--batch")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert server.seen == []


def test_the_key_of_openai_goes_to_nobody_else(
    project: Project, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai-0123456789")
    server.key = "-"
    set_up(project, config(server, key_env=None))
    project.run("--batch")
    assert project.run("--batch").ret == 0
    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer -"}


def test_of_openais_models_too(project: Project, server: BatchServer) -> None:
    """In processes of their own: LiteLLM, which is asked for prices, cannot be imported twice in one."""
    keys: list[dict[str, Any]] = [
        {"model": "openai/gpt-4.1-mini", "temperature": 0.5, "seed": 7, "stop": ["x"], "extra": {"user": "me"}},
        {"model": "gpt-4.1", "thinking": False, "output": {"type": "object"}},
        {"model": "openai/gpt-5-mini", "thinking": "low"},
        {"model": "o3-mini", "thinking": True},
    ]
    configs = [config(server, input_cost=None, output_cost=None, **one, name=f"c{n}") for n, one in enumerate(keys)]
    set_up(project, *configs, rows=1)
    assert project.pytester.runpytest_subprocess("evals", "--batch").ret == 0
    project.pytester.runpytest_subprocess("evals", "--batch").assert_outcomes(passed=8)
    batched = costs(project)
    project.pytester.runpytest_subprocess("evals", "--calls", "live").assert_outcomes(passed=8)
    assert min(batched) > 0
    assert costs(project) == [pytest.approx(2 * cost) for cost in batched]
    bodies = {line["body"]["model"]: line["body"] for line in server.asked}
    assert bodies == {body["model"]: body for body in server.live}
    assert len(bodies) == 4
