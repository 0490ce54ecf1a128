"""Recordings: readable, deterministic, whole; damage is reported and nothing is lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.config import load_catalogue
from touchstone.datasets import load_dataset
from touchstone.places import PLACES, Places
from touchstone.prompts import Prompts
from touchstone.recordings import Recordings, _bytes, read, slug
from touchstone.records import Media, Message, Request, Response, Row, ToolCall, Usage
from touchstone.requests import build_request

MODEL = f"gguf/qwen2.5@sha256:{'ab' * 32}"
FILE = "gguf-qwen2.5-abababab.jsonl"
SYSTEM = Message("system", "You turn a request into a command.")


def request(text: str, epoch: int = 1, model: str = MODEL, **params: object) -> Request:
    return Request(model, (SYSTEM, Message("user", text)), params or {"temperature": 0.0}, epoch)


def response(text: str = "answer") -> Response:
    made = {"runtime": "x 1", "date": "2026-11-23"}
    return Response(text, usage=Usage(3, 4), cost=0.0, latency=1.23456, made=made)


def write(folder: Path, *pairs: tuple[Request, Response]) -> list[Path]:
    recordings = Recordings(folder)
    for asked, answer in pairs:
        recordings.add(asked, answer)
    return recordings.write()


def test_a_call_comes_back_as_it_was(tmp_path: Path) -> None:
    asked = request("hi", schema={"type": "object"}, stop=("a", "b"), thinking="low", extra={"z": 1, "a": [None]})
    answer = Response("t\n", "thought", "length", Usage(1, None), 0.25, 2.0004, {"runtime": "x"})
    assert write(tmp_path, (asked, answer)) == [tmp_path / FILE]
    found = Recordings(tmp_path).get(asked.key)
    expected = Response("t\n", "thought", "length", Usage(1, None), 0.25, 2.0, {"runtime": "x"}, "recording")
    assert found == expected
    assert [entry.request.key for entry in Recordings(tmp_path).entries()] == [asked.key]


def test_an_answer_that_was_begun_comes_back_and_shares_the_prompt(tmp_path: Path) -> None:
    asked = [
        Request(MODEL, (SYSTEM, Message("user", "hi"), Message("assistant", begun)), {"stop": ["\n"]})
        for begun in ("Please", "Could", "")
    ]
    write(tmp_path, *((one, response(f"{number}")) for number, one in enumerate(asked)))
    found = Recordings(tmp_path)
    assert [found.get(one.key).text for one in asked] == ["0", "1", "2"]
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert sorted(line["begun"] for line in lines[1:]) == ["", "Could", "Please"]
    assert {line["prefix"] for line in lines} == {lines[0]["prefix"]}
    assert {entry.request.key for entry in found.entries()} == {one.key for one in asked}


def test_what_was_added_is_found_before_it_is_written(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    recordings.add(request("hi"), response())
    assert recordings.get(request("hi").key) == Recordings(tmp_path).get(request("hi").key) or not list(
        tmp_path.iterdir()
    )
    assert recordings.get(request("hi").key).latency == 1.235
    assert recordings.get(request("other").key) is None
    assert Recordings(tmp_path / "nowhere").get("k") is None


def test_the_file_is_readable_and_holds_the_shared_prompt_once(tmp_path: Path) -> None:
    write(tmp_path, (request("b"), response("ü")), (request("a"), response()), (request("a", epoch=2), response()))
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text("utf-8").splitlines()]
    assert lines[0]["messages"] == [{"role": "system", "content": SYSTEM.content}]
    calls = [(line["message"]["content"], line["epoch"]) for line in lines[1:]]
    assert calls == [("a", 1), ("a", 2), ("b", 1)]
    assert {line["prefix"] for line in lines} == {lines[0]["prefix"]}
    assert {line["v"] for line in lines} == {1}
    assert "ü" in (tmp_path / FILE).read_text("utf-8")


def test_the_bytes_do_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    pairs = [(request(str(i), top_p=0.5, temperature=t), response(str(i))) for i in range(20) for t in (0.0, 1.0)]
    write(tmp_path / "one", *pairs)
    random.Random(1).shuffle(pairs)
    for pair in pairs:
        write(tmp_path / "two", pair)
    assert (tmp_path / "one" / FILE).read_bytes() == (tmp_path / "two" / FILE).read_bytes()


def test_a_changed_answer_changes_one_line(tmp_path: Path) -> None:
    write(tmp_path, *((request(str(i)), response()) for i in range(5)))
    before = (tmp_path / FILE).read_text().splitlines()
    write(tmp_path, (request("3"), response("changed")))
    after = (tmp_path / FILE).read_text().splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_writing_what_is_there_already_touches_nothing(tmp_path: Path) -> None:
    write(tmp_path, (request("a"), response()))
    assert write(tmp_path, (request("a"), response())) == []
    assert Recordings(tmp_path).write() == []
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_each_model_has_its_file(tmp_path: Path) -> None:
    paths = write(tmp_path, (request("a"), response()), (request("a", model="openai/GPT-4.1"), response()))
    assert sorted(path.name for path in paths) == [FILE, "openai-gpt-4.1.jsonl"]


@pytest.mark.parametrize("model", ["../../etc/passwd", "/abs", "a/b\\c:d", "..", "", "x" * 500, "ü\n"])
def test_no_model_name_leads_out_of_the_folder(model: str, tmp_path: Path) -> None:
    assert slug(model)
    assert (tmp_path / f"{slug(model)}.jsonl").resolve().parent == tmp_path.resolve()
    assert len(slug(model)) <= 100


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda line: line[: len(line) // 2], "not a whole line of JSON"),
        (lambda line: line.replace(b"answer", b"an\xffswer"), "not a whole line of JSON"),
        (lambda line: b"[" * 100_000, "not a whole line of JSON"),
        (lambda line: line.replace(b'"content": "b"', b'"content": "c"'), "its key does not match its request"),
        (lambda line: line.replace(b'"epoch": 1', b'"epoch": 2'), "its key does not match its request"),
        (lambda line: line.replace(b'"v": 1', b'"v": 7'), "version 7 is unknown"),
        (lambda line: line.replace(b'"text": "answer"', b'"text": 7'), "response.text"),
        (lambda line: line.replace(b'"text": "answer", ', b""), "response.text"),
        (lambda line: line.replace(b'"prefix": "', b'"prefix": "0'), "is not in this file above it"),
        (lambda line: b'"just text"', "not a JSON object"),
        (lambda line: b"<<<<<<< HEAD", "a git conflict marker"),
    ],
)
def test_a_damaged_line_is_reported_and_skipped(tmp_path: Path, damage: object, why: str) -> None:
    write(tmp_path, *((request(text), response()) for text in "abc"))
    lines = (tmp_path / FILE).read_bytes().split(b"\n")
    lines[2] = damage(lines[2])  # type: ignore[operator]
    (tmp_path / FILE).write_bytes(b"\n".join(lines))
    recordings = Recordings(tmp_path)
    assert [recordings.get(request(t).key) is not None for t in "abc"] == [True, False, True]
    (problem,) = recordings.problems
    assert problem.startswith(f"{tmp_path / FILE}:3: {why}") or (why in problem and f"{FILE}:3: " in problem)


def test_a_damaged_prompt_takes_its_calls_with_it(tmp_path: Path) -> None:
    write(tmp_path, (request("a"), response()))
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("into a command", "into a comment"))
    recordings = Recordings(tmp_path)
    assert recordings.get(request("a").key) is None
    assert [problem.split(": ")[0].rpartition(":")[2] for problem in recordings.problems] == ["1", "2"]


def test_writing_loses_no_damaged_line(tmp_path: Path) -> None:
    write(tmp_path, (request("a"), response()), (request("b"), response()))
    path = tmp_path / FILE
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2][:50]
    path.write_bytes(b"\n".join([*lines, b'{"v": 2, "key": "from the future"}', b""]))
    write(tmp_path, (request("c"), response()))
    recordings = Recordings(tmp_path)
    assert [recordings.get(request(t).key) is not None for t in "abc"] == [True, False, True]
    assert path.read_bytes().splitlines()[-2:] == [lines[2], b'{"v": 2, "key": "from the future"}']


def test_both_sides_of_a_conflict_are_read_and_the_markers_go_with_the_next_write(tmp_path: Path) -> None:
    write(tmp_path / "ours", (request("a"), response()), (request("b"), response("ours")))
    write(tmp_path / "theirs", (request("c"), response()), (request("b"), response("theirs")))
    ours, theirs = ((tmp_path / side / FILE).read_bytes() for side in ("ours", "theirs"))
    merged = b"<<<<<<< HEAD\n" + ours + b"=======\n" + theirs + b">>>>>>> branch\n"
    (tmp_path / FILE).write_bytes(merged)
    recordings = Recordings(tmp_path)
    assert all(recordings.get(request(t).key) for t in "abc")
    assert sum("conflict marker" in p for p in recordings.problems) == 3
    assert sum("recorded twice" in p for p in recordings.problems) == 1
    write(tmp_path, (request("d"), response()))
    assert Recordings(tmp_path).problems == []
    assert len(list(Recordings(tmp_path).entries())) == 4


@given(st.text(), st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "L", "So"])))
def test_any_text_survives_on_one_line_and_none_of_it_acts_on_a_terminal(
    tmp_path_factory, asked: str, said: str
) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("r")
    write(folder, (request(asked), response(said)))
    raw = (folder / FILE).read_text("utf-8")
    assert raw.count("\n") == len(raw.splitlines()) == 2
    assert not set(raw) & {"\x1b", "\x9b", "\u202e", "\u200b", "\ufeff", "\x7f"}
    assert Recordings(folder).get(request(asked).key).text == said


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from touchstone.recordings import Recordings\n"
        "from touchstone.records import Message, Request, Response\n"
        "for i in range(10):\n"
        "    r = Recordings(Path(sys.argv[1]))\n"
        "    r.add(Request('m', (Message('user', f'{sys.argv[2]} {i}'),)), Response('x'))\n"
        "    r.write()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    recordings = Recordings(tmp_path)
    assert len(list(recordings.entries())) == 30
    assert recordings.problems == []
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]


def test_conversations_tools_and_pictures_are_kept_whole(tmp_path: Path) -> None:
    picture = Media("image", "a b.png", "image/png", "0" * 64, 9)
    call = ToolCall("f", '{"x": "é\u202e"}', "c1")
    messages = (
        Message("system", "s"),
        Message.of("user", ["Look", picture]),
        Message("assistant", "", (call,)),
        Message("tool", "7", tool_call_id="c1"),
    )
    tools = {"tools": [{"type": "function", "function": {"name": "f"}}]}
    asked = [Request("m", messages[:2], tools), Request("m", messages, tools), Request("m", (messages[1],))]
    answers = [Response("", tool_calls=(call,), finish="tool_calls"), Response("seven"), Response("a cat")]
    recordings = Recordings(tmp_path)
    for request, response in zip(asked, answers, strict=True):
        recordings.add(request, response)
    (file,) = recordings.write()
    shelf = read(file)
    assert shelf.problems == []
    assert [shelf.entries[one.key].request for one in asked] == asked
    found = [shelf.entries[one.key].response for one in asked]
    assert [(one.text, one.tool_calls) for one in found] == [("", (call,)), ("seven", ()), ("a cat", ())]
    recordings.add(asked[1], answers[1])
    assert recordings.write() == [], "the same calls are the same bytes"


def test_requests_without_tools_have_the_keys_that_the_recordings_here_have() -> None:
    root = Path(__file__).parents[1]
    places = Places.of(root, lambda name: PLACES[name][0])
    catalogue = load_catalogue(places)
    config = next(one for one in catalogue.run_configs if one.name == "coder-one-shot")
    row = load_dataset("correctness", Row, places).rows[0]
    messages = Prompts(places.prompts, "prompts", root).render(config.prompt, row)
    request = build_request(config, f"{config.model}@sha256:{config.sha256}", messages, 1)
    file = places.recordings / f"{slug(request.model)}.jsonl"
    assert f'"key": "{request.key}"'.encode() in file.read_bytes()
    smallest = min(places.recordings.glob("*.jsonl"), key=lambda path: path.stat().st_size)
    shelf = read(smallest)
    assert shelf.problems == []
    assert _bytes(shelf) == smallest.read_bytes()
