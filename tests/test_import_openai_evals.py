"""`touchstone import openai-evals`, as somebody types it: samples and a registry's entry become an eval that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from projects import APP, Project
from test_import_kiln import places

from touchstone import ideals
from touchstone.cli import main
from touchstone.config import load_catalogue
from touchstone.errors import ScorerError
from touchstone.judges.definition import load_judge
from touchstone.prompts import Prompts
from touchstone.records import Row, RunConfig, Sample

REGISTRY = """\
capitals:
  id: capitals.dev.v0
  description: Knows {{ capitals }}
  metrics: [accuracy]
capitals.dev.v0:
  class: evals.elsuite.basic.includes:Includes
  args:
    samples_jsonl: capitals/samples.jsonl
    ignore_case: true
    num_few_shot: 3
capitals-graded.dev.v0:
  class: evals.elsuite.modelgraded.classify:ModelBasedClassify
  args: {samples_jsonl: other.jsonl, eval_type: cot_classify, modelgraded_spec: closed}
capitals-match.dev.v0:
  class: evals.elsuite.basic.match:Match
  args: {samples_jsonl: elsewhere/samples.jsonl}
odd.dev.v0:
  class: my.own:Thing
  args: {samples_jsonl: odd.jsonl}
"""
SPEC = """\
prompt: |-
  Task {input}, submission {completion}, ideal {ideal}, criterion {criteria}, {{literally}} {% if x %}
choice_strings: [good, soso, bad]
choice_scores: {good: 5, soso: 3, bad: 1}
args:
  criteria: {short: "is it {{short}}?", right: "is it right?"}
input_outputs: {input: completion}
"""


def asked(*turns: str) -> list[dict[str, str]]:
    """Messages: `role: content` each."""
    return [dict(zip(("role", "content"), turn.split(": ", 1), strict=True)) for turn in turns]


def samples(file: Path, *lines: Any) -> Path:
    """A file of samples."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def run(file: Path, into: Path, *more: str | Path, fails: bool = False) -> str:
    """What the command says."""
    result = CliRunner().invoke(main, ["import", "openai-evals", str(file), "--into", str(into), *map(str, more)])
    assert result.exit_code == fails, result.output
    return result.output


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry's file, with its specs where they belong."""
    (tmp_path / "reg/evals").mkdir(parents=True)
    (tmp_path / "reg/modelgraded").mkdir()
    (tmp_path / "reg/modelgraded/closed.yaml").write_text(SPEC)
    (tmp_path / "reg/evals/capitals.yaml").write_text(REGISTRY)
    return tmp_path / "reg/evals/capitals.yaml"


def test_it_runs(pytester: pytest.Pytester, tmp_path: Path, registry: Path) -> None:
    turns = [asked("system: Echo {{ it }}", f"user: {said}") for said in ("I say PARIS", "Rome")]
    lines = [{"input": turns[0], "ideal": ["Lyon", "Paris"]}, {"input": turns[1], "ideal": "Oslo"}]
    file = samples(tmp_path / "data/capitals/samples.jsonl", *lines, lines[0])
    said = run(file, pytester.path, "--registry", registry, "--model", "python/app:echo")
    assert "capitals.yaml:10: eval.args: num_few_shot" in said
    assert "samples.jsonl:3: sample: is the same as one before it" in said
    project = Project(pytester)
    project.write("app.py", APP)
    assert project.run("--calls", "live").parseoutcomes() == {"passed": 2, "missed": 1}
    assert [s["scores"]["includes_any_case"]["value"] for s in project.samples()] in ([1.0, 0.0], [0.0, 1.0])
    system, user = Prompts(pytester.path / "evals/prompts", "").render("openai-evals", Row(id="a", input="x"))
    assert (system.content, user.content) == ("Echo {{ it }}", "x")


def test_several_turns_are_kept_in_one_shape(tmp_path: Path) -> None:
    turns = asked("system: be brief", "user: a", "assistant: b", "user: c")
    pair = asked("system: other", "user: d")
    file = samples(
        tmp_path / "s.jsonl",
        {"input": turns, "ideal": "x"},
        {"input": pair, "ideal": "x"},
        {"input": "e", "ideal": "x"},
    )
    run(file, tmp_path / "here", "--model", "openai/x")
    (data,) = (tmp_path / "here/datasets").glob("*.jsonl")
    rows = [Row.model_validate_json(line) for line in data.read_text().splitlines()]
    assert rows[0].input == {"messages": turns}
    prompts = Prompts(tmp_path / "here/evals/prompts", "")
    made = [[(m.role, m.content) for m in prompts.render("openai-evals", row)] for row in rows]
    assert made == [
        [("system", "be brief"), ("user", "a"), ("assistant", "b"), ("user", "c")],
        [("system", "other"), ("user", "d")],
        [("user", "e")],
    ]


def test_turns_that_are_only_shown(tmp_path: Path) -> None:
    shown = {"role": "system", "name": "example_user", "content": "a"}
    file = samples(tmp_path / "s.jsonl", {"input": [shown, *asked("user: b")], "ideal": "x"})
    run(file, tmp_path / "here", "--model", "openai/x")
    (data,) = (tmp_path / "here/datasets").glob("*.jsonl")
    assert json.loads(data.read_text())["input"] == {"messages": asked("user: a", "user: b")}


