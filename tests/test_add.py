"""`touchstone add`: one thing more, what was there as it stood, and a name that is taken refused."""

from __future__ import annotations

import ast

import pytest
from click.testing import CliRunner, Result
from projects import Project

from touchstone.cli import main
from touchstone.config import load_catalogue
from touchstone.judges.definition import load_judge
from touchstone.places import PLACES, Places

COMMENTED = """\
# How the task is run.
run_configs:
  - {name: main, model: python/app:echo, prompt: ask, default: true}   # ships
  - name: warm
    model: python/app:echo
    prompt: ask
    temperature: 0.7
    # why it is warm

# - {name: cold}: perhaps later
groups:
  all: ["*"]   # every one
"""


def touchstone(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *args])


def places(project: Project) -> Places:
    return Places.of(project.root, lambda name: PLACES[name][0])


def test_an_eval_is_added_and_runs_on_inputs_that_fit_the_prompts(project: Project) -> None:
    added = touchstone(project, "add", "eval", "polite", "--about", 'Says """please""" \\')
    assert added.exit_code == 0, added.output
    assert "pytest evals/test_polite.py" in added.output
    text = (project.root / "evals/test_polite.py").read_text()
    assert ast.get_docstring(ast.parse(text)) == 'Says """please""" \\'
    project.run("-k", "polite").assert_outcomes(passed=4)
    assert project.calls == ["1 bad c", "1 good a", "1 good b"]


def test_an_eval_of_rows_that_are_there_adds_none(project: Project) -> None:
    added = touchstone(project, "add", "eval", "polite", "--dataset", "words")
    assert added.exit_code == 0
    assert "rows" not in added.output
    assert not (project.root / "datasets/polite.jsonl").exists()
    project.run("-k", "polite").assert_outcomes(passed=4)


def test_a_run_config_goes_behind_the_last_with_every_comment_in_its_place(project: Project) -> None:
    path = project.write("evals/run_configs.yaml", COMMENTED)
    added = touchstone(project, "add", "run-config", "second", "--model", 'x/{"[#: *&!|>%@`\n')
    assert added.exit_code == 0, added.output
    assert "touchstone compare main second" in added.output
    before, after = COMMENTED.splitlines(), path.read_text().splitlines()
    (line,) = [one for one in after if one not in before]
    assert [one for one in after if one != line] == before
    assert after.index(line) == before.index("    # why it is warm") + 1
    assert load_catalogue(places(project)).run_configs[2].model == 'x/{"[#: *&!|>%@`\n'


@pytest.mark.parametrize("text", ["run_configs:\r\n- {name: main, model: a/b, prompt: ask}", COMMENTED.rstrip()])
def test_line_ends_stay_and_a_missing_one_is_made(project: Project, text: str) -> None:
    path = project.write("evals/run_configs.yaml", text)
    assert touchstone(project, "add", "run-config", "second", "--model", "x/y").exit_code == 0
    assert path.read_bytes().startswith(text.splitlines(keepends=True)[0].encode())
    assert len(load_catalogue(places(project)).run_configs) > 1


def test_where_it_cannot_be_added_the_line_is_told_and_nothing_changes(project: Project) -> None:
    flow = "run_configs: [{name: main, model: a/b, prompt: ask}]\n"
    path = project.write("evals/run_configs.yaml", flow)
    refused = touchstone(project, "add", "run-config", "second", "--model", "x/y")
    assert refused.exit_code == 1
    assert 'add the line\n  - {"name": "second", "model": "x/y", "prompt": "ask"}' in refused.output
    assert path.read_text() == flow
    assert list(path.parent.glob(".*")) == []


def test_a_run_config_with_another_prompt_has_the_same_model_and_a_copy_to_edit(project: Project) -> None:
    added = touchstone(project, "add", "run-config", "brief", "--prompt", "brief")
    assert "evals/prompts/brief.j2" in added.output
    assert (project.root / "evals/prompts/brief.j2").read_text() == (project.root / "evals/prompts/ask.j2").read_text()
    project.run("--run-config", "brief").assert_outcomes(passed=3)


