"""How samples end: pass, miss, error, skipped; and what pytest says of each."""

from __future__ import annotations

import pytest
from projects import LENIENT, SMALLEST, TWO_RUN_CONFIGS, Project, junit


def test_smallest_eval_is_a_dataset_and_an_assert(project: Project) -> None:
    project.eval(SMALLEST)
    project.rows("good a", "good b")
    result = project.run("-v")
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 3}  # two samples and their gate
    result.stdout.fnmatch_lines(["*test_words[[]a:main] PASSED*", "*test_words[[]gate:main] PASSED*"])
    assert project.calls == ["1 good a", "1 good b"]


def test_a_failing_assert_of_the_smallest_eval_fails_the_run(project: Project) -> None:
    project.eval(SMALLEST)
    result = project.run("-v")
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 2, "failed": 2}
    result.stdout.fnmatch_lines(["*test_words[[]c:main] FAILED*", "*test_words[[]gate:main] FAILED*"])
    result.stdout.fnmatch_lines(["E * assert False", "*every row: 1 of 3 samples missed: c*"])


def test_every_fixture_tells_of_the_same_sample(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.eval(dataset="words")
def test_words(row, output, run_config, sample, request):
    assert (row.id, row.input) in [("a", "good a"), ("b", "good b")]
    assert output == row.input
    assert run_config.name == "main"
    assert run_config.model == "python/app:echo"
    assert (sample.row, sample.output, sample.run_config, sample.epoch) == (row, output, run_config, 1)
    assert sample.response.text == output
    assert request.node.name == f"test_words[{row.id}:main]"
""")
    project.rows("good a", "good b")
    project.run().assert_outcomes(passed=3)


def test_a_test_that_names_no_fixture_still_makes_and_scores_its_samples(project: Project) -> None:
    project.eval("""
import pytest

def good(sample):
    return sample.output.startswith("good")

@pytest.mark.eval(dataset="words", scorers=[good], gates=["good >= 0.6"])
def test_words():
    pass
""")
    result = project.run()
    result.assert_outcomes(passed=4)
    assert project.sample("c")["scores"]["good"]["value"] == 0.0
    assert project.sample("c")["output"] == "bad c"


def test_a_miss_is_yellow_counted_and_no_failure(project: Project) -> None:
    result = project.run("-v", "-rA", "--color=yes", "--junitxml=out.xml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*c:main]*\x1b[33mMISS*", "*3 passed*1 missed*"])
    cases = junit(project.root / "out.xml")
    assert list(cases) == ["test_words[a:main]", "test_words[b:main]", "test_words[c:main]", "test_words[gate:main]"]
    miss = cases["test_words[c:main]"].find("skipped")
    assert miss is not None
    assert "assert False" in str(miss.get("message"))
    assert [cases[name].find("skipped") for name in list(cases)[:2]] == [None, None]
    assert all(case.find("failure") is None and case.find("error") is None for case in cases.values())


def test_a_miss_gives_pytests_own_explanation_as_its_reason(project: Project) -> None:
    project.run()
    outcome = project.sample("c")["outcome"]
    assert outcome["kind"] == "miss"
    assert "'bad c'" in outcome["why"]
    assert "startswith" in outcome["why"]


def test_last_failed_runs_misses_again_and_forgets_those_that_pass(project: Project) -> None:
    project.run()
    result = project.run("--lf", "-v")
    result.stdout.fnmatch_lines(["*c:main]*MISS*"])
    result.stdout.no_fnmatch_line("*[[]a:main]*")
    project.eval(LENIENT_FOR_BAD)
    project.run("--lf").assert_outcomes(passed=1)
    assert "a:main" in project.run("--lf", "-v").stdout.str()


LENIENT_FOR_BAD = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(output):
    assert output
"""


def test_a_miss_of_a_candidate_never_fails_even_where_every_row_must_pass(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.eval(SMALLEST)
    result = project.run("-v")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*[[]c:main] FAILED*",
            "*[[]c:other] MISS*",
            "*[[]gate:main] FAILED*",
            "*[[]gate:other] BELOW GATE*",
        ]
    )
    assert result.parseoutcomes() == {"passed": 4, "failed": 2, "missed": 1, "below": 1}


