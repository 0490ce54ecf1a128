"""`touchstone import rows`, as somebody types it: any table's columns become a row's fields, and all else is said."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from touchstone.cli import main
from touchstone.datasets import load_dataset
from touchstone.importing.turns import asked, turns_of
from touchstone.records import Row

pa = pytest.importorskip("pyarrow")
CHAT = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "hello"},
    {"role": "user", "content": "bye"},
    {"role": "assistant", "content": "ciao"},
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, in which one stands."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, fails: bool = False) -> str:
    """What the command says."""
    result = CliRunner().invoke(main, ["import", "rows", *args])
    assert result.exit_code == fails, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def rows(name: str, here: Path) -> list[dict[str, Any]]:
    """The rows of a data set, which is one that evals can read."""
    lines = [json.loads(line) for line in (here / f"datasets/{name}.jsonl").read_text().splitlines()]
    assert [Row.model_validate(line).id for line in lines] == [line["id"] for line in lines]
    return lines


def test_columns_are_mapped_and_the_rest_is_kept(here: Path) -> None:
    (here / "a.csv").write_text('question,answer,area,No.\n"What, then?",42,x y,A/1\nWhy,,z,2\n')
    said = run("a.csv", "--as", "qa", "--map", "input=question", "--id", "No.", "--tags", "area", "--tag", "csv")
    assert rows("qa", here) == [
        {"id": "a-1-80cda709", "input": "What, then?", "tags": ["csv", "x", "y"], "answer": "42"},
        {"id": "2", "input": "Why", "tags": ["csv", "z"]},
    ]
    assert "qa: 2 rows\n  columns: question -> input, area -> tags\n  kept under their names: answer\n" in said


def test_dropped_columns_are_said(here: Path) -> None:
    (here / "a.csv").write_text("q,more\na,b\n")
    assert "left out: more (not asked for)" in run("a.csv", "--as", "qa", "--map", "input=q", "--drop")
    assert rows("qa", here)[0].keys() == {"id", "input"}


def test_dotted_paths_both_ways(here: Path) -> None:
    (here / "a.json").write_text(json.dumps({"data": {"items": [{"a": {"t": ["x", "y"]}, "c": "z", "b.c": 1}]}}))
    more = ("--map", "input.text=a.t.1", "--map", "input.ctx=c", "--map", "want.n=b.c")
    assert "only a part is taken of: a" in run("a.json", "--as", "d", "--at", "data.items", *more)
    (row,) = rows("d", here)
    assert row["input"] == {"text": "y", "ctx": "z"}
    assert row["want"] == {"n": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "input\tn\nx\t1\n"),
        ("a.jsonl", '{"input": "x", "n": "1"}\n\n'),
        ("a.json", '[\n\t{"input": "x", "n": "1"}]'),
        ("a.yaml", "- {input: x, n: '1'}\n"),
        ("a.csv", "\ufeffinput,n\r\nx,1\r\n"),
    ],
)
def test_formats(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    run(name, "--as", "d")
    (row,) = rows("d", here)
    assert (row["input"], row["n"]) == ("x", "1")


def test_ids_are_of_what_a_row_says(here: Path) -> None:
    (here / "a.jsonl").write_text('{"input": "x"}\n{"input": "y"}\n{"input": "x"}\n{"input": "x", "n": 1}\n')
    (here / "b.jsonl").write_text('{"input": "y"}\n{"input": "x"}\n')
    said = run("a.jsonl", "--as", "a")
    run("b.jsonl", "--as", "b")
    assert len(rows("a", here)) == 3
    assert {row["id"] for row in rows("b", here)} < {row["id"] for row in rows("a", here)}
    assert "a.jsonl:3: the same as a row before it, left out (a.jsonl:1)" in said
    assert "a.jsonl:4: the input of a row before it, kept (a.jsonl:1)" in said


def test_a_conversation_is_asked_by_its_last_turn(here: Path) -> None:
    (here / "a.jsonl").write_text("".join(json.dumps({"messages": m}) + "\n" for m in (CHAT, CHAT[3:], CHAT[1:2])))
    run("a.jsonl", "--as", "d")
    found = rows("d", here)
    assert found[0]["input"] == {"messages": CHAT[:4]}
    assert [row.get("answer") for row in found] == ["ciao", "ciao", None]
    assert [row["input"] for row in found[1:]] == ["bye", "hi"]


def test_turns_of_other_spellings() -> None:
    shared = [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]
    assert turns_of(shared) == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert asked(turns_of(parts) or []) == ("ab", [])
    assert turns_of([{"role": "narrator", "content": "x"}]) is None
    assert turns_of("hi") is None
    with pytest.raises(ValueError, match="no turn of a user"):
        asked([{"role": "assistant", "content": "x"}])


def table() -> Any:
    """Of Arrow, with what `datasets` says of its columns."""
    import datetime

    features = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}
    found = pa.table(
        {
            "q": ["a", "b"],
            "answers": [{"text": ["x"]}, {"text": ["y"]}],
            "label": [1, -1],
            "day": [datetime.date(2026, 1, 2)] * 2,
            "picture": [b"\x00", b"\x01"],
        }
    )
    return found.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def save(path: Path, stream: bool = True) -> None:
    """As `save_to_disk` writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), table().schema) as out:
        out.write_table(table())


