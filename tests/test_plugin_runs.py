"""What a run leaves on disk: samples as they happen, run.json, and the reports."""

from __future__ import annotations

import json
import stat

import pytest
from projects import LENIENT, Project


def test_a_run_leaves_its_samples_and_its_reports(project: Project) -> None:
    project.run()
    (run,) = project.runs
    assert sorted(file.name for file in run.iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
        "run.json",
        "samples-main.jsonl",
    ]
    assert json.loads((run / "run.json").read_text())["gates"][0]["rules"] == ["passed >= 0.5"]
    sample = project.sample("a")
    assert (sample["v"], sample["eval"], sample["run_config"], sample["epoch"]) == (1, "words", "main", 1)
    assert (sample["input"], sample["output"]) == ("good a", "good a")
    assert sample["test"] == "evals/test_words.py::test_words[a:main]"
    assert sample["response"]["source"] == "live"
    assert len(sample["request"]) == len(sample["row_hash"]) == 64
    markdown = (run / "report.md").read_text()
    assert "words" in markdown
    assert "passed" in markdown


def test_samples_are_on_disk_before_the_next_test_starts(project: Project) -> None:
    project.eval("""
import os
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(row):
    if row.id == "c":
        os._exit(9)
""")
    result = project.pytester.runpytest_subprocess("evals")
    assert result.ret == 9
    assert [sample["row"] for sample in project.samples()] == ["a", "b"]
    (run,) = project.runs
    assert (run / "run.json").exists()


def test_answers_of_a_run_that_was_killed_are_not_asked_for_again(project: Project) -> None:
    project.eval("""
import os
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(row):
    if row.id == "c" and "DIE" in os.environ:
        os._exit(9)
""")
    project.pytester._monkeypatch.setenv("DIE", "1")
    project.pytester.runpytest_subprocess("evals")
    project.pytester._monkeypatch.delenv("DIE")
    before = project.calls
    project.run()
    assert before == project.calls == ["1 bad c", "1 good a", "1 good b"]


def test_the_working_cache_is_its_owners_alone(project: Project) -> None:
    project.run()
    assert stat.S_IMODE((project.root / ".touchstone/cache").stat().st_mode) == 0o700


def test_two_runs_are_two_folders(project: Project) -> None:
    project.run()
    project.run()
    assert len(project.runs) == 2


def test_a_second_epoch_and_a_second_eval_are_samples_of_their_own(project: Project) -> None:
    project.eval(LENIENT, "more")
    project.run("--epochs", "2")
    samples = project.samples()
    assert len(samples) == 2 * 2 * 3
    assert len({sample["test"] for sample in samples}) == len(samples)
    assert len({sample["request"] for sample in samples}) == 2 * 3


def test_keys_reach_no_file(project: Project) -> None:
    project.pytester._monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-123456")
    project.run("--calls", "record")
    for file in project.root.rglob("*"):
        if file.is_file():
            assert b"sk-very-secret-123456" not in file.read_bytes(), file


def test_interrupting_a_run_keeps_what_was_made_and_reports_it(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(row):
    if row.id == "b":
        raise KeyboardInterrupt
""")
    result = project.pytester.runpytest_subprocess("evals")
    assert result.ret == 2
    assert project.sample("a")["outcome"]["kind"] == "pass"
    assert (project.runs[0] / "report.md").exists()


EVIDENCE = """
import pytest
from touchstone import Score

def good(sample):
    return Score(float(sample.output.startswith("good")), "looked", {"seen": "an unlikely word: zyzzyva"})

@pytest.mark.eval(dataset="words", scorers=[good], gates=["good >= 0.5"])
def test_words(sample):
    sample.require("good")
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_the_page_holds_the_evidence_that_a_run_does_not_keep_in_memory(project: Project, workers: int) -> None:
    project.eval(EVIDENCE)
    project.run(workers=workers)
    (run,) = project.runs
    assert "zyzzyva" in (run / "report.html").read_text()


def test_a_test_that_is_no_eval_has_no_sample_and_is_told_so(project: Project) -> None:
    project.write("evals/test_other.py", "def test_other(sample):\n    pass\n")
    result = project.run()
    result.assert_outcomes(passed=3, xfailed=0, errors=1, skipped=0)
    assert "there is a sample only in a test that is marked as an eval" in result.stdout.str()
