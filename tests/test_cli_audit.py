"""`touchstone audit`, as somebody types it: golden set, ratings files and judges of a project, end to end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from projects import Project

from touchstone.cli import main
from touchstone.evals import row_hash
from touchstone.golden import golden_of
from touchstone.labels import Item, Rating
from touchstone.places import Places
from touchstone.ratings import ratings_of
from touchstone.records import Row

ROWS = 40
EVAL = """
import pytest
from touchstone import Score

def runs(sample):
    good = sample.output.startswith("good")
    return Score(float(good), "" if good else "exits 1: \\x1b[31mbad")

@pytest.mark.eval(dataset="words", scorers=[runs], gates=["runs >= 0.1"]{truth})
def test_words(sample):
    sample.require("runs")
"""
JUDGE = """---
eval: words
model: python/app:{function}
output: pass_fail
---
{{{{ input }}}} {{{{ answer }}}}
"""
JUDGES = """

import json


def kind(request):
    return json.dumps({"reasoning": "all is well", "verdict": "pass"})


def contrary(request):
    bad = "bad" in request.messages[-1].content
    return json.dumps({"reasoning": "it looks so", "verdict": "pass" if bad else "fail"})
"""
SOURCES = [("good" if random.Random(i).random() < 0.5 else "bad") + f" {i}" for i in range(ROWS)]


def touchstone(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "audit", *args])


def places(project: Project) -> Places:
    from touchstone.cli.words import places as found

    return found(project.root)


@pytest.fixture
def rated(project: Project) -> Project:
    """Forty outputs in the golden set; half of them run."""
    rows = [
        {"id": f"r{i:02}", "input": text, "tags": ["early" if i < 26 else "late"]} for i, text in enumerate(SOURCES)
    ]
    project.dataset(rows)
    project.eval(EVAL.replace("{truth}", ', truth="runs"'))
    items = [
        Item(f"r{i:02}", row_hash(Row.model_validate(rows[i])), text, text, "main") for i, text in enumerate(SOURCES)
    ]
    golden_of(places(project), "words").write(items)
    return project


def rate(
    project: Project, rater: str, says: Callable[[int], str], *, seconds: float | None = 9.0, note: str = ""
) -> None:
    start = datetime(2026, 5, 1, 9, tzinfo=UTC)
    items = [Item(f"r{i:02}", "", text, text, "main") for i, text in enumerate(SOURCES)]
    ratings_of(places(project), "words").add(
        *(
            Rating(
                item.row,
                item.answer,
                rater,
                says(i),
                f"{start + timedelta(seconds=20 * i):%Y-%m-%dT%H:%M:%SZ}",
                note,
                seconds,
            )
            for i, item in enumerate(items)
        )
    )


def by_truth(i: int) -> str:
    return "pass" if SOURCES[i].startswith("good") else "fail"


def by_batch(i: int) -> str:
    return "pass" if i < 26 else "fail"


def data(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_labels_that_equal_their_batch_are_caught(rated: Project) -> None:
    """What the walkthrough's golden set was: passed and failed by the batch, whatever runs."""
    rate(rated, "Ann", by_batch)
    result = touchstone(rated, "words")
    assert result.exit_code == 0, result.output
    passes, fails = [by_truth(i) for i in range(26)], [by_truth(i) for i in range(26, ROWS)]
    flat = " ".join(result.stdout.split())
    assert "40 labels by 1 rater on 40 outputs" in flat
    assert (
        f"beside execution: 26 labels of a pass, {passes.count('fail')} of which it fails; "
        f"14 labels of a fail, {fails.count('pass')} of which it passes" in flat
    )
    assert "labels by Ann are not shown to carry information about what execution saw: kappa" in flat
    assert "labels by Ann follow the batch: the set of tags explains 100 %" in flat
    assert '"pass" by Ann, but execution fails it' in flat
    assert "execution fails (0): exits 1: bad" in flat
    wrong = passes.count("fail") + fails.count("pass")
    assert f"... and {wrong - 10} more: --top {wrong}" in flat
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert "\x1b" not in result.stdout


def test_when_all_is_well_it_says_so(rated: Project) -> None:
    rate(rated, "Ann", by_truth)
    rate(rated, "Bo", by_truth)
    result = touchstone(rated, "words", "--strict")
    assert result.exit_code == 0
    assert result.stdout.endswith("nothing found in 80 labels by 2 raters\n")


def test_strict_exits_one_where_there_is_a_finding(rated: Project) -> None:
    rate(rated, "Ann", by_truth, seconds=0.2)
    assert touchstone(rated, "words").exit_code == 0
    result = touchstone(rated, "words", "--strict")
    assert result.exit_code == 1
    assert "Ann rated 40 of 40 outputs faster than 10 words a second" in " ".join(result.stdout.split())


