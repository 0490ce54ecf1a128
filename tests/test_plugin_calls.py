"""Where answers come from: recordings, the cache, the model; and the plan that says so beforehand."""

from __future__ import annotations

import json

import pytest
from projects import LENIENT, TWO_RUN_CONFIGS, Project

from tests.openai_server import Server, serving


def recordings(project: Project) -> list[dict[str, object]]:
    """The recorded calls."""
    lines = [
        json.loads(line)
        for file in sorted((project.root / "fixtures/recordings").glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    return [line for line in lines if "key" in line]


def forget(project: Project) -> None:
    """The cache, and who called."""
    for file in (project.root / ".touchstone/cache").rglob("*"):
        file.unlink()
    (project.root / "calls.log").unlink(missing_ok=True)


def test_a_second_run_makes_no_call(project: Project) -> None:
    first = project.run()
    again = project.run()
    assert len(project.calls) == 3
    assert first.parseoutcomes() == again.parseoutcomes()


def test_a_change_of_the_prompt_makes_the_calls_again(project: Project) -> None:
    project.run()
    project.write("evals/prompts/ask.j2", "{{ input }}!")
    project.run()
    assert len(project.calls) == 6


def test_a_change_of_nothing_that_matters_makes_no_call(project: Project) -> None:
    project.run()
    project.write("evals/run_configs.yaml", "run_configs: [{name: renamed, model: 'python/app:echo', prompt: ask}]")
    project.dataset([{"id": "z", "input": "good a"}, {"id": "y", "input": "bad c", "tags": ["new"]}])
    project.run()
    assert len(project.calls) == 3


def test_a_failed_call_is_not_kept(project: Project) -> None:
    project.rows("boom a")
    project.run()
    project.run()
    assert project.calls == ["1 boom a", "1 boom a"]


def test_evals_that_share_a_row_and_a_run_config_share_the_call(project: Project) -> None:
    project.eval(LENIENT, "more")
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.run()
    assert project.calls == sorted(["1 good a", "1 good b", "1 bad c"] * 2)  # once a run-config, not once an eval


def test_run_configs_that_ask_the_same_share_the_call(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS.replace(", temperature: 0.5", ""))
    project.run()
    assert len(project.calls) == 3


def test_live_asks_the_model_whatever_is_known(project: Project) -> None:
    project.run("--calls", "record")
    project.run("--calls", "live")
    assert len(project.calls) == 6


def test_live_without_its_key_says_so_and_nothing_of_recordings(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "secret")
    with serving(Server()) as server:
        config = {"name": "main", "model": "openai-compatible/m", "base_url": server.url, "key_env": "A_KEY"}
        project.write("evals/run_configs.yaml", json.dumps({"run_configs": [{**config, "prompt": "ask"}]}))
        project.run("--calls", "record")
    monkeypatch.delenv("A_KEY")
    assert "--calls live asks the model, and it cannot run here: A_KEY is not set" in project.run(
        "--calls", "live", "-rs"
    ).stdout.str().replace("\n", " ")


def test_live_answers_serve_the_next_run(project: Project) -> None:
    project.run("--calls", "live")
    project.run()
    assert len(project.calls) == 3


def test_record_writes_recordings_that_replay(project: Project) -> None:
    project.run("--calls", "record")
    calls = recordings(project)
    assert sorted(str(call["message"]["content"]) for call in calls) == ["bad c", "good a", "good b"]  # type: ignore[index]
    forget(project)
    result = project.run("--calls", "replay")
    assert result.parseoutcomes() == {"passed": 3, "missed": 1}
    assert project.calls == []
    assert project.run("--calls", "auto").ret == 0
    assert project.calls == []


def test_recording_again_changes_no_byte(project: Project) -> None:
    project.run("--calls", "record")
    before = {file: file.read_bytes() for file in (project.root / "fixtures/recordings").iterdir()}
    forget(project)
    project.run("--calls", "record")
    assert {file: file.read_bytes() for file in (project.root / "fixtures/recordings").iterdir()} == before
    assert project.calls == []


def test_record_records_what_the_cache_knows_already(project: Project) -> None:
    project.run()
    project.run("--calls", "record")
    assert len(recordings(project)) == 3
    assert len(project.calls) == 3


def test_auto_records_nothing(project: Project) -> None:
    project.run()
    assert recordings(project) == []


def test_replay_without_a_recording_is_an_error_that_names_the_command(project: Project) -> None:
    result = project.run("--calls", "replay")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no recording*record it with `pytest evals/ --calls record`*", "*CANNOT TELL*"])
    assert project.calls == []
    assert {sample["outcome"]["kind"] for sample in project.samples()} == {"error"}


def test_replay_ignores_the_cache(project: Project) -> None:
    project.run()
    assert project.run("--calls", "replay").ret == 1


@pytest.mark.parametrize(("value", "made"), [("true", 0), ("1", 0), ("", 3), ("false", 3), ("0", 3)])
def test_ci_replays_unless_told_otherwise(
    project: Project, monkeypatch: pytest.MonkeyPatch, value: str, made: int
) -> None:
    monkeypatch.setenv("CI", value)
    result = project.run()
    assert len(project.calls) == made
    assert result.ret == (1 if made == 0 else 0)


def test_ci_may_be_told_to_call(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert project.run("--calls", "auto").ret == 0
    assert len(project.calls) == 3


HOSTED_DEFAULT = """
run_configs:
  - {name: gpt, model: openai/gpt-4.1, prompt: ask, default: true}
  - {name: other, model: openai/gpt-4.1-mini, prompt: ask}
"""


def test_ci_errs_for_an_unrecorded_default_and_skips_a_candidate_without_a_key(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default that is skipped in CI would be green with nothing measured."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.write("evals/run_configs.yaml", HOSTED_DEFAULT)
    result = project.run()
    assert result.ret == 1
    kinds = {(sample["run_config"], sample["outcome"]["kind"]) for sample in project.samples()}
    assert kinds == {("gpt", "error"), ("other", "skipped")}
    result.stdout.fnmatch_lines(["*--calls record*"])


@pytest.mark.parametrize("mode", ["replay", "auto"])
def test_a_changed_prompt_of_a_recorded_model_is_red_and_not_skipped(
    project: Project, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Also where the key is missing: the recordings show that this model was meant to be measured."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.run("--calls", "record")
    (file,) = (project.root / "fixtures/recordings").glob("*.jsonl")
    file.unlink()
    project.write("make.py", MAKE)
    project.pytester.runpython(project.root / "make.py")
    project.write("evals/run_configs.yaml", HOSTED_DEFAULT)
    assert project.run("--calls", mode).parseoutcomes() == {"passed": 3, "missed": 1, "skipped": 4}
    project.write("evals/prompts/ask.j2", "Please: {{ input }}")
    result = project.run("--calls", mode)
    assert result.ret == 1
    assert result.parseoutcomes()["skipped"] == 4  # the candidate, whose model was never recorded
    why = (
        "*changed since it was recorded*OPENAI_API_KEY is not set" if mode == "auto" else "*no recording for this call"
    )
    result.stdout.fnmatch_lines([f"{why}*--calls record*"])


MAKE = """
from pathlib import Path
from touchstone.recordings import Recordings
from touchstone.records import Message, Request, Response

recordings = Recordings(Path("fixtures/recordings"))
for text in ("good a", "good b", "bad c"):
    recordings.add(Request("openai/gpt-4.1", (Message("user", text),)), Response(text))
recordings.write()
"""


def test_a_damaged_recording_is_told_and_the_others_serve(project: Project) -> None:
    project.run("--calls", "record")
    (file,) = (project.root / "fixtures/recordings").glob("*.jsonl")
    file.write_text(file.read_text().replace("good a", "good A"))
    forget(project)
    result = project.run("--calls", "replay")
    assert result.ret == 1
    assert [sample["outcome"]["kind"] for sample in _last(project)] == ["error", "pass", "miss"]
    result.stdout.fnmatch_lines(["recording not used: *.jsonl:?: *edited by hand*"])


def _last(project: Project) -> list[dict[str, dict[str, str]]]:
    (file,) = project.runs[-1].glob("samples-*.jsonl")
    return sorted((json.loads(line) for line in file.read_text().splitlines()), key=lambda sample: str(sample["test"]))


def test_a_plan_counts_calls_and_makes_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS + "  - {name: gpt, model: openai/gpt-4.1, prompt: ask}\n")
    project.run("--calls", "record", "-k", "a:main")
    project.run("-k", "b:main")
    project.eval(LENIENT, "more")  # shares every call
    made = len(project.calls)
    result = project.run("--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "run-config *recorded *cached *to make*",
            "main * 1 * 1 * 1 *",
            "other * 0 * 0 * 3 *",
            "gpt *skipped: OPENAI_API_KEY is not set",
            "4 calls would be made*No call was made.",
        ]
    )
    result.stdout.no_fnmatch_line("*FAILED*")
    assert len(project.calls) == made


def test_a_plan_tells_costs(project: Project) -> None:
    project.write(
        "evals/run_configs.yaml",
        "run_configs: [{name: main, model: openai-compatible/it, base_url: 'http://localhost:1', prompt: ask, "
        "max_tokens: 100000, input_cost: 1, output_cost: 10}]",
    )
    project.run("--plan").stdout.fnmatch_lines(
        ["main * 3 * 300000 *$3.00", "3 calls would be made, for at most $3.00*"]
    )


def test_a_plan_writes_no_run(project: Project) -> None:
    result = project.run("--plan")
    assert project.runs == []
    assert result.ret == 0


def test_a_plan_honours_the_selection(project: Project) -> None:
    project.run("--plan", "-k", "b:main").stdout.fnmatch_lines(["main * 1 *", "1 call* would be made*"])


def test_a_model_that_answers_after_a_time_out_is_asked_again(project: Project) -> None:
    project.write("app.py", (project.root / "app.py").read_text() + FLAKY)
    project.write("evals/run_configs.yaml", "run_configs: [{name: main, model: 'python/app:flaky', prompt: ask}]")
    project.rows("good a")
    result = project.run()
    assert result.ret == 0
    assert project.calls == ["1 good a", "1 good a"]


FLAKY = """
def flaky(request):
    first = not CALLS.exists()
    answer = echo(request)
    if first:
        raise ConnectionError("lost")
    return answer
"""


def test_a_model_that_is_not_there_is_one_clear_error(project: Project) -> None:
    project.write("evals/run_configs.yaml", "run_configs: [{name: main, model: 'python/app:nothing', prompt: ask}]")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*cannot find the function of model 'python/app:nothing'*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_hostile_answers_are_kept_and_shown_without_harm(project: Project) -> None:
    project.rows(
        "good \x1b[31m red", "good \udcff half".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), ""
    )
    project.eval(LENIENT.replace("assert output", "assert not output, output\n    assert output"))
    result = project.run("-v")
    assert "\x1b" not in result.stdout.str().partition("= evals =")[2]
    assert len(project.samples()) == 3
    (run,) = project.runs
    assert "\x1b" not in (run / "report.md").read_text()
