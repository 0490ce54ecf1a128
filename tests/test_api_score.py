"""`touchstone.score`: outputs that are there already, by every kind of scorer, without a call of the task."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from projects import ALONE, Project

import touchstone
from touchstone.errors import UsageError
from touchstone.records import Row, Sample, Score

ROWS = [{"id": "a", "input": "2 + 2?", "answer": "4"}, {"id": "b", "input": "2 + 3?", "answer": "5"}]
HEAVY = """
import os
from touchstone import scorer

@scorer(heavy=True, names=("alone", "is_four"))
def heavy(sample):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{os.getpid()}\\n")
    return {"alone": os.getpid() != int(os.environ["PARENT"]), "is_four": sample.output == "4"}
"""
JUDGE = """---
eval: outputs
model: python/app:judge
output: pass_fail
---
Asked: {{ input }}
Answered: {{ answer }}
"""
JUDGING = """
import json

def judge(request):
    good = "four" in request.messages[-1].content
    return json.dumps({"reasoning": "seen", "verdict": "pass" if good else "fail"})
"""


def exact(sample: Sample) -> bool:
    return bool(sample.output == sample.row.answer)


async def later(sample: Sample) -> Score:
    await asyncio.sleep(0)
    return Score(0.25, f"{sample.row.id} {sample.run_config.name} {sample.epoch}")


def picky(sample: Sample) -> bool:
    if sample.output == "6":
        raise ValueError("no six")
    return True


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is no project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def test_outputs_without_a_project_leave_nothing_behind(here: Path) -> None:
    found = touchstone.score([(ROWS[0], "4"), (Row(**ROWS[1]), "6"), {**ROWS[0], "output": "5"}], [exact, later, picky])
    assert [(one.row.id, one.epoch, one.output) for one in found.samples] == [
        ("a", 1, "4"),
        ("b", 1, "6"),
        ("a", 2, "5"),
    ]
    assert [one.scores["exact"].value for one in found.samples] == [1.0, 0.0, 0.0]
    assert [one.scores["later"].why for one in found.samples] == ["a given 1", "b given 1", "a given 2"]
    assert [dict(one.errors) for one in found.samples] == [{}, {"picky": "ValueError: no six"}, {}]
    assert [(one.score, one.mean, one.n, one.rows, one.errors) for one in found.scores] == [
        ("exact", pytest.approx(1 / 3), 3, 2, 0),
        ("later", 0.25, 3, 2, 0),
        ("picky", 1.0, 2, 1, 1),
    ]
    assert (found.calls.count, found.cost) == (0, None)
    assert repr(found).startswith("<scoring of 3 outputs: exact 33 [")
    assert list(here.iterdir()) == []
    assert found.to_pandas()[["row", "score", "value"]].to_numpy().tolist()[0] == ["a", "later", 0.25]


def test_a_scorer_that_fails_on_all_is_shown_without_a_mean(here: Path) -> None:
    found = touchstone.score([(row, "6") for row in ROWS], [picky])
    assert [(one.score, one.mean, one.interval, one.n, one.errors) for one in found.scores] == [
        ("picky", None, None, 0, 2)
    ]
    assert repr(found) == "<scoring of 2 outputs: picky ->"


def test_in_a_running_loop_and_in_another_thread(here: Path) -> None:
    async def cell() -> tuple[Any, Any]:
        one = touchstone.score([(ROWS[0], "4")], [exact, later])
        return one, await asyncio.to_thread(touchstone.score, [(ROWS[0], "4")], [exact, later])

    one, other = asyncio.run(cell())
    assert one.samples == other.samples


def test_the_rows_of_an_eval_s_own_class(here: Path) -> None:
    class Sum(Row):
        answer: int

    found = touchstone.score([(ROWS[0], "4")], [lambda sample: sample.row.answer == 4], row=Sum)
    assert found.scores[0].mean == 1.0
    with pytest.raises(UsageError, match="output 1: is no Sum: answer: Input should be a valid integer"):
        touchstone.score([({**ROWS[0], "answer": "x"}, "4")], [exact], row=Sum)


def test_a_heavy_scorer_runs_elsewhere_once_a_row_and_output_until_its_source_changes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "heavy_ones.py").write_text(HEAVY)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("SEEN", str(here / "seen"))
    monkeypatch.setenv("PARENT", str(os.getpid()))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})  # one worker process
    heavy = importlib.import_module("heavy_ones").heavy
    outputs = [(ROWS[0], "4"), (ROWS[0], "4"), (ROWS[1], "6")]
    for edit in (False, False, True):
        if edit:
            (here / "heavy_ones.py").write_text(HEAVY + "\n# edited\n")
        found = touchstone.score(outputs, [heavy])
        assert [(one.score, one.mean, one.errors) for one in found.scores] == [
            ("alone", 1.0, 0),
            ("is_four", pytest.approx(2 / 3), 0),
        ]
    assert len((here / "seen").read_text().splitlines()) == 4


def test_a_heavy_scorer_of_the_notebook_itself_is_refused_with_words(here: Path) -> None:
    @touchstone.scorer(heavy=True)
    def mine(sample: Sample) -> bool:
        return True

    mine.__module__ = "__main__"
    with pytest.raises(UsageError, match=r"mine is heavy: a process of its own must import it\n  put it into a module"):
        touchstone.score([(ROWS[0], "4")], [mine])


def test_a_script_that_its_workers_would_run_again_is_told_of_its_guard(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "script.py").write_text("import touchstone\n")
    script = ModuleType("__main__")
    script.__file__ = str(here / "script.py")
    monkeypatch.setitem(sys.modules, "__main__", script)

    @touchstone.scorer(heavy=True)
    def heavy(sample: Sample) -> bool:
        return True

    with pytest.raises(UsageError, match=r"script\.py: a heavy scorer runs the whole script again\n  put what"):
        touchstone.score([(ROWS[0], "4")], [heavy])


def test_a_judge_asks_through_the_project_s_door_and_within_its_budget(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("evals/judges/good.j2", JUDGE)
    project.write("app.py", JUDGING)
    monkeypatch.syspath_prepend(project.root)
    outputs = [(ROWS[0], "four"), (ROWS[1], "six")]
    found = touchstone.score(outputs, [touchstone.Judge("good")], max_cost=1)
    assert [dict(one.errors) for one in found.samples] == [{}, {}]
    assert [one.scores["good"].value for one in found.samples] == [1.0, 0.0]
    assert (found.calls.count, found.calls.made) == (2, 2)
    again = touchstone.score(outputs, [touchstone.Judge("good")])
    assert (again.calls.count, again.calls.made) == (2, 0)
    assert not (project.root / ".touchstone/runs").exists()
    dear = "model: openai-compatible/dear\nbase_url: http://127.0.0.1:9\ninput_cost: 9\noutput_cost: 9\nmax_tokens: 9"
    project.write("evals/judges/dear.j2", JUDGE.replace("model: python/app:judge", dear))
    (one, _) = touchstone.score(outputs, [touchstone.Judge("dear")], max_cost=0.000001).samples
    assert "--max-cost 1e-06" in one.errors["dear"]
    with pytest.raises(UsageError, match="there is no judge 'bad'"):
        touchstone.score(outputs, [touchstone.Judge("bad")])


def test_a_run_is_scored_again_with_its_rows_as_they_are_now(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(ALONE))
    project.dataset([{"id": n, "input": f"good {n}" if n != "e" else "boom", "answer": n} for n in "abcde"])
    project.run()
    project.dataset([{"id": n, "input": f"good {n}", "answer": n if n != "b" else "B"} for n in "abce"])
    run = touchstone.load()

    def ends(sample: Sample) -> bool:
        return bool(sample.output.endswith(sample.row.answer))

    before = project.calls
    found = touchstone.score(run, [ends])
    assert project.calls == before
    assert [(one.row.id, dict(one.errors)) for one in found.samples] == [
        ("a", {}),
        ("b", {"row": "the row has changed since this run"}),
        ("c", {}),
        ("d", {"row": "the row is no more in the eval's dataset"}),
        ("e", {"call": found.samples[4].errors["call"]}),
    ]
    assert "on fire" in found.samples[4].errors["call"]
    assert [(one.eval, one.run_config, one.mean, one.n, one.errors) for one in found.scores] == [
        ("words", "main", 1.0, 2, 3)
    ]
    project.eval("import nothing_of_the_kind\n")
    with pytest.raises(UsageError, match="nothing_of_the_kind"):
        touchstone.score(run, [ends])


def test_two_lists_of_outputs_are_compared_by_row(here: Path) -> None:
    rows = [{"id": f"r{n}", "input": str(n), "answer": str(n)} for n in range(12)]
    old = touchstone.score([(row, "?") for row in rows], [exact], run_config="old")
    new = touchstone.score([(row, row["answer"]) for row in rows], [exact], run_config="new")
    found = touchstone.compare(old, new)
    assert [(one.eval, one.score, one.difference, one.is_shown) for one in found.differences] == [
        ("outputs", "exact", 1.0, True)
    ]
    assert (found.first, found.second) == ("old", "new")
    same = touchstone.score([(row, row["answer"]) for row in rows], [exact], run_config="new")
    assert touchstone.compare(new, same).first == "new (first)"


@pytest.mark.parametrize(
    ("outputs", "scorers", "words"),
    [
        ([], [exact], "there is no output to score"),
        ("text", [exact], "cannot score str"),
        (5, [exact], "cannot score int"),
        ([(ROWS[0], "4", "5")], [exact], "output 1: wants a row and its output"),
        ([("2 + 2?", "4")], [exact], "a row is a touchstone.Row or a mapping, not str"),
        ([(ROWS[0], {"a": 1})], [exact], "an output is text, not dict"),
        ([({"id": "../x", "input": ""}, "4")], [exact], "output 1: is no Row: id:"),
        ([({"answer": "4"}, "4")], [exact], "output 1: is no Row: input: Field required"),
        ([(ROWS[0], "4"), ({**ROWS[0], "answer": "5"}, "4")], [exact], "two different rows have the id 'a'"),
        ([(ROWS[0], "4")], [], "wants a list of one scorer at least"),
        ([(ROWS[0], "4")], exact, "wants a list of one scorer at least"),
        ([(ROWS[0], "4")], ["exact"], "scorers= wants functions, not str"),
        ([(ROWS[0], "4")], [exact, exact], "two scorers give the score 'exact'"),
    ],
)
def test_what_cannot_be_scored_is_told(here: Path, outputs: Any, scorers: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        touchstone.score(outputs, scorers)
    assert words in str(caught.value)


def test_a_name_that_is_none_is_told(here: Path) -> None:
    with pytest.raises(UsageError, match="is no name of a run-config"):
        touchstone.score([(ROWS[0], "4")], [exact], run_config="a b")
