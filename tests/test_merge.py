"""`touchstone merge`: shards made one run are the run made in one go; what does not fit is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from projects import LENIENT, SMALLEST, TWO_RUN_CONFIGS, TWO_SCORERS, Project
from repositories import Repository
from test_baseline import NO_WORSE

from touchstone.cli import main

RUN_LINE = ("id", "date")


def merge(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "merge", *args])


def fill(project: Project) -> None:
    """Two evals that share their rows, two run-configs, misses; answers that are recorded."""
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.rows(*(f"{'bad' if i % 4 == 2 else 'good'} {i}" for i in range(9)))
    project.eval(TWO_SCORERS)
    project.eval(TWO_SCORERS.replace("good >= 0.6", "good >= 0.95").replace("errors <= 1", "every row: half"), "strict")


def made(project: Project, *options: str, workers: int = 0) -> Path:
    """The folder of the run that is made now."""
    before = set(project.runs)
    project.run(*options, workers=workers)
    (folder,) = set(project.runs) - before
    return folder


def shards(project: Project, of: int, *options: str) -> list[Path]:
    return [made(project, *options, "--shard", f"{number}/{of}") for number in range(1, of + 1)]


def report(folder: Path) -> dict[str, Any]:
    """`report.json` without what names the run."""
    data: dict[str, Any] = json.loads((folder / "report.json").read_text())
    data["run"] = {key: value for key, value in data["run"].items() if key not in RUN_LINE}
    return data


def described(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / "run.json").read_text())
    data["info"] = {key: value for key, value in data["info"].items() if key not in RUN_LINE}
    return data


def records(folder: Path) -> list[dict[str, Any]]:
    """In the order of the file."""
    return [json.loads(line) for line in (folder / "samples-main.jsonl").read_text().splitlines()]


def test_shards_against_main_are_judged_as_the_run_in_one_go_and_compared_once_merged(project: Project) -> None:
    project.eval(NO_WORSE)
    project.rows(*(f"good {number}" for number in range(20)))
    made(project, "--calls", "record")
    assert CliRunner().invoke(main, ["--root", str(project.root), "baseline", "update"]).exit_code == 0
    repository = Repository.at(project.root)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", "main")
    project.write("evals/prompts/ask.j2", "not {{ input }}\n")
    made(project, "--calls", "record")
    (project.root / "evals/baseline.json").write_text("broken")  # the branch's own is not asked
    whole = made(project, "--baseline", "git:main")
    parts = shards(project, 2, "--baseline", "git:main")
    assert all("removed" not in (part / "report.md").read_text() for part in parts)
    assert all("comparison" not in json.loads((part / "report.json").read_text()) for part in parts)
    result = merge(project, *(part.name for part in parts), "--out", "merged")
    assert result.exit_code == 1
    merged = project.root / ".touchstone/runs/merged"
    assert described(merged) == described(whole)
    assert report(merged)["gates"] == report(whole)["gates"]
    (gate,) = report(merged)["gates"]
    assert gate["kind"] == "fail"
    assert gate["why"].startswith("good 0.00 against 1.00 of main, the baseline: -1.00 ")
    against = ["--root", str(project.root), "report", "merged", "--against", "git:main"]
    assert CliRunner().invoke(main, against).exit_code == 0
    assert report(merged)["comparison"] == report(whole)["comparison"]


@pytest.fixture
def two(project: Project) -> tuple[Project, Path, Path]:
    """Both shards of a small run that passes."""
    project.rows("good a", "good b", "bad c", "good d")
    first, second = shards(project, 2)
    return project, first, second


def edit(folder: Path, **shard: Any) -> None:
    """Change what a shard says of itself."""
    data = json.loads((folder / "run.json").read_text())
    data["shard"].update(shard)
    (folder / "run.json").write_text(json.dumps(data))


# The same as in one go


@pytest.mark.parametrize("options", [(), ("--epochs", "2", "--rows", "7", "--gate", "all"), ("-k", "a: or d: or gate")])
def test_shards_in_any_order_are_the_run_in_one_go(project: Project, options: tuple[str, ...]) -> None:
    fill(project)
    made(project, "--epochs", "2", "--calls", "record")
    whole = made(project, "--calls", "replay", *options)
    parts = shards(project, 3, "--calls", "replay", *options)
    for number, order in enumerate([*permutations(parts)][::2]):
        result = merge(project, *(part.name for part in order), "--out", f"merged-{number}")
        assert result.exit_code == (0 if "-k" in options else 1), result.output
        folder = project.root / f".touchstone/runs/merged-{number}"
        assert report(folder) == report(whole)
        assert described(folder) == described(whole)
        assert records(folder) == records(whole)
        texts = [(one / "report.md").read_text() for one in (folder, whole)]
        assert texts[0] == texts[1]


def test_a_shard_made_with_workers_comes_to_the_same(project: Project) -> None:
    fill(project)
    whole = made(project, "--calls", "record")
    parts = [made(project, "--calls", "replay", "--shard", f"{n}/2", workers=2 * (n == 1)) for n in (1, 2)]
    assert merge(project, *map(str, parts), "--out", "merged").exit_code == 1
    folder = project.root / ".touchstone/runs/merged"
    assert report(folder) == report(made(project, "--calls", "replay"))
    assert [one["test"] for one in records(folder)] == [one["test"] for one in records(whole)]


@pytest.mark.parametrize(
    ("evaluation", "inputs", "said"),
    [
        (LENIENT, ("good a", "good b", "good c", "bad d"), None),
        (LENIENT.replace("0.5", "0.9"), ("bad a", "bad b", "bad c", "bad d"), "FAIL: 1 of 1 gates"),
        (
            LENIENT.replace('0.5"', '0.5", "errors <= 1"'),
            ("good a", "good b", "good c", "boom d"),
            "red: 1 of 4 samples",
        ),
        (SMALLEST, ("good a", "good b", "good c", "bad d"), "red: 1 sample missed where every row must pass"),
    ],
)
def test_it_exits_as_pytest_does(project: Project, evaluation: str, inputs: tuple[str, ...], said: str | None) -> None:
    project.eval(evaluation)
    project.rows(*inputs)
    whole = project.run()
    result = merge(project, *(part.name for part in shards(project, 2)))
    assert result.exit_code == int(whole.ret) == (0 if said is None else 1)
    assert (said or "PASS: 1 of 1 gates of main passed") in result.output
    assert "report: " in result.output
    assert "Traceback" not in result.output


def test_the_merged_run_is_a_run_like_any_other(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    assert merge(project, first.name, second.name, "--out", "all").exit_code == 0
    assert sorted(run.name for run in project.runs) == sorted([first.name, second.name, "all"])
    again = CliRunner().invoke(main, ["--root", str(project.root), "report", "all"])
    assert again.output.rstrip().endswith("PASS: 1 of 1 gates of main passed")
    assert not list((project.root / ".touchstone").glob("merging*"))
    update = CliRunner().invoke(main, ["--root", str(project.root), "baseline", "update", "all"])
    assert update.exit_code == 0


def test_folders_that_were_downloaded_are_found(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    for layout in ("one/{}", "two/touchstone-evals-shard-{}/run"):
        for part in (first, second):
            shutil.copytree(part, project.root / layout.format(part.name))
        result = merge(project, str(project.root / layout.partition("/")[0]))
        assert result.exit_code == 0, result.output
        assert "PASS" in result.output
    assert merge(project, str(project.root / "one" / first.name), second.name).exit_code == 0


def test_a_shard_without_rows_counts(project: Project) -> None:
    project.rows("good a", "good b")
    parts = shards(project, 2)
    assert merge(project, *(part.name for part in parts)).exit_code == 0
    result = merge(project, parts[0].name)
    assert "a shard is missing: 2/2\n  add it, or make it: pytest evals --shard 2/2" in result.output


# What does not fit


def refused(project: Project, *args: str) -> str:
    """What is said to a merge that cannot be."""
    before = len(project.runs)
    result = merge(project, *args)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert len(project.runs) == before
    return " ".join(result.output.split())


def test_a_missing_and_a_doubled_shard_are_named(project: Project) -> None:
    one, two, three, four = shards(project, 4, "--epochs", "2")
    said = refused(project, four.name, two.name)
    assert "Error: 2 shards are missing: 1/4, 3/4 add it, or make it: pytest evals --epochs 2 --shard 1/4" in said
    again = made(project, "--epochs", "2", "--shard", "2/4")
    said = refused(project, *(part.name for part in (four, again, one, two, three)))
    assert "Error: shard 2/4 is there twice: " in said
    assert "leave one of them out: touchstone merge " in said
    assert merge(project, *(part.name for part in (four, again, one, three))).exit_code == 0


def test_shards_of_another_cut_or_selection_are_named(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    third = made(project, "--shard", "2/3")
    assert "are not of as many shards cut all alike, for example: pytest evals --shard 1/2" in refused(
        project, first.name, third.name
    )
    other = made(project, "--shard", "2/2", "--epochs", "3")
    said = refused(project, first.name, other.name)
    assert f"{first.name}) was run without --epochs, shard 2/2" in said
    assert f"{other.name}) with --epochs 3 run every shard of one commit and alike" in said
    edit(second, selection="0" * 64)
    assert "not the same samples were selected in shard 1/2" in refused(project, first.name, second.name)


CHANGES: Mapping[str, tuple[str, str, str]] = {
    "rows": ("datasets/words.jsonl", '{"id": "d", "input": "good x"}\n', "the rows of words are not the same"),
    "prompt": ("evals/prompts/ask.j2", "Say: {{ input }}\n", "evals/prompts/ask.j2 is not the same"),
    "code": ("evals/test_words.py", LENIENT + "# other\n", "evals/test_words.py is not the same"),
    "application": ("app.py", "def echo(request):\n    return 'good'\n", "the module app is not the same"),
    "run-config": (
        "evals/run_configs.yaml",
        "run_configs: [{name: main, model: 'python/app:echo', prompt: ask, temperature: 1}]\n",
        "the run-config main is not the same",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_shards_of_other_rows_or_code_are_named(project: Project, change: str) -> None:
    path, text, said = CHANGES[change]
    project.rows("good a", "good b", "bad c", "good d")
    first = made(project, "--shard", "1/2")
    project.write(path, text)
    second = made(project, "--shard", "2/2")
    found = refused(project, first.name, second.name)
    assert f"Error: {said} in shard 1/2" in found
    assert found.endswith("run every shard of one commit and alike, for example: pytest evals --shard 2/2")


def test_a_shard_that_was_cut_off_is_named(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    cut = made(
        project,
        "--shard",
        "1/2",
    )
    lines = (cut / "samples-main.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "samples-main.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:40])
    said = refused(project, cut.name, second.name)
    assert "did not end: 1 of its 3 samples has no record: evals/test_words.py::test_words[c:main]" in said
    assert said.endswith("run it again: pytest evals --shard 1/2")
    strange = lines[2].replace(b"[c:main]", b"[\\u001b[31mz:main]")
    (first / "samples-main.jsonl").write_bytes(b"".join([*lines, strange]))
    said = refused(project, first.name, second.name)
    assert "holds a sample that is not its own: evals/test_words.py::test_words[z:main]" in said


NO_SHARDS = (
    ("", "its run.json cannot be read"),
    ("[]", "its run.json cannot be read"),
    ('{"v": 9}', "is a run of version 9; this touchstone reads 1"),
    ('{"v": 1}', "its run.json is damaged"),
    ('{"v": 1, "gates": [3], "info": {}}', "its run.json is damaged"),
    ('{"v": 1, "gates": [], "info": {"id": "x"}, "shard": {"number": "\\u001b[31m"}}', "its run.json is damaged"),
    ('{"v": 1, "gates": [], "info": {"id": "x"}}', "is a whole run, no shard"),
)


def test_what_is_no_shard_is_named(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    for text, said in NO_SHARDS:
        (second / "run.json").write_text(text)
        found = refused(project, first.name, second.name)
        assert said in found, text
        assert second.name in found
        assert "\x1b" not in found


def test_values_that_no_run_holds_are_told(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    for folder in (first, second):
        file = folder / "samples-main.jsonl"
        file.write_text(file.read_text().replace('"row":"', '"row":["x"],"input":"'))
    assert "Error: a shard holds what no run can: TypeError: " in refused(project, first.name, second.name)
    assert not list((project.root / ".touchstone").glob("merging*"))


def test_names_that_stand_for_nothing_or_too_much(two: tuple[Project, Path, Path]) -> None:
    project, first, second = two
    (project.root / "empty").mkdir()
    assert "there is no run nowhere runs: " in refused(project, "nowhere")
    assert "holds no run a run is a folder with a run.json" in refused(project, str(project.root / "empty"))
    there = refused(project, first.name, second.name, "--out", first.name)
    assert f"--out: there is a run {first.name} choose another name" in there
    for name in ("../up", "", "a/b", "-x", "x" * 101):
        assert "is no name for example: --out merged" in refused(project, first.name, second.name, f"--out={name}")
    assert merge(project).exit_code == 2
