"""Batching: ways, slips and notes by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from touchstone.batching import Notes, Slip, Way, submit, way_of
from touchstone.batching.notes import Note
from touchstone.errors import UsageError
from touchstone.media import look_at
from touchstone.records import Message, Request, RunConfig

WAY = Way(model="openai-compatible/m", base_url="http://$HOST/v1", key_env="SOME_KEY")


def request(text: str, **params: object) -> Request:
    return Request("openai-compatible/m", (Message("user", text),), params)


def note(*texts: str, **keys: str) -> Note:
    return replace(Note(WAY, {one.key: one for one in map(request, texts)}), **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "base_url", "fits"),
    [
        ("openai/gpt-4.1", None, True),
        ("gpt-4.1", None, True),
        ("o3-mini", None, True),
        ("openai-compatible/m", "http://localhost/v1", True),
        ("openai-compatible/m", None, False),
        ("anthropic/claude-sonnet-4", None, False),
        ("python/app:echo", None, False),
        ("embedded/smollm2", None, False),
    ],
)
def test_what_can_be_batched(model: str, base_url: str | None, fits: bool) -> None:
    config = RunConfig(name="main", model=model, prompt="ask", base_url=base_url)
    assert (way_of(config) is not None) is fits


def test_an_address_is_kept_with_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "secret.example")
    assert WAY.config.base_url == "http://secret.example/v1"
    assert "secret" not in WAY.model_dump_json()


def test_a_slip_is_read_by_others_as_it_grows(tmp_path: Path) -> None:
    mine, theirs = Slip(tmp_path / "run"), Slip(tmp_path / "run")
    mine.want(WAY, request("a"))
    assert list(theirs.read().wanted) == [request("a").key]
    mine.fail("k", "why")
    mine.tell("bad news", bad=True)
    with (tmp_path / "run/batch.jsonl").open("a") as torn:
        torn.write('{"tell": "half')
    assert theirs.read().failed == {"k": "why"}
    assert theirs.told == {"bad news": True}
    with (tmp_path / "run/batch.jsonl").open("a") as torn:
        torn.write(" a line\n")
    mine.begin()
    mine.want(WAY, request("b"))
    assert list(theirs.read().wanted) == [request("b").key]
    assert theirs.failed == theirs.told == {}


def test_a_note_takes_the_place_of_its_intent(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    assert not notes.any
    with notes.alone():
        notes.put(intent := note("a", "b"))
        assert notes.read() == [intent]
        notes.put(named := intent.named("batch_1"))
        assert notes.read() == [named]
        assert notes.held() == {request("a").key: "batch_1", request("b").key: "batch_1"}
        notes.drop(named)
    assert not notes.any


def test_of_an_intent_that_a_kill_left_beside_its_note_nothing_is_read(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    intent = note("a")
    with notes.alone():
        notes.put(intent.named("batch_1"))
        notes.put(intent)
        assert notes.read() == [intent.named("batch_1")]
        notes.drop(intent.named("batch_1"))
        assert notes.read() == []


@pytest.mark.parametrize("id", ["", "../../evil", "a/b", "x" * 200, None, 7, ".lock"])
def test_a_batch_is_not_called_what_no_file_may_be(id: object) -> None:
    with pytest.raises(UsageError, match="names a batch"):
        note("a").named(id)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"v": 1}', "null", "\x00"])
def test_what_is_no_note_is_left_out(tmp_path: Path, text: str) -> None:
    notes = Notes(tmp_path)
    notes.folder.mkdir()
    (notes.folder / "batch_1.json").write_text(text)
    assert notes.read() == []
    assert [path.name for path in notes.unreadable()] == ["batch_1.json"]


def test_a_note_is_believed_by_its_requests_and_not_by_their_names(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with notes.alone():
        notes.put(note("a", batch="batch_1"))
    (file,) = notes.folder.glob("*.json")
    data = json.loads(file.read_text())
    data["requests"] = {"0" * 64: request("other").as_dict()}
    file.write_text(json.dumps(data))
    assert list(notes.held()) == [request("other").key]


def test_one_of_many_workers_looks(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    with notes.alone():
        assert [notes.first("run 1"), notes.first("run 1"), notes.first("run 2")] == [True, False, True]


def test_a_picture_is_sent_if_it_is_still_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n1")
    seen = Request("openai-compatible/m", (Message.of("user", [look_at("image", "a.png", tmp_path)]),))
    assert WAY.body(seen, tmp_path)["messages"][0]["content"][0]["type"] == "image_url"
    slip = Slip(tmp_path / "run")
    slip.want(WAY, seen)
    (tmp_path / "a.png").unlink()
    submit(slip, Notes(tmp_path / "state"), tmp_path)
    ((told, bad),) = slip.read().told.items()
    assert bad
    assert told.startswith("a request could not be submitted: a.png: cannot be read")
    assert not Notes(tmp_path / "state").held()
