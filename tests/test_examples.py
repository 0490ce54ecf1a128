"""The examples of the documentation: each is a project that runs as it stands, with a stand-in for a model."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from projects import RUN_CONFIGS, Project

EXAMPLES = Path(__file__).parents[1] / "docs/examples"


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Project:
    """A copy of the example that the test names."""
    for name in ("CI", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    left_out = shutil.ignore_patterns(".touchstone", "__pycache__")
    shutil.copytree(EXAMPLES / request.param, pytester.path, dirs_exist_ok=True, ignore=left_out)
    return Project(pytester)


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


def page(example: Project) -> str:
    return (example.runs[-1] / "report.html").read_text()


@of("tools")
def test_tools(example: Project) -> None:
    example.run("--calls", "record").assert_outcomes(passed=4 + 1)
    sample = example.sample("broken")
    assert [call["name"] for one in sample["earlier"].values() for call in one["tool_calls"]] == [
        "find_order",
        "refund",
    ]
    assert sample["scores"]["calls_tools"]["why"] == "called find_order, refund"
    assert sample["output"] == "I am sorry. 25.50 paid back."
    assert "find_order({" in page(example).replace("\\u0022", '"')
    shutil.rmtree(example.root / ".touchstone")
    example.run("--calls", "replay").assert_outcomes(passed=4 + 1)
    example_calls = example.report()["calls"]
    assert (example_calls["count"], example_calls["replayed"]) == (8, 8)
    tools = example.root / "shop/tools.py"
    tools.write_text(tools.read_text().replace("in US dollars", "in euros"))
    example.run("--calls", "replay", "-k", "where").stdout.fnmatch_lines(["*no recording for this call*"])


@of("tools")
def test_a_miss_says_which_call_was_not_made(example: Project) -> None:
    model = example.root / "shop/model.py"
    model.write_text(model.read_text().replace('amount=order["paid"]', "amount=1"))
    example.run()
    why = example.sample("broken")["scores"]["calls_tools"]["why"]
    assert (
        why
        == 'did not call refund({"order_id": "B-2", "amount": 25.5}); called refund({"order_id": "B-2", "amount": 1})'
    )
    shutil.rmtree(example.root / ".touchstone")
    model.write_text(model.read_text().replace("amount=1", 'amount="much"'))
    example.run()
    why = example.sample("broken")["scores"]["calls_tools"]["why"]
    assert why.endswith("$.amount: 'much' is not of type 'number'")


@of("schema")
def test_schema(example: Project) -> None:
    result = example.run()
    result.stdout.fnmatch_lines(["*words: matches_schema: $.total: Input should be a valid number*"])
    result.stdout.fnmatch_lines(["*PASS: 2 of 2 gates*"])
    assert example.sample("plain")["outcome"]["kind"] == "pass"


@of("multi_turn")
def test_multi_turn(example: Project) -> None:
    example.run().assert_outcomes(passed=3 + 1)
    sample = example.sample("asks")
    said = [one["text"] for one in sample["earlier"].values()]
    assert (said, sample["output"]) == (["For how many people?", "At what time?"], "Booked: 2 people at 20.")
    assert "earlier" not in example.sample("remembers")
    assert "At what time?" in page(example)


@of("images")
def test_images(example: Project) -> None:
    example.run("--calls", "record").assert_outcomes(passed=4 + 2)
    assert "[image: media/red.png]" in page(example)
    picture = (example.root / "media/red.png").read_bytes()
    kept = b"".join(file.read_bytes() for file in (example.root / "fixtures/recordings").iterdir())
    assert b"media/red.png" in kept
    assert b"base64" not in kept
    shutil.copy(example.root / "media/blue.png", example.root / "media/red.png")
    changed = example.run("-k", "red")
    changed.stdout.fnmatch_lines(["*1 missed*"])
    (example.root / "media/red.png").write_bytes(picture)
    example.run("--calls", "replay").assert_outcomes(passed=4 + 2)
    (example.root / "media/red.png").unlink()
    example.run("-k", "red").stdout.fnmatch_lines(
        ["*evals/prompts/look.j2:4: media/red.png: cannot be read: No such file*"]
    )


def blocks(name: str) -> list[tuple[str, str]]:
    """(language, text) of each block of code in a how-to."""
    text = (EXAMPLES.parent / "how-to" / f"{name}.md").read_text()
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.S | re.M)


def test_rag_as_the_how_to_has_it(project: Project) -> None:
    found = blocks("rag")
    (row,), (prompt, judge) = ([text for kind, text in found if kind == wanted] for wanted in ("json", "jinja"))
    test, application, finds = (text for kind, text in found if kind == "python")
    unfaithful = row.replace('"refund"', '"claims"').replace("within 30 days", "within 3 days")
    project.write("evals/prompts/ask.j2", prompt)
    project.write("evals/judges/faithful.j2", judge.replace("openai/gpt-4.1-mini", "python/judging_it:judge"))
    project.write("evals/test_support.py", finds + test.replace('Judge("faithful")]', 'Judge("faithful"), finds]'))
    project.write("datasets/support.jsonl", "".join(_with_wanted(line) for line in (row, unfaithful)))
    project.write("app.py", f"{application}\n{RETRIEVAL}".replace("def answer", "def echo"))
    project.write("judging_it.py", JUDGING)
    (project.root / "evals/test_words.py").unlink()
    project.run()
    kept, claimed = project.sample("refund"), project.sample("claims")
    assert (kept["scores"]["faithful"]["value"], claimed["scores"]["faithful"]["value"]) == (1.0, 0.0)
    assert kept["scores"]["finds"]["value"] == 1.0
    assert kept["output"] == "You have 30 days, says [1] Lamps may be returned within 30 days."


def _with_wanted(line: str) -> str:
    return json.dumps({**json.loads(line), "wanted": ["returns"]}) + "\n"


RETRIEVAL = """
from types import SimpleNamespace