def test_a_run_config_is_as_the_one_that_ships_but_for_what_is_given(project: Project) -> None:
    """An answer's form belongs to the task; weights, addresses and prices to the model."""
    project.write(
        "evals/run_configs.yaml",
        "defaults: {seed: 3}\n"
        "run_configs:\n"
        "  - {name: main, model: gguf/m, weights: m.gguf, prompt: ask, temperature: 0.5, default: true,\n"
        "     output: {type: string, enum: [a, b]}, input_cost: 1, output_cost: 2}\n",
    )
    assert touchstone(project, "add", "run-config", "brief", "--prompt", "brief").exit_code == 0
    assert touchstone(project, "add", "run-config", "other", "--model", "x/y").exit_code == 0
    main, brief, other = load_catalogue(places(project)).run_configs
    assert brief == main.model_copy(update={"name": "brief", "prompt": "brief", "default": False})
    assert (other.output, other.temperature, other.weights, other.input_cost) == (main.output, 0.5, None, None)
    assert "seed" not in (project.root / "evals/run_configs.yaml").read_text().splitlines()[-1]


def test_a_sweep_is_one_that_can_be_planned(project: Project) -> None:
    project.dataset([{"id": f"r{i}", "input": f"say {i}", "answer": f"{i}!"} for i in range(30)], "learn")
    added = touchstone(project, "add", "sweep", "first", "--train", "learn")
    assert added.exit_code == 0, added.output
    planned = touchstone(project, "tune", "plan", "first")
    assert planned.exit_code == 0, planned.output
    assert "smollm2-135m-instruct" in planned.output
    assert touchstone(project, "add", "sweep", "first", "--train", "learn").exit_code == 1
    refused = touchstone(project, "add", "sweep", "second", "--train", "words")
    assert "3 of 3 rows have no `answer` to learn" in refused.output
    assert not (project.root / "tuning/sweeps/second.yaml").exists()


def test_a_judge_is_added_of_the_only_eval(project: Project) -> None:
    added = touchstone(project, "add", "judge", "helpful")
    assert added.exit_code == 0, added.output
    assert 'Judge("helpful")' in added.output
    assert "touchstone agree words --certify helpful" in added.output
    where = places(project)
    judge = load_judge("helpful", where, load_catalogue(where))
    assert (judge.head.eval, judge.config.model) == ("words", "python/app:echo")


def test_a_scorer_is_added_and_scores(project: Project) -> None:
    added = touchstone(project, "add", "scorer", "brief")
    assert "from evals.scorers.brief import brief" in added.output
    project.eval(
        "import pytest\nfrom evals.scorers.brief import brief\n\n"
        '@pytest.mark.eval(dataset="words", scorers=[brief], gates=["brief >= 1"])\ndef test_words(sample):\n    pass\n'
    )
    project.run().assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["eval", "words"], "evals/test_words.py: is there already"),
        (["eval", "Bad Name"], "for example touchstone add eval bad_name"),
        (["eval", "x", "--dataset", "nowhere"], "datasets here: words"),
        (["eval", "x", "--dataset", 'a"b'], "there is no dataset"),
        (["run-config", "main", "--model", "x/y"], "is called 'main' already"),
        (["run-config", "a b", "--model", "x/y"], "a name has letters"),
        (["run-config", "x"], "say what differs"),
        (["run-config", "x", "--prompt", "../../etc/passwd"], "--prompt NAME"),
        (["run-config", "x", "--prompt", "p" * 300], "--prompt NAME"),
        (["judge", "x", "--eval", "wrods"], "did you mean words?"),
        (["judge", "../x"], "cannot name a judge"),
        (["scorer", "passed"], "cannot name a scorer"),
        (["scorer", "import"], "for example touchstone add scorer my_scorer"),
    ],
)
def test_what_cannot_be_added_is_told(project: Project, args: list[str], says: str) -> None:
    before = sorted(project.root.rglob("*"))
    result = touchstone(project, "add", *args)
    assert result.exit_code == 1
    assert says in result.output
    assert [p for p in sorted(project.root.rglob("*")) if "__pycache__" not in p.parts and p not in before] == []


def test_what_was_added_is_not_added_again(project: Project) -> None:
    for args in (
        ["eval", "a"],
        ["judge", "b", "--eval", "words"],
        ["scorer", "c"],
        ["run-config", "d", "--model", "x/y"],
    ):
        assert touchstone(project, "add", *args).exit_code == 0
        again = touchstone(project, "add", *args)
        assert (again.exit_code, "already" in again.output) == (1, True)


def test_where_there_is_no_project_there_is_a_next_step(project: Project) -> None:
    (project.root / "evals/run_configs.yaml").unlink()
    for what in ("eval", "run-config", "scorer"):
        result = touchstone(project, "add", what, "x", *(["--model", "a/b"] if what == "run-config" else []))
        assert result.exit_code == 1
        assert "there is no such file" in result.output
