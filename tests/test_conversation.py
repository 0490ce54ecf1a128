"""Conversations that rows bring, and files that templates name: which messages come of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from touchstone.conversation import transcript
from touchstone.errors import UsageError
from touchstone.prompts import Prompts
from touchstone.records import Media, Message, Request, Response, Row, RunConfig, Sample, ToolCall

SYSTEM = "{% block system %}Be brief.{% endblock %}\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
ALSO = {"role": "user", "content": "hi"}
CALL = {"id": "1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "cat.png").write_bytes(PNG)
    (tmp_path / "high.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    (tmp_path / "prompts").mkdir()
    return tmp_path


def prompts(root: Path, template: str) -> Prompts:
    (root / "prompts/ask.j2").write_text(template)
    return Prompts(root / "prompts", "prompts", root)


def both(root: Path, given: Any, template: str = SYSTEM) -> tuple[list[Message], list[Message]]:
    found, row = prompts(root, template), Row(id="a", input=given)
    return list(found.render("ask", row)), list(found.later("ask", row))


def test_a_rows_messages_follow_the_system(root: Path) -> None:
    said = [ALSO, {"role": "assistant", "content": "hello"}, {"role": "user", "content": "and now?"}]
    first, later = both(root, {"messages": said})
    assert [(one.role, one.content) for one in first] == [
        ("system", "Be brief."),
        *((m["role"], m["content"]) for m in said),
    ]
    assert later == []


def test_an_empty_system_is_none(root: Path) -> None:
    assert both(root, {"messages": [ALSO]}, "{% block system %}{% endblock %}")[0] == [Message("user", "hi")]


def test_turns_are_said_one_after_another(root: Path) -> None:
    first, later = both(root, {"turns": ["one", {"content": "two"}, "three"]})
    assert first == [Message("system", "Be brief."), Message("user", "one")]
    assert later == [Message("user", "two"), Message("user", "three")]
    history = [ALSO, {"role": "assistant", "content": "hello"}]
    assert [one.content for one in both(root, {"messages": history, "turns": ["one"]})[0]] == [
        "Be brief.",
        "hi",
        "hello",
        "one",
    ]


def test_tools_in_a_rows_messages(root: Path) -> None:
    told = {"role": "tool", "tool_call_id": "1", "content": "noon"}
    first, _ = both(root, {"messages": [ALSO, {"role": "assistant", "tool_calls": [CALL]}, told]})
    assert first[2] == Message("assistant", "", (ToolCall("clock", "{}", "1"),))
    assert first[3] == Message("tool", "noon", tool_call_id="1")


def test_pictures_and_sounds_in_a_rows_messages(root: Path) -> None:
    parts = [
        {"type": "text", "text": "What?"},
        {"type": "image", "path": "cat.png"},
        {"type": "audio", "path": "high.wav"},
    ]
    (_, message), later = (
        both(root, {"messages": [{"role": "user", "content": parts}], "turns": [{"content": parts[:2]}]})[0][:2],
        [],
    )
    assert message.content == "What?\n[image: cat.png]\n[audio: high.wav]"
    assert [one.mime for one in message.media] == ["image/png", "audio/wav"]
    assert Message.from_dict(message.as_dict()) == message
    assert later == []


@pytest.mark.parametrize(
    "template", ["{{ messages | length }} {{ turns }}", SYSTEM + "{% block user %}{{ messages }}{% endblock %}"]
)
def test_a_template_that_speaks_for_the_user_takes_them_as_data(root: Path, template: str) -> None:
    first, later = both(root, {"messages": [ALSO], "turns": ["x"]}, template)
    assert [one.role for one in first][-1] == "user"
    assert first[-1].content != "hi"
    assert later == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"messages": []}, "its conversation is empty"),
        ({"messages": "hi"}, "input.messages: Input should be a valid list"),
        ({"messages": [{"role": "usr", "content": "x"}]}, "input.messages.0.role: Input should be 'system'"),
        ({"messages": [{"role": "user", "content": 7}]}, "input.messages.0.content"),
        ({"messages": [{"role": "user", "text": "x"}]}, "input.messages.0.text: Extra inputs"),
        ({"messages": [ALSO, {"role": "assistant", "content": "x"}]}, "its conversation ends with the assistant"),
        ({"messages": [ALSO, {"role": "tool", "content": "x", "tool_call_id": "9"}]}, "'9' is of no call above"),
        ({"messages": [{**ALSO, "tool_calls": [CALL]}]}, "only an assistant calls tools"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "path": "../x.png"}]}]},
            "leads out of the project",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "input.messages.0.content",
        ),
        ({"turns": []}, "its conversation is empty"),
        ({"turns": [7]}, "input.turns.0"),
        ({"turns": [{"role": "assistant", "content": "x"}]}, "input.turns.0"),
    ],
)
def test_what_is_no_conversation(root: Path, given: Any, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        both(root, given)
    assert why in str(caught.value)
    assert caught.value.where == "prompts/ask.j2:1"


def test_a_template_puts_files_where_their_paths_stand(root: Path) -> None:
    template = "Look:\n{{ input.image | image }}\nand hear\n{{ 'high.wav' | audio }} now"
    (message,) = prompts(root, template).render("ask", Row(id="a", input={"image": "cat.png"}))
    assert [str(part) for part in message.parts] == [
        "Look:",
        "[image: cat.png]",
        "and hear",
        "[audio: high.wav]",
        "now",
    ]
    assert isinstance(message.parts[1], Media)


def test_no_row_can_send_a_file_by_its_words(root: Path) -> None:
    found = prompts(root, "{{ input }}")
    text = f"[{'0' * 16}:image:{b'cat.png'.hex()}] [image: cat.png]"
    assert found.render("ask", Row(id="a", input=text)) == (Message("user", text),)


@pytest.mark.parametrize(
    ("template", "line", "why"),
    [
        ("one\n\n{{ 'dog.png' | image }}", 3, "dog.png: cannot be read: No such file"),
        ("{{ 7 | image }}", 1, "wants a path, not int"),
        ("\n{{ 'high.wav' | image }}", 2, "high.wav: is no PNG, JPEG, WebP or GIF"),
        ("{{ 'cat.png' | image | truncate(21, true) }}", 1, "let `| image` be the last filter"),
    ],
)
def test_a_file_that_a_template_cannot_send(root: Path, template: str, line: int, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        prompts(root, template).render("ask", Row(id="a", input="x"))
    assert why in str(caught.value)
    assert caught.value.where == f"prompts/ask.j2:{line}"


def test_a_transcript_is_the_whole_without_the_system() -> None:
    asked = (Message("system", "s"), Message("user", "time?"), Message("assistant", "", (ToolCall("clock"),)))
    request = Request("m", (*asked, Message("tool", "noon", tool_call_id="1")))
    sample = Sample(
        "e", Row(id="a", input=1), RunConfig(name="c", model="m", prompt="p"), 1, "It is noon.", Response("It is noon.")
    )
    assert transcript(sample) == "It is noon."
    whole = Sample("e", sample.row, sample.run_config, 1, sample.output, sample.response, request=request)
    assert transcript(whole) == "user: time?\n\nassistant: clock({})\n\ntool: noon\n\nassistant: It is noon."
