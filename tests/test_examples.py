"""The examples of the documentation: each is a project that runs as it stands, with a stand-in for a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from projects import Project

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
