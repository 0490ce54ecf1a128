"""`touchstone synth convert`, as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from touchstone.cli import main

ROWS = [
    {"id": "a", "input": "turn it, please", "media": {"a.mp4": {}}, "tags": ["one", "two"], "loud": 0.5},
    {"id": "b", "input": "=HYPERLINK(1)", "tags": ["one"], "loud": -1.0},
]
Convert = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    folder = tmp_path / "datasets" / "synth"
    folder.mkdir(parents=True)
    for split in ("train", "val"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def convert(project: Path) -> Convert:
    return lambda *words: CliRunner().invoke(main, ["--root", str(project), "synth", "convert", *words])


@pytest.mark.parametrize("there", ["t.parquet", "t.csv", "t.jsonl", "T.CSV"])
def test_a_data_set_goes_there_and_back(project: Path, convert: Convert, there: str) -> None:
    done = convert("synth/train", there)
    assert done.exit_code == 0, done.output
    assert done.output == f"train: 2 rows, synth/train -> {there}\n"
    assert convert(there, "back.jsonl").exit_code == 0
    assert (project / "back.jsonl").read_bytes() == (project / "datasets" / "synth" / "train.jsonl").read_bytes()


def test_all_splits_go_into_one_folder_and_come_out_again(project: Path, convert: Convert) -> None:
    done = convert("datasets/synth/{split}.jsonl", "hub")
    assert done.output.splitlines() == [
        "train: 2 rows, datasets/synth/{split}.jsonl -> hub",
        "val: 2 rows, datasets/synth/{split}.jsonl -> hub",
    ]
    assert (project / "hub" / "data" / "val-00000-of-00001.parquet").is_file()
    done = convert("hub", "out/{split}.csv")
    assert "val: 2 rows, hub -> out/val.csv" in done.output
    assert (project / "out" / "train.csv").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("synth/trian", "t.csv"), "is not there"),
        (("synth/train", "t.xlsx"), ".xlsx is no known format"),
        (("bad.parquet", "t.csv"), "bad.parquet: cannot be read"),
        (("bad.jsonl", "t.csv"), "bad.jsonl:1: is no JSON"),
        (("datasets/synth/{split}.jsonl", "t.csv"), "one file holds one split"),
        (("synth/train", "taken.csv"), "--force writes over it"),
        (("datasets/synth/{split}.jsonl", "taken-{split}.csv"), "taken-val.csv: is there already"),
        (("synth/train", "taken"), "--force writes over it"),
        (("synth/train", "taken", "--force"), "holds files of others"),
        (("synth/train", "datasets/synth/train.jsonl", "--force"), "SOURCE and TARGET are the same"),
        (("synth/train", "taken.csv/t.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    project: Path, convert: Convert, words: tuple[str, ...], said: str
) -> None:
    (project / "bad.parquet").write_bytes(b"PAR1 and no more")
    (project / "bad.jsonl").write_text('{"id": \n')
    (project / "taken").mkdir()
    for name in ("taken.csv", "taken-val.csv", "taken/notes.txt"):
        (project / name).write_text("mine")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    done = convert(*words)
    assert done.exit_code == 1
    assert said in done.output
    assert done.output.startswith("Error: ")
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_force_writes_over_a_file(project: Path, convert: Convert) -> None:
    (project / "taken.csv").write_text("mine")
    assert convert("synth/train", "taken.csv", "--force").exit_code == 0
    assert "please" in (project / "taken.csv").read_text()
