"""`touchstone import promptfoo`, as somebody types it: a config becomes a project; the rest is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from projects import APP, Project

from touchstone.asserts import Assert, AssertsRow, meets_asserts
from touchstone.cli import main
from touchstone.errors import ScorerError
from touchstone.importing.promptfoo.nunjucks import template
from touchstone.prompts import Prompts
from touchstone.records import Response, Row, RunConfig, Sample

ECHO = "prompts: ['{{word}}']\nproviders: [echo]\n"
KEY = "sk-0123456789abcdefghij"
FULL = """\
description: "Greetings {{ all }}"
prompts:
  - "Say {{word}}{% if loud === true && word !== 'x' %} LOUD{% elseif quiet %} q{% endif %}\\nnow"
  - file://prompts/chat.json
  - file://prompts/two.txt
  - file://prompts/make.py
  - {label: long, raw: "{{word}} {{input}} {{row}}"}
  - '[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"{{word}}"}]'
providers:
  - openai:gpt-4.1-mini
  - id: anthropic:messages:claude-x
    label: Sonnet
    config: {temperature: 0.5, max_tokens: 100, apiKey: SECRET, tools: [x]}
    prompts: [long]
  - openai:chat:local:
      config: {apiBaseUrl: "http://localhost:8000/v1", temperature: 7}
  - exec:./run.sh
  - {id: "google:gemini-x", config: {generationConfig: {maxOutputTokens: 7, topK: 3}}, prompts: [long]}
  - ollama:chat:llama3.2:3b
defaultTest:
  vars: {language: French}
  assert:
    - {type: cost, threshold: 0.01}
    - {type: llm-rubric, value: "is polite in {{language}}", provider: "openai:gpt-4.1"}
  options: {transform: output.trim()}
tests:
  - description: Greets!
    vars: {word: [hello, bye], numbers: [1, 2]}
    assert:
      - {type: icontains, value: "{{word}}", weight: 2, metric: words}
      - {type: javascript, value: output.length > 3}
      - {type: not-contains-any, value: [a, b]}
      - {type: is-json, value: {type: object, required: [a]}}
      - {type: similar, value: x}
    threshold: 0.5
    metadata: {area: greeting, tags: [x], deep: {a: 1}}
  - file://tests.csv
  - file://more.jsonl
