"""Formats of rows: what is written comes back as it was, whole or not at all."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from formats import ROWS, SHAPES, same
from hypothesis import example, given, settings
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone_tuning.synth.formats import read_rows, write_rows

HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["", " ", "null", "[1]", "1", "True", "=cmd()", "+1", "-2", "\t=x", '"', "'", ",", "a,b", "a\r\nb", "\r"]
    ),
    st.sampled_from(
        ["\n", "\x00", "\u2028", "\x85", "\ufeffx", "\u202etxt", "\U0001f3ac", "a:json", "tags", "x" * 200, "a  b"]
    ),
)
LEAVES = st.one_of(HOSTILE, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3), max_leaves=5
)
NAMES = st.one_of(st.sampled_from(["id", "input", "tags", "media", "made", "answer", "input:json"]), HOSTILE)
A_ROW = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)
A_TABLE = st.lists(A_ROW, max_size=5) | st.lists(st.fixed_dictionaries({"id": HOSTILE, "n": st.integers()}), max_size=4)


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_come_back_as_they_were(tmp_path: Path, shape: str) -> None:
    write_rows({"train": ROWS}, tmp_path / shape)
    (rows,) = read_rows(tmp_path / shape).values()
    assert same(rows, ROWS)


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=60)
@given(table=A_TABLE)
@example(table=[{"": "", '"': "x", "=a": "=b"}, {"a:json": "1"}, {"a": 1}])
@example(table=[{"tags": ["a", "b"]}, {"tags": ["c"]}])
@example(table=[{"tags": "a b"}, {"tags": ["", "x"]}])
@example(table=[{"n": 2**63}, {"n": 1}])
@example(table=[{"n": 1}, {"n": True}, {"n": 1.0}, {"n": -0.0}])
@example(table=[{"a": None}])
@example(table=[{"\ufeffid": "x"}, {"\x85": "\x85"}])
def test_hostile_rows_come_back_as_they_were(shape: str, table: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        write_rows({"train": table}, Path(folder, shape))
        (rows,) = read_rows(Path(folder, shape)).values()
        assert same(rows, table)
        assert [list(row) for row in rows] == [list(row) for row in table] or "jsonl" not in shape


@pytest.mark.parametrize("shape", ["{split}.jsonl", "rows-{split}.csv", "{split}.parquet", "folder"])
def test_splits_come_back_under_their_names(tmp_path: Path, shape: str) -> None:
    splits: dict[str, list[dict[str, Any]]] = {"train": ROWS[:2], "val": ROWS[2:], "eval_2": []}
    write_rows(splits, tmp_path / shape)
    assert read_rows(tmp_path / shape) == splits


def test_a_file_is_a_split_of_its_name(tmp_path: Path) -> None:
    write_rows({"train": ROWS}, tmp_path / "mine.csv")
    assert read_rows(str(tmp_path / "mine.csv")) == {"mine": ROWS}


@pytest.mark.parametrize("shape", ["a.csv", "a.parquet", "folder"])
def test_the_same_rows_are_the_same_bytes(tmp_path: Path, shape: str) -> None:
    for folder in ("one", "two"):
        write_rows({"train": ROWS}, tmp_path / folder / shape)
    one, two = ([p.read_bytes() for p in sorted((tmp_path / n).rglob("*")) if p.is_file()] for n in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("shape", ["a.jsonl", "a.csv", "a.parquet", "folder"])
def test_what_is_there_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    write_rows({"train": ROWS[:1]}, tmp_path / shape)
    replace = Path.replace

    def full(self: Path, target: Any) -> Any:
        # The new file or folder cannot be put in its place; whatever goes before can.
        if Path(target) == tmp_path / shape and "old" not in self.parts:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=f"{shape}: cannot be written: No space left on device"):
        write_rows({"train": ROWS}, tmp_path / shape)
    monkeypatch.undo()
    assert next(iter(read_rows(tmp_path / shape).values())) == ROWS[:1]
    assert [one.name for one in tmp_path.iterdir()] == [shape]


@pytest.mark.parametrize("shape", SHAPES)
def test_writing_again_replaces_what_we_wrote(tmp_path: Path, shape: str) -> None:
    write_rows({"train": ROWS}, tmp_path / shape)
    write_rows({"train": ROWS[1:]}, tmp_path / shape)
    assert list(read_rows(tmp_path / shape).values()) == [ROWS[1:]]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_loses_splits_that_are_gone(tmp_path: Path) -> None:
    write_rows({"train": ROWS, "val": ROWS}, tmp_path / "folder")
    write_rows({"train": ROWS}, tmp_path / "folder")
    assert sorted(p.name for p in (tmp_path / "folder").rglob("*")) == [
        "README.md",
        "data",
        "train-00000-of-00001.parquet",
    ]


@pytest.mark.parametrize("name", ["README.md", "data/train-00000-of-00001.parquet", "LICENSE", "data/other.csv"])
def test_files_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match=f"holds files of others \\({name}\\)\n  name a new folder"):
        write_rows({"train": ROWS}, tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(UsageError, match="a: is a file, not a folder"):
        write_rows({"train": ROWS}, tmp_path / "a")


def test_folders_with_a_dot_and_empty_ones(tmp_path: Path) -> None:
    write_rows({"train": ROWS}, f"{tmp_path}/rows.v2/")
    assert read_rows(tmp_path / "rows.v2") == {"train": ROWS}
    (tmp_path / "empty.d").mkdir()
    write_rows({"train": ROWS}, tmp_path / "empty.d")
    assert read_rows(tmp_path / "empty.d") == {"train": ROWS}


def test_what_is_written_may_be_read_by_all(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_rows({"train": ROWS}, tmp_path / "folder")
    finally:
        os.umask(before)
    assert (tmp_path / "folder/README.md").stat().st_mode & 0o777 == 0o644


def test_long_cells_leave_the_csv_module_as_it_was(tmp_path: Path) -> None:
    csv.field_size_limit(131_072)
    rows = [{"a": "x" * 300_000}]
    write_rows({"train": rows}, tmp_path / "a.csv")
    assert read_rows(tmp_path / "a.csv") == {"a": rows}
    assert csv.field_size_limit() == 131_072
