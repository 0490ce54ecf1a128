"""Judges measured: the table, certificates that go out of date, gates that say what they rest on, corrected scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from projects import APP, Project

from touchstone.cli import main
from touchstone.fingerprint import fingerprint
from touchstone.labels import Trust
from touchstone.records import Outcome, SampleRecord, Score
from touchstone.report.judged import judged, lines
from touchstone.stats import estimate

MODEL = (
    APP
    + '''
import json
import re


def judge(request):
    """It reads the answer; `sleepy` ones it gets wrong."""
    text = request.messages[-1].content
    answer = re.findall(r"<data-([0-9a-f]{12})>\\n(.*?)\\n</data-\\1>", text, re.S)[-1][1]
    right = answer.startswith("good")
    if "mute" in answer:
        return "I would rather not say."
    return json.dumps({"reasoning": "r", "verdict": "pass" if right != ("sleepy" in answer) else "fail"})


def always(request):
    return json.dumps({"reasoning": "all is well", "verdict": "pass"})
'''
)
EVAL = """
import pytest
from touchstone import Judge

def good(sample):
    return sample.output.startswith("good")

@pytest.mark.eval(dataset="words", scorers=[good, Judge("{judge}")], truth="good", gates=["{judge} >= 0.3"])
def test_words(sample):
    sample.require("good")