def test_a_call_that_fails_is_an_error_without_a_score(project: Project) -> None:
    project.rows("good a", "boom b")
    project.eval(WITH_SCORER)
    result = project.run("--junitxml=out.xml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the model is on fire*", "*CANNOT TELL*good >= 0.5*1 of 2 samples*"])
    sample = project.sample("b")
    assert sample["outcome"]["kind"] == "error"
    assert sample["scores"] == {}
    assert sample["output"] is None
    assert "on fire" in sample["errors"]["call"]
    case = junit(project.root / "out.xml")["test_words[b:main]"]
    assert case.find("error") is not None or case.find("failure") is not None
    (gate,) = project.report()["gates"]
    assert (gate["kind"], gate["errors"], gate["n"]) == ("cannot_tell", 1, 1)
    assert project.report()["verdict"] == "fail"


WITH_SCORER = """
import pytest

def good(sample):
    return sample.output.startswith("good")

@pytest.mark.eval(dataset="words", scorers=[good], gates=["good >= 0.5"])
def test_words(sample):
    sample.require("good")
"""


def test_an_error_that_its_gate_allows_is_still_red(project: Project) -> None:
    project.rows("good a", "boom b")
    project.eval(WITH_SCORER.replace('["good >= 0.5"]', '["good >= 0.5", "errors <= 1"]'))
    result = project.run("-v")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*gate:main] PASSED*"])


def test_a_mistake_in_the_body_is_an_error_and_no_miss(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.1"])
def test_words(row):
    if row.id == "c":
        {}["nothing"]
""")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["E * KeyError: 'nothing'", "*CANNOT TELL*passed >= 0.1*"])
    sample = project.sample("c")
    assert sample["outcome"]["kind"] == "error"
    assert "KeyError" in sample["outcome"]["why"]


def test_a_fixture_of_the_project_that_fails_is_an_error(project: Project) -> None:
    project.eval("""
import pytest

@pytest.fixture
def database():
    raise OSError("no database")

@pytest.mark.eval(dataset="words", gates=["passed >= 0.1"])
def test_words(database, output):
    pass
""")
    result = project.run()
    assert result.ret == 1
    assert [sample["outcome"]["kind"] for sample in project.samples()] == ["error"] * 3
    result.stdout.fnmatch_lines(["*no database*", "*CANNOT TELL*"])


def test_require_misses_below_its_threshold_and_errs_for_an_unknown_score(project: Project) -> None:
    project.eval("""
import pytest
from touchstone.records import Score

def half(sample):
    return Score(0.5, "half of it is right")

@pytest.mark.eval(dataset="words", scorers=[half], gates=["half >= 0.1"])
def test_words(sample):
    if sample.row.id == "a":
        assert sample.require("half", 0.5).value == 0.5
    elif sample.row.id == "b":
        sample.require("half")
    else:
        sample.require("whole")
""")
    project.run()
    assert [project.sample(row)["outcome"]["kind"] for row in "abc"] == ["pass", "miss", "error"]
    assert project.sample("b")["outcome"]["why"] == "half: half of it is right"
    assert "no score 'whole'; it has: half" in project.sample("c")["outcome"]["why"]


def test_a_body_may_skip_and_fail_in_pytests_own_words(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(row):
    if row.id == "a":
        pytest.skip("not today")
    if row.id == "c":
        pytest.fail("it is bad")
""")
    result = project.run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 2, "skipped": 1, "missed": 1}
    assert project.sample("c")["outcome"] == {"kind": "miss", "why": "it is bad"}


HOSTED = """
run_configs:
  - {name: main, model: python/app:echo, prompt: ask, default: true}
  - {name: gpt, model: openai/gpt-4.1, prompt: ask}
  - {name: own, model: openai-compatible/own, prompt: ask, base_url: "http://localhost:1/v1", key_env: OWN_KEY}
"""


def test_a_missing_key_skips_and_names_the_variable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OWN_KEY", raising=False)
    project.write("evals/run_configs.yaml", HOSTED)
    result = project.run("-rs", "--junitxml=out.xml")
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 3, "missed": 1, "skipped": 8}
    result.stdout.fnmatch_lines(["*SKIPPED*OPENAI_API_KEY is not set*", "*SKIPPED*OWN_KEY is not set*"])
    skipped = junit(project.root / "out.xml")["test_words[a:gpt]"].find("skipped")
    assert skipped is not None
    assert "OPENAI_API_KEY is not set" in str(skipped.get("message"))
    assert {g["run_config"]: g["kind"] for g in project.report()["gates"]} == {
        "main": "pass",
        "gpt": "not_judged",
        "own": "not_judged",
    }