def test_a_model_graded_spec_is_a_judge_for_each_criterion(tmp_path: Path, registry: Path) -> None:
    file = samples(tmp_path / "other.jsonl", {"input": "hi", "ideal": "there"})
    said = run(file, tmp_path / "here", "--registry", registry, "--model", "openai/x", "--judge-model", "openai/y")
    assert "closed.yaml:4: modelgraded: choice_scores: scores from 1 to 5 are from 0 to 1 here" in said
    where = places(tmp_path / "here")
    judge = load_judge("capitals_graded_dev_v0-short", where, load_catalogue(where))
    assert judge.config.model == "openai/y"
    assert judge.form.labels == {"good": 1.0, "soso": 0.5, "bad": 0.0}
    assert "Task {{ input }}, submission {{ answer }}, ideal {{ row.ideal }}" in judge.body
    from jinja2.sandbox import SandboxedEnvironment

    told = SandboxedEnvironment().from_string(judge.body).render(input="I", answer="A", row={"ideal": "B"}).strip()
    assert told == "Task I, submission A, ideal B, criterion is it {{short}}?, {literally} {% if x %}"
    text = (tmp_path / "here/evals/test_capitals_graded_dev_v0.py").read_text()
    assert 'scorers=[Judge("capitals_graded_dev_v0-short"), Judge("capitals_graded_dev_v0-right")]' in text
    compile(text, "", "exec")


def test_a_project_that_is_there_gets_rows_and_an_eval(tmp_path: Path) -> None:
    file = samples(tmp_path / "s.jsonl", {"input": "hi", "ideal": "there"})
    run(file, tmp_path, "--class", "FuzzyMatch")
    assert not (tmp_path / "evals/run_configs.yaml").exists()
    assert "from touchstone.ideals import fuzzy_matches" in next((tmp_path / "evals").glob("*.py")).read_text()


def _registry_without_worth(registry: Path) -> None:
    spec = registry.parents[1] / "modelgraded/closed.yaml"
    spec.write_text(SPEC.replace("choice_scores: {good: 5, soso: 3, bad: 1}\n", ""))


@pytest.mark.parametrize(
    ("name", "line", "args", "why"),
    [
        ("s.jsonl", "", (), "holds no sample"),
        ("s.jsonl", "{", (), "s.jsonl:1: is no JSON"),
        ("s.jsonl", '{"input": 3, "ideal": "x"}', (), "holds no sample"),
        ("s.jsonl", '{"input": "x"}', (), "no sample has an ideal answer"),
        ("s.jsonl", '{"input": "x", "ideal": "x"}', ("--registry", "R"), "--eval one of"),
        ("odd.jsonl", '{"input": "x", "ideal": "x"}', ("--registry", "R"), "nothing here scores as Thing does"),
        ("other.jsonl", '{"input": "x"}', ("--registry", "R", "--spec", "gone"), "gone: there is no such file"),
    ],
)
def test_mistakes_are_told(
    tmp_path: Path, registry: Path, name: str, line: str, args: tuple[str, ...], why: str
) -> None:
    (tmp_path / name).write_text(line)
    more = [str(registry) if one == "R" else one for one in args]
    assert why in run(tmp_path / name, tmp_path / "here", "--model", "openai/x", *more, fails=True)
    assert not (tmp_path / "here").exists()


def test_a_spec_that_says_no_worth_is_told_with_its_line(tmp_path: Path, registry: Path) -> None:
    _registry_without_worth(registry)
    file = samples(tmp_path / "other.jsonl", {"input": "hi"})
    said = run(file, tmp_path / "here", "--registry", registry, "--model", "openai/x", fails=True)
    assert "closed.yaml:1: choice_scores: does not say what each choice is worth" in said


def sample(output: str, ideal: Any) -> Sample:
    """An answer to a row with this ideal."""
    config = RunConfig(name="m", model="python/x:y", prompt="p")
    return Sample("e", Row.model_validate({"id": "a", "input": "", "ideal": ideal}), config, 1, output)


@pytest.mark.parametrize(
    ("scorer", "output", "ideal", "value"),
    [
        ("matches", "Paris, of course", ["Rome", "Paris"], 1),
        ("matches", "It is Paris", "Paris", 0),
        ("includes", "It is Paris", "Paris", 1),
        ("includes", "It is paris", "Paris", 0),
        ("includes_any_case", "It is paris", "Paris", 1),
        ("fuzzy_matches", "The Eiffel-Tower!", "eiffeltower in paris", 1),
        ("fuzzy_matches", "", "x", 0),
        ("fuzzy_matches", "the", "a", 1),
        ("json_matches", '{"a": [1, 2]}', ["[]", '{"a":[1,2]}'], 1),
        ("json_matches", '{"a": [1, 2], "b": 1}', '{"a":[1,2]}', 0),
        ("json_matches", "null", "null", 0),
        ("json_matches", "no", "{}", 0),
        ("json_matches", "[" * 100_000, "{}", 0),
    ],
)
def test_ideals(scorer: str, output: str, ideal: Any, value: float) -> None:
    assert getattr(ideals, scorer)(sample(output, ideal)).value == value


def test_no_ideal_is_no_score() -> None:
    with pytest.raises(ScorerError, match="has no ideal"):
        ideals.matches(sample("x", None))
    with pytest.raises(ScorerError, match="is no JSON"):
        ideals.json_matches(sample("{}", "{"))
