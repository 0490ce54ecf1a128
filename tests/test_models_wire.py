"""The OpenAI shape: what is sent, and what is made of answers, honest or hostile."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.openai_server import completion
from touchstone.errors import CallError, CallFailed, CallRefused
from touchstone.models.wire import body_of, error_of, joined, read_answer, split_thinking, with_template_thinking
from touchstone.records import Message, Request, Response, RunConfig, ToolCall, Usage

CONFIG = RunConfig(name="c", model="openai-compatible/m", prompt="p")


def read(data: object, config: RunConfig = CONFIG) -> Response:
    return read_answer(data, 0.5, {"runtime": "x"}, config)


def test_a_body_holds_what_was_set_and_nothing_of_ours() -> None:
    params = {"temperature": 0.5, "stop": ("a",), "thinking": True, "base_url": "http://x", "extra": {"top_k": 3}}
    body = body_of(Request("m", (Message("user", "hi"),), params, epoch=2))
    expected = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0.5, "stop": ("a",), "top_k": 3}
    assert body == expected


def test_a_schema_becomes_a_response_format() -> None:
    form = body_of(Request("m", (), {"schema": {"type": "object"}}))["response_format"]
    assert (form["type"], form["json_schema"]["schema"]) == ("json_schema", {"type": "object"})


@pytest.mark.parametrize(
    ("thinking", "more"),
    [
        (None, {}),
        (False, {"chat_template_kwargs": {"enable_thinking": False}}),
        ("low", {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "low"}),
    ],
)
def test_thinking_is_asked_for_through_the_template(thinking: bool | str | None, more: dict[str, object]) -> None:
    assert with_template_thinking({"a": 1}, thinking) == {"a": 1, **more}


def test_a_plain_answer() -> None:
    answer = read(completion("hello", {"model": "m-2026"}))
    assert (answer.text, answer.finish, answer.usage, answer.cost) == ("hello", "stop", Usage(10, 5), None)
    assert answer.made == {"runtime": "x", "model": "m-2026"}


def test_cost_is_by_the_run_configs_prices() -> None:
    priced = CONFIG.model_copy(update={"input_cost": 1.0, "output_cost": 4.0})
    assert read(completion("hello", {}), priced).cost == pytest.approx((10 * 1 + 5 * 4) / 1e6)


def test_a_price_or_a_count_that_is_not_known_is_no_cost() -> None:
    assert read(completion("x", {}), CONFIG.model_copy(update={"input_cost": 1.0})).cost is None
    free = CONFIG.model_copy(update={"input_cost": 0.0, "output_cost": 0.0})
    assert read(completion("x", {}), free).cost == 0.0
    assert read({**completion("x", {}), "usage": None}, free).cost is None


@pytest.mark.parametrize(
    ("said", "text", "finish"),
    [
        ({"finish": "length", "text": "half"}, "half", "length"),
        ({"finish": "length", "text": None}, "", "length"),
        ({"finish": "content_filter", "text": None}, "", "content_filter"),
        ({"text": None, "refusal": "I cannot."}, "I cannot.", "stop"),
        ({"text": "", "refusal": None}, "", "stop"),
        ({"text": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab", "stop"),
        (
            {"text": None, "finish": "tool_calls", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
            '[{"name": "f", "arguments": "{}"}]',
            "tool_calls",
        ),
    ],
)
def test_answers_that_are_more_than_plain_text(said: dict[str, object], text: str, finish: str) -> None:
    words = said.pop("text")
    answer = read(completion(words, {}, **said))
    assert (answer.text, answer.finish) == (text, finish)


NOT_ANSWERS = [
    *(None, [], "text", 7, {}, {"choices": []}, {"choices": None}, {"choices": [None]}),
    {"choices": [{"message": None}]},
    {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": "half"}, "finish_reason": "error"}]},
]


@pytest.mark.parametrize("data", NOT_ANSWERS)
def test_what_is_no_answer_is_a_failed_call_never_an_empty_answer(data: object) -> None:
    with pytest.raises(CallFailed):
        read(data)


FIELDS = st.sampled_from(["choices", "message", "content", "error", "usage", "finish_reason", "tool_calls", "code"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner),
)


@given(VALUES | VALUES.map(lambda message: {"choices": [{"message": message}]}))
def test_no_answer_whatever_its_shape_is_a_traceback(data: object) -> None:
    with contextlib.suppress(CallError):
        assert isinstance(read(data).text, str)


def test_thinking_is_kept_apart() -> None:
    assert split_thinking("<think>hm</think>\n\nyes") == ("hm", "yes")
    assert split_thinking("yes <think>") == ("", "yes <think>")
    assert split_thinking("<think>never ends") == ("never ends", "")
    answer = read(completion("yes", {}, reasoning_content="hm"))
    assert (answer.text, answer.thinking) == ("yes", "hm")


def test_lone_surrogates_do_not_get_in() -> None:
    read(completion("a\ud800b", {})).text.encode("utf-8")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, None, CallRefused),
        (401, "invalid_api_key", CallRefused),
        (404, "model_not_found", CallRefused),
        (408, None, CallFailed),
        (429, "rate_limit_exceeded", CallFailed),
        (429, "insufficient_quota", CallRefused),
        (500, None, CallFailed),
        (503, None, CallFailed),
        (200, 400, CallRefused),
        (200, 502, CallFailed),
    ],
)
def test_which_errors_may_pass(status: int, code: object, kind: type[Exception]) -> None:
    error = error_of(status, {"error": {"message": "because", "code": code}}, {"retry-after": "3"})
    assert type(error) is kind
    assert "because" in str(error)


def test_chunks_are_joined_as_they_came() -> None:
    chunks = [
        {"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]},
        {"choices": [{"delta": {"content": "a"}, "finish_reason": None}]},
        {"choices": [{"delta": {"content": "b"}, "finish_reason": None}]},
        {"choices": [{"delta": {}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ]
    answer = read(joined(chunks))
    assert (answer.text, answer.finish, answer.usage) == ("ab", "length", Usage(1, 2))
    with pytest.raises(CallFailed):
        read(joined(chunks[:3]))


def test_tool_calls_are_read_as_they_are_written() -> None:
    given = [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
        {"function": {"name": "clock", "arguments": {"zone": "UTC"}}},
        {"id": "c3", "function": {"name": "broken", "arguments": '{"city": '}},
        {"id": "c4", "function": {"name": "none"}},
        *(None, {"function": None}, {"function": {"name": 7}}),
    ]
    answer = read(completion("Let me see.", {}, "tool_calls", tool_calls=given))
    assert (answer.text, answer.finish) == ("Let me see.", "tool_calls")
    told = [(call.id, call.name, call.arguments) for call in answer.tool_calls]
    assert told == [
        ("c1", "weather", {"city": "Paris"}),
        ("call_2", "clock", {"zone": "UTC"}),
        ("c3", "broken", None),
        ("c4", "none", {}),
    ]
    assert answer.tool_calls[2].text == '{"city": '
    assert Response.from_dict(json.loads(json.dumps(answer.as_dict())), "live") == answer
    assert "tool_calls" not in read(completion("x", {})).as_dict()


def test_an_older_servers_one_function_is_a_tool_call() -> None:
    answer = read(completion(None, {}, "function_call", function_call={"name": "f", "arguments": "{}"}))
    assert (answer.tool_calls, answer.finish) == ((ToolCall("f", "{}", "call_1"),), "tool_calls")


def test_tool_calls_that_came_in_pieces() -> None:
    pieces = [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":'}}, {"index": 1, "function": {"name": "g"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]},
        {},
    ]
    chunks = [{"choices": [{"delta": one, "finish_reason": None}]} for one in pieces]
    chunks[-1]["choices"][0]["finish_reason"] = "tool_calls"
    assert read(joined(chunks)).tool_calls == (ToolCall("f", '{"x": 1}', "a"), ToolCall("g", "{}", "call_2"))


def test_a_conversation_with_tools_and_media_as_openai_has_it(tmp_path: Path) -> None:
    from touchstone.media import look_at

    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    (tmp_path / "a.wav").write_bytes(b"RIFF\x04\0\0\0WAVE")
    picture, sound = look_at("image", "a.png", tmp_path), look_at("audio", "a.wav", tmp_path)
    messages = (
        Message.of("user", ["Look:", picture, sound]),
        Message("assistant", "", (ToolCall("f", '{"x":1}', "c1"),)),
        Message("tool", "7", tool_call_id="c1"),
    )
    tools = [{"type": "function", "function": {"name": "f"}}]
    request = Request("m", messages, {"tools": tools, "tool_choice": "auto"})
    sent = body_of(request, tmp_path)
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n123").decode()
    heard = base64.b64encode(b"RIFF\x04\0\0\0WAVE").decode()
    assert sent["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "input_audio", "input_audio": {"data": heard, "format": "wav"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
        },
        {"role": "tool", "content": "7", "tool_call_id": "c1"},
    ]
    assert (sent["tools"], sent["tool_choice"]) == (tools, "auto")
    kept = json.dumps(request.as_dict())
    assert picture.sha256 in kept
    assert "a.png" in kept
    assert url not in kept
    assert Request.from_dict(json.loads(kept)) == request
    assert Request.from_dict(json.loads(kept)).key == request.key
