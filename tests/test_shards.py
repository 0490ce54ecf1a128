"""`--shard`: which samples a shard makes, what it says, and how it ends, alone and with workers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from projects import LENIENT, SMALLEST, TWO_RUN_CONFIGS, Project

from touchstone.part import Part
from touchstone.shard import Shard

WAITS = "shard 1 of 2, gates: judged after touchstone merge"


def made(project: Project, *options: str) -> list[str]:
    """Names of the samples that the last run made: `a:main`."""
    before = set(project.runs)
    result = project.run(*options)
    assert result.ret == 0, result.stdout.str()
    (run,) = set(project.runs) - before
    lines = [line for file in run.glob("samples-*.jsonl") for line in file.read_text().splitlines()]
    return sorted(json.loads(line)["test"].partition("[")[2].rstrip("]") for line in lines)


def described(project: Project) -> dict[str, Any]:
    """`run.json` of the last run."""
    data: dict[str, Any] = json.loads((project.runs[-1] / "run.json").read_text())
    return data


def test_a_name_is_in_one_shard_always_the_same() -> None:
    names = [f"row-{i}" for i in range(1000)]
    shares = [[name for name in names if Shard(number, 4).holds(name)] for number in (1, 2, 3, 4)]
    assert sorted(name for share in shares for name in share) == sorted(names)
    assert min(len(share) for share in shares) > 200
    # Machines of different versions must agree: these are part of the format.
    assert [Shard(1, 2).holds(name) for name in "abcdefgh"] == [True] * 3 + [False, True, True] + [False] * 2


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "2", "a/b", "-1/2", "1/2/3", "", "1/99999", "1 / 2"])
def test_what_is_no_shard_is_refused_in_words(project: Project, text: str) -> None:
    result = project.run(f"--shard={text}")
    assert result.ret == 4
    assert f"argument --shard: {text!r} is no shard: " in result.stderr.str()
    assert project.runs == []


def test_shards_make_every_sample_once_and_rows_stay_whole(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.rows(*(f"good {i}" for i in range(8)))
    project.eval(LENIENT)
    project.eval(LENIENT, "more")
    shares = [made(project, "--epochs", "2", "--shard", f"{n}/3") for n in (1, 2, 3)]
    assert sorted(name for share in shares for name in share) == made(project, "--epochs", "2")
    rows = [{name.partition(":")[0] for name in share} for share in shares]
    assert sum(map(len, rows)) == len(set.union(*rows)) == 8
    assert all(len(share) == len(held) * 2 * 2 * 2 for share, held in zip(shares, rows, strict=True))


def test_other_ways_to_select_choose_first(project: Project) -> None:
    project.rows(*(f"good {i}" for i in range(8)))
    for options in (["--rows", "4", "--rows-seed", "3"], ["-k", "a: or b: or d: or g: or gate"]):
        shares = [made(project, *options, "--shard", f"{n}/2") for n in (1, 2)]
        assert all(shares)
        assert sorted(shares[0] + shares[1]) == made(project, *options)


def test_a_shard_judges_no_gate_and_says_when_they_are(project: Project) -> None:
    project.rows("bad a", "bad b", "bad c", "bad d")
    result = project.run("--shard", "1/2", "-rs")
    assert result.ret == 0
    assert result.parseoutcomes() == {"missed": 3, "skipped": 1, "deselected": 1}
    result.stdout.fnmatch_lines([WAITS, "*judged after `touchstone merge`: this is shard 1/2*"])
    report = json.loads((project.runs[-1] / "report.json").read_text())
    assert (report["verdict"], report["gates"], report["run"]["shard"]) == ("not_judged", [], "1/2")
    assert (project.runs[-1] / "report.md").read_text().startswith(f"## Evals: {WAITS}\n")


def test_a_miss_is_no_failure_where_every_row_must_pass_but_an_error_is(project: Project) -> None:
    project.eval(SMALLEST)
    project.rows("bad a", "bad b", "bad c", "boom d")
    assert project.run("--shard", "1/2").parseoutcomes() == {"missed": 3, "skipped": 1, "deselected": 1}
    result = project.run("--shard", "2/2")
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 1, "skipped": 1, "deselected": 3}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_shard_that_no_row_falls_to_is_green_and_described(project: Project, workers: int) -> None:
    project.rows("good a")
    for options in ([], ["-m", "not gate"])[: 1 if workers else 2]:
        before = len(project.runs)
        result = project.run("--shard", "2/2", *options, workers=workers)
        assert result.ret == 0, result.stdout.str()
        result.stdout.fnmatch_lines([WAITS.replace("1", "2", 1)])
        assert len(project.runs) == before + 1
        assert described(project)["shard"]["tests"] == {}
    assert project.calls == []


def test_a_selection_of_nothing_is_still_no_success(project: Project) -> None:
    assert project.run("--shard", "1/2", "-k", "nothing").ret == 5


def test_a_run_says_which_shard_of_what_it_is(project: Project) -> None:
    project.rows(*(f"good {i}" for i in range(4)))
    away = project.write("evals/test a.py", LENIENT)
    project.run("--shard", "1/2", "--epochs", "2", "-k", "a: or d: or gate", "--run-config", "main", f"--ignore={away}")
    shard = described(project)["shard"]
    assert (shard["number"], shard["of"]) == (1, 2)
    assert shard["tests"] == {
        "evals/test_words.py::test_words[a:main]": 0,
        "evals/test_words.py::test_words[a:main:2]": 1,
    }
    chosen = {"--run-config": "main", "--epochs": "2", "-k": "a: or d: or gate", "--ignore": "'evals/test a.py'"}
    assert shard["chosen"] == chosen
    typed = "pytest evals --run-config main --epochs 2 -k 'a: or d: or gate' --ignore 'evals/test a.py' --shard 2/2"
    assert Part.model_validate(shard).command(Shard(2, 2)) == typed
    assert shard["paths"] == ["evals"]
    assert set(shard["origin"]) == {
        "touchstone",
        "the rows of words",
        "the run-config main",
        "the module app",
        "evals/prompts/ask.j2",
        "evals/test_words.py",
    }
    (gate,) = described(project)["gates"]
    assert (gate["planned"], gate["selected"]) == (8, 4)


def test_other_tests_are_dealt_out_too(project: Project) -> None:
    project.write("evals/test_plain.py", "".join(f"def test_{i}():\n    pass\n\n" for i in range(8)))
    passed = [project.run("--shard", f"{n}/2", "-k", "plain").parseoutcomes()["passed"] for n in (1, 2)]
    assert sum(passed) == 8
    assert min(passed) > 0


def test_a_plan_is_of_the_shard_and_collecting_makes_nothing(project: Project) -> None:
    project.rows("good a", "good b", "good c", "good d")
    result = project.run("--shard", "1/2", "--plan")
    result.stdout.fnmatch_lines(["3 calls would be made*"])
    assert project.run("--shard", "1/2", "--collect-only").ret == 0
    assert project.runs == []
    assert project.calls == []


def test_a_shard_is_no_baseline(project: Project) -> None:
    from click.testing import CliRunner

    from touchstone.cli import main

    project.run("--shard", "1/2")
    result = CliRunner().invoke(main, ["--root", str(project.root), "baseline", "update"])
    assert result.exit_code == 1
    assert "is shard 1/2, a part of a run\n  make one run of all shards: touchstone merge" in result.output
    assert not (project.root / "evals/baseline.json").exists()
