"""Gates as tests: their verdicts, whom they bind, and when there is nothing to judge."""

from __future__ import annotations

import pytest
from projects import LENIENT, TWO_RUN_CONFIGS, Project, junit

STRICT = LENIENT.replace("passed >= 0.5", "passed >= 0.95")


def test_the_gate_of_the_run_config_that_ships_decides(project: Project) -> None:
    project.eval(STRICT)
    result = project.run("--junitxml=out.xml")
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 2, "missed": 1, "failed": 1}
    result.stdout.fnmatch_lines(["FAIL  passed >= 0.95: passed 0.67 [[]*", "FAILED *test_words[[]gate:main]*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    failure = junit(project.root / "out.xml")["test_words[gate:main]"].find("failure")
    assert failure is not None
    assert "passed 0.67" in str(failure.text)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_gate_that_cannot_tell_fails_the_run_and_says_how_many_rows_would(project: Project, workers: int) -> None:
    project.eval(LENIENT.replace("passed >= 0.5", "passed >= 0.9"))
    result = project.run(workers=workers)
    assert result.ret == 1
    words = "passed 0.67 [[]0.21, 0.94[]] < 0.90, but 3 rows cannot tell: 4 more rows would"
    result.stdout.fnmatch_lines(
        [f"CANNOT TELL  passed >= 0.9: {words}", "CANNOT TELL words: passed 0.67 *", "FAIL: 1 of 1 gates*1 cannot tell"]
    )
    (gate,) = project.report()["gates"]
    assert (gate["kind"], gate["needed"]) == ("cannot_tell", 4)


def test_a_gate_on_the_lower_end_has_three_outcomes(project: Project) -> None:
    rules = ["lower(good) >= 0.2", "lower(good) >= 0.5", "lower(good) >= 0.95"]
    project.eval(f"""
import pytest

def good(sample):
    return float(sample.output.startswith("good"))

@pytest.mark.eval(dataset="words", scorers=[good], gates={rules})
def test_words(sample):
    sample.require("good")
""")
    assert project.run().ret == 1
    found = [(gate["kind"], gate["needed"] is None) for gate in project.report()["gates"]]
    assert found == [("pass", True), ("cannot_tell", False), ("fail", True)]


def test_a_candidate_below_its_gate_is_shown_and_fails_nothing(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.eval(ONLY_MAIN_IS_GOOD)
    result = project.run("-v", "--junitxml=out.xml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*[[]gate:main] PASSED*", "*[[]gate:other] BELOW GATE*"])
    assert junit(project.root / "out.xml")["test_words[gate:other]"].find("failure") is None
    kinds = {gate["run_config"]: (gate["kind"], gate["binding"]) for gate in project.report()["gates"]}
    assert kinds == {"main": ("pass", True), "other": ("cannot_tell", False)}
    assert project.report()["verdict"] == "pass"


ONLY_MAIN_IS_GOOD = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(output, run_config):
    assert run_config.name == "main"
"""


def test_gate_all_binds_the_candidates_too(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.eval(ONLY_MAIN_IS_GOOD)
    result = project.run("-v", "--gate", "all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*[[]gate:main] PASSED*", "*[[]gate:other] FAILED*"])
    assert project.report()["verdict"] == "fail"


def test_gates_run_after_the_last_sample_of_all_evals(project: Project) -> None:
    project.eval(LENIENT, "zzz")
    result = project.run("-v")
    lines = [line for line in result.outlines if "::test_words[" in line]
    assert ["gate" in line for line in lines] == [False] * 6 + [True] * 2


def test_several_rules_of_one_gate_are_told_apart(project: Project) -> None:
    project.eval(LENIENT.replace('["passed >= 0.5"]', '["passed >= 0.5", "every row", "p95 latency <= 60 s"]'))
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["PASS  passed >= 0.5*", "FAIL  every row*c*", "PASS  p95 latency*"])
    assert [gate["kind"] for gate in project.report()["gates"]] == ["pass", "fail", "pass"]


def test_every_row_rule_makes_a_miss_a_failure(project: Project) -> None:
    project.eval(LENIENT.replace('["passed >= 0.5"]', '["passed >= 0.5", "every row"]'))
    result = project.run()
    assert result.parseoutcomes() == {"passed": 2, "failed": 2}


@pytest.mark.parametrize(
    "options",
    [("-k", "a:main or gate"), ("--deselect", "evals/test_words.py::test_words[b:main]")],
)
def test_a_gate_is_not_judged_on_some_of_its_samples(project: Project, options: tuple[str, ...]) -> None:
    project.eval(STRICT)
    result = project.run("-rs", *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*of 3 samples were selected; a gate is judged on all"])
    assert project.report()["verdict"] == "not_judged"


def test_only_gates_and_no_gates_can_be_selected(project: Project) -> None:
    result = project.run("-m", "not gate", "-v")
    assert result.parseoutcomes() == {"passed": 2, "missed": 1, "deselected": 1}
    gates = project.run("-m", "gate", "-rs")
    assert gates.ret == 0
    assert gates.parseoutcomes() == {"skipped": 1, "deselected": 3}
    gates.stdout.fnmatch_lines(["SKIPPED*0 of 3 samples were selected*"])


def test_a_gate_carries_the_marks_of_its_eval(project: Project) -> None:
    """Else `-m nightly` would run the samples and judge nothing."""
    project.write(
        "conftest.py", "def pytest_configure(config):\n    config.addinivalue_line('markers', 'nightly: late')"
    )
    project.eval(STRICT.replace("@pytest", "@pytest.mark.nightly\n@pytest"))
    for marker in ("nightly", "eval", "eval and nightly"):
        assert project.run("-m", marker).parseoutcomes() == {"passed": 2, "missed": 1, "failed": 1}
    assert project.run("-m", "not nightly").parseoutcomes() == {"deselected": 4}


def test_a_gate_has_a_node_id_of_its_own(project: Project) -> None:
    gate = "evals/test_words.py::test_words[gate:main]"
    result = project.pytester.runpytest_inprocess(gate, "-v", "-p", "no:hypothesispytest")
    assert result.ret == 0
    assert result.parseoutcomes() == {"skipped": 1}
    assert project.calls == []


def test_a_gate_with_one_nodeid_of_a_sample(project: Project) -> None:
    one = "evals/test_words.py::test_words[c:main]"
    result = project.pytester.runpytest_inprocess(one, "-v", "-p", "no:hypothesispytest")
    assert result.parseoutcomes() == {"missed": 1}
    assert project.calls == ["1 bad c"]


def test_a_gate_after_exit_first_cannot_tell_and_is_red(project: Project) -> None:
    """Samples that were selected and not run are no reason to be green."""
    project.eval(LENIENT, "words")
    project.eval("def test_broken():\n    assert 0\n", "aaa")
    result = project.run("-x")
    assert result.ret == 1
    assert project.runs == [] or project.samples() == []


def test_parametrised_evals_judge_all_their_samples_in_one_gate(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.parametrize("limit", [3, 100])
@pytest.mark.eval(dataset="words", gates=["passed >= 0.4"])
def test_words(output, limit):
    assert len(output) < limit
""")
    project.run()
    (gate,) = project.report()["gates"]
    assert (gate["kind"], gate["n"]) == ("pass", 6)
    few = project.run("-k", "100 or gate", "-rs")
    few.stdout.fnmatch_lines(["SKIPPED*3 of 6 samples were selected*"])


def test_the_only_run_config_ships(project: Project) -> None:
    project.write("evals/run_configs.yaml", "run_configs: [{name: only, model: 'python/app:echo', prompt: ask}]")
    project.eval(STRICT)
    assert project.run().ret == 1


def test_without_a_default_no_gate_binds(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS.replace(", default: true", ""))
    project.eval(STRICT)
    result = project.run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 4, "missed": 2, "below": 2}


def test_a_run_of_candidates_alone_does_not_judge_the_default(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.eval(STRICT)
    result = project.run("--run-config", "other", "-v")
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 2, "missed": 1, "below": 1}


def test_a_gate_shows_in_every_output_that_pytest_has(project: Project) -> None:
    project.eval(STRICT)
    result = project.run("-q", "--tb=line", "--no-header", "-rA", "--durations=3", "--strict-config", "--tb=short")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*FAILED evals/test_words.py::test_words[[]gate:main]*"])


def test_setup_only_and_setup_plan_do_not_break(project: Project) -> None:
    assert project.run("--setup-plan").ret == 0
