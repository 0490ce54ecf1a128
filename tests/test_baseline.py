"""The baseline: its file, its commands, and the rule that asks for it, alone and with workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from projects import LENIENT, TWO_RUN_CONFIGS, Project
from repositories import Repository

from touchstone.baseline import Baseline, parse, read_baseline, take, write_baseline
from touchstone.cli import main
from touchstone.errors import UsageError
from touchstone.records import Outcome, SampleRecord, Score

NO_WORSE = """
import pytest

def good(sample):
    return 1.0 if sample.output.startswith("good") else 0.0

@pytest.mark.eval(dataset="words", scorers=[good], gates=["good no worse than baseline by more than 0.02"])
def test_words(sample):
    sample.require("good")
"""


def record(row: str, value: float, run_config: str = "main", kind: str = "pass", epoch: int = 1) -> SampleRecord:
    outcome = Outcome(kind)  # type: ignore[arg-type]
    return SampleRecord("e", row, run_config, epoch, outcome, {"good": Score(value)}, row_hash=f"{row}-234567890")


def touchstone(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *args])


def update(project: Project) -> Result:
    """Of the last run by the clock: runs of one second have names in no order."""
    return touchstone(project, "baseline", "update", project.runs[-1].name)


def gates(project: Project) -> list[dict[str, str]]:
    """Of the last run's report."""
    data = json.loads((project.runs[-1] / "report.json").read_text())
    return [{key: gate[key] for key in ("run_config", "kind", "why")} for gate in data["gates"]]


@pytest.mark.parametrize("chosen", [("--rows", "2"), ("-k", "b:main")])
def test_a_run_of_some_rows_is_no_baseline(project: Project, chosen: tuple[str, str]) -> None:
    project.run()
    assert update(project).exit_code == 0
    before = (project.root / "evals/baseline.json").read_bytes()
    project.run(*chosen)
    refused = update(project)
    assert refused.exit_code == 1
    assert "looked at some rows alone of words" in refused.output
    assert (project.root / "evals/baseline.json").read_bytes() == before


# The file


def test_a_baseline_is_written_sorted_a_row_a_line_and_read_again(tmp_path: Path) -> None:
    records = [record("b", 0.0, kind="miss"), record("a", 1.0), record("a", 0.0, kind="miss", epoch=2)]
    made = take("run-1", "main", [*records, record("c", 1.0, "other"), record("d", 0.0, kind="error")], ["main"])
    write_baseline(tmp_path / "new/baseline.json", made)
    text = (tmp_path / "new/baseline.json").read_text()
    assert (
        text
        == """{
 "v": 2,
 "run": "run-1",
 "ships": "main",
 "scorers": {},
 "took": {
  "e": {
   "main": {
    "answers": 0,
    "cost": null,
    "input_tokens": null,
    "output_tokens": null
   }
  }
 },
 "evals": {
  "e": {
   "main": {
    "good": {
     "a": ["a-234567", 0.5],
     "b": ["b-234567", 0.0]
    },
    "passed": {
     "a": ["a-234567", 0.5],
     "b": ["b-234567", 0.0]
    }
   }
  }
 }
}
"""
    )
    assert read_baseline(tmp_path / "new/baseline.json", "baseline.json") == made


def test_the_order_of_samples_changes_no_byte(tmp_path: Path) -> None:
    records = [record(row, 1 / 3, epoch=epoch) for row in "cab" for epoch in (1, 2, 3)]
    for name, order in (("one", records), ("two", records[::-1])):
        write_baseline(tmp_path / name, take("r", "main", order, ["main"]))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid JSON"),
        ("[]", "object"),
        ('{"v": 3, "run": "", "ships": "", "evals": {}}', "v: "),
        ('{"v": 1, "run": "", "ships": "", "evals": {"e": {"c": {"s": {"r": ["h", 1.5]}}}}}', "e/c/s/r/1"),
        ('{"v": 1, "run": "", "ships": "", "evals": {"e": {"c": {"s": {"r": ["h", NaN]}}}}}', ""),
        ('{"v": 1, "run": "", "ships": "", "evals": {"e": {"c": {"s": {"r": 1}}}}}', "e/c/s/r"),
        ('{"v": 1, "run": "", "ships": "", "evals": {}, "extra": 1}', "extra"),
        ("<<<<<<< HEAD\n", "Invalid JSON"),
    ],
)
def test_a_damaged_file_says_where_and_what_to_type(text: str, why: str) -> None:
    with pytest.raises(UsageError, match="touchstone baseline update") as caught:
        parse(text, "evals/baseline.json")
    assert str(caught.value).startswith("evals/baseline.json: is no baseline: ")
    assert why in str(caught.value)


