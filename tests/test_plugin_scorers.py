"""Scorers in a run: plain, async, heavy, of several scores; and those that fail."""

from __future__ import annotations

import pytest
from projects import Project

SCORING = '''
import asyncio
import os
from pathlib import Path

from touchstone.records import Score
from touchstone.scorers import scorer

WORK = Path(__file__).with_name("work.log")


def plain(sample):
    return sample.output.startswith("good")


async def patient(sample):
    await asyncio.sleep(0.01)
    return Score(0.5, "took its time", {"row": sample.row.id})


@scorer(names=["length", "greeting"])
def several(sample):
    return {"length": min(1.0, len(sample.output) / 10), "greeting": Score(1.0, "hello")}


@scorer(heavy=True)
def heavy(sample):
    with WORK.open("a") as log:
        log.write(f"{sample.row.id} {os.getpid()}\\n")
    return sample.output.startswith("good")


@scorer(heavy=True)
def deadly(sample):
    if sample.output.startswith("bad"):
        os._exit(9)
    return True


@scorer(heavy=True)
def heavy_and_broken(sample):
    raise ValueError("cannot look")


class Judge:
    """Async, and an object."""

    async def __call__(self, sample):
        return 0.25


def raises(sample):
    raise ZeroDivisionError("by nought")


async def raises_later(sample):
    raise LookupError("nobody home")


def wrong_type(sample):
    return "good"


def too_much(sample):
    return 7


def nan(sample):
    return float("nan")


def none(sample):
    return None
'''


def eval_with(project: Project, *scorers: str, gate: str, body: str = "pass") -> None:
    """An eval with these scorers."""
    project.write("scoring.py", SCORING)
    project.eval(f"""
import pytest
import scoring

@pytest.mark.eval(dataset="words", scorers=[{", ".join(f"scoring.{s}" for s in scorers)}], gates=["{gate}"])
def test_words(sample):
    {body}
""")


def test_every_kind_of_scorer_scores(project: Project) -> None:
    eval_with(project, "plain", "patient", "several", "heavy", "Judge()", gate="heavy >= 0.5")
    project.run().assert_outcomes(passed=4)
    found = {name: score["value"] for name, score in project.sample("a")["scores"].items()}
    assert found == {"plain": 1.0, "patient": 0.5, "length": 0.6, "greeting": 1.0, "heavy": 1.0, "judge": 0.25}
    assert project.sample("a")["scores"]["patient"] == {
        "value": 0.5,
        "why": "took its time",
        "details": {"row": "a"},
    }
    assert project.sample("c")["scores"]["heavy"]["value"] == 0.0
    assert set(project.report()["results"][0]["scores"]) == set(found)


@pytest.mark.parametrize(
    ("scorer", "why"),
    [
        ("raises", "ZeroDivisionError: by nought"),
        ("raises_later", "LookupError: nobody home"),
        ("heavy_and_broken", "ValueError: cannot look"),
        ("wrong_type", "returned str; wanted a bool, a number from 0 to 1, or a Score"),
        ("too_much", "returned 7.0; a score is a number from 0 to 1"),
        ("nan", "returned nan; a score is a number from 0 to 1"),
        ("none", "returned NoneType"),
    ],
)
def test_a_scorer_that_fails_is_an_error_and_no_score(project: Project, scorer: str, why: str) -> None:
    eval_with(project, "plain", scorer, gate=f"{scorer} >= 0.5")
    project.rows("good a")
    result = project.run()
    assert result.ret == 1
    sample = project.sample("a")
    assert sample["outcome"]["kind"] == "error"
    assert list(sample["scores"]) == ["plain"]  # what could be scored stays
    assert why in sample["errors"][scorer]
    assert why in sample["outcome"]["why"]
    (gate,) = project.report()["gates"]
    assert (gate["kind"], gate["n"], gate["errors"]) == ("cannot_tell", 0, 1)
    result.stdout.no_fnmatch_line("*Traceback*")


def test_heavy_scores_are_kept_for_the_next_run(project: Project) -> None:
    eval_with(project, "heavy", gate="heavy >= 0.5", body='sample.require("heavy")')
    first = project.run()
    work = project.root / "work.log"
    assert [line.split()[0] for line in sorted(work.read_text().splitlines())] == ["a", "b", "c"]
    again = project.run()
    assert len(work.read_text().splitlines()) == 3
    assert first.parseoutcomes() == again.parseoutcomes() == {"passed": 3, "missed": 1}


def test_heavy_scores_are_made_anew_when_the_scorer_changes(project: Project) -> None:
    eval_with(project, "heavy", gate="heavy >= 0.5")
    project.rows("good a")
    assert project.run("-p", "no:randomly").ret == 0
    project.write("scoring.py", SCORING.replace('startswith("good")', 'startswith("bad")'))
    result = project.pytester.runpytest_subprocess("evals")
    assert result.ret == 1
    assert len((project.root / "work.log").read_text().splitlines()) == 2


def test_heavy_work_is_done_beside_the_tests_and_once_for_evals_that_share_it(project: Project) -> None:
    eval_with(project, "heavy", gate="heavy >= 0.5")
    project.write("evals/test_more.py", (project.root / "evals/test_words.py").read_text())
    project.run().assert_outcomes(passed=8)
    work = [line.split() for line in (project.root / "work.log").read_text().splitlines()]
    assert len(work) == 3
    import os

    assert str(os.getpid()) not in {process for _, process in work}


def test_a_scorer_whose_process_dies_is_an_error_of_that_sample_alone(project: Project) -> None:
    eval_with(project, "deadly", gate="deadly >= 0.5")
    result = project.run()
    assert result.ret == 1
    assert [project.sample(row)["outcome"]["kind"] for row in "abc"] == ["pass", "pass", "error"]
    assert "its worker process died" in project.sample("c")["errors"]["deadly"]


def test_a_heavy_scorer_that_no_process_can_import_is_an_error_that_says_so(project: Project) -> None:
    project.eval("""
import pytest
from touchstone.scorers import scorer

def make():
    @scorer(heavy=True)
    def inner(sample):
        return True
    return inner

@pytest.mark.eval(dataset="words", scorers=[make()], gates=["inner >= 0.5"])
def test_words(output):
    pass
""")
    result = project.run()
    assert result.ret == 1
    assert {sample["outcome"]["kind"] for sample in project.samples()} == {"error"}
    assert "pickle" in project.sample("a")["errors"]["inner"]


def test_a_scorer_sees_the_row_class_that_the_eval_names(project: Project) -> None:
    project.eval("""
import pytest
from touchstone.records import Row

class Sum(Row):
    answer: int

def right(sample):
    return isinstance(sample.row, Sum) and sample.row.answer + 1 == 43

@pytest.mark.eval(dataset="words", row=Sum, scorers=[right], gates=["right >= 1"])
def test_words(row, sample):
    assert row.answer == 42
    sample.require("right")
""")
    project.dataset([{"id": "a", "input": "q", "answer": 42}])
    project.run().assert_outcomes(passed=2)


def test_scorers_of_one_sample_do_not_see_each_others_scores(project: Project) -> None:
    """Else a scorer's verdict would depend on where it is run."""
    project.eval("""
import pytest

def first(sample):
    return len(sample.scores) == 0

async def second(sample):
    return len(sample.scores) == 0

@pytest.mark.eval(dataset="words", scorers=[second, first], gates=["first >= 1", "second >= 1"])
def test_words(output):
    pass
""")
    project.run().assert_outcomes(passed=4)
