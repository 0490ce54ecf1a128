"""Formats of rows and other tools: what they make of our files, and we of theirs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from formats import ROWS, same

from touchstone.datasets import load_dataset as load_ours
from touchstone.places import PLACES, Places
from touchstone.records import Row
from touchstone_tuning.synth.formats import read_rows, write_rows


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The package `datasets`, off line, with caches of its own."""
    with pytest.MonkeyPatch.context() as patch:
        # huggingface_hub reads its variables when it is imported, once: other tests of this process want it on line.
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_OFFLINE", "1")
        import datasets

        datasets.disable_progress_bars()
        yield datasets


def test_datasets_opens_our_folder(tmp_path: Path, hub: Any) -> None:
    write_rows({"train": ROWS[:2], "val": ROWS[2:]}, tmp_path / "ours")
    found = hub.load_dataset(str(tmp_path / "ours"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in found.items()} == {"train": 2, "val": 1}
    assert found["train"]["input"][:] == [row["input"] for row in ROWS[:2]]
    assert json.loads(found["train"][0]["media:json"]) == ROWS[0]["media"]
    assert found["train"].features == found["val"].features
    assert str(found["train"].features["n"].dtype) == "int64"


def test_what_datasets_copies_of_our_folder_comes_back(tmp_path: Path, hub: Any) -> None:
    splits = {"train": ROWS[:2], "val": ROWS[2:]}
    write_rows(splits, tmp_path / "ours")
    found = hub.load_dataset(str(tmp_path / "ours"), cache_dir=str(tmp_path / "cache"))
    found.save_to_disk(str(tmp_path / "copy"))
    assert same(read_rows(tmp_path / "copy"), splits)
    found["train"].save_to_disk(str(tmp_path / "one"))
    assert same(read_rows(tmp_path / "one"), {"train": ROWS[:2]})
    found["val"].to_parquet(str(tmp_path / "copy.parquet"))
    assert same(read_rows(tmp_path / "copy.parquet"), {"copy": ROWS[2:]})


def test_what_others_saved_is_read(tmp_path: Path, hub: Any) -> None:
    rows = [{"id": str(n), "input": "x", "tags": ["a"], "media": {"k": {"v": n}}, "note": None} for n in range(3)]
    hub.Dataset.from_list(rows).select([2, 0]).save_to_disk(str(tmp_path / "some"), num_shards=2)
    kept = [{key: value for key, value in rows[n].items() if value is not None} for n in (2, 0)]
    assert read_rows(tmp_path / "some") == {"some": kept}


def test_json_features_are_read(tmp_path: Path, hub: Any) -> None:
    features = hub.Features({"id": hub.Value("string"), "media": hub.Json()})
    rows: list[dict[str, Any]] = [{"id": "a", "media": {"k": [1]}}, {"id": "b", "media": {"z": None}}]
    hub.Dataset.from_list(rows, features=features).save_to_disk(str(tmp_path / "typed"))
    assert read_rows(tmp_path / "typed") == {"typed": rows}


def test_the_evals_read_our_csv(tmp_path: Path) -> None:
    rows = [{"id": "a", "input": "cut, please", "tags": ["x", "y"]}, {"id": "b", "input": "blur"}]
    write_rows({"train": rows}, tmp_path / "datasets/ours.csv")
    found = load_ours("ours", Row, Places.of(tmp_path, lambda name: PLACES[name][0])).rows
    assert [(row.id, row.input, row.tags) for row in found] == [("a", "cut, please", ("x", "y")), ("b", "blur", ())]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_no_cell_of_a_csv_is_a_formula(tmp_path: Path, text: str) -> None:
    rows = [{text: text, "tags": [text], "other": {"a": text}, "list": [text]}]
    write_rows({"train": rows}, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert all(cell[0] in '"[{' or cell.isidentifier() or cell.endswith(":json") for cell in cells), cells
    assert not [cell for cell in cells if cell.lstrip()[:1] in "=+-@\uff1d"]
    assert read_rows(tmp_path / "a.csv") == {"a": rows}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_tables_of_others(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a.csv").write_text(f'{mark}id,input,tags,n\n1,"a\nb",x  y,\n\n2,é,,0\n', encoding="utf-8")
    assert read_rows(tmp_path / "a.csv") == {
        "a": [{"id": "1", "input": "a\nb", "tags": ["x", "y"]}, {"id": "2", "input": "é", "n": "0"}]
    }


def test_lines_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n{"a": "\xe2\x80\xa8"}')
    assert read_rows(tmp_path / "a.jsonl") == {"a": [{"a": 1}, {"a": "\u2028"}]}


@pytest.mark.parametrize(
    "names",
    [
        {"train.jsonl": "train", "val.csv": "val"},
        {"data/train-00000-of-00002.parquet": "train", "data/train-00001-of-00002.parquet": "train"},
        {"train/0000.parquet": "train", "test/0000.parquet": "test"},
        {"data/train-00000-of-00001-0123456789abcdef.parquet": "train"},
    ],
)
def test_folders_without_a_card(tmp_path: Path, names: dict[str, str]) -> None:
    expected: dict[str, list[dict[str, Any]]] = {}
    for number, (name, split) in enumerate(names.items()):
        write_rows({split: [{"id": str(number)}]}, tmp_path / name)
        expected.setdefault(split, []).append({"id": str(number)})
    (tmp_path / "README.md").write_text("# Words, and no head\n")
    (tmp_path / "notes.txt").write_text("x")
    assert read_rows(tmp_path) == expected


@pytest.mark.parametrize(
    ("head", "split"),
    [
        ("configs:\n- config_name: x\n  data_files: rows/*.jsonl", "train"),
        ("configs:\n- config_name: x\n  data_files: [rows/a.jsonl, rows/b.jsonl]", "train"),
        ("configs:\n- config_name: x\n  data_files: [{split: dev, path: 'rows/*'}]", "dev"),
        (
            "configs:\n- config_name: x\n- config_name: default\n  data_files: [{split: dev, path: ['**/*.jsonl']}]",
            "dev",
        ),
        (
            "configs:\n- config_name: x\n- default: true\n  data_files: [{split: dev, path: 'rows/*'}]",
            "dev",
        ),
    ],
)
def test_folders_with_a_card(tmp_path: Path, head: str, split: str) -> None:
    for name in ("a", "b"):
        write_rows({"x": [{"id": name}]}, tmp_path / f"rows/{name}.jsonl")
    (tmp_path / "README.md").write_text(f"---\nlicense: mit\n{head}\n---\n# Rows\n")
    assert read_rows(tmp_path) == {split: [{"id": "a"}, {"id": "b"}]}