def parquet(here: Path) -> str:
    import pyarrow.parquet as pq

    pq.write_table(table(), here / "t.parquet")
    return "t.parquet"


def arrow(here: Path) -> str:
    save(here / "t.arrow", stream=False)
    return "t.arrow"


def saved(here: Path) -> str:
    save(here / "t/data-00000-of-00001.arrow")
    (here / "t/state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": null}')
    (here / "t/dataset_info.json").write_text("{}")
    return "t"


def folder(here: Path) -> str:
    import pyarrow.parquet as pq

    (here / "t/data").mkdir(parents=True)
    pq.write_table(table(), here / "t/data/train-00000-of-00001.parquet")
    return "t"


@pytest.mark.parametrize("make", [parquet, arrow, saved, folder])
def test_tables_of_arrow(here: Path, make: Any) -> None:
    said = run(make(here), "--as", "d", "--map", "input=q", "--map", "answer=answers.text.0")
    assert "left out: picture (picture holds bytes" in said
    first, second = rows("d", here)
    assert (first["input"], first["answer"], first["label"], first["day"]) == ("a", "x", "pos", "2026-01-02")
    assert "label" not in second


def test_splits_are_data_sets(here: Path) -> None:
    for split in ("train", "test"):
        save(here / f"t/{split}/d.arrow")
        (here / f"t/{split}/state.json").write_text('{"_data_files": [{"filename": "d.arrow"}]}')
    (here / "t/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    run("t", "--as", "all", "--map", "input=q", "--limit", "1")
    assert [len(rows(f"all/{split}", here)) for split in ("train", "test")] == [1, 1]
    run("t", "--as", "one", "--map", "input=q", "--split", "test")
    assert len(rows("one", here)) == 2
    assert "its splits: train, test" in run("t", "--as", "x", "--split", "val", fails=True)


def test_without_pyarrow_it_is_said_what_to_install(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = parquet(here)
    monkeypatch.setattr("importlib.import_module", lambda name: builtins.__import__("no_such_module"))
    assert "pip install 'pytest-touchstone[parquet]'" in run(name, "--as", "d", fails=True)


def test_an_eval_finds_it(here: Path) -> None:
    from test_import_kiln import places

    (here / "a.csv").write_text("input\n{{ 7*7 }}\n")
    run("a.csv", "--as", "sets/d")
    assert load_dataset("sets/d", Row, places(here)).rows[0].input == "{{ 7*7 }}"


@pytest.mark.parametrize(
    ("text", "args", "why"),
    [
        ("q\nx\n", (), "its columns: q"),
        ("q\nx\n", ("--map", "input=z"), "a.csv:2: has no z"),
        ("input,q\nx,\n", ("--map", "answer=q"), "no row has q"),
        ("input,id\nx,1\ny,1\n", (), "a.csv:3: the id '1' stands twice; first at a.csv:2"),
        ("input,id\nx,1\ny,\n", ("--id", "id"), "a.csv:3: has no id"),
        ("input\nx,y\n", (), "a.csv:2: has 2 cells, the header 1"),
        ("input,input\nx,y\n", (), "a.csv:1: the column 'input' stands twice"),
        ('input\n"x\n', (), "is no CSV"),
        ("input\n", (), "has no rows"),
        ("input\nx\n", ("--map", "input"), "FIELD=COLUMN"),
        ("input\nx\n", ("--map", "id=x"), "--id COLUMN"),
        ("input\nx\n", ("--map", "input=x", "--map", "input.a=x"), "says twice what input is"),
        ("input\nx\n", ("--split", "b"), "has no split 'b'"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(here: Path, text: str, args: tuple[str, ...], why: str) -> None:
    (here / "a.csv").write_text(text)
    assert why in run("a.csv", "--as", "d", *args, fails=True)
    assert not (here / "datasets").exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", b'{"input": "x"}\n{"input"', "a.jsonl:2: is no JSON"),
        ("a.jsonl", b"[1]\n", "a.jsonl:1: is no mapping"),
        ("a.json", b'{"items": [{}]}', "--at items"),
        ("a.json", b"[" * 100_000, "is no JSON"),
        ("a.csv", b"input\n\xff\n", "a.csv:2: is not UTF-8"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.arrow", b"ARROW1\x00\x00 torn", "cannot be read"),
        ("a.pkl", b"x", ".pkl is no known format"),
        ("t/state.json", b'{"_data_files": [{"filename": "../../etc/passwd"}]}', "names the file '../../etc/passwd'"),
        ("t/x.txt", b"", "holds no data set"),
    ],
)
def test_bad_files_are_told(here: Path, name: str, content: bytes, why: str) -> None:
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_bytes(content)
    assert why in run(name.partition("/")[0], "--as", "d", fails=True)
    assert not (here / "datasets").exists()


def test_names_lead_nowhere_and_nothing_is_overwritten(here: Path) -> None:
    (here / "a.csv").write_text("input\nx\n")
    for name in ("../x", "/x", "a/../b", "", "a//b", "a.b"):
        assert "is no name for a data set" in run("a.csv", "--as", name, fails=True)
    (here / "datasets").mkdir()
    (here / "datasets/d.yaml").write_text("[]")
    assert "there is a data set 'd' already" in run("a.csv", "--as", "d", fails=True)
