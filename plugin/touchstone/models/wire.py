"""The OpenAI chat shape, which every server speaks: a request as a body, an answer as a response. Sends nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf, isfinite
from pathlib import Path
from typing import Any

from ..errors import CallFailed, CallRefused
from ..media import AUDIO, read_media
from ..records import Media, Message, Request, Response, RunConfig, ToolCall, Usage, calls_text
from .headers import allowances, retry_after

FINISH = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
FAULTS = ("error", "abort", "insufficient_system_resource")
"""Reasons to finish that are a server's failure, not an answer."""
FATAL = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
"""Errors that say 429 and will not pass by waiting."""
ALWAYS = (401, 402, 403, 404)
"""Statuses that every other call of a run-config would get too: no key, no money, no right, no such model."""
UNKNOWN = ("model_not_found", "invalid_api_key")
"""Codes that mean the same under other statuses."""


def body_of(request: Request, root: Path | None = None) -> dict[str, Any]:
    """The request as a chat completion body, without its model and without where it goes.

    `root` is the project's, where its pictures and sounds lie. Raises UsageError for one that is not as it was.
    """
    params = dict(request.params)
    schema, extra = params.pop("schema", None), params.pop("extra", {})
    if top := params.pop("logprobs", None):
        params |= {"logprobs": True, "top_logprobs": top}
    for ours in ("thinking", "base_url"):
        params.pop(ours, None)
    messages = [_turn(message, root) for message in request.messages]
    body = {"messages": messages, **params}
    if schema is not None:
        form = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return {**body, **extra}


def _turn(message: Message, root: Path | None) -> dict[str, Any]:
    """A message in the shape of the chat."""
    said: Any = [_part(one, root) for one in message.parts] or message.content
    turn: dict[str, Any] = {"role": message.role, "content": said}
    if message.tool_calls:
        turn["content"] = said or None
        turn["tool_calls"] = [_called(call) for call in message.tool_calls]
    return {**turn, "tool_call_id": message.tool_call_id} if message.tool_call_id else turn


def _called(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}


def _part(part: str | Media, root: Path | None) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    data = base64.b64encode(read_media(part, root)).decode("ascii")
    if part.type == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{part.mime};base64,{data}"}}
    return {"type": "input_audio", "input_audio": {"data": data, "format": AUDIO[part.mime]}}


def with_template_thinking(body: dict[str, Any], thinking: bool | str | None) -> dict[str, Any]:
    """The body with thinking asked for as servers of open models take it: as a variable of the chat template."""
    if thinking is None:
        return body
    said = {"enable_thinking": bool(thinking), **body.get("chat_template_kwargs", {})}
    effort = {"reasoning_effort": thinking} if isinstance(thinking, str) else {}
    return {**effort, **body, "chat_template_kwargs": said}


def read_answer(data: Any, latency: float, made: Mapping[str, Any], config: RunConfig) -> Response:
    """An answer's body as a response. Raises CallFailed for what is no usable answer."""
    choice = _choice(data)
    message, reason = choice["message"], choice.get("finish_reason")
    if reason in FAULTS:
        raise CallFailed(f"the server broke the answer off ({reason})")
    finish = FINISH.get(str(reason), "stop")
    calls = _calls(message)
    thought, text = split_thinking(_text(message, finish, calls))
    thought = _string(message.get("reasoning_content")) or _string(message.get("reasoning")) or thought
    usage = usage_of(data.get("usage"))
    told = {**made, "model": data["model"]} if isinstance(data.get("model"), str) else made
    cost, likely = cost_of(usage, config), _likely(choice.get("logprobs"))
    told_all = printable(text), printable(thought), finish, usage, cost, latency, told
    return Response(*told_all, logprobs=likely, tool_calls=calls)


def _likely(data: Any) -> tuple[Mapping[str, float], ...]:
    """Of each token the likeliest ones, where the server says; rounded, for more digits are noise of the hardware."""
    tokens = data.get("content") if isinstance(data, Mapping) else None
    told = [t.get("top_logprobs") for t in tokens if isinstance(t, Mapping)] if isinstance(tokens, list) else []
    return tuple(_chances(top) for top in told)


def _chances(top: Any) -> Mapping[str, float]:
    """Token -> its log-probability; of tokens that read alike, the likeliest. What is no number is left out."""
    found: dict[str, float] = {}
    for one in top if isinstance(top, list) else ():
        chance = one.get("logprob") if isinstance(one, Mapping) else None
        if isinstance(chance, int | float) and not isinstance(chance, bool) and isfinite(chance):
            token = printable(_string(one.get("token")))
            found[token] = max(found.get(token, -inf), round(float(chance), 4))
    return found


def _choice(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise CallFailed(f"the answer is no JSON object but {type(data).__name__}")
    if data.get("error"):
        raise error_of(200, data)
    choices = data.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, Mapping) or not isinstance(first.get("message"), Mapping):
        raise CallFailed("the answer holds no choices with a message")
    return first