def search(asked):
    return [SimpleNamespace(id="returns", text=asked.splitlines()[0])]


def generate(messages, documents):
    return f"You have 30 days, says {documents[0].text}"
"""
JUDGING = """
import json


def judge(request):
    documents = request.messages[-1].content.partition("A user asked")[0]
    return json.dumps({"reasoning": "looked", "verdict": "pass" if "within 30 days" in documents else "fail"})
"""


CALLING = """
from touchstone import Response, ToolCall


def echo(request):
    return Response("", tool_calls=(ToolCall.of("weather", {"city": request.messages[-1].content}),))
"""
CALLED = """
import pytest
from touchstone import calls_tools

PARIS = {"name": "weather", "arguments": {"city": "Paris"}}

@pytest.mark.eval(dataset="words", scorers=[calls_tools([PARIS])], gates=["calls_tools >= 0.5"])
def test_words(sample):
    assert sample.output == sample.response.text
"""


def test_a_file_of_tools_as_the_how_to_has_it(project: Project) -> None:
    (text,) = (text for kind, text in blocks("tools") if kind == "yaml" and text.startswith("- name"))
    project.write("evals/tools/weather.yaml", text)
    project.write("evals/run_configs.yaml", RUN_CONFIGS.replace("prompt: ask", "prompt: ask, tools: weather"))
    project.write("app.py", CALLING)
    project.rows("Paris", "Rome")
    project.eval(CALLED)
    project.run().assert_outcomes(passed=2 + 1)
    assert [project.sample(row)["scores"]["calls_tools"]["value"] for row in "ab"] == [1.0, 0.0]
    assert project.sample("a")["response"]["finish"] == "tool_calls"
    assert json.loads(project.sample("a")["output"]) == [{"name": "weather", "arguments": '{"city": "Paris"}'}]


def test_a_conversation_is_gone_on_with_and_nothing_asked_again(project: Project) -> None:
    project.write("evals/prompts/ask.j2", "{% block system %}s{% endblock %}")
    project.dataset([{"id": "a", "input": {"turns": ["good one", "good two"]}}])
    project.run("--calls", "live").assert_outcomes(passed=1 + 1)
    assert project.calls == ["1 good one", "1 good two"]
    project.run("--calls", "live", "--resume", project.runs[0].name).assert_outcomes(passed=1 + 1)
    assert project.calls == ["1 good one", "1 good two"]


def test_tools_that_cannot_be_had_are_told_before_any_call(project: Project) -> None:
    project.write("evals/run_configs.yaml", RUN_CONFIGS.replace("prompt: ask", "prompt: ask, tools: wether"))
    project.run().stdout.fnmatch_lines(["*run-config 'main': there is no file of tools 'wether' below evals/tools*"])
    assert project.calls == []