def test_what_is_no_text_or_missing_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        read_baseline(tmp_path / "bad", "bad")
    with pytest.raises(UsageError, match="touchstone baseline update"):
        read_baseline(tmp_path / "none", "none")


def test_an_update_keeps_other_evals_of_the_same_run_config_only() -> None:
    rows = {"good": {"a": ("h", 1.0)}}
    old = Baseline("1", "main", {"e": {"main": rows}, "f": {"main": rows}, "g": {"gone": rows}})
    new = old.updated(Baseline("2", "main", {"e": {"main": {}}}))
    assert (new.run, dict(new.evals)) == ("2", {"e": {"main": {}}, "f": {"main": rows}})


def test_only_what_rules_ask_for_is_carried() -> None:
    rows = {"good": {"a": ("h", 1.0)}, "other": {}}
    whole = Baseline("1", "main", {"e": {"main": rows, "second": rows}, "f": {"main": rows}})
    assert whole.only([("e", "good")]).evals == {"e": {"main": {"good": {"a": ("h", 1.0)}}}}


# A project


@pytest.mark.parametrize("workers", [0, 2])
def test_a_rule_against_the_baseline_says_the_same_alone_with_workers_and_in_the_report(
    project: Project, workers: int
) -> None:
    project.eval(NO_WORSE)
    none = project.run(workers=workers)
    assert none.ret == 1
    none.stdout.fnmatch_lines(["*CANNOT TELL*there is no baseline; write one with `touchstone baseline update`*"])
    assert update(project).exit_code == 0
    same = project.run(workers=workers)
    assert same.ret == 0
    said = "good 0.67 against 0.67 of main, the baseline: +0.00 [-0.55, +0.55] >= -0.02 (3 rows)"
    assert [(gate["kind"], gate["why"]) for gate in gates(project)] == [("pass", said)]
    project.rows(*[f"good {i}" for i in range(20)])
    project.run()
    assert update(project).exit_code == 0
    project.write("app.py", "def echo(request):\n    return 'bad'\n")
    worse = project.run("--calls", "live", workers=workers)
    assert worse.ret == 1
    (gate,) = gates(project)
    assert gate["kind"] == "fail"
    assert gate["why"].startswith("good 0.00 against 1.00 of main, the baseline: -1.00 [-1.00, ")
    # The report of this run says the same after the baseline has moved on.
    assert update(project).exit_code == 0
    assert touchstone(project, "report", project.runs[-1].name).exit_code == 0
    assert gates(project) == [gate]


def test_behind_mains_baseline_stands_the_branchs_own_for_what_main_cannot_be_asked(project: Project) -> None:
    """A new eval, a scorer that changed, rows that were all edited; nothing else moves what is measured against."""
    repository = Repository.at(project.root)
    project.eval(NO_WORSE)
    project.run("--calls", "record")
    update(project)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", "main")

    def judged() -> list[tuple[str, str]]:
        project.run("--baseline", "git:main")
        return [(gate["kind"], gate["why"].partition(":")[0]) for gate in gates(project)]

    main_ = "good 0.67 against 0.67 of main, the baseline"
    assert judged() == [("pass", main_)]
    # What the branch says of itself counts for nothing where main can be asked.
    own = project.root / "evals/baseline.json"
    own.write_text(own.read_text().replace(", 1.0]", ", 0.0]"))
    assert judged() == [("pass", main_)]
    project.eval(NO_WORSE.replace("1.0 if", "0.9 if"))
    project.eval(NO_WORSE, "new")
    asked = "good no worse than baseline by more than 0.02"
    assert judged() == [("cannot_tell", asked), ("cannot_tell", asked)]
    assert "look, then: `touchstone baseline update`, and commit it" in gates(project)[0]["why"]
    update(project)
    ours = "of main, this branch's own baseline"
    changed = "what gives good has changed since the baseline, so the two are not comparable"
    assert judged() == [
        ("pass", f"good 0.67 against 0.67 {ours} (the baseline has nothing of this eval and score)"),
        ("pass", f"good 0.60 against 0.60 {ours} ({changed})"),
    ]
    before = gates(project)
    assert touchstone(project, "report", project.runs[-1].name).exit_code == 0
    assert gates(project) == before
    project.eval(NO_WORSE)
    project.rows("good x", "good y", "bad z")
    project.run()
    update(project)
    assert [why for _, why in judged()][1].endswith("(no row is as it was in the baseline)")