env: {OPENAI_API_KEY: SECRET}
"""


def write(folder: Path, **files: str) -> Path:
    """A config with its files; `tests_csv` is tests.csv."""
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "config.yaml"


def run(config: Path, target: Path, *more: str | Path) -> Result:
    """The command."""
    return CliRunner().invoke(main, ["import", "promptfoo", str(config), "--into", str(target), *map(str, more)])


def imported(
    tmp_path: Path, tests: str, *more: str, head: str = ECHO, **files: str
) -> tuple[str, list[dict[str, Any]]]:
    """(what was said, the rows) of a small config."""
    config = write(tmp_path / "from", config_yaml=head + tests, **files)
    result = run(config, tmp_path / "here", "--model", "python/app:echo", *more)
    assert result.exit_code == 0, result.output
    return result.output, lines(tmp_path / "here/datasets/from.jsonl")


def lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def full(tmp_path: Path) -> tuple[str, Path]:
    """(what was said, the project) of a config with something of everything."""
    config = write(
        tmp_path / "from",
        config_yaml=FULL.replace("SECRET", KEY),
        prompts__chat_json='[{"role":"system","content":"Be {{language}}"},{"role":"user","content":"{{word}}"}]',
        prompts__two_txt="first {{word}}\n---\nsecond {{ word | nofilter }}",
        tests_csv="word,input,__expected,__expected2\nhat,x,contains:hat,not-regex:(?<a>sorry)\ncat,y,cat,grade:nice\n",
        more_jsonl='{"vars":{"word":"z"},"assert":[{"type":"nope"}]}\n',
    )
    result = run(config, tmp_path / "here")
    assert result.exit_code == 0, result.output
    return result.output, tmp_path / "here"


def test_each_provider_with_each_prompt_is_a_run_config(full: tuple[str, Path]) -> None:
    import yaml

    configs = yaml.safe_load((full[1] / "evals/run_configs.yaml").read_text())["run_configs"]
    assert len(configs) == 5 + 1 + 5 + 1 + 5
    assert configs[0]["model"] == "openai/gpt-4.1-mini"
    assert configs[0]["default"] is True
    assert configs[5] == {
        "name": "sonnet",
        "model": "anthropic/claude-x",
        "prompt": "long",
        "temperature": 0.5,
        "max_tokens": 100,
    }
    assert configs[6]["model"] == "openai-compatible/local"
    assert configs[6]["base_url"] == "http://localhost:8000/v1"
    assert (configs[11]["model"], configs[11]["max_tokens"]) == ("gemini/gemini-x", 7)
    assert configs[-1]["model"] == "ollama_chat/llama3.2:3b"


def test_variables_and_asserts_are_laid_over_the_default_test(full: tuple[str, Path]) -> None:
    rows = lines(full[1] / "datasets/from.jsonl")
    assert [row["input"]["word"] for row in rows] == ["hello", "bye", "hat", "cat", "z"]
    assert rows[1]["input"] == {"language": "French", "word": "bye", "numbers": [1, 2]}
    assert rows[1]["asserts"] == [
        {"type": "cost", "threshold": 0.01},
        {"type": "icontains", "value": "bye", "weight": 2},
        {"type": "not-contains-any", "value": ["a", "b"]},
        {"type": "is-json", "value": {"type": "object", "required": ["a"]}},
    ]
    assert rows[1]["tags"] == ["area:greeting", "x"]
    assert rows[1]["threshold"] == 0.5
    assert [row["rubric"] for row in rows[2:4]] == ["is polite in French", "is polite in French\nnice"]
    assert rows[2]["asserts"][1:] == [
        {"type": "contains", "value": "hat"},
        {"type": "not-regex", "value": "(?P<a>sorry)"},
    ]
    assert rows[3]["asserts"][1:] == [{"type": "equals", "value": "cat"}]


def test_what_has_no_place_is_said_with_its_line(full: tuple[str, Path]) -> None:
    said = full[0].replace(str(full[1].parent / "from") + "/", "")
    for wanted in (
        "config.yaml:6: prompt: a prompt that code makes",
        "config.yaml:8: prompt: messages of several turns",
        "config.yaml:13: provider.config: tools",
        "config.yaml:16: provider.config: temperature: is outside",
        "config.yaml:17: provider: exec:./run.sh",
        "config.yaml:25: test.options: transform",
        "config.yaml:30: assert: icontains: metric",
        "config.yaml:31: assert: javascript: code",
        "config.yaml:34: assert: similar: wants embeddings",
        "config.yaml:35: test: threshold: counts the asserts alone",
        "more.jsonl:1: assert: nope",
        "prompts/two.txt:1: prompt: no template of Jinja2's",
    ):
        assert wanted in said


def test_keys_reach_no_file(full: tuple[str, Path]) -> None:
    assert KEY not in full[0]
    for file in full[1].rglob("*"):
        assert not file.is_file() or KEY not in file.read_text()


def test_prompts_say_what_they_said(full: tuple[str, Path]) -> None:
    prompts = Prompts(full[1] / "evals/prompts", "")
    row = Row(id="a", input={"word": "hat", "language": "French", "input": "x", "loud": True})
    plain = Row(id="a", input={"word": "hat", "language": "French"})
    first = next(file.stem for file in (full[1] / "evals/prompts").glob("say*"))
    assert prompts.render(first, row)[0].content == "Say hat LOUD\nnow"
    assert prompts.render(first, plain)[0].content == "Say hat\nnow"
    assert [m.content for m in prompts.render("chat", row)] == ["Be French", "hat"]
    assert prompts.render("two-1", row)[0].content == "first hat"
    assert prompts.render("two-2", row)[0].content == "second {{ word | nofilter }}"
    assert prompts.render("long", row)[0].content == "hat x"
    assert prompts.render("long", plain)[0].content == "hat"


def test_it_runs(pytester: pytest.Pytester, tmp_path: Path) -> None:
    tests = """\
