"""Scores over the git history of the baseline: which points, what changed between them, as table, values and plot."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from repositories import Repository
from test_report import widest

from touchstone.cli import main

FILE = "evals/baseline.json"


def kept(
    passes: Sequence[float], *, eval_: str = "words", ships: str = "main", scorer: str = "1", edited: int = 0
) -> str:
    """A baseline of one eval; the first `edited` rows say something else than usual."""
    rows = {f"r{at:03}": ["edited00" if at < edited else "usual000", value] for at, value in enumerate(passes)}
    data = {"v": 2, "run": "x", "ships": ships, "scorers": {eval_: {"passed": scorer}}, "took": {}}
    return json.dumps({**data, "evals": {eval_: {ships: {"passed": rows, "good": rows}}}})


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "pyproject.toml").write_text("")
    return Repository.at(tmp_path)


def log(repository: Repository, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(repository.root), "log", *args])


def history(repository: Repository) -> None:
    repository.commit(FILE, kept([1.0] * 40 + [0.0] * 20), date="2026-01-01")
    repository.commit("other", "x", date="2026-01-02")
    repository.commit(FILE, kept([1.0] * 20 + [0.0] * 40), date="2026-01-03", subject="@octocat ::error:: | x")
    repository.commit(FILE, kept([1.0] * 21 + [0.0] * 39, edited=2), date="2026-01-04")
    repository.commit(FILE, kept([1.0] * 60, scorer="2"), date="2026-01-05")
    repository.commit(FILE, kept([1.0] * 60, scorer="2", ships="next"), date="2026-01-06")


def test_each_commit_that_changed_the_baseline_is_a_line_with_its_paired_change(repository: Repository) -> None:
    history(repository)
    done = log(repository)
    assert done.exit_code == 0, done.output
    assert widest(done.output) <= 80
    lines = [" ".join(line.split()) for line in done.output.splitlines() if "2026-01-" in line]
    assert [line.split()[0] for line in lines] == [f"2026-01-0{day}" for day in (6, 5, 4, 3, 1)]
    newest, scorer, edited, worse, first = (line.split(maxsplit=2)[2] for line in lines)
    assert newest == "100 >=94 60 0 [-4, +4] ships next"
    assert scorer == "100 >=94 60 - scorer changed, 2 other rows"
    assert edited.startswith("35 24-48 60 +2 [")
    assert edited.endswith("2 other rows")
    assert worse.startswith("33 23-46 60 -33 [")
    assert worse.endswith("*")
    assert first == "67 54-77 60 - ships main"
    assert "among 3 changes (Holm)" in " ".join(done.output.split())


def test_values_for_programs(repository: Repository) -> None:
    history(repository)
    data = json.loads(log(repository, "words", "--format", "json", "--score", "good").output)
    assert (data["schema"], data["score"], data["changes"]) == (1, "good", 4)
    (one,) = data["evals"]
    assert [round(point["found"]["mean"], 2) for point in one["points"]] == [0.67, 0.33, 0.35, 1.0, 1.0]
    assert one["points"][1]["change"]["found"]["worse"] == 20
    assert one["points"][1]["change"]["adjusted"] < 0.001
    assert one["points"][0]["change"] is None


def test_the_last_few_and_markdown(repository: Repository) -> None:
    history(repository)
    text = log(repository, "--format", "markdown", "--last", "2").output
    assert "the last 2 of 5" in text
    assert text.count("2026-01-") == 2
    assert "| 2026-01-06 " in text
    assert "@" not in text


def test_evals_are_told_apart_and_one_can_be_named(repository: Repository) -> None:
    repository.commit(FILE, kept([1.0] * 9), date="2026-01-01")
    repository.commit(FILE, kept([1.0] * 9, eval_="other"), date="2026-01-02")
    repository.commit(FILE, kept([0.0] * 9), date="2026-01-03")
    data = json.loads(log(repository, "--format", "json").output)
    assert {one["eval"]: len(one["points"]) for one in data["evals"]} == {"words": 2, "other": 1}
    assert log(repository, "other").output.count("2026-01-") == 1


def test_a_baseline_that_was_damaged_or_removed_is_no_point(repository: Repository) -> None:
    repository.commit(FILE, kept([1.0] * 9), date="2026-01-01")
    repository.commit(FILE, "<<<<<<< HEAD", date="2026-01-02")
    repository.commit(FILE, None, date="2026-01-03")
    done = log(repository)
    assert done.output.count("2026-01-01") == 1
    assert "left out: " in done.output
    assert "(2026-01-02): is no baseline" in done.output
    assert "2026-01-03" not in done.output


@pytest.mark.parametrize(
    ("args", "why", "hint"),
    [
        (("nope",), "no baseline has the eval 'nope'", "there are: words"),
        (("--score", "nope"), "no baseline has a score 'nope'", "there are: good, passed"),
        (("--svg", "plot.png"), "a plot is an .svg file", "--svg plot.svg"),
    ],
)
def test_mistakes_say_what_there_is(repository: Repository, args: tuple[str, ...], why: str, hint: str) -> None:
    history(repository)
    done = log(repository, *args)
    assert done.exit_code == 1
    assert why in done.output
    assert hint in done.output


def test_without_a_baseline_or_a_repository_it_says_what_to_type(repository: Repository, tmp_path: Path) -> None:
    done = log(repository)
    assert (done.exit_code, "touchstone baseline update" in done.output) == (1, True)
    repository.commit("README.md", "x")
    assert "git knows no evals/baseline.json" in log(repository).output
    (tmp_path / ".git").rename(tmp_path / "gone")
    assert "is no git repository" in log(repository).output


def test_the_plot_is_a_panel_an_eval_and_the_same_each_time(repository: Repository) -> None:
    repository.commit(FILE, kept([1.0] * 40 + [0.0] * 20, eval_="$x$ <b>"), date="2026-01-01")
    repository.commit(FILE, kept([1.0] * 10 + [0.0] * 50, eval_="$x$ <b>"), date="2026-01-02")
    file = repository.root / "plots/log.svg"
    assert log(repository, "--svg", str(file)).exit_code == 0
    drawn = file.read_bytes()
    texts = ["".join(one.itertext()) for one in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert "$x$ <b>" in texts
    assert any("2026-01-02" in text for text in texts)
    assert log(repository, "--svg", str(file)).exit_code == 0
    assert file.read_bytes() == drawn


def test_without_matplotlib_the_extra_is_named(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    history(repository)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = log(repository, "--svg", str(repository.root / "x.svg"))
    assert done.exit_code == 1
    assert "pip install 'pytest-touchstone[synth]'" in done.output
