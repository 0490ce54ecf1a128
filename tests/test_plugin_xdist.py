"""Under xdist: the same outcomes and gates as alone, and no call made twice."""

from __future__ import annotations

from typing import Any

import pytest
from projects import TWO_RUN_CONFIGS, TWO_SCORERS, Project, junit


def measured(report: dict[str, Any]) -> dict[str, Any]:
    """What of a report must not depend on how it was made: no time, no latency, no id."""
    results = [
        {key: value for key, value in result.items() if key != "calls"}
        | {"worst": sorted(result["worst"], key=lambda worst: worst["row"])}
        for result in report["results"]
    ]
    return {"results": results, "gates": report["gates"], "verdict": report["verdict"], "errors": report["errors"]}


def fill(project: Project) -> None:
    """Two evals that share their rows, two run-configs, misses, and a call that fails."""
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.rows("good a", "good b", "bad c", "boom d", "good e", "good f", "good g")
    project.eval(TWO_SCORERS)
    project.eval(TWO_SCORERS.replace("good >= 0.6", "good >= 0.95"), "strict")


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadfile"])
def test_outcomes_gates_and_report_are_the_same_alone_and_with_workers(project: Project, dist: str) -> None:
    fill(project)
    shared = project.run("-v", "--dist", dist, "--junitxml=shared.xml", workers=2)
    spread, kept = measured(project.report()), len(project.samples())
    assert kept == 2 * 2 * 7
    # Failed calls are never kept, so each worker may have tried those; no answer was asked for twice.
    answered = [call for call in project.calls if "boom" not in call]
    assert answered == sorted(f"1 {text}" for text in ("good a", "good b", "bad c", "good e", "good f", "good g") * 2)
    _forget(project)
    alone = project.run("-v", "--junitxml=alone.xml")
    assert measured(project.report()) == spread
    assert alone.parseoutcomes() == shared.parseoutcomes()
    assert alone.ret == shared.ret == 1
    names = [set(junit(project.root / f"{name}.xml")) for name in ("alone", "shared")]
    assert names[0] == names[1]
    shared.stdout.fnmatch_lines(["*CANNOT TELL*good >= 0.95*"])


def _forget(project: Project) -> None:
    for file in sorted((project.root / ".touchstone").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


def test_options_reach_the_workers(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.rows(*(f"good {i}" for i in range(6)))
    options = ("--epochs", "2", "--rows", "3", "--run-config", "oth*", "--calls", "record")
    result = project.run(*options, "-m", "eval", workers=2)
    assert result.parseoutcomes() == {"passed": 7}
    assert len(project.calls) == 6
    assert {sample["run_config"] for sample in project.samples()} == {"other"}
    replayed = project.run(*options[:-1], "replay", workers=2)
    assert replayed.parseoutcomes() == {"passed": 7}
    assert len(project.calls) == 6


def test_heavy_scores_are_made_once_by_all_workers(project: Project) -> None:
    project.write(
        "scoring.py",
        "from pathlib import Path\nfrom touchstone.scorers import scorer\n\n@scorer(heavy=True)\ndef heavy(sample):\n"
        "    with Path(__file__).with_name('work.log').open('a') as log:\n        log.write(sample.row.id)\n"
        "    return True\n",
    )
    text = TWO_SCORERS.replace("import pytest", "import pytest\nfrom scoring import heavy").replace(
        "half]", "half, heavy]"
    )
    project.eval(text)
    project.eval(text, "more")
    project.rows("good a", "good b", "good c", "good d")
    assert project.run(workers=2).ret == 0
    assert sorted((project.root / "work.log").read_text()) == list("abcd")
    assert len(project.calls) == 4


def test_a_gate_is_deselected_and_selected_with_workers_too(project: Project) -> None:
    assert project.run("-m", "not gate", workers=2).parseoutcomes() == {"passed": 2, "missed": 1}
    assert project.run("-k", "a:main or gate", workers=2).parseoutcomes() == {"passed": 1, "skipped": 1}


def test_collect_only_with_workers_makes_no_call(project: Project) -> None:
    result = project.run("--collect-only", workers=2)
    assert result.ret == 0
    assert project.calls == []
    assert project.runs == []


def test_a_plan_with_workers_is_made_by_one_process(project: Project) -> None:
    result = project.run("--plan", workers=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["3 calls would be made*"])
    assert project.calls == []


def test_a_worker_that_crashes_loses_no_sample_and_the_gate_cannot_tell(project: Project) -> None:
    project.eval("""
import os
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(row):
    if row.id == "c":
        os._exit(9)
""")
    result = project.run(workers=2)
    assert result.ret == 1
    assert [sample["row"] for sample in project.samples()] == ["a", "b"]
    result.stdout.fnmatch_lines(["*1 of 3 samples were not run*"])
