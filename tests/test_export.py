"""`touchstone export`, as somebody types it: files that Kiln, promptfoo and tables take; the rest is said."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from projects import APP, Project

from touchstone.cli import main
from touchstone.exporting.kiln import as_kiln
from touchstone.exporting.nunjucks import told
from touchstone.exporting.promptfoo import _text
from touchstone.exporting.sources import Entry
from touchstone.golden import golden_of
from touchstone.importing.promptfoo.nunjucks import filled, open_in, template
from touchstone.importing.promptfoo.prompting import Prompt
from touchstone.importing.templates import prompt
from touchstone.labels import Item, Rating, answer_hash
from touchstone.prompts import Prompts
from touchstone.ratings import ratings_of
from touchstone.records import Row

CONFIG = """\
prompts:
  - {label: plain, raw: "Say {{word}}{% if loud %} LOUD{% endif %} {{input}}"}
  - label: chat
    raw: '[{"role": "system", "content": "Be {{mood}} {# no #}"}, {"role": "user", "content": "{{word}}"}]'
providers:
  - {id: "openai:gpt-4.1-mini", label: mini, config: {temperature: 0, max_tokens: 9}, prompts: [plain]}
  - {id: "openai:chat:own", label: own, config: {apiBaseUrl: "http://localhost:8000/v1"}, prompts: [chat]}
defaultTest: {options: {provider: "openai:chat:gpt-4.1"}}
tests:
  - description: greets
    vars: {word: hello, mood: kind, input: "{{ 7 * 7 }} =1", list: [[a]]}
    metadata: {tags: [x], area: y, deep: {a: [1]}, row: {answer: hi}}
    assert:
      - {type: icontains, value: hello, weight: 2}
      - {type: not-contains-any, value: ["{% raw %}{{word}}{% endraw %}", b]}
      - {type: is-json, value: {type: object, required: [a]}}
      - {type: llm-rubric, value: "kind"}
    threshold: 0.5
  - {description: "Two words", vars: {word: bye}, options: {disableVarExpansion: true}}
