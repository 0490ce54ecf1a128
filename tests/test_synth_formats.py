"""Rows in and out of JSONL, CSV, Parquet and folders of Hugging Face: equal rows, whole files, clear errors."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from touchstone.datasets import load_dataset as load_ours
from touchstone.errors import UsageError
from touchstone.places import PLACES, Places
from touchstone.records import Row
from touchstone_tuning.synth.formats import read_rows, write_rows

SHAPES = ("rows.jsonl", "rows.csv", "rows.parquet", "{split}.jsonl", "rows-{split}.csv", "{split}.parquet", "folder")
ROWS: list[dict[str, Any]] = [
    {
        "id": "synth-filter-eq-3f2a91c0",
        "input": 'say "hi", then\r\ncut a.mp4\u2028 🎬 中文',
        "tags": ["synth", "filter"],
        "media": {"a.mp4": {"seconds": 3, "video": {"fps": 29.97}}, "b.mp4": {}},
        "right": ["ffmpeg -i a.mp4 b.mp4"],
        "made": {"seed": 1, "reviewed": None, "verified": ["runs"]},
        "n": 3,
    },
    {"id": "two", "input": "=cmd|' /C calc'!A0", "expect": None, "wrong": [], "n": 4, "sure": True, "share": 0.5},
    {"id": "three", "input": "@SUM(1)", "media": {}, "answer": "", "sure": False, "share": 1.0},
]
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


def same(one: object, other: object) -> bool:
    """Equal, and of the same types, down to the leaves: 1, 1.0 and True are three values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)


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


# What others make of the files


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The package `datasets`, off line, with caches of its own."""
    with pytest.MonkeyPatch.context() as patch:
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


# What cannot be


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


# Whole or not at all


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
