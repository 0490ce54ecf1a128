"""Formats of examples: the way there and back for each, what a line looks like, and lines that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone.records import Message
from touchstone_tuning.synth.rowfile import write_lines
from touchstone_tuning.tune.data.examples import Example, joined
from touchstone_tuning.tune.data.formats import SHAPES, Format, decode, encode
from touchstone_tuning.tune.data.structured import schema

EVERY = sorted(SHAPES)
ONE_LINE = [name for name in EVERY if name != "hf-completion"]
HOSTILE = '</script>\u2028\u202etxt\x1b[2J\x00 "\\ \n\r\ufeff 日本 {{ 7*7 }} <|im_end|>'
PLAIN = Example("a", (Message("system", "be brief"), Message("user", "cut"), Message("assistant", "done")))
THOUGHT = Example("b", (Message("user", "cut"), Message("assistant", joined("hm", "done"))))
TWO = Example(
    "c", (*PLAIN.messages[:2], Message("assistant", "hm"), Message("user", "now"), Message("assistant", "ok"))
)

TEXT = st.one_of(st.text(min_size=1), st.just(HOSTILE), st.builds(joined, st.text(), st.text(min_size=1))).filter(
    lambda text: bool(text.strip())
)


@st.composite
def conversations(draw: st.DrawFn) -> Example:
    system = [Message("system", draw(TEXT))] if draw(st.booleans()) else []
    rounds = [Message(role, draw(TEXT)) for _ in range(draw(st.integers(1, 3))) for role in ("user", "assistant")]
    return Example("any", (*system, *rounds))


def lines(example: Example, format: Format) -> list[Any]:
    return [json.loads(line) for line in encode([example], format)]


def test_every_format_has_a_shape() -> None:
    assert set(EVERY) == set(get_args(Format))


@pytest.mark.parametrize("format", ONE_LINE)
@given(st.lists(conversations(), max_size=4))
def test_what_is_written_is_read(format: Format, examples: list[Example]) -> None:
    written = list(encode(examples, format))
    assert [one.messages for one in decode(written, format)] == [one.messages for one in examples]
    assert [one.id for one in decode(written, format)] == [str(n + 1) for n in range(len(examples))]


@given(conversations())
def test_each_completion_goes_on_from_all_before(example: Example) -> None:
    read = [one.messages for one in decode(encode([example], "hf-completion"), "hf-completion")]
    ends = [n + 1 for n, one in enumerate(example.messages) if one.role == "assistant"]
    assert read == [example.messages[:end] for end in ends]


@pytest.mark.parametrize("format", EVERY)
@given(conversations())
def test_a_line_is_one_line_and_shows_all_that_it_holds(format: Format, example: Example) -> None:
    for line in encode([example], format):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        text = line.decode("utf-8")
        assert not [c for c in text[:-1] if c < " " or c in "\x7f\u2028\u2029\u202e\u200b\ufeff"]


@pytest.mark.parametrize("format", EVERY)
def test_the_same_examples_are_the_same_bytes(format: Format, tmp_path: Path) -> None:
    assert list(encode([PLAIN, TWO], format)) == list(encode([PLAIN, TWO], format))
    assert write_lines(tmp_path / "train.jsonl", encode([PLAIN], format))
    assert not write_lines(tmp_path / "train.jsonl", encode([PLAIN], format))


@pytest.mark.parametrize("format", ["openai-chat", "hf-chat"])
def test_a_chat_is_its_messages(format: Format) -> None:
    turns = [("system", "be brief"), ("user", "cut"), ("assistant", "done")]
    assert lines(PLAIN, format) == [{"messages": [{"role": role, "content": text} for role, text in turns]}]


def test_completions_are_every_turn_of_the_assistant() -> None:
    first, second = lines(TWO, "hf-completion")
    assert first["completion"] == [{"role": "assistant", "content": "hm"}]
    assert [one["role"] for one in first["prompt"]] == ["system", "user"]
    assert second["completion"] == [{"role": "assistant", "content": "ok"}]
    assert [one["content"] for one in second["prompt"]] == ["be brief", "cut", "hm", "now"]


def test_json_answers_have_keys() -> None:
    (plain,), (thought,), (two,) = (lines(one, "openai-json") for one in (PLAIN, THOUGHT, TWO))
    assert json.loads(plain["messages"][-1]["content"]) == {"answer": "done"}
    assert list(json.loads(thought["messages"][-1]["content"]).items()) == [("thinking", "hm"), ("answer", "done")]
    assert [json.loads(two["messages"][n]["content"]) for n in (2, 4)] == [{"thinking": "hm"}, {"answer": "ok"}]
    assert two["messages"][3] == {"role": "user", "content": "now"}


def test_an_answer_that_is_json_itself_is_a_text() -> None:
    example = Example("x", (Message("user", "u"), Message("assistant", '{"answer": "x"}')))
    (line,) = lines(example, "openai-json")
    assert json.loads(line["messages"][-1]["content"]) == {"answer": '{"answer": "x"}'}


def test_a_tool_is_called_that_the_line_has() -> None:
    (line,) = lines(THOUGHT, "openai-tool")
    (call,), (tool,) = line["messages"][-1]["tool_calls"], line["tools"]
    assert "content" not in line["messages"][-1]
    assert call["function"]["name"] == tool["function"]["name"] == "answer"
    assert json.loads(call["function"]["arguments"]) == {"thinking": "hm", "answer": "done"}
    assert tool["function"]["parameters"] == schema(thinking=True)
    assert line["parallel_tool_calls"] is False
    assert lines(PLAIN, "openai-tool")[0]["tools"][0]["function"]["parameters"] == schema(thinking=False)


def test_gemini_calls_the_assistant_the_model() -> None:
    (line,) = lines(TWO, "vertex-gemini")
    assert line["systemInstruction"] == {"role": "system", "parts": [{"text": "be brief"}]}
    assert [one["role"] for one in line["contents"]] == ["user", "model", "user", "model"]
    assert line["contents"][-1] == {"role": "model", "parts": [{"text": "ok"}]}
    assert "systemInstruction" not in lines(THOUGHT, "vertex-gemini")[0]


@pytest.mark.parametrize("format", EVERY)
@pytest.mark.parametrize(
    ("roles", "why"),
    [
        ((), "does not end with the assistant's turn"),
        (("user",), "does not end with the assistant's turn"),
        (("assistant",), "turn 1: is the assistant's, and it is the user's turn"),
        (("user", "system", "assistant"), "turn 2: is the system's, and it is the assistant's turn"),
        (("system", "system", "user", "assistant"), "turn 2: is the system's"),
        (("user", "assistant", "assistant"), "turn 3: is the assistant's, and it is the user's turn"),
    ],
)
def test_turns_out_of_order_are_not_written(format: Format, roles: tuple[str, ...], why: str) -> None:
    example = Example("row-7", tuple(Message(role, "x") for role in roles))
    with pytest.raises(UsageError, match=f"example row-7: {why}"):
        list(encode([example], format))


CHAT = '{"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": %s}]}'
CALL = (
    '{"messages": [{"role": "user", "content": "u"}, {"role": "assistant", %s}],'
    ' "tools": [{"type": "function", "function": {"name": "answer", "parameters": {}}}]}'
)
CALLED = '{"id": "1", "type": "function", "function": {"name": "%s", "arguments": "%s"}}'
GOOD = r"{\"answer\": \"a\"}"


@pytest.mark.parametrize(
    ("format", "line", "why"),
    [
        ("openai-chat", CHAT % '"a"' + "}", "is no JSON: Extra data at column"),
        ("openai-chat", (CHAT % '"a"')[:-9], "is no JSON: "),
        ("openai-chat", "", "is no JSON"),
        ("openai-chat", "[]", "is no JSON object"),
        ("openai-chat", "{}", "messages: Field required"),
        ("openai-chat", '{"messages": [], "messages": []}', "has the key 'messages' twice"),
        ("openai-chat", '{"messages": NaN}', "holds NaN, which is no JSON"),
        ("openai-chat", CHAT % "null", "messages.1.content: Input should be a valid string"),
        ("openai-chat", CHAT % "5", "messages.1.content: Input should be a valid string"),
        ("hf-chat", '{"messages": [], "\x7f\u202e": 1}', r"'\\x7f\\u202e': Extra inputs are not permitted"),
        ("openai-chat", CHAT.replace("user", "function") % '"a"', "messages.0.role: Input should be 'system'"),
        ("openai-json", CHAT % '"plain"', "content: Invalid JSON"),
        ("openai-json", CHAT % r'"{\"thinking\": \"t\"}"', "content: answer: Field required"),
        ("openai-json", CHAT % r'"{\"answer\": \"a\", \"more\": 1}"', "content: more: Extra inputs"),
        ("openai-json", CHAT % r'"{\"answer\": 5}"', "content: answer: Input should be a valid string"),
        ("openai-tool", CHAT % '"a"', "tools: Field required"),
        ("openai-tool", CALL % '"content": "a"', "the last turn calls no tool"),
        ("openai-tool", CALL % '"content": null', "holds either content or tool_calls"),
        ("openai-tool", CALL % '"tool_calls": []', "wants one call"),
        ("openai-tool", CALL % f'"tool_calls": [{CALLED % ("rm", GOOD)}]', "calls 'rm', which is not among its tools"),
        ("openai-tool", CALL % f'"tool_calls": [{CALLED % ("answer", "{")}]', "arguments: Invalid JSON"),
        ("hf-completion", '{"prompt": [], "completion": []}', "completion: holds 0 turns, wants one"),
        ("hf-completion", CHAT % '"a"', "prompt: Field required"),
        ("vertex-gemini", CHAT % '"a"', "contents: Field required"),
        ("vertex-gemini", '{"contents": [{"role": "assistant", "parts": []}]}', "contents.0.role: Input should be"),
        ("vertex-gemini", '{"contents": [{"role": "user", "parts": [{"text": 1}]}]}', "contents.0.parts.0.text: "),
    ],
)
def test_a_line_that_is_none_is_told(format: Format, line: str, why: str) -> None:
    good = next(encode([PLAIN], format))
    with pytest.raises(UsageError, match=f"line 2: .*{why}"):
        list(decode([good, line.encode()], format))


def test_a_good_call_is_read() -> None:
    (example,) = decode([(CALL % f'"tool_calls": [{CALLED % ("answer", GOOD)}]').encode()], "openai-tool")
    assert example.messages[-1] == Message("assistant", "a")


def test_bytes_that_are_no_text_are_told() -> None:
    with pytest.raises(UsageError, match="line 1: is not UTF-8 at byte 3"):
        list(decode([b'{"\xff"}'], "hf-chat"))


def test_an_error_shows_no_character_that_a_terminal_obeys() -> None:
    with pytest.raises(UsageError) as caught:
        list(decode(['{"messages": [], "\x7f\u202e\u009b2J": 1}'.encode()], "hf-chat"))
    assert not set("\x7f\u202e\u009b") & set(str(caught.value))
