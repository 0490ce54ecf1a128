"""A run as CSV: a line a sample and score, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from projects import Project
from test_report import ATTACKS

from touchstone.cli import main
from touchstone.records import Outcome, Response, SampleRecord, Score, Usage
from touchstone.report.spreadsheet import COLUMNS, as_csv, text

DOCS = Path(__file__).parents[1] / "docs/report.md"


def read(written: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written)))


def test_a_line_a_sample_and_score_with_what_went_wrong() -> None:
    response = Response("x", usage=Usage(10, None), cost=0.25, latency=1.5, source="cache")
    scores = {"good": Score(0.5, "half"), "passed": Score(1.0)}
    measured = SampleRecord("e", "a", "c", 2, Outcome("miss", "no"), scores, {"judge": "no JSON"}, response=response)
    erred = SampleRecord("e", "b", "c", 1, Outcome("error", "boom"), {}, {"call": "boom"})
    skipped = SampleRecord("e", "c", "k", 1, Outcome("skipped", "no key"))
    rows = read(as_csv("run-1", [erred, skipped, measured]))
    assert tuple(rows[0]) == COLUMNS
    assert [(r["row"], r["score"], r["value"], r["why"], r["outcome"]) for r in rows] == [
        ("a", "passed", "0", "no", "miss"),
        ("a", "good", "0.5", "half", "miss"),
        ("a", "judge", "", "no JSON", "miss"),
        ("b", "passed", "", "boom", "error"),
        ("b", "call", "", "boom", "error"),
        ("c", "passed", "", "no key", "skipped"),
    ]
    first = rows[0]
    assert (first["run"], first["epoch"], first["source"], first["latency_s"]) == ("run-1", "2", "cache", "1.5")
    assert (first["input_tokens"], first["output_tokens"], first["cost_usd"]) == ("10", "", "0.25")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n=", " =", "\u200b=", "\uff1d", "\x1b[1m="])
def test_no_cell_is_a_formula(start: str) -> None:
    evil = f'{start}HYPERLINK("http://evil.example","x")'
    (row,) = read(as_csv(evil, [SampleRecord("e", evil, "c", 1, Outcome("miss", evil))]))
    assert all(value.lstrip()[:1] not in ("=", "+", "-", "@", "\uff1d") for value in row.values())
    assert row["why"].startswith("'")


@given(st.text())
def test_any_text_is_one_line_that_is_read_back(value: str) -> None:
    record = SampleRecord("e", "a", "c", 1, Outcome("miss", value), {"s": Score(1.0, value)})
    rows = read(as_csv("run", [record]))
    assert [row["why"] for row in rows] == [text(value)] * 2
    assert "\n" not in text(value)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_hostile_text_makes_no_further_line_or_column(attack: str) -> None:
    written = as_csv("run", [SampleRecord("e", "a", "c", 1, Outcome("miss", attack), {attack: Score(1.0, attack)})])
    assert len(written.splitlines()) == 3
    assert {len(row) for row in csv.reader(io.StringIO(written))} == {len(COLUMNS)}


def test_the_docs_example_runs_on_a_run(project: Project) -> None:
    """In a process of its own, as somebody would."""
    project.run()
    done = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format", "csv"])
    project.write("run.csv", done.output)
    (block,) = [
        one for one in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "import pandas" in one
    ]
    ran = subprocess.run([sys.executable, "-c", block], cwd=project.root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "words" in ran.stdout
    assert "0.66" in ran.stdout


def test_the_command_prints_it_and_the_docs_name_each_column(project: Project) -> None:
    project.run()
    done = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format", "csv"])
    assert (done.exit_code, len(read(done.output))) == (0, 3)
    page = DOCS.read_text()
    assert [column for column in COLUMNS if f"| `{column}` |" not in page] == []