"""
JUDGE = """---
eval: words
model: python/app:{function}
---
Asked: {{{{ input }}}}
Answered: {{{{ answer }}}}
"""


@pytest.fixture
def judged_project(project: Project) -> Project:
    """48 rows, half of them good; two judges: `honest`, who errs now and then, and `kind`, who passes everything."""
    project.write("app.py", MODEL)
    kinds = ["good {i}", "bad {i}", "good {i}", "bad {i}", "good sleepy {i}", "bad {i}"]
    texts = [kinds[i % len(kinds)].format(i=i) for i in range(48)]
    project.dataset([{"id": f"r{i:02}", "input": text} for i, text in enumerate(texts)])
    project.write("evals/judges/honest.j2", JUDGE.format(function="judge"))
    project.write("evals/judges/kind.j2", JUDGE.format(function="always"))
    project.eval(EVAL.format(judge="honest"))
    return project


def command(project: Project, *args: str) -> Result:
    """`touchstone ARGS` in the project."""
    fingerprint.cache_clear()
    return CliRunner().invoke(main, ["--root", str(project.root), *args], catch_exceptions=False)


def flat(result: pytest.RunResult) -> str:
    """What was shown, as one line: the terminal wraps."""
    return " ".join(result.stdout.str().split())


def drawn(project: Project, size: int = 40) -> None:
    """A run, and a golden set of it."""
    project.run()
    found = command(project, "golden", "words", "--size", str(size))
    assert found.exit_code == 0, found.output


def test_agree_measures_every_judge_of_the_eval_and_the_constants(judged_project: Project) -> None:
    drawn(judged_project)
    found = command(judged_project, "agree", "words", "--format", "json")
    (table,) = json.loads(found.stdout)["tables"]
    assert table["against"] == "execution"
    assert list(table["judges"]) == ["honest", "kind"]
    assert table["judges"]["honest"]["evidence"]["better"] is True
    assert table["judges"]["kind"]["evidence"]["better"] is False
    assert table["constants"]["always pass"]["accuracy"] == table["judges"]["kind"]["accuracy"]
    assert table["judges"]["kind"]["tpr"]["value"] == 1.0
    assert table["judges"]["kind"]["tnr"]["value"] == 0.0


def test_agree_says_it_plainly_in_eighty_columns(judged_project: Project) -> None:
    drawn(judged_project)
    said = command(judged_project, "agree", "words").stdout
    assert "kind: no evidence that this judge is better than always saying" in said
    assert "honest: better than always saying" in said
    assert "nobody has rated these outputs yet: touchstone rate words" in said
    assert max(map(len, said.splitlines())) <= 80


def test_people_count_before_execution_and_execution_is_shown_beside(judged_project: Project) -> None:
    drawn(judged_project)
    items = [json.loads(x) for x in (judged_project.root / "datasets/golden/words.jsonl").read_text().splitlines()]
    from touchstone.labels import answer_hash

    for rater in ("Ada", "Bo"):
        ratings = [
            {
                "v": 1,
                "row": item["row"],
                "answer": answer_hash(item["output"]),
                "rater": rater,
                "value": "pass" if item["output"].startswith("good") else "fail",
                "when": f"2026-11-23T20:15:{n:02}Z",
            }
            for n, item in enumerate(items)
        ]
        text = "".join(json.dumps(rating) + "\n" for rating in ratings)
        judged_project.write(f"datasets/ratings/words/{rater.lower()}.jsonl", text)
    page = json.loads(command(judged_project, "agree", "words", "--format", "json").stdout)
    assert [table["against"] for table in page["tables"]] == ["people", "execution"]
    assert page["tables"][1]["judges"]["people"]["accuracy"]["value"] == 1.0
    assert page["raters"]["value"] == pytest.approx(1.0)
    command(judged_project, "agree", "words", "--certify", "honest")
    written = certificate(judged_project, "honest")
    assert written["against"] == "people"


def test_an_unusable_verdict_is_counted_and_no_figure(judged_project: Project) -> None:
    rows = [{"id": f"r{i}", "input": f"{'good' if i % 2 else 'bad'} {'mute' if i < 4 else ''} {i}"} for i in range(24)]
    judged_project.dataset(rows)
    judged_project.eval(EVAL.format(judge="kind"))
    drawn(judged_project, 24)
    page = json.loads(command(judged_project, "agree", "words", "--judge", "honest", "--format", "json").stdout)
    line = page["tables"][0]["judges"]["honest"]
    assert (line["n"], line["errors"]) == (20, 4)
    assert any("no JSON" in note and "4 outputs" in note for note in page["notes"])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_shows_how_each_judge_stands(judged_project: Project, workers: int) -> None:
    drawn(judged_project)
    before = judged_project.run(workers=workers)
    before.stdout.fnmatch_lines(["*honest*no certificate: touchstone agree words --certify honest*"])
    assert before.ret == 0
    done = command(judged_project, "agree", "words", "--certify", "all")
    assert "evals/judges/honest.certificate.json" in done.output
    after = judged_project.run(workers=workers)
    assert "honest better than always saying" in flat(after)
    assert "(execution, 40 outputs of words)" in flat(after)
    assert "kind no evidence that this judge is better than always saying" in flat(after)


@pytest.mark.parametrize("workers", [0, 2])
def test_strict_fails_a_gate_on_a_judge_without_a_certificate(judged_project: Project, workers: int) -> None:
    drawn(judged_project)
    found = judged_project.run("--strict-judges", workers=workers)
    assert found.ret == 1
    found.stdout.fnmatch_lines(["*FAIL*honest >= 0.3*the judge honest: no certificate*"])
    command(judged_project, "agree", "words", "--certify", "honest")
    assert judged_project.run("--strict-judges", workers=workers).ret == 0


def test_strict_fails_a_gate_on_a_judge_that_tells_nothing(judged_project: Project) -> None:
    judged_project.eval(EVAL.format(judge="kind"))
    drawn(judged_project)
    command(judged_project, "agree", "words", "--certify", "kind")
    found = judged_project.run()
    assert found.ret == 0
    assert "the judge kind: no evidence that this judge is better" in flat(found)
    assert judged_project.run("--strict-judges").ret == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("evals/judges/honest.j2", "Asked:", "They asked:", "it has changed since it was certified"),
        ("evals/judges/honest.j2", "eval: words", "eval: words\ntemperature: 0.5", "it has changed since"),
        ("datasets/golden/words.jsonl", '"output": "good', '"output": "very good', "its golden set has changed since"),
        ("evals/judges/honest.certificate.json", '"eval"', '"evil"', "cannot be read"),
    ],
)
def test_a_certificate_goes_out_of_date(judged_project: Project, file: str, old: str, new: str, why: str) -> None:
    drawn(judged_project)
    command(judged_project, "agree", "words", "--certify", "honest")
    path = judged_project.root / file
    path.write_text(path.read_text().replace(old, new, 1))
    found = judged_project.run("--strict-judges")
    assert found.ret == 1
    assert why in found.stdout.str()


def test_the_same_judge_gives_the_same_certificate(judged_project: Project) -> None:
    drawn(judged_project)
    command(judged_project, "agree", "words", "--certify", "honest")
    first = (judged_project.root / "evals/judges/honest.certificate.json").read_bytes()
    command(judged_project, "agree", "words", "--certify", "honest")
    assert (judged_project.root / "evals/judges/honest.certificate.json").read_bytes() == first
    assert len(certificate(judged_project, "honest")["pairs"]) == 40


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("agree", "wrods"), "did you mean words?"),
        (("agree", "words", "--judge", "hones"), "did you mean 'honest'?"),
        (("agree", "words", "--certify", "nobody"), "there is no judge 'nobody' here"),
        (("agree", "words"), "touchstone golden words"),
    ],
)
def test_mistakes_are_told_in_words(judged_project: Project, args: tuple[str, ...], words: str) -> None:
    if "golden" not in words:
        drawn(judged_project)
    found = command(judged_project, *args)
    assert found.exit_code in (1, 2)
    assert words in found.output
    assert "Traceback" not in found.output


def test_rows_that_changed_since_are_left_out_and_named(judged_project: Project) -> None:
    drawn(judged_project)
    path = judged_project.root / "datasets/words.jsonl"
    item = json.loads((judged_project.root / "datasets/golden/words.jsonl").read_text().splitlines()[0])
    path.write_text(path.read_text().replace(f'"input": "{item["input"]}"', '"input": "another wish"'))
    page = json.loads(command(judged_project, "agree", "words", "--format", "json").stdout)
    assert page["outputs"] == 39
    assert any("the row has changed since" in note for note in page["notes"])


def test_the_report_corrects_a_judges_score(judged_project: Project) -> None:
    drawn(judged_project, 30)
    command(judged_project, "agree", "words", "--certify", "honest")
    judged_project.run()
    run = judged_project.runs[-1]
    (found,) = json.loads((run / "report.json").read_text())["judged"]
    assert found["judge"] == "honest"
    assert found["same"] == 30
    assert found["powered"]["interval"]["low"] <= 0.5 <= found["powered"]["interval"]["high"]
    assert found["raw"]["mean"] == pytest.approx(16 / 48)
    assert "corrected" in (run / "report.md").read_text()


def trust(pairs: int) -> Trust:
    made = {f"g{i}@a": (float(i % 2), float(i % 2 or i % 5 == 0), "c") for i in range(pairs)}
    return Trust("j", "certified", "fine", 0.5, made)


def said(row: str, value: float) -> SampleRecord:
    return SampleRecord("e", row, "c", 1, Outcome("pass"), {"j": Score(value)}, output="x", test=row)


def test_too_few_labels_correct_nothing() -> None:
    records = [said(f"r{i}", float(i % 2)) for i in range(40)]
    raw = estimate({r.row: [r.scores["j"].value] for r in records})
    assert raw is not None
    few, enough = (judged(("e", "c"), raw, trust(n), records) for n in (19, 60))
    assert few.powered is None
    assert enough.powered is not None
    assert next(lines([few]))[1] == "raw 50 [35, 65]"
    assert "(PPI++)" in next(lines([enough]))[1]


def certificate(project: Project, name: str) -> dict[str, Any]:
    """As it lies beside the judge."""
    path: Path = project.root / f"evals/judges/{name}.certificate.json"
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def test_a_judges_words_mean_nothing_to_markdown(judged_project: Project) -> None:
    """An unusable answer is quoted: an image in it would be loaded by whoever reads the pull request."""
    evil = "![x](https://evil.example/a.png) @everyone <img src=x> [go](javascript:alert(1))"
    judged_project.write("app.py", MODEL + f"\n\ndef evil(request):\n    return {evil!r}\n")
    judged_project.write("evals/judges/evil.j2", JUDGE.format(function="evil"))
    drawn(judged_project)
    page = command(judged_project, "agree", "words", "--judge", "evil", "--format", "markdown").stdout
    assert "evil.example" in page
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(page)
    assert "<img" not in html
    assert "<a " not in html
    assert "<code>" in html
