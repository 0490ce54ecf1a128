"""Mistakes in a project's files: one clear message with file and line, at collection, never a traceback."""

from __future__ import annotations

import pytest
from projects import LENIENT, RUN_CONFIGS, Project


def told(project: Project) -> str:
    """What pytest says of a project that cannot be collected. Checks what holds of every such message."""
    result = project.run()
    text = result.stdout.str() + result.stderr.str()
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERNAL_ERROR), text
    assert "Traceback" not in text
    assert "plugin/touchstone" not in text
    assert "INTERNALERROR" not in text
    assert project.calls == []
    assert project.runs == []
    return text


def marked(words: str) -> str:
    """An eval's module with this marker."""
    return f"import pytest\n\n@pytest.mark.eval({words})\ndef test_words(output):\n    pass\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"id": "b"}', "datasets/words.jsonl:2: input: Field required"),
        ('{"input": "x"}', "datasets/words.jsonl:2: id: Field required"),
        ('{"id": "b c", "input": "x"}', "datasets/words.jsonl:2: id: String should match pattern"),
        ('{"id": 3, "input": "x"}', "datasets/words.jsonl:2: id: Input should be a valid string"),
        (
            '{"id": "a", "input": "x"}',
            "words.jsonl:2: the id 'a' stands twice; first at datasets/words.jsonl:1",
        ),
        ('{"id": "b", "input": ', "datasets/words.jsonl:2: is no JSON"),
        ("[1, 2]", "datasets/words.jsonl:2: "),
    ],
)
def test_a_bad_row(project: Project, line: str, why: str) -> None:
    project.write("datasets/words.jsonl", f'{{"id": "a", "input": "good"}}\n{line}\n')
    assert why in told(project)


def test_every_bad_row_is_told_at_once(project: Project) -> None:
    project.write("datasets/words.jsonl", '{"id": "a"}\n' * 12)
    text = told(project)
    assert "datasets/words.jsonl:10: input" in text
    assert "... and 2 more" in text


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("words.csv", "id,input\na,good\nb,good,extra\n", "datasets/words.csv:3: has not the 2 columns of the header"),
        ("words.csv", "id,input\na\n", "datasets/words.csv:2: has not the 2 columns of the header"),
        ("words.csv", "name,input\na,good\n", "datasets/words.csv:2: id: Field required"),
        ("words.csv", 'id,input\na,"good\n', "datasets/words.csv:1: is no CSV: unexpected end of data"),
        ("words.csv", "id,input\na,caf\xe9\n".encode("latin-1"), "datasets/words.csv: is not UTF-8"),
        ("words.jsonl", '{"id": "a", "input": "caf\xe9"}'.encode("latin-1"), "datasets/words.jsonl: is not UTF-8"),
        ("words.yaml", b"- {id: a, input: \xe9}", "datasets/words.yaml: is not UTF-8"),
        ("words.yaml", "id: a\ninput: good\n", "datasets/words.yaml:1: wants a list of rows"),
        ("words.yaml", "- {id: a, input: good}\n- {id: b}\n", "datasets/words.yaml:2: input: Field required"),
        ("words.yaml", "- {id: a, input: [good}\n", "datasets/words.yaml:1: is no YAML"),
        ("words.yaml", "- id: a\n  input: x\n  input: y\n", "datasets/words.yaml:3: the key 'input' stands here twice"),
        ("words.jsonl", "", "the dataset 'words' has no rows"),
    ],
)
def test_a_bad_dataset(project: Project, name: str, content: str | bytes, why: str) -> None:
    (project.root / "datasets/words.jsonl").unlink()
    project.write(f"datasets/{name}", content)
    assert why in told(project)


def test_an_unknown_dataset_names_those_that_are_there(project: Project) -> None:
    project.eval(marked('dataset="wrods"'))
    text = told(project)
    assert "datasets: there is no dataset 'wrods'" in text
    assert "datasets here: words" in text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ('datasets="words"', "evals/test_words.py:3: eval() knows no datasets=\n*did you mean dataset=?"),
        ("gates=[]", "evals/test_words.py:3: eval() wants dataset="),
        ('"words"', "evals/test_words.py:3: eval() takes keywords only"),
        ('dataset="words", gates="every row"', "evals/test_words.py:3: gates= wants a list"),
        ('dataset="words", scorers=["right"]', "evals/test_words.py:3: scorers= wants functions, not str"),
        ('dataset="words", row=dict', "evals/test_words.py:3: row= wants a subclass of touchstone.Row"),
        ('dataset="words", gates=["passed > much"]', "evals/test_words.py:3: gate 'passed > much': at character 10"),
        ('dataset="words", gates=[0.8]', "evals/test_words.py:3: "),
        (
            'dataset="words", gates=["beauty >= 0.8"]',
            "evals/test_words.py:3: a gate asks for the score 'beauty', which no scorer of this eval gives",
        ),
        ('dataset="words", dataset_name=3', "evals/test_words.py:3: eval() knows no dataset_name="),
        ("dataset=3", "evals/test_words.py:3: "),
        ('dataset=["words"]', "row 1 of the list: "),
    ],
)
def test_a_bad_marker(project: Project, words: str, why: str) -> None:
    project.eval(marked(words))
    text = told(project)
    first, _, hint = why.partition("\n*")
    assert first in text
    assert hint in text


def test_a_gate_close_to_a_score_is_told_which(project: Project) -> None:
    project.eval(
        "def beautiful(sample): return 1\n" + marked('dataset="words", scorers=[beautiful], gates=["beautifull >= 1"]')
    )
    assert "did you mean 'beautiful'?" in told(project)


