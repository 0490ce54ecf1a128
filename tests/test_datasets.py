"""Datasets: the same rows from each kind of file, as they stand there."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from test_config import places

from touchstone.datasets import load_dataset
from touchstone.errors import UsageError
from touchstone.records import Row

ROWS = [{"id": "a", "input": "x, y", "tags": ["t1", "t2"], "n": "3"}, {"id": "b", "input": "caf\u00e9 \u2028 \u4e2d"}]
TEXTS = {
    "words.jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n",
    "words.yaml": json.dumps(ROWS, ensure_ascii=True),
    "words.csv": 'id,input,tags,n\r\na,"x, y",t1 t2,3\r\nb,caf\u00e9 \u2028 \u4e2d,,\r\n',
}


class Counted(Row):
    """A row whose `n` is a number."""

    n: int = 0


def load(root: Path, source: Any, row: type[Row] = Row) -> tuple[Any, ...]:
    return load_dataset(source, row, places(root)).rows


def write(root: Path, name: str, content: str) -> None:
    (root / "datasets").mkdir(exist_ok=True)
    (root / "datasets" / name).write_bytes(content.encode())


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_each_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str, mark: str) -> None:
    write(tmp_path, name, mark + TEXTS[name])
    a, b = load(tmp_path, "words", Counted)
    assert (a.id, a.input, a.tags, a.n) == ("a", "x, y", ("t1", "t2"), 3)
    assert (b.id, b.input, b.tags, b.n) == ("b", "caf\u00e9 \u2028 \u4e2d", (), 0)


@pytest.mark.parametrize("source", ["words", "words.jsonl", "datasets/words.jsonl", "datasets/words"])
def test_a_dataset_is_found_by_name_and_by_path(tmp_path: Path, source: str) -> None:
    write(tmp_path, "words.jsonl", TEXTS["words.jsonl"])
    assert len(load(tmp_path, source)) == 2


def test_rows_may_stand_in_the_eval(tmp_path: Path) -> None:
    assert [row.id for row in load(tmp_path, ROWS)] == ["a", "b"]


def test_fields_that_no_class_names_are_kept(tmp_path: Path) -> None:
    (row,) = load(tmp_path, [{"id": "a", "input": {"q": 1}, "answer": [1, 2]}])
    assert (row.input, row.answer) == ({"q": 1}, [1, 2])


@pytest.mark.parametrize("source", ["words.txt", "../words", "", "datasets"])
def test_what_is_no_dataset(tmp_path: Path, source: str) -> None:
    write(tmp_path, "words.txt", "x")
    with pytest.raises(UsageError, match="there is no dataset"):
        load(tmp_path, source)


def test_each_mistake_of_a_row_class_is_told_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "words.jsonl", '{"id": "a", "input": 1, "n": "many"}\n\n{"id": "b", "n": []}\n')
    with pytest.raises(UsageError) as told:
        load(tmp_path, "words", Counted)
    first, second, third = str(told.value).splitlines()
    assert first.startswith("datasets/words.jsonl:1: n: ")
    assert second.startswith("datasets/words.jsonl:3: input: ")
    assert third.startswith("datasets/words.jsonl:3: n: ")


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ('{"id": "late", "input": 1', "datasets/words.jsonl:5001: is no JSON"),
        ('{"id": "late"}', "datasets/words.jsonl:5001: input: Field required"),
        ('{"id": "r0", "input": 1}', "words.jsonl:5001: the id 'r0' stands twice; first at datasets/words.jsonl:1"),
    ],
)
def test_a_mistake_late_in_a_long_file_is_told_with_its_line(tmp_path: Path, last: str, why: str) -> None:
    write(tmp_path, "words.jsonl", "".join(f'{{"id": "r{n}", "input": 1}}\n' for n in range(5000)) + last)
    with pytest.raises(UsageError) as told:
        load(tmp_path, "words")
    assert why in str(told.value)


def test_a_csv_is_told_of_by_its_line_where_a_cell_holds_several(tmp_path: Path) -> None:
    write(tmp_path, "words.csv", 'id,input\na,"one\ntwo"\n' + "".join(f"r{n},x\n" for n in range(3000)) + "a,x\n")
    with pytest.raises(UsageError, match=r"words\.csv:3004: the id 'a' stands twice; first at datasets/words\.csv:3"):
        load(tmp_path, "words")


def test_what_is_not_utf8_late_in_a_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, "words.jsonl", "".join(f'{{"id": "r{n}", "input": 1}}\n' for n in range(5000)))
    with (tmp_path / "datasets/words.jsonl").open("ab") as file:
        file.write(b'{"id": "late", "input": "caf\xe9"}\n')
    with pytest.raises(UsageError, match=r"datasets/words\.jsonl: is not UTF-8"):
        load(tmp_path, "words")


@pytest.mark.parametrize(
    ("name", "head"), [("words.jsonl", '{"id": "a", "input": 1}\n'), ("words.csv", "id,input\na,1\n")]
)
def test_a_file_is_never_in_memory_as_a_whole(tmp_path: Path, name: str, head: str) -> None:
    write(tmp_path, name, head + "\n" * 2_000_000)
    tracemalloc.start()
    try:
        assert len(load(tmp_path, "words")) == 1
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
