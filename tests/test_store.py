"""Runs on disk: what is written is read again, whatever happened to the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from touchstone.conclusion import latest
from touchstone.errors import UsageError
from touchstone.records import Outcome, Response, SampleRecord, Score, Took, ToolCall, Usage
from touchstone.report.summary import _distinct
from touchstone.store import RunWriter, find_run, read_meta, read_run

RECORD = SampleRecord(
    eval="words",
    row="a",
    run_config="main",
    epoch=2,
    outcome=Outcome("miss", "said\nno \u2028 \x1b[0m \udcff"),
    scores={"good": Score(0.5, "half", {"at": [1, 2]})},
    errors={"other": "broke"},
    input={"q": "x"},
    output="answer \ud800",
    request="k" * 64,
    response=Response("answer \ud800", finish="length", usage=Usage(3, 4), cost=0.1, latency=0.2, source="cache"),
    row_hash="h",
    test="t[a]",
)
NO_ANSWER = replace(RECORD, test="t[b]", output=None, response=None, scores={}, outcome=Outcome("error", "lost"))


def write(runs: Path, *records: SampleRecord, worker: str = "main") -> Path:
    writer = RunWriter(runs, "r1", worker)
    for record in records:
        writer.append(record)
    writer.close()
    return runs / "r1"


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_run(write(tmp_path, RECORD, NO_ANSWER)) == [RECORD, NO_ANSWER]


def test_a_brief_sample_says_what_gates_and_tables_want(tmp_path: Path) -> None:
    (brief,) = read_run(write(tmp_path, RECORD), brief=True)
    assert RECORD.response is not None
    taken = replace(RECORD.response, text="")
    assert brief == replace(RECORD, input=None, scores={"good": Score(0.5, "half")}, response=taken)
    assert brief == RECORD.brief()


def test_a_line_is_there_before_the_file_is_closed(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, "r1")
    writer.append(RECORD)
    assert read_run(tmp_path / "r1") == [RECORD]
    writer.close()


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path, RECORD, NO_ANSWER)
    file = folder / "samples-main.jsonl"
    file.write_bytes(file.read_bytes()[:-30])
    assert read_run(folder) == [RECORD]


@pytest.mark.parametrize(
    "line", [b"[]\n", b"null\n", b'"x"\n', b"3\n", b'{"v": 99}\n', b'{"v": 1}\n', b"\xff\n", b"\n"]
)
def test_a_damaged_line_costs_that_line_alone(tmp_path: Path, line: bytes) -> None:
    folder = write(tmp_path, RECORD)
    file = folder / "samples-main.jsonl"
    file.write_bytes(line + file.read_bytes())
    assert read_run(folder) == [RECORD]


def test_workers_write_beside_each_other(tmp_path: Path) -> None:
    write(tmp_path, RECORD, worker="gw0")
    assert read_run(write(tmp_path, NO_ANSWER, worker="gw1")) == [RECORD, NO_ANSWER]


def test_a_sample_that_was_run_again_counts_once(tmp_path: Path) -> None:
    again = replace(RECORD, outcome=Outcome("pass"))
    assert latest([RECORD, NO_ANSWER, again]) == [again, NO_ANSWER]


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_damaged_description_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert read_meta(tmp_path) == {}


def test_runs_are_found_by_a_beginning_and_the_last_by_none(tmp_path: Path) -> None:
    for name in ("20260101-a", "20260102-b", "20260102-c"):
        (tmp_path / name).mkdir()
    assert find_run(tmp_path, None).name == "20260102-c"
    assert find_run(tmp_path, "20260101").name == "20260101-a"
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged-again").mkdir()
    assert find_run(tmp_path, "merged").name == "merged"
    with pytest.raises(UsageError, match="there is no run 2027"):
        find_run(tmp_path, "2027")
    with pytest.raises(UsageError, match="none yet"):
        find_run(tmp_path / "nowhere", None)


def test_a_conversation_is_kept_whole_and_counts_all_its_calls(tmp_path: Path) -> None:
    call = ToolCall("f", "{}", "c1")
    first = Response("", tool_calls=(call,), usage=Usage(10, 1), cost=0.5, latency=1.0, source="live")
    last = Response("done", usage=Usage(20, 2), cost=0.25, latency=2.0, source="cache")
    record = SampleRecord(
        "e", "a", "main", 1, Outcome("pass"), output="done", request="k2", response=last, earlier={"k1": first}
    )
    writer = RunWriter(tmp_path, "run")
    writer.append(record)
    writer.close()
    (found,) = read_run(tmp_path / "run")
    assert found.earlier == {"k1": first}
    took = found.took
    assert took is not None
    assert (took.text, took.usage, took.cost, took.latency, took.source) == ("done", Usage(30, 3), 0.75, 3.0, "live")
    (brief,) = read_run(tmp_path / "run", brief=True)
    assert Took.of([brief]) == Took.of([record]) == Took(1, 30, 3, 0.75)
    assert len(_distinct([brief])) == 2


def test_a_last_answer_that_calls_tools_keeps_them(tmp_path: Path) -> None:
    response = Response('[{"name": "f", "arguments": "{}"}]', finish="tool_calls", tool_calls=(ToolCall("f"),))
    record = SampleRecord("e", "a", "main", 1, Outcome("miss"), output=response.text, response=response)
    writer = RunWriter(tmp_path, "run")
    writer.append(record)
    writer.close()
    (found,) = read_run(tmp_path / "run")
    assert found.response == response
    assert b'"earlier"' not in (tmp_path / "run/samples-main.jsonl").read_bytes()