CONFIG = "  - {name: main, model: python/app:echo, prompt: ask}\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            f"run_configs:\n{CONFIG}{CONFIG}",
            ":3: the run-config 'main' stands twice; first at evals/",
        ),
        ("run_configs:\n  - {name: main, model: m, promt: x}\n", ":2: "),
        ("run_configs:\n  - {name: main, model: m, prompt: ask, temperatur: 1}\n", "did you mean 'temperature'?"),
        (
            "run_configs:\n  - {name: main, model: m, prompt: ask, temperature: 9}\n",
            ":2: run-config 'main': ",
        ),
        ("run_configs:\n  - main\n", ":2: a run-config is a mapping"),
        ("run_configs: main\n", ":1: wants a list under `run_configs:`"),
        ("[1]", ":1: wants a list under `run_configs:`"),
        ("", ":1: wants a list under `run_configs:`"),
        ("run_configs: [}\n", ":1: is no YAML"),
        (f"run_configs:\n{CONFIG}group: {{}}\n", ":3: unknown section 'group'"),
        (f"run_configs:\n{CONFIG}groups:\n  all: [man]\n", ":4: the group 'all' names 'man': there is no such"),
        (f"run_configs:\n{CONFIG}groups: [main]\n", ":3: "),
        ("run_configs: []\n", "evals/run_configs.yaml"),
        (b"run_configs: [{name: \xe9}]", ": is not UTF-8"),
        ("run_configs: !!python/object/apply:os.system ['true']\n", ":1: is no YAML"),
    ],
)
def test_bad_run_configs(project: Project, content: str | bytes, why: str) -> None:
    project.write("evals/run_configs.yaml", content)
    text = told(project)
    assert "evals/run_configs.yaml" in text
    assert why in text


def test_where_nothing_ships_no_gate_can_fail_and_that_is_said(project: Project) -> None:
    two = "run_configs:\n" + "".join(f"  - {{name: {name}, model: python/app:echo, prompt: ask}}\n" for name in "ab")
    project.write("evals/run_configs.yaml", two)
    result = project.run()
    result.stdout.fnmatch_lines(
        ["no gate can fail this run: no run-config of this run ships (`default: true`*--gate all*"]
    )


def test_two_shipping_run_configs(project: Project) -> None:
    project.write("evals/run_configs.yaml", RUN_CONFIGS + RUN_CONFIGS.splitlines()[-1].replace("main", "two"))
    assert "two run-configs have `default: true`: main and two" in told(project)


def test_no_run_configs(project: Project) -> None:
    (project.root / "evals/run_configs.yaml").unlink()
    assert "evals/run_configs.yaml: there is no such file" in told(project)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (None, "evals/prompts: there is no ask.j2"),
        ("first\n{{ inptu }}\n", "evals/prompts/ask.j2:2: 'inptu' is undefined"),
        ("{{ inptu }}", "there are: input, row"),
        ("{{ row.anwser }}\n", "evals/prompts/ask.j2:1: "),
        ("one\ntwo\n{% if %}\n", "evals/prompts/ask.j2:3: is no Jinja2 template"),
        ("{% include 'other.j2' %}", "there is no other.j2"),
        ("{{ input.__class__.__mro__ }}", "evals/prompts/ask.j2:1: "),
        ("{{ input / 0 }}", "evals/prompts/ask.j2:1: "),
        ("   \n", "evals/prompts/ask.j2"),
    ],
)
def test_a_bad_prompt(project: Project, template: str | None, why: str) -> None:
    if template is None:
        (project.root / "evals/prompts/ask.j2").unlink()
        project.write("evals/prompts/aks.j2", "x")
    else:
        project.write("evals/prompts/ask.j2", template)
    text = told(project)
    assert why in text


def test_a_prompt_that_is_not_utf8(project: Project) -> None:
    project.write("evals/prompts/ask.j2", b"caf\xe9 {{ input }}")
    assert "evals/prompts/ask.j2" in told(project)


def test_a_prompt_broken_for_a_later_row_is_that_samples_error(project: Project) -> None:
    project.write("evals/prompts/ask.j2", "{{ row.answer }}")
    project.dataset([{"id": "a", "input": "x", "answer": "good"}, {"id": "b", "input": "x"}])
    result = project.run()
    assert result.ret == 1
    assert "evals/prompts/ask.j2:1: " in project.sample("b")["outcome"]["why"]
    assert project.sample("b")["outcome"]["kind"] == "error"
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_mistake_in_one_eval_names_that_eval_alone(project: Project) -> None:
    project.eval(marked('dataset="nothing"'), "more")
    result = project.run("-rA")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["ERROR evals/test_more.py*"])
    result.stdout.no_fnmatch_line("ERROR evals/test_words.py*")


def test_other_evals_run_where_the_user_says_so(project: Project) -> None:
    project.eval(marked('dataset="nothing"'), "more")
    result = project.run("--continue-on-collection-errors")
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 3, "missed": 1, "errors": 1}


def test_the_message_is_the_same_under_xdist(project: Project) -> None:
    project.eval(LENIENT.replace('"words"', '"wrods"'))
    result = project.run(workers=2)
    assert result.ret not in (0, 3)
    result.stdout.fnmatch_lines(["*datasets: there is no dataset 'wrods'*"])
    result.stdout.no_fnmatch_line("*Traceback*")
