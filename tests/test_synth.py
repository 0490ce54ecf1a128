"""`touchstone synth plan` and `run`, as a user types them, in a project with a task and a teacher of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from synthesis import PLAN, Sums

Run = Callable[..., subprocess.CompletedProcess[str]]


def run(project: Sums, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command, in the project, as a process of its own."""
    command = [str(Path(sys.executable).with_name("touchstone")), "--root", str(project.root), "synth", *words]
    clean = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=project.root, env={**clean, **env}
    )


@pytest.fixture
def sums(tmp_path: Path) -> Sums:
    return Sums.made(tmp_path)


def test_a_plan_is_told_and_makes_no_call(sums: Sums) -> None:
    done = run(sums, "plan", "sums")
    assert done.returncode == 0, done.stderr
    assert "train (backward): 12 rows over 2 topics of 3; 0 there" in done.stdout
    assert sums.calls == 0


def test_rows_are_proven_worded_and_say_where_they_come_from(sums: Sums) -> None:
    done = run(sums, "run", "sums")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = sums.rows("train") + sums.rows("val")
    assert len(rows) == 12
    assert {len(sums.rows("eval")) + len(sums.rows("golden"))} == {6}
    for row in rows:
        assert row["a"] != 5, "its sum is wrong, so it cannot be proven"
        assert f"{row['a']}.txt" in row["input"]
        assert str(row["b"]) in row["input"]
        made = row["made"]
        assert made["verified"] == ["runs", "as-expected", "asked"]
        assert (made["plan"], made["purpose"], made["way"], made["voice"]) == ("sums", "train", "backward", "plain")
        assert made["teacher"].startswith("python/teacher:write@sha256:")
        assert len(made["prompt"]) == 12