tests:
  - {description: good, vars: {word: hello}, assert: [{type: contains, value: ell}]}
  - {description: half, vars: {word: hello}, assert: [{type: contains, value: ell}, {type: equals, value: x}]}
  - {description: enough, vars: {word: hello}, threshold: 0.5,
     assert: [{type: equals, value: hello}, {type: regex, value: z}]}
  - {description: none, vars: {word: "{{ 7 * 7 }}"}}
"""
    config = write(tmp_path / "from", config_yaml=ECHO + tests)
    result = run(config, pytester.path, "--model", "python/app:echo")
    assert result.exit_code == 0, result.output
    project = Project(pytester)
    project.write("app.py", APP)
    ended = project.run("--calls", "live")
    assert ended.ret == 1
    assert {s["row"]: s["scores"]["meets_asserts"]["value"] for s in project.samples()} == {
        "good": 1.0,
        "half": 0.5,
        "enough": 0.5,
        "none": 1.0,
    }
    assert {s["row"] for s in project.samples() if s["outcome"]["kind"] == "miss"} == {"half"}
    assert project.sample("none")["output"] == "{{ 7 * 7 }}"


def test_some_rubrics_are_an_eval_of_their_own(tmp_path: Path) -> None:
    tests = "tests:\n  - {vars: {word: a}}\n  - {vars: {word: b}, assert: [{type: llm-rubric, value: 'is {{word}}'}]}\n"
    said, rows = imported(tmp_path, tests)
    here = tmp_path / "here"
    assert "rubric" not in rows[0]
    assert [row["rubric"] for row in lines(here / "datasets/from_rubric.jsonl")] == ["is b"]
    assert "eval: from_rubric\nrun_config: echo\n" in (here / "evals/judges/from-rubric.j2").read_text()
    assert "the judge takes the first run-config's model" in said
    for module in (here / "evals").glob("*.py"):
        compile(module.read_text(), str(module), "exec")


def test_a_single_text_is_the_input(tmp_path: Path) -> None:
    head = "prompts: ['Answer: {{input}} {{row}} {{more}}']\nproviders: [echo]\n"
    _, rows = imported(tmp_path, "tests: [{vars: {input: hi}}]\n", head=head)
    assert rows == [{"id": "row-1", "input": "hi"}]
    (file,) = (tmp_path / "here/evals/prompts").iterdir()
    (user,) = Prompts(file.parent, "").render(file.stem, Row(id="a", input="hi"))
    assert user.content == "Answer: hi"


def test_files_of_variables_and_schemas(tmp_path: Path) -> None:
    tests = (
        "tests:\n  - vars: {word: file://a.txt, all: file://texts/*.md, other: '{{word}}!'}\n"
        "    assert: [{type: is-json, value: file://schema.json}]\n"
    )
    files = {"a_txt": " one \n", "texts__x_md": "x", "texts__y_md": "y", "schema_json": '{"type": "array"}'}
    _, rows = imported(tmp_path, tests, **files)
    assert [row["input"] for row in rows] == [{"word": "one", "all": a, "other": "one!"} for a in "xy"]
    assert rows[0]["asserts"] == [{"type": "is-json", "value": {"type": "array"}}]


def test_yaml_is_read_as_promptfoo_reads_it(tmp_path: Path) -> None:
    tests = "tests: [{vars: {word: Yes, a: on, b: true, c: 1:30, d: 12, e: 1.5, f: 010, g: ~, h: 2026-01-02, i: 1e3}}]"
    _, rows = imported(tmp_path, tests)
    assert rows[0]["input"] == {
        "word": "Yes",
        "a": "on",
        "b": True,
        "c": "1:30",
        "d": 12,
        "e": 1.5,
        "f": "010",
        "g": None,
        "h": "2026-01-02",
        "i": 1000.0,
    }


def test_an_assert_of_a_transformed_answer_is_left_out(tmp_path: Path) -> None:
    tests = (
        "tests:\n  - vars: {word: x}\n    options: {transform: JSON.parse(output)}\n"
        "    assert: [{type: contains, value: a, transform: output.b}, {$ref: '#/assertionTemplates/c'}]\n"
        "assertionTemplates: {c: {type: icontains, value: '{{word}}'}}\n"
    )
    said, rows = imported(tmp_path, tests)
    assert rows[0]["asserts"] == [{"type": "icontains", "value": "x"}]
    assert "config.yaml:6: assert: contains: is of a transformed answer" in said
    assert "config.yaml:5: test.options: transform: asserts hold for the answer as it is" in said


def test_scenarios_are_each_of_their_data_with_each_test(tmp_path: Path) -> None:
    tests = (
        "scenarios:\n  - config: [{vars: {word: a}}, {vars: {word: b}}]\n    tests: [{vars: {x: 1}}, {vars: {x: 2}}]\n"
    )
    _, rows = imported(tmp_path, tests)
    assert [(row["input"]["word"], row["input"]["x"]) for row in rows] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


MANY = ", ".join(f"{c}: [{','.join('abcdefghij')}]" for c in "abcdef")
BOMB = "x: &a [l,l,l,l,l,l,l,l,l]\n" + "".join(
    f"x{n}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a", "is no config of promptfoo's"),
        ("a: [", "config.yaml:2: is no YAML"),
        (ECHO, "no provider that can be called"),
        ("prompts: [file://x.py]\nproviders: [openai:a]\ntests: [{vars: {a: 1}}]", "config.yaml:1: has no prompt"),
        ("prompts: [a]\nproviders: [openai:a]\n", "has no test"),
        ("prompts: [file://gone.txt]", "config.yaml:1: names the file 'gone.txt', which is not there"),
        ("prompts: [file:///etc/hostname]", "which lies elsewhere"),
        ("prompts: [file://../secret.txt]", "which lies elsewhere"),
        ("prompts: [a]\nproviders: [openai:a]\ntests: file://t.csv", "t.csv:2: has 2 cells, the header 1"),
        ("prompts: [a]\nproviders: [openai:a]\ntests: file://t.jsonl", "t.jsonl:2: is no JSON"),
        ("prompts: &a [*a]", "aliases of aliases"),
        (BOMB, "aliases of aliases"),
        (f"prompts: [a]\nproviders: [openai:a]\ntests: [{{vars: {{{MANY}}}}}]", "make more than 100,000 tests"),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_written(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "secret.txt").write_text("private")
    config = write(tmp_path / "from", config_yaml=text, t_csv="a\nb,c\n", t_jsonl='{"vars": {}}\n{\n')
    result = run(config, tmp_path / "here")
    assert result.exit_code == 1
    assert why in result.output
    assert not (tmp_path / "here").exists()


def test_base_lets_files_beside_the_folder_be_read(tmp_path: Path) -> None:
    (tmp_path / "shared.txt").write_text("Say {{word}}")
    config = write(
        tmp_path / "from",
        config_yaml="prompts: [file://../shared.txt]\nproviders: [openai:a]\ntests: [{vars: {word: x}}]",
    )
    assert run(config, tmp_path / "here", "--base", tmp_path).exit_code == 0
    assert (tmp_path / "here/evals/prompts/shared.j2").is_file()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    imported(tmp_path, "tests: [{vars: {word: x}}]")
    result = run(tmp_path / "from/config.yaml", tmp_path / "here", "--model", "x/y")
    assert result.exit_code == 1
    assert "is there already" in result.output


@pytest.mark.parametrize(
    "text",
    ["{", "{{{{", "{% endblock %}", "{% block x %}{% endblock %}", "{# {{ #", "{% include 'x' %}", "{{ a.b(", "{%"],
)
def test_what_is_no_template_stays_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.j2").write_text("{% block user %}\n" + template(text).text + "\n{% endblock %}\n")
    (user,) = Prompts(tmp_path, "").render("p", Row(id="a", input="x"))
    assert user.content == text


def sample(output: str, *asserts: dict[str, Any], cost: float | None = None) -> Sample:
    """An answer to a row with these asserts."""
    row = AssertsRow(id="a", input="", asserts=tuple(Assert(**one) for one in asserts))
    config = RunConfig(name="m", model="python/x:y", prompt="p")
    return Sample("e", row, config, 1, output, Response(output, cost=cost, latency=0.2))


@pytest.mark.parametrize(
    ("kind", "value", "threshold", "good", "bad"),
    [
        ("equals", "a", None, "a", "a "),
        ("equals", {"a": [1]}, None, '{"a":[1]}', '{"a":[2]}'),
        ("contains", "b", None, "abc", "aBc"),
        ("icontains", "B", None, "abc", "ac"),
        ("contains-any", ["x", "b"], None, "abc", "ac"),
        ("contains-all", ["a", "b"], None, "abc", "ac"),
        ("icontains-any", ["X", "B"], None, "abc", "ac"),
        ("icontains-all", ["A", "B"], None, "abc", "ac"),
        ("starts-with", "a", None, "abc", "ba"),
        ("regex", r"^\d+$", None, "12", "\u0661"),
        ("is-json", None, None, "[1]", "so: [1]"),
        ("is-json", {"required": ["a"], "type": "object"}, None, '{"a": 1}', '{"b": 1}'),
        ("contains-json", None, None, 'so: {"a": 1}.', "so: {a}"),
        ("contains-json", {"required": ["a"]}, None, 'x {"b": 1} {"a": 1}', '{"b": {"a": 1}}'),
        ("levenshtein", "kitten", 3, "sitting", "something"),
        ("latency", None, 200, "any", None),
        ("cost", None, 0.5, "any", None),
    ],
)
def test_asserts(kind: str, value: Any, threshold: float | None, good: str, bad: str | None) -> None:
    one = {"type": kind, "value": value, "threshold": threshold}
    assert meets_asserts(sample(good, one, cost=0.5)).value == 1
    assert meets_asserts(sample(good, {**one, "type": f"not-{kind}"}, cost=0.5)).value == 0
    if bad is not None:
        assert meets_asserts(sample(bad, one)).value == 0
    else:
        assert meets_asserts(sample(good, {**one, "threshold": 0.1}, cost=0.5)).value == 0


def test_weights_count() -> None:
    said = meets_asserts(sample("a", {"type": "equals", "value": "a", "weight": 3}, {"type": "equals", "value": "b"}))
    assert said.value == 0.75
    assert said.why == 'not met: equals "b"'


def test_no_price_is_no_score() -> None:
    with pytest.raises(ScorerError, match="no price is known"):
        meets_asserts(sample("a", {"type": "cost", "threshold": 1}))


@pytest.mark.parametrize(
    ("one", "why"),
    [
        ({"type": "nope"}, "there is no assert 'nope'"),
        ({"type": "cost"}, "wants a threshold"),
        ({"type": "contains-any", "value": "x"}, "wants a list"),
        ({"type": "contains"}, "wants a text"),
        ({"type": "regex", "value": "("}, "no regular expression"),
        ({"type": "is-json", "value": {"type": "nope"}}, "is no JSON schema"),
        ({"type": "is-json", "value": {"items": {"$ref": "http://x/y"}}}, "is not followed"),
    ],
)
def test_asserts_that_there_are_not(one: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Assert(**one)


def test_json_is_looked_for_in_bounded_time() -> None:
    assert meets_asserts(sample("{" * 200_000, {"type": "contains-json"})).value == 0
    assert meets_asserts(sample("[" * 200_000, {"type": "is-json"})).value == 0