def test_json_leaves_nothing_out(rated: Project) -> None:
    rate(rated, "Ann", by_batch)
    found = data(touchstone(rated, "words", "--format", "json", "--top", "1"))
    wrong = sum(by_batch(i) != by_truth(i) for i in range(ROWS))
    assert [one["kind"] for one in found["findings"]].count("contradiction") == wrong
    assert (found["schema"], found["of"], found["outputs"]) == (1, "people", ROWS)


def test_stale_and_unreadable_ratings_are_named(rated: Project) -> None:
    rate(rated, "Ann", by_truth)
    ratings_of(places(rated), "words").add(Rating("r00", "0" * 16, "Ann", "pass", "2026-01-01T00:00:00Z"))
    with (rated.root / "datasets/ratings/words/ann.jsonl").open("a") as file:
        file.write('{"v": 1, "row": "r01", "answer": "00", "rater": "x", "value": "maybe", "when": "now"}\n')
    found = data(touchstone(rated, "words", "--format", "json"))
    assert [one["words"] for one in found["findings"]] == [
        "1 line of ratings cannot be read",
        "1 rating by Ann stale: about answers that the golden set no longer has",
    ]


def test_ratings_on_two_scales_are_a_finding(rated: Project) -> None:
    rate(rated, "Ann", by_truth)
    ratings_of(places(rated), "words").add(
        Rating("r00", Item("r00", "", "", SOURCES[0], "").answer, "Bo", 5, "2026-05-01T00:00:00Z", "", 5.0)
    )
    found = data(touchstone(rated, "words", "--format", "json"))
    assert [one["words"] for one in found["findings"]] == ["1 rating of another scale than most"]


def test_judges_are_audited_where_nobody_rated(rated: Project) -> None:
    rated.write("app.py", (rated.root / "app.py").read_text() + JUDGES)
    rated.write("evals/judges/kind.j2", JUDGE.format(function="kind"))
    rated.write("evals/judges/contrary.j2", JUDGE.format(function="contrary"))
    found = data(touchstone(rated, "words", "--format", "json"))
    assert found["of"] == "judges"
    assert "the judge kind says the same (1) of all 40 outputs: it tells nothing" in [
        one["words"] for one in found["findings"]
    ]
    contradicted = [one["words"] for one in found["findings"] if one["kind"] == "contradiction"]
    assert len(contradicted) == ROWS
    assert set(contradicted) == {
        "execution passes it, but the judge contrary fails it",
        "execution fails it, but the judge contrary passes it",
    }
    assert data(touchstone(rated, "words", "--no-judges", "--format", "json"))["of"] == "nothing"


def test_without_execution_it_says_what_it_cannot_see(rated: Project) -> None:
    rated.eval(EVAL.replace("{truth}", ""))
    result = touchstone(rated, "words")
    flat = " ".join(result.stdout.split())
    assert "there is nothing to audit" in flat
    assert "note: execution: the eval names no truth=" in flat
    assert "touchstone rate words" in flat
    assert "nothing found" not in flat


def test_rows_that_changed_are_left_out_and_named(rated: Project) -> None:
    rate(rated, "Ann", by_truth)
    rated.dataset([{"id": f"r{i:02}", "input": text + "!" * (i == 3)} for i, text in enumerate(SOURCES)])
    flat = " ".join(touchstone(rated, "words").stdout.split())
    assert "left out: r03@" in flat
    assert "the row has changed" in flat


def test_a_hostile_rater_is_shown_harmlessly(rated: Project) -> None:
    rate(rated, "Eve\x1b]0;owned\x07 <b>\u202e @all", by_batch, note="\x1b[2J::error::gone")
    for style in ("terminal", "markdown", "json"):
        result = touchstone(rated, "words", "--format", style)
        assert result.exit_code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout)
        assert not [line for line in result.stdout.splitlines() if line.startswith("::")]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["word"], "there is no eval 'word'"),
        (["words", "--judge", "nobody"], "there is no judge 'nobody'"),
        (["words", "--judge", "kind", "--no-judges"], "say opposite things"),
        (["words", "--top", "0"], "--top"),
    ],
)
def test_mistakes_are_told_in_words(rated: Project, args: list[str], words: str) -> None:
    result = touchstone(rated, *args)
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output


def test_without_a_golden_set_it_says_how_to_draw_one(project: Project) -> None:
    result = touchstone(project, "words")
    assert result.exit_code == 1
    assert "has no golden set yet" in result.output
    assert "touchstone golden words" in result.output