def test_a_candidate_is_compared_with_what_ships(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.eval(NO_WORSE.replace("if sample", 'if sample.run_config.name == "main" and sample'))
    project.rows(*[f"good {i}" for i in range(12)])
    project.run()
    assert update(project).exit_code == 0
    assert project.run().ret == 0
    assert {gate["run_config"]: gate["kind"] for gate in gates(project)} == {"main": "pass", "other": "fail"}
    assert "against 1.00 of main" in gates(project)[1]["why"]


def test_an_edited_row_is_another_row(project: Project) -> None:
    project.eval(NO_WORSE)
    project.run()
    update(project)
    project.rows("good a", "bad b", "bad c")
    assert project.run().ret == 0
    assert gates(project)[0]["why"].endswith("(2 rows); not compared: 1 edited since: b")


def test_a_damaged_baseline_is_told_in_the_gate_and_breaks_nothing(project: Project) -> None:
    project.eval(NO_WORSE)
    project.write("evals/baseline.json", "<<<<<<< HEAD\n")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*CANNOT TELL*evals/baseline.json: is no baseline: Invalid JSON*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert touchstone(project, "baseline", "show").exit_code == 1
    assert update(project).exit_code == 0
    assert project.run().ret == 0


def test_a_project_that_asks_for_no_baseline_reads_none(project: Project) -> None:
    project.eval(LENIENT)
    project.write("evals/baseline.json", "broken")
    assert project.run().ret == 0
    assert "baseline" not in json.loads((project.runs[-1] / "run.json").read_text())


def test_the_run_keeps_only_the_figures_that_its_gates_ask_for(project: Project) -> None:
    project.eval(NO_WORSE)
    project.run()
    update(project)
    project.run()
    kept = json.loads((project.runs[-1] / "run.json").read_text())["baseline"]
    assert list(kept["evals"]["words"]["main"]) == ["good"]


def test_update_and_show_say_what_they_did(project: Project) -> None:
    project.rows("good a", "bad b", "boom c")
    project.eval(NO_WORSE)
    project.run()
    done = update(project)
    assert done.output == "words: main, 2 rows\nleft out: 1 sample without an answer\nwrote evals/baseline.json\n"
    shown = touchstone(project, "baseline", "show").output.splitlines()
    assert shown[0].endswith("; ships: main")
    assert shown[1:] == ["words: good 0.50 (2 rows)", "words: passed 0.50 (2 rows)"]


def test_update_wants_a_run_config_that_there_is(project: Project) -> None:
    assert "none yet" in touchstone(project, "baseline", "update").output
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS.replace(", default: true", ""))
    project.eval(LENIENT)
    project.run()
    unsure = update(project)
    assert (unsure.exit_code, "--run-config: main, other" in unsure.output) == (1, True)
    wrong = touchstone(project, "baseline", "update", "--run-config", "mian")
    assert (wrong.exit_code, "no measured sample of 'mian'" in wrong.output) == (1, True)
    assert touchstone(project, "baseline", "update", "--run-config", "other").exit_code == 0
    kept = json.loads((project.root / "evals/baseline.json").read_text())
    assert (kept["ships"], list(kept["evals"]["words"])) == ("other", ["other"])


def test_a_rule_about_a_score_that_no_scorer_gives_is_a_mistake(project: Project) -> None:
    project.eval(NO_WORSE.replace('"good no worse', '"god no worse'))
    result = project.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*a gate asks for the score 'god'*", "*did you mean 'good'*"])
