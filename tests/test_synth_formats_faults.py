"""Formats of rows: what cannot be written or read is told, and harms nothing."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from formats import ROWS

from touchstone.errors import UsageError
from touchstone_tuning.synth.formats import read_rows, write_rows


@pytest.mark.parametrize("shape", ["a.jsonl", "a.csv", "a.parquet", "folder"])
@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"a": ["x", {"b": "\ud800"}]}, r"row 2\.a\[1\]\.b: half a character \(U\+D800\), which no UTF-8 file holds"),
        ({"\udfff": 1}, r"row 2\.\?: half a character \(U\+DFFF\)"),
        ({"a": float("nan")}, r"row 2\.a: nan is no JSON"),
        ({"a": {"b": float("inf")}}, r"row 2\.a\.b: inf is no JSON"),
        ({"a": ("x",)}, r"row 2\.a: tuple is no JSON"),
        ({"a": b"x"}, r"row 2\.a: bytes is no JSON"),
        ({3: 1}, r"row 2\.3: a key that is no text"),
        ({"a": 10**5000}, r"row 2\.a: a number of thousands of digits"),
        ({}, r"row 2: has no fields"),
    ],
)
def test_what_no_file_holds_is_refused_before_it_is_written(tmp_path: Path, shape: str, row: Any, why: str) -> None:
    with pytest.raises(UsageError, match=f"{shape}: train: {why}"):
        write_rows({"train": [{"a": "x"}, row]}, tmp_path / shape)
    assert list(tmp_path.iterdir()) == []


def test_what_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UsageError, match="row 1: is nested too deep"):
        write_rows({"train": [{"a": deep}]}, tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("splits", "name", "why"),
    [
        ({"train": ROWS}, "a.xlsx", r"a.xlsx: .xlsx is no known format\n  known: .jsonl, .csv, .parquet, or a folder"),
        (
            {"train": ROWS, "val": ROWS},
            "a.csv",
            r"one file holds one split, not train, val\n  {split}.csv, or a folder",
        ),
        ({"my-rows": ROWS}, "folder", r"'my-rows' cannot name a split"),
        ({"../up": ROWS}, "{split}.csv", r"'../up' cannot name a split"),
        ({"train": ROWS}, "{split}{split}.csv", r"{split} stands twice"),
        ({}, "a.csv", r"there is no split to write"),
    ],
)
def test_what_is_not_written(tmp_path: Path, splits: Any, name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        write_rows(splits, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": "x', r"a.jsonl:2: is no JSON: Unterminated string.* at column 7\n  torn"),
        ("a.jsonl", b'{"a": 1}\n\n[1]', r"a.jsonl:3: is no JSON object\n  one JSON object a line"),
        ("a.jsonl", b'{"a": NaN}', r"a.jsonl:1: is no JSON: NaN is no JSON"),
        ("a.jsonl", b'{"a": ' + b"[" * 100_000, r"a.jsonl:1: is no JSON: maximum recursion"),
        ("a.jsonl", b"<<<<<<< HEAD\n", r"a.jsonl:1: a git conflict marker\n  delete this line"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xff"}', r"a.jsonl:2: is not UTF-8\n  save it as UTF-8"),
        ("a.csv", b'a,b\n1,2\n"x\ny",z\n1,2,3\n', r"a.csv:5: has 3 cells, the header 2\n  a cell with a comma"),
        ("a.csv", b'a,b\n1,"2', r"a.csv:2: is no CSV: unexpected end of data"),
        ("a.csv", b"a,,b\n", r"a.csv:1: a column has no name"),
        ("a.csv", b"a,a:json\n", r"a.csv: the column 'a' stands twice"),
        ("a.csv", b"a:json\n{\n", r"a.csv:2: a:json: is no JSON"),
        ("a.csv", b"\xff\xfea\x00", r"a.csv:1: is not UTF-8"),
        ("a.parquet", b"PAR1 and no more", r"a.parquet: cannot be read: .*\n  is it whole\?"),
        ("a.parquet", b"", r"a.parquet: cannot be read: .*\n  is it whole\?"),
        ("a.pkl", b"cos\nsystem\n", r"a.pkl: .pkl is no known format"),
        ("a", b"", r"a: a file without suffix is no known format"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=f"^{why}"):
        read_rows(tmp_path / name, shown=name)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (pa.array([b"x"]), r"row 1\.a: bytes is no JSON\n  leave the column out, or make text of it"),
        (pa.array([0], pa.timestamp("s")), r"row 1\.a: datetime is no JSON"),
        (pa.array([float("nan")]), r"row 1\.a: nan is no JSON"),
    ],
)
def test_values_of_arrow_that_are_no_json(tmp_path: Path, column: Any, why: str) -> None:
    pq.write_table(pa.table({"a": column}), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=why):
        read_rows(tmp_path / "a.parquet")


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="the column 'a' stands twice"):
        read_rows(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["none.csv", "none", "{split}.csv", "no/{split}.csv"])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"is not there|no such file|cannot be read: No such file"):
        read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, r"d: holds no data set\n  it wants data/<split>.parquet"),
        ({"load.py": "raise SystemExit", "a.pkl": "x"}, r"d: holds no data set"),
        ({"README.md": "---\nconfigs: [\n---\n"}, r"d/README.md: its head is no YAML"),
        (
            {"README.md": "---\nconfigs:\n- data_files: [{split: a}]\n---\n"},
            r"d/README.md: its data_files cannot be read",
        ),
        (
            {"README.md": "---\nconfigs:\n- data_files: x/*\n---\n"},
            r"d/README.md: the files of train are not there: x/\*",
        ),
        (
            {"README.md": "---\nconfigs:\n- data_files: ../*\n---\n"},
            r"d/README.md: names '../\*'\n  only files below the folder",
        ),
        ({"README.md": "---\nconfigs:\n- data_files: /etc/passwd\n---\n"}, r"names '/etc/passwd'"),
        (
            {"README.md": "---\nconfigs:\n- data_files: https://h.example/a.csv\n---\n"},
            r"names 'https://h.example/a.csv'",
        ),
        (
            {"README.md": "---\nconfigs:\n- config_name: a\n- config_name: b\n---\n"},
            r"d/README.md: has several configs",
        ),
        ({"README.md": "---\nconfigs:\n- data_files: a.txt\n---\n", "a.txt": ""}, r"d/a.txt: .txt is no known format"),
        ({"dataset_dict.json": '{"splits": ["../x"]}'}, r"d: names '../x'"),
        ({"dataset_dict.json": "{"}, r"d/dataset_dict.json: is no JSON"),
        ({"dataset_dict.json": "{}"}, r"d: its JSON files do not name its data\n  save it again with save_to_disk"),
        ({"dataset_dict.json": '{"splits": ["a"]}'}, r"cannot be read: No such file"),
        ({"state.json": '{"_data_files": [{"filename": "/etc/passwd"}]}'}, r"d: names '/etc/passwd'"),
        ({"state.json": '{"_data_files": [{"filename": "a.arrow"}]}', "a.arrow": "torn"}, r"d/a.arrow: cannot be read"),
        ({"state.json": '{"_data_files": 3}'}, r"d: its JSON files do not name its data"),
    ],
)
def test_folders_that_are_no_data_set(tmp_path: Path, files: dict[str, str], why: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=why):
        read_rows(tmp_path, shown="d")


def test_no_pickle_is_read(tmp_path: Path) -> None:
    """An extension type of old versions of Arrow, whose description was a pickle that ran when it was read."""
    marker = tmp_path / "ran"
    harm = f"cposix\nsystem\n(S'touch {marker}'\ntR.".encode()
    kind = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": harm}
    field = pa.field("a", pa.string(), metadata=kind)
    table = pa.Table.from_arrays([pa.array(["x"])], schema=pa.schema([field]))
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == {"a": [{"a": "x"}]}
    assert not marker.exists()


def test_nothing_but_files_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    write_rows({"train": ROWS}, tmp_path / "folder")
    (tmp_path / "folder/train.py").write_text("raise SystemExit")
    assert read_rows(tmp_path / "folder") == {"train": ROWS}


def test_arrow_is_loaded_only_when_it_is_wanted(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom touchstone_tuning.synth.formats import *\n"
        f"write_rows({{'train': [{{'a': [1]}}]}}, {str(tmp_path / 'a.csv')!r})\n"
        f"print(read_rows({str(tmp_path / 'a.csv')!r}), *({{'pyarrow', 'datasets', 'datasketch'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'a': [{'a': [1]}]}\n"


@pytest.mark.parametrize("name", ["a.parquet", "folder"])
def test_without_pyarrow_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"want the package pyarrow\n  pip install 'pytest-touchstone\[synth\]'"):
        write_rows({"train": ROWS}, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