def test_no_two_rows_of_any_split_do_the_same(sums: Sums) -> None:
    run(sums, "run", "sums")
    rows = [row for split in ("train", "val", "eval", "golden") for row in sums.rows(split)]
    assert len({(row["a"], row["b"]) for row in rows}) == len(rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_recordings_give_the_same_bytes_without_a_call(sums: Sums) -> None:
    run(sums, "run", "sums", "--calls", "record")
    before, calls = sums.files(), sums.calls
    shutil.rmtree(sums.root / "datasets")
    shutil.rmtree(sums.root / ".touchstone")
    again = run(sums, "run", "sums", "--calls", "replay", "--concurrency", "1")
    assert again.returncode == 0, again.stderr
    assert sums.files() == before
    assert sums.calls == calls


def test_a_replay_takes_the_verdicts_as_they_were_and_other_runs_only_from_the_same_task(sums: Sums) -> None:
    run(sums, "run", "sums", "--calls", "record")
    before, task = sums.files(), (sums.root / "sums.py")
    task.write_text(task.read_text().replace("right = fields", "right = False and fields"))
    shutil.rmtree(sums.root / "datasets")
    shutil.rmtree(sums.root / ".touchstone")
    assert run(sums, "run", "sums", "--calls", "replay").returncode == 0
    assert sums.files() == before
    task.write_text(task.read_text().replace('return "1"', 'return "2"'))
    again = run(sums, "run", "sums", "--for", "train")
    assert again.returncode == 1
    assert "does not run" in again.stdout


def test_a_run_of_some_rows_leaves_the_verdicts_on_others(sums: Sums) -> None:
    held = sums.root / "tuning" / "verdicts" / "sums.jsonl"
    run(sums, "run", "sums", "--calls", "record")
    before = held.read_bytes()
    run(sums, "run", "sums", "--calls", "record", "--for", "eval", "--limit", "2")
    assert held.read_bytes() == before


def test_a_verdict_that_was_torn_is_named_by_its_line(sums: Sums) -> None:
    run(sums, "run", "sums", "--calls", "record")
    held = sums.root / "tuning" / "verdicts" / "sums.jsonl"
    held.write_bytes(held.read_bytes()[:-9])
    done = run(sums, "run", "sums", "--calls", "replay")
    assert done.returncode == 1
    assert "a verdict that cannot be read: tuning/verdicts/sums.jsonl:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_job_that_comes_out_differently_the_second_time_is_dropped(sums: Sums) -> None:
    task = sums.root / "sums.py"
    fickle = """
        self.proven = [*getattr(self, "proven", []), fields.get("a")]
        if fields.get("a", 1) % 2 == 0 and self.proven.count(fields["a"]) > 1:
            return Proof(("runs",), "not today")
"""
    head = "    def prove(self, fields):"
    task.write_text(task.read_text().replace(head, head + fickle))
    done = run(sums, "run", "sums", "--for", "train")
    assert "not as-expected" in done.stdout
    assert all(row["a"] % 2 for row in sums.rows("train") + sums.rows("val"))


def test_a_task_that_breaks_off_costs_that_job_and_is_told(sums: Sums) -> None:
    task = sums.root / "sums.py"
    head = "    def prove(self, fields):"
    task.write_text(task.read_text().replace(head, f"{head}\n        1 // (fields.get('a', 1) % 2)"))
    done = run(sums, "run", "sums", "--for", "train", "--calls", "record")
    assert done.returncode == 0, done.stderr
    assert "its proof broke off (ZeroDivisionError)" in done.stdout
    assert all(row["a"] % 2 for row in sums.rows("train") + sums.rows("val"))
    task.write_text(task.read_text().replace("1 //", "0 *"))
    run(sums, "run", "sums", "--for", "train")
    assert not all(row["a"] % 2 for row in sums.rows("train") + sums.rows("val")), "it was not remembered"


def test_a_place_that_takes_no_rows_is_told_and_nothing_is_asked_again(sums: Sums) -> None:
    (sums.root / "datasets").write_text("a file where the folder should be")
    done = run(sums, "run", "sums")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    before = sums.calls
    (sums.root / "datasets").unlink()
    run(sums, "run", "sums", "--for", "eval")
    assert len(sums.rows("eval") + sums.rows("golden")) == 6
    assert sums.calls == before > 0


def test_what_was_never_recorded_is_told_with_the_command_that_records(sums: Sums) -> None:
    done = run(sums, "run", "sums", "--calls", "replay")
    assert done.returncode == 1
    assert "record it with `touchstone synth run sums --calls record`" in done.stderr


def test_a_run_that_is_repeated_asks_nothing_again(sums: Sums) -> None:
    run(sums, "run", "sums")
    before, calls = sums.files(), sums.calls
    run(sums, "run", "sums")
    assert (sums.files(), sums.calls) == (before, calls)


def test_more_rows_leave_those_that_are_there(sums: Sums) -> None:
    run(sums, "run", "sums", "--for", "train", "--limit", "5")
    few = {row["id"]: row for split in ("train", "val") for row in sums.rows(split)}
    assert len(few) == 5
    run(sums, "run", "sums", "--for", "train")
    more = {row["id"]: (split, row) for split in ("train", "val") for row in sums.rows(split)}
    assert len(more) == 12
    assert all(more[name][1] == row for name, row in few.items())


def test_a_request_that_forgets_a_name_is_asked_for_again(sums: Sums) -> None:
    done = run(sums, "run", "sums", "--for", "train", TEACHER="forgets")
    assert "lacks a name or a number" in done.stdout
    assert all(row["made"]["attempt"] == 2 for row in sums.rows("train"))


@pytest.mark.parametrize(
    ("teacher", "reason"),
    [
        ("garbage", "characters that cannot be seen"),
        ("same", "lacks a name or a number"),
        ("doubts", "asked, a model says that it does not fit"),
    ],
)
def test_a_useless_teacher_ends_with_words_and_not_never(sums: Sums, teacher: str, reason: str) -> None:
    done = run(sums, "run", "sums", "--for", "train", TEACHER=teacher)
    assert done.returncode == 1
    assert "fewer than the plan wants: 0 rows and" in done.stdout
    assert reason in done.stdout
    assert "Traceback" not in done.stderr


def test_a_plan_that_asks_for_more_than_there_is_says_so(tmp_path: Path) -> None:
    plan = PLAN.replace("count: 12,", "count: 5000, topics: ['sum/small'],")
    sums = Sums.made(tmp_path, plan)
    done = run(sums, "run", "sums", "--for", "train")
    assert done.returncode == 1
    assert "fewer than the plan wants" in done.stdout
    assert "does the same as another row" in done.stdout
    assert 5 < len(sums.rows("train")) < 81


def test_calls_stop_at_the_budget_and_what_was_answered_is_kept(tmp_path: Path) -> None:
    sums, fresh = (Sums.made(tmp_path / name) for name in ("short", "whole"))
    done = run(sums, "run", "sums", "--for", "train", "--max-calls", "6")
    assert done.returncode == 1
    assert "calls were made; --max-calls allows more" in done.stderr
    spent = sums.calls
    assert 6 <= spent <= 6 + 8, "those under way may pass it"
    run(sums, "run", "sums", "--for", "train")
    run(fresh, "run", "sums", "--for", "train")
    assert sums.calls == fresh.calls, "nothing was asked twice"


FORWARD = PLAN.replace("train: {count: 12,", "train: {way: forward, a_call: 4, count: 12, topics: ['sum/*'],").replace(
    "needs: [as-expected], ", "aim: {issue: adds wrongly}, "
)


def test_forward_rows_are_requests_of_the_teacher(tmp_path: Path) -> None:
    sums = Sums.made(tmp_path, FORWARD)
    done = run(sums, "run", "sums", "--for", "train")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = sums.rows("train") + sums.rows("val")
    assert len(rows) == 12
    assert all(row["made"]["aim"] == "issue: adds wrongly" and row["made"]["way"] == "forward" for row in rows)
    assert all("right" not in row for row in rows), "a provocation holds no output"


@pytest.mark.parametrize(("teacher", "code"), [("torn", 0), ("same-list", 1)])
def test_forward_lists_that_are_torn_or_repeat_themselves(tmp_path: Path, teacher: str, code: int) -> None:
    sums = Sums.made(tmp_path, FORWARD)
    done = run(sums, "run", "sums", "--for", "train", TEACHER=teacher)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("count: 12", "count: none"), "sums.yaml:9"),
        (("voices: {plain: 1}", "voices: {plane: 1}"), "did you mean plain?"),
        (("task: sums:task", "task: nosuch:task"), "cannot load the task"),
        (("task: sums:task", "task: teacher:write"), "is no task: it lacks"),
        (("check: 0.5", "chek: 0.5"), "did you mean check?"),
        (("splits: {train: 0.75, val: 0.25}", "splits: {eval: 0.75, val: 0.25}"), "two purposes"),
        (("needs: [as-expected]", "aim: {issue: x}"), "an aim wants the forward way"),
    ],
)
def test_a_wrong_plan_is_told_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    sums = Sums.made(tmp_path, PLAN.replace(*change))
    done = run(sums, "run", "sums")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_plan_names_the_nearest(sums: Sums) -> None:
    assert "did you mean sums?" in run(sums, "plan", "sum").stderr