def _text(message: Mapping[str, Any], finish: str, calls: tuple[ToolCall, ...]) -> str:
    """What was said: the text, else the refusal, else the tool calls as JSON, else nothing if it was cut off."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_string(p.get("text")) for p in content if isinstance(p, Mapping))
    said = content or message.get("refusal") or calls_text(calls) or content
    if said is None and finish != "stop":
        return ""
    if not isinstance(said, str):
        raise CallFailed(f"the answer holds no text, but {'nothing' if said is None else type(said).__name__}")
    return said


def _calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The tools that are called; also as the one function that older servers call."""
    told = message.get("tool_calls")
    every = told if isinstance(told, list) and told else [{"function": message.get("function_call")}]
    found = [(one, one.get("function")) for one in every if isinstance(one, Mapping)]
    return tuple(
        ToolCall(
            printable(name), _arguments(function.get("arguments")), printable(_string(one.get("id"))) or f"call_{n}"
        )
        for n, (one, function) in enumerate(found, 1)
        if isinstance(function, Mapping) and (name := _string(function.get("name")))
    )


def _arguments(said: Any) -> str:
    """As text: some servers give the object itself, or nothing where there are none."""
    if said is None or said == "":
        return "{}"
    return printable(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))


def error_of(status: int, data: Any, headers: Mapping[str, str] | None = None) -> CallFailed | CallRefused:
    """The error that a status, an error body and its headers (names in lower case) stand for.

    Text of the body is cut short, keys are taken out later.
    """
    headers = headers or {}
    error = data.get("error") if isinstance(data, Mapping) else None
    detail = error if isinstance(error, Mapping) else {"message": error or data}
    words = " ".join(str(detail.get("message") or "no reason given").split())[:300]
    code = detail.get("code") or detail.get("type")
    status = code if status == 200 and isinstance(code, int) else status
    words = f"{status}: {words}" if status != 200 else words
    passing = status in (200, 408, 409, 425, 429) or status >= 500
    if passing and code not in FATAL:
        return CallFailed(words, retry_after=retry_after(headers), status=status, allowances=allowances(headers))
    return CallRefused(words, status=status, always=status in ALWAYS or code in (*FATAL, *UNKNOWN))


def usage_of(data: Any) -> Usage:
    """The tokens an answer says it took; None for what it does not say."""
    get = data.get if isinstance(data, Mapping) else lambda _: None
    counts = (get("prompt_tokens"), get("completion_tokens"))
    return Usage(*(c if isinstance(c, int) and not isinstance(c, bool) else None for c in counts))


def cost_of(usage: Usage, config: RunConfig) -> float | None:
    """US dollars by the run-config's own prices; None where a price or a count is not known."""
    parts = ((usage.input_tokens, config.input_cost), (usage.output_tokens, config.output_cost))
    if any(count is None or price is None for count, price in parts):
        return None
    return sum(count * price for count, price in parts if count and price) / 1_000_000


def split_thinking(text: str) -> tuple[str, str]:
    """(thinking, answer) of a text that opens with `<think>`; an unclosed thought is all thinking."""
    head = text.lstrip()
    if not head.startswith("<think>"):
        return "", text
    thought, _, answer = head.removeprefix("<think>").partition("</think>")
    return thought.strip(), answer.lstrip()


def printable(text: str) -> str:
    """The text with lone surrogates replaced: JSON can carry them, UTF-8 and so every file cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def today() -> str:
    """The date of a call, UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def joined(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The chunks of a streamed answer as the body that it would have been; no choices where it never finished."""
    error = next((c["error"] for c in chunks if "error" in c), None)
    if error is not None:
        return {"error": error}
    choices = [c["choices"][0] for c in chunks if c.get("choices")]
    finish = next((c["finish_reason"] for c in reversed(choices) if c.get("finish_reason")), None)
    names = ("content", "reasoning_content")
    message: dict[str, Any] = {name: "".join(c["delta"].get(name) or "" for c in choices) for name in names}
    if calls := _joined_calls([one for c in choices for one in c["delta"].get("tool_calls") or ()]):
        message |= {"tool_calls": calls, "content": message["content"] or None}
    usage = next((c["usage"] for c in reversed(chunks) if c.get("usage")), None)
    likely = [token for c in choices for token in (c.get("logprobs") or {}).get("content") or ()]
    whole = [{"message": message, "finish_reason": finish, "logprobs": {"content": likely}}] if finish else []
    return {"choices": whole, "usage": usage}


def _joined_calls(pieces: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tool calls whose names and arguments came in pieces, by their numbers."""
    found: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        call = found.setdefault(piece.get("index", 0), {"id": "", "function": {"name": "", "arguments": ""}})
        call["id"] = call["id"] or piece.get("id") or ""
        for name, text in (piece.get("function") or {}).items():
            call["function"][name] = call["function"].get(name, "") + (text or "")
    return [found[number] for number in sorted(found)]
