"""Which samples are run: run-configs, epochs, rows, and pytest's own ways to select."""

from __future__ import annotations

import pytest
from projects import LENIENT, TWO_RUN_CONFIGS, Project

FOUR = """
run_configs:
  - {name: main, model: python/app:echo, prompt: ask, default: true}
  - {name: main-cold, model: python/app:echo, prompt: ask, temperature: 0}
  - {name: main-hot, model: python/app:echo, prompt: ask, temperature: 1}
  - {name: other, model: python/app:echo, prompt: ask, top_p: 0.5}
groups:
  extremes: [main-cold, main-hot]
  rest: ["oth*"]
"""


def collected(project: Project, *options: str) -> list[str]:
    """Names of the samples (not of the gates) that would run."""
    result = project.run("--collect-only", "-q", *options)
    names = [line.partition("[")[2].rstrip("]") for line in result.outlines if "::test_words[" in line]
    return [name for name in names if not name.startswith("gate:")]


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ((), ["main", "main-cold", "main-hot", "other"]),
        (("main",), ["main"]),
        (("main-*",), ["main-cold", "main-hot"]),
        (("extremes",), ["main-cold", "main-hot"]),
        (("rest", "main"), ["main", "other"]),
        (("other", "*"), ["main", "main-cold", "main-hot", "other"]),
    ],
)
def test_run_configs_by_name_glob_and_group(project: Project, options: tuple[str, ...], chosen: list[str]) -> None:
    project.write("evals/run_configs.yaml", FOUR)
    project.rows("good a")
    arguments = [argument for name in options for argument in ("--run-config", name)]
    assert collected(project, *arguments) == [f"a:{name}" for name in chosen]


def test_an_unknown_run_config_is_one_clear_message(project: Project) -> None:
    project.write("evals/run_configs.yaml", FOUR)
    project.eval(LENIENT, "more")
    result = project.run("--run-config", "man")
    assert result.ret not in (0, 1)
    text = result.stdout.str() + result.stderr.str()
    assert "--run-config: no run-config is called 'man'" in text
    assert "did you mean main?" in text
    assert "Traceback" not in text
    assert project.calls == []


def test_epochs_are_calls_of_their_own(project: Project) -> None:
    project.rows("good a")
    result = project.run("--epochs", "3", "-v")
    assert result.parseoutcomes() == {"passed": 4}
    result.stdout.fnmatch_lines(["*[[]a:main]*", "*[[]a:main:2]*", "*[[]a:main:3]*", "*[[]gate:main]*"])
    assert project.calls == ["1 good a", "2 good a", "3 good a"]
    assert [sample["epoch"] for sample in project.samples()] == [2, 3, 1]  # in the order of the tests' names
    (gate,) = project.report()["gates"]
    assert gate["n"] == 3


@pytest.mark.parametrize("option", [("--epochs", "0"), ("--rows", "x"), ("--calls", "never"), ("--concurrency", "-1")])
def test_options_that_cannot_be_are_refused(project: Project, option: tuple[str, str]) -> None:
    result = project.run(*option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert option[0] in result.stderr.str()


def test_a_sample_of_rows_is_seeded_and_in_file_order(project: Project) -> None:
    project.rows(*(f"good {i}" for i in range(20)))
    first = collected(project, "--rows", "5")
    assert len(first) == 5
    assert first == sorted(first)
    assert first == collected(project, "--rows", "5")
    assert first != collected(project, "--rows", "5", "--rows-seed", "7")
    assert set(first) < set(collected(project, "--rows", "8"))


def test_a_sample_of_rows_stays_when_rows_are_added(project: Project) -> None:
    rows = [{"id": f"row-{i}", "input": f"good {i}"} for i in range(30)]
    project.dataset(rows[:20])
    before = set(collected(project, "--rows", "10"))
    project.dataset([rows[25], *rows[:20]])
    after = set(collected(project, "--rows", "10"))
    assert len(before - after) <= 1
    assert after - before <= {"row-25:main"}


def test_more_rows_than_there_are_is_all_of_them(project: Project) -> None:
    assert collected(project, "--rows", "99") == ["a:main", "b:main", "c:main"]


def test_a_gate_judges_a_sample_of_rows(project: Project) -> None:
    result = project.run("--rows", "2", "-v")
    result.stdout.fnmatch_lines(["*gate:main] PASSED*"])
    assert len(project.calls) == 2


def test_keywords_choose_rows_and_run_configs(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    assert collected(project, "-k", "other") == ["a:other", "b:other", "c:other"]
    assert collected(project, "-k", "c:main") == ["c:main"]


def test_only_what_is_selected_is_called(project: Project) -> None:
    project.run("-k", "b:main")
    assert project.calls == ["1 good b"]


def test_evals_are_found_by_their_marker(project: Project) -> None:
    project.eval(LENIENT + "\n\ndef test_plain():\n    pass\n")
    result = project.run("-m", "eval", "-v")
    result.stdout.no_fnmatch_line("*test_plain*PASSED*")
    assert result.parseoutcomes() == {"passed": 3, "missed": 1, "deselected": 1}


def test_collecting_makes_no_call_and_writes_nothing(project: Project) -> None:
    before = {path for path in project.root.rglob("*") if "__pycache__" not in path.parts}
    result = project.run("--collect-only", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*<Function test_words[[]a:main]>*", "*gate:main*", "*4 tests collected*"])
    assert {path for path in project.root.rglob("*") if "__pycache__" not in path.parts} == before


def test_help_and_markers_tell_of_the_plugin(project: Project) -> None:
    shown = project.run("--help")
    shown.stdout.fnmatch_lines(["*touchstone*", "*--run-config=NAME*", "*--epochs=N*", "*--plan*"])
    assert "@pytest.mark.eval(dataset" in project.run("--markers").stdout.str()


def test_places_can_be_told_in_the_project_configuration(project: Project) -> None:
    project.write(
        "pyproject.toml",
        '[tool.pytest.ini_options]\npythonpath = ["."]\ntouchstone_datasets = "data"\ntouchstone_prompts = "p"\n'
        'touchstone_run_configs = "configs.yaml"\ntouchstone_state = "build/state"\n',
    )
    project.root.joinpath("datasets").rename(project.root / "data")
    project.root.joinpath("evals/prompts").rename(project.root / "p")
    project.root.joinpath("evals/run_configs.yaml").rename(project.root / "configs.yaml")
    assert project.run().parseoutcomes() == {"passed": 3, "missed": 1}
    assert (project.root / "build/state/runs").is_dir()
    assert not (project.root / ".touchstone").exists()


def test_evals_of_one_name_in_two_folders_stay_two(project: Project) -> None:
    project.write("evals/video/__init__.py", "")
    project.write("evals/video/test_words.py", LENIENT.replace("startswith", "endswith"))
    project.write("other/test_words.py", LENIENT)
    result = project.run("other", "--import-mode=importlib", "-v")
    assert result.parseoutcomes() == {"passed": 6, "missed": 5, "failed": 1}
    assert {sample["eval"] for sample in project.samples()} == {"words", "video/words", "other/words"}