OWN_WORDS = """
about: adds numbers up
task: sums:task
alike: {text: 0.7, effect: 0.9, own: false}
rows:
  train: {count: 30, splits: {train: 0.75, val: 0.25}, needs: [as-expected], rounds: 60, topics: [sum/small]}
"""


def test_a_task_that_words_its_own_requests_needs_no_teacher(sums: Sums) -> None:
    """And its rows may do the same as each other, in other words."""
    task = sums.root / "sums.py"
    words = 'f"{chance.choice([1, 2, 3])} times: add {b} to {a}.txt please"'
    task.write_text(task.read_text().replace("(str(b),)), fields)", f"(str(b),)), fields, {words})"))
    (sums.root / "tuning" / "synth" / "sums.yaml").write_text(OWN_WORDS)
    told = run(sums, "plan", "sums")
    assert "teacher: none: the task words its own requests" in told.stdout, told.stderr
    done = run(sums, "run", "sums", "--calls", "record")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = sums.rows("train") + sums.rows("val")
    assert len({row["input"] for row in rows}) == 30
    assert len({(row["a"], row["b"]) for row in rows}) < 30
    assert {"teacher", "voice", "prompt"}.isdisjoint(rows[0]["made"])
    assert sums.calls == 0
    before = sums.files()
    shutil.rmtree(sums.root / "datasets")
    assert run(sums, "run", "sums", "--calls", "replay").returncode == 0
    assert sums.files() == before


def test_a_task_without_words_of_its_own_is_told_so(sums: Sums) -> None:
    (sums.root / "tuning" / "synth" / "sums.yaml").write_text(OWN_WORDS)
    done = run(sums, "run", "sums")
    assert done.returncode == 1
    assert "empty" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_forward_way_wants_a_teacher(sums: Sums) -> None:
    plan = sums.root / "tuning" / "synth" / "sums.yaml"
    plan.write_text(OWN_WORDS.replace("needs: [as-expected]", "way: forward"))
    done = run(sums, "run", "sums")
    assert done.returncode == 1
    assert "the forward way wants a teacher" in done.stderr