def test_a_shipping_model_without_its_key_skips_outside_ci_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    project.write("evals/run_configs.yaml", "run_configs: [{name: gpt, model: openai/gpt-4.1, prompt: ask}]")
    result = project.run("-rs")
    assert result.parseoutcomes() == {"skipped": 4}
    assert project.report()["verdict"] == "not_judged"


def test_exit_first_stops_what_has_not_started(project: Project) -> None:
    project.eval(SMALLEST)
    project.rows("bad a", "good b", "good c")
    result = project.run("-x", "-v")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    assert [sample["row"] for sample in project.samples()] == ["a"]


def test_exit_first_makes_no_call_that_was_not_under_way(project: Project) -> None:
    project.write("evals/run_configs.yaml", "run_configs: [{name: main, model: 'python/app:slow', prompt: ask}]")
    project.eval(SMALLEST)
    project.rows("bad 0", *(f"good {i:02}" for i in range(1, 24)))
    project.run("-x", "--concurrency=1")
    assert len(project.calls) < 6


def test_markers_may_stand_on_module_class_and_function(project: Project) -> None:
    project.eval("""
import pytest

pytestmark = pytest.mark.eval(dataset="words", gates=["passed >= 0.1"])

def test_words(output):
    pass

class TestPolite:
    def test_thanks(self, output):
        pass

    @pytest.mark.eval(dataset="others", gates=["passed >= 0.1"])
    def test_please(self, output):
        pass
""")
    project.rows("good d", dataset="others")
    result = project.run("-v")
    assert result.parseoutcomes() == {"passed": 7 + 3}
    names = {sample["eval"] for sample in project.samples()}
    assert names == {"words", "words.Polite.thanks", "words.Polite.please"}
    assert project.calls == ["1 bad c", "1 good a", "1 good b", "1 good d"]


def test_a_marker_on_a_class(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.1"])
class TestBoth:
    def test_one(self, output):
        pass

    def test_two(self, output):
        pass
""")
    result = project.run()
    assert result.parseoutcomes() == {"passed": 8}
    assert len(project.calls) == 3


def test_an_eval_may_be_parametrised_like_any_test(project: Project) -> None:
    project.eval("""
import pytest

@pytest.mark.parametrize("limit", [3, 100])
@pytest.mark.eval(dataset="words", gates=["passed >= 0.1"])
def test_words(output, limit):
    assert len(output) < limit
""")
    result = project.run("-v")
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 4, "missed": 3}
    assert len(project.calls) == 3


def test_ordinary_tests_beside_evals_stay_what_they_are(project: Project) -> None:
    project.eval(LENIENT + "\n\ndef test_plain():\n    assert 1 == 2\n")
    result = project.run("-v")
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 3, "missed": 1, "failed": 1}
    result.stdout.fnmatch_lines(["*test_plain FAILED*", "*gate:main] PASSED*"])


def test_the_table_and_the_reports_place_are_shown(project: Project) -> None:
    result = project.run()
    (run,) = project.runs
    result.stdout.fnmatch_lines(
        [
            "*= evals =*",
            "*words*",
            f"report: .touchstone/runs/{run.name}/report.md*report.json",
            f"page:   .touchstone/runs/{run.name}/report.html",
        ]
    )


def test_scores_stand_in_junit(project: Project) -> None:
    project.eval(WITH_SCORER)
    project.run("--junitxml=out.xml")
    found = junit(project.root / "out.xml")["test_words[c:main]"].find("properties/property")
    assert found is not None
    assert (found.get("name"), found.get("value")) == ("score.good", "0")


def test_a_project_needs_no_configuration_file(project: Project) -> None:
    (project.root / "pyproject.toml").unlink()
    assert project.run().parseoutcomes() == {"passed": 3, "missed": 1}


def test_a_miss_says_nothing_of_where_in_memory_things_lie(project: Project) -> None:
    """It would be another reason in each run."""
    project.run()
    why = project.sample("c")["outcome"]["why"]
    assert "<built-in method startswith of str object>" in why
    assert "0x" not in why
