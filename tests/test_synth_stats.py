"""`touchstone synth stats`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthesis import Sums
from test_synth import run


@pytest.fixture
def sums(tmp_path: Path) -> Sums:
    found = Sums.made(tmp_path)
    assert run(found, "run", "sums").returncode == 0
    return found


def test_it_counts_what_is_there(sums: Sums) -> None:
    done = run(sums, "stats", "sums", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(told["splits"][name]["rows"] for name in ("train", "val")) == 12
    assert told["kinds"]["sum"]["known"] == 3
    assert told["yields"]["train"]["kept"] == 12


def test_a_leak_is_a_failure(sums: Sums) -> None:
    stolen = sums.rows("eval")[0]
    copy = {**stolen, "id": "copied", "input": stolen["input"].upper()}
    with (sums.root / "datasets" / "synth" / "train.jsonl").open("a") as file:
        file.write(json.dumps(copy) + "\n")
    done = run(sums, "stats", "sums")
    assert done.returncode == 1
    assert f"eval: {stolen['id']} is alike to train: copied" in done.stderr


def test_a_row_like_one_of_another_data_set_is_a_leak_too(sums: Sums) -> None:
    row = {"id": "mine", "input": sums.rows("train")[0]["input"]}
    (sums.root / "datasets" / "mine.jsonl").write_text(json.dumps(row) + "\n")
    done = run(sums, "stats", "sums")
    assert done.returncode == 1
    assert "mine: mine is alike to train" in done.stderr


def test_the_coverage_is_drawn(sums: Sums) -> None:
    picture = sums.root / "coverage.png"
    done = run(sums, "stats", "sums", "--picture", str(picture))
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_plan_without_rows_says_what_to_type(tmp_path: Path) -> None:
    done = run(Sums.made(tmp_path), "stats", "sums")
    assert done.returncode == 1
    assert "touchstone synth run sums" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_data_set_names_those_there_are(sums: Sums) -> None:
    done = run(sums, "stats", "sums", "--with", "nosuch")
    assert done.returncode == 1
    assert "there is no data set 'nosuch'" in done.stderr
    assert "synth/train" in done.stderr