"""


def run(*args: str | Path, root: Path | None = None, fails: bool | int = False) -> str:
    """What the command says."""
    result = CliRunner().invoke(main, [*(["--root", str(root)] if root else []), *map(str, args)])
    assert result.exit_code == fails, result.output
    return result.output


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """A project with a run, a golden set and ratings."""
    found = Project(pytester)
    found.write("pytest.ini", "[pytest]\npythonpath = .\n")
    found.write("app.py", APP)
    found.write("evals/prompts/ask.j2", "{{ input }}")
    found.write("evals/run_configs.yaml", "run_configs:\n  - {name: main, model: python/app:echo, prompt: ask}\n")
    rows = [
        {"id": "a", "input": "=SUM(1)", "tags": ["two words", "x"], "answer": "=1"},
        {"id": "b", "input": {"q": "hi"}, "reference": "there", "thinking": "well"},
        {"id": "c", "input": "good"},
    ]
    found.dataset(rows)
    found.eval(
        'import pytest\n\ndef long(sample):\n    return len(sample.output) > 5\n\n'
        '@pytest.mark.eval(dataset="words", scorers=[long], gates=["long >= 0"])\n'
        'def test_words(sample):\n    sample.require("long")\n'
    )  # fmt: skip
    return found


def table(file: Path) -> list[dict[str, str]]:
    """The lines of a CSV file."""
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_rows_with_answers_for_kiln(project: Project) -> None:
    target = project.root / "k.csv"
    said = run("export", "kiln", "--dataset", "words", "--to", target, root=project.root)
    first, second = table(target)
    assert first == {"input": "'=SUM(1)", "output": "'=1", "reasoning": "", "tags": "two_words,x"}
    assert second == {"input": '{"q": "hi"}', "output": "there", "reasoning": "well", "tags": ""}
    assert "2 rows" in said
    assert "rows without an output, left out (1): c" in said
    assert "have an apostrophe in front (2); --raw leaves it out" in said
    assert "tags with blanks or commas have underscores: two words" in said


def test_raw_cells_are_as_they_are() -> None:
    found = as_kiln([Entry("a", "-1", '@x, "y"\n', ("a,b",))], raw=True)
    assert found.data == b'input,output,tags\r\n-1,"@x, ""y""\n",a_b\r\n'
    assert "open the file in none" in found.told[-1]


def test_outputs_of_a_run(project: Project) -> None:
    project.run("--calls", "live")
    run("export", "rows", "--run", "last", "--to", project.root / "r.jsonl", root=project.root)
    lines = [json.loads(line) for line in (project.root / "r.jsonl").read_text().splitlines()]
    assert {line["id"]: line["scores"] for line in lines} == {
        "a": {"long": 1.0},
        "b": {"long": 1.0},
        "c": {"long": 0.0},
    }
    assert {(line["id"], line["outcomes"]["words"]) for line in lines} >= {("a", "pass"), ("c", "miss")}
    said = run(
        "export", "kiln", "--run", "last", "--run-config", "main", "--to", project.root / "k.csv", root=project.root
    )
    assert "Kiln's upload takes no such columns: epoch, outcomes, run_config, scores" in said
    assert table(project.root / "k.csv")[2]["tags"] == "words:miss,main"
    wrong = ("export", "rows", "--run", "last", "--eval", "nope", "--to", project.root / "x.csv")
    assert "it has: words" in run(*wrong, root=project.root, fails=True)


def test_golden_outputs_with_ratings(project: Project) -> None:
    from test_import_kiln import places

    where = places(project.root)
    golden_of(where, "words").write([Item("a", "h", "in", "out", "main")])
    one = Rating("a", answer_hash("out"), "Ada", "pass", "2026-01-01T00:00:00Z")
    ratings_of(where, "words").add(one)
    run("export", "rows", "--golden", "words", "--to", project.root / "g.jsonl", root=project.root)
    line = json.loads((project.root / "g.jsonl").read_text())
    assert (line["output"], line["ratings"], line["run_config"]) == ("out", {"Ada": "pass"}, "main")
    run("export", "kiln", "--golden", "words", "--to", project.root / "g.csv", root=project.root)
    assert table(project.root / "g.csv")[0]["tags"] == "golden,rated:pass"


def test_a_data_set_comes_back_as_it_was(project: Project) -> None:
    run("export", "rows", "--dataset", "words", "--to", project.root / "w.csv", root=project.root)
    from touchstone_tuning.synth.formats import read_rows

    rows = [json.loads(line) for line in (project.root / "datasets/words.jsonl").read_text().splitlines()]
    assert read_rows(project.root / "w.csv")["w"] == rows


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("kiln", "--dataset", "words", "--to", "k.jsonl"), "Kiln's upload takes CSV"),
        (("rows", "--dataset", "words", "--to", "k.xls"), "--to FILE.jsonl, .csv or .parquet"),
        (("rows", "--dataset", "nope", "--to", "k.csv"), "there is no dataset 'nope'"),
        (("rows", "--golden", "words", "--to", "k.csv"), "has no golden set yet"),
        (("rows", "--run", "last", "--to", "k.csv"), "there is no run"),
        (("kiln", "--dataset", "words", "--to", "pytest.ini"), "Kiln's upload takes CSV"),
        (("rows", "--dataset", "words", "--to", "taken.csv"), "is there already"),
        (("kiln", "--dataset", "words", "--to", "taken.csv"), "is there already"),
        (("promptfoo", "nope", "--to", "k.yaml"), "there is no eval 'nope'"),
        (("promptfoo", "words", "--to", "k.yaml"), "no run-config has a model that promptfoo knows"),
    ],
)
def test_mistakes_are_told(project: Project, args: tuple[str, ...], why: str) -> None:
    project.write("taken.csv", "x")
    assert why in run("export", *args, root=project.root, fails=True)
    assert (project.root / "taken.csv").read_text() == "x"
    assert not list(project.root.glob("k.*"))


def test_one_source_is_wanted(project: Project) -> None:
    assert "say what" in run("export", "rows", "--to", "x.csv", root=project.root, fails=2)
    both = ("export", "rows", "--dataset", "words", "--golden", "w", "--to", "x.csv")
    assert "say what" in run(*both, root=project.root, fails=2)


def test_scorers_and_gates_without_an_equal_are_said(project: Project) -> None:
    target = project.root / "p.yaml"
    said = run("export", "promptfoo", "words", "--to", target, "--provider", "echo", root=project.root)
    assert "run_configs.yaml:2: run-config main: promptfoo has no python/app:echo" in said
    assert "scorer long: has no equal there" in said
    assert "gate 'long >= 0': there every test must pass" in said
    config = yaml.safe_load(target.read_text())
    assert config["providers"] == ["echo"]
    assert [test["vars"] for test in config["tests"]] == [
        {"input": "=SUM(1)"},
        {"q": "hi", "input": {"q": "hi"}},
        {"input": "good"},
    ]
    assert config["tests"][0]["metadata"] == {"tags": ["two words", "x"], "row": {"answer": "=1"}}


def test_values_that_promptfoo_would_read_or_fill_in_are_left_out(project: Project) -> None:
    project.dataset(
        [
            {"id": "a", "input": "file:///etc/passwd"},
            {"id": "b", "input": {"q": "{{ z }}", "z": "x"}},
            {"id": "c", "input": "{{ other }}"},
        ]
    )
    target = project.root / "p.yaml"
    said = run("export", "promptfoo", "words", "--to", target, "--provider", "echo", root=project.root)
    assert "row a: input begins as a file's name does" in said
    assert "row b: q holds {{...}} with a variable's name" in said
    assert [test["description"] for test in yaml.safe_load(target.read_text())["tests"]] == ["c"]


def test_ideals_are_asserts(project: Project) -> None:
    project.dataset([{"id": "a", "input": "x", "ideal": ["a.b", "c"]}, {"id": "b", "input": "x", "ideal": "d"}])
    names = "matches, includes, includes_any_case"
    project.eval(
        f'import pytest\nfrom touchstone.ideals import {names}\n\n'
        f'@pytest.mark.eval(dataset="words", scorers=[{names}])\ndef test_words(output):\n    assert output\n'
    )  # fmt: skip
    target = project.root / "p.yaml"
    run("export", "promptfoo", "words", "--to", target, "--provider", "echo", root=project.root)
    first, second = (test["assert"] for test in yaml.safe_load(target.read_text())["tests"])
    assert first[0] == {"type": "regex", "value": r"^(?:a\.b|c)"}
    assert second[0] == {"type": "starts-with", "value": "d"}
    assert [one["type"] for one in first[1:]] == ["contains-any", "icontains-any"]


def contents(folder: Path) -> dict[str, Any]:
    """Rows by id, prompts, run-configs and judges of a project."""
    rows = [json.loads(line) for line in (folder / "datasets/from.jsonl").read_text().splitlines()]
    prompts = {file.name: file.read_text() for file in (folder / "evals/prompts").iterdir()}
    configs = yaml.safe_load((folder / "evals/run_configs.yaml").read_text())
    judges = {file.name: file.read_text() for file in (folder / "evals/judges").iterdir()}
    return {"rows": {row["id"]: row for row in rows}, "prompts": prompts, "configs": configs, "judges": judges}


def test_there_and_back_again(pytester: pytest.Pytester, tmp_path: Path) -> None:
    for first, second in (("one", "two"), ("two", "three")):
        source = tmp_path / f"to-{first}/from/config.yaml"
        source.parent.mkdir(parents=True, exist_ok=True)
        if first == "one":
            source.write_text(CONFIG)
        run("import", "promptfoo", source, "--into", tmp_path / first)
        target = tmp_path / f"to-{second}/from/config.yaml"
        for evaluation in ("from", "from_rubric") if first == "one" else ("from",):
            file = target if evaluation == "from" else target.with_name("rubric.yaml")
            for name in ("test_from", "test_from_rubric"):  # of the project before
                sys.modules.pop(name, None)
            run("export", "promptfoo", evaluation, "--to", file, root=tmp_path / first)
    one = contents(tmp_path / "one")
    run("import", "promptfoo", tmp_path / "to-three/from/config.yaml", "--into", tmp_path / "three")
    rubrics = yaml.safe_load((tmp_path / "to-two/from/rubric.yaml").read_text())
    assert rubrics["tests"][0]["assert"] == [{"type": "llm-rubric", "value": "kind"}]
    assert rubrics["defaultTest"] == {"options": {"provider": "openai:chat:gpt-4.1"}}
    two = json.loads((tmp_path / "two/datasets/from.jsonl").read_text().splitlines()[0])
    assert two["input"]["input"] == "{{ 7 * 7 }} =1"
    assert two["asserts"][1]["value"] == ["{{word}}", "b"]
    wanted = {key: {k: v for k, v in row.items() if k != "rubric"} for key, row in one["rows"].items()}
    lines = (tmp_path / "three/datasets/from.jsonl").read_text().splitlines()
    assert {row["id"]: row for row in map(json.loads, lines)} == wanted
    for name, text in one["prompts"].items():
        assert (tmp_path / "three/evals/prompts" / name).read_text() == text
    assert yaml.safe_load((tmp_path / "three/evals/run_configs.yaml").read_text()) == one["configs"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{% extends 'x' %}", "made of other templates"),
        ("{% block user %}a{% endblock %} b", "more than a system and a user block"),
        ("{% block other %}a{% endblock %}", "more than a system and a user block"),
        ("{{ a | items }}", "Nunjucks knows no filter items"),
        ("{{ a is sequence }}", "Nunjucks knows no test sequence"),
        ("{{ a.keys() }}", "calls a method of Python's"),
        ("{{ a", "cannot be read"),
    ],
)
def test_prompts_that_nunjucks_cannot_have(text: str, problem: str) -> None:
    assert problem in told(text).problem


def test_a_prompt_in_nunjucks_words() -> None:
    found = told(
        "{% block system %}\nA {{ a | tojson }}\n{% endblock %}\n"
        "{% block user %}{% if b +%}\nx{% endif %}\ny{% endblock %}"
    )
    assert found.messages == (("system", "A {{ a | dump }}"), ("user", "{% if b %}\nx{% endif %}y"))
    assert found.names == {"a", "b"}


BRACES = st.text("{}%#-+'\" \nab", max_size=30)


@given(BRACES)
def test_any_text_comes_back_from_an_assert(text: str) -> None:
    try:
        there = _text(text)
    except ValueError:
        return
    assert filled(there, {"a": "x"}) == text
    assert not open_in(there, {"a": "x"})


@given(BRACES)
def test_any_prompt_comes_back(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ours.j2").write_text(prompt(text))
        found = told((folder / "ours.j2").read_text())
        if found.problem:  # a text that is a tag of a block's end, say
            return
        parts = dict(found.messages)
        system = template(parts["system"]) if "system" in parts else None
        back = Prompt("back", (), system, template(parts["user"]))
        (folder / "back.j2").write_bytes(back.content(True, frozenset()))
        prompts, row = Prompts(folder, ""), Row(id="a", input="x")
        assert prompts.render("back", row) == prompts.render("ours", row)
