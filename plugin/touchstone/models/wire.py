"""The OpenAI chat shape, which every server speaks: a request as a body, an answer as a response. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf, isfinite
from typing import Any

from ..errors import CallFailed, CallRefused
from ..records import Request, Response, RunConfig, Usage
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


def body_of(request: Request) -> dict[str, Any]:
    """The request as a chat completion body, without its model and without where it goes."""
    params = dict(request.params)
    schema, extra = params.pop("schema", None), params.pop("extra", {})
    if top := params.pop("logprobs", None):
        params |= {"logprobs": True, "top_logprobs": top}
    for ours in ("thinking", "base_url"):
        params.pop(ours, None)
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    body = {"messages": messages, **params}
    if schema is not None:
        form = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return {**body, **extra}


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
    thought, text = split_thinking(_text(message, finish))
    thought = _string(message.get("reasoning_content")) or _string(message.get("reasoning")) or thought
    usage = usage_of(data.get("usage"))
    told = {**made, "model": data["model"]} if isinstance(data.get("model"), str) else made
    cost, likely = cost_of(usage, config), _likely(choice.get("logprobs"))
    return Response(printable(text), printable(thought), finish, usage, cost, latency, told, logprobs=likely)


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


def _text(message: Mapping[str, Any], finish: str) -> str:
    """What was said: the text, else the refusal, else the tool calls as JSON, else nothing if it was cut off."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_string(p.get("text")) for p in content if isinstance(p, Mapping))
    said = content or message.get("refusal") or _calls(message) or content
    if said is None and finish != "stop":
        return ""
    if not isinstance(said, str):
        raise CallFailed(f"the answer holds no text, but {'nothing' if said is None else type(said).__name__}")
    return said


def _calls(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        return ""
    return json.dumps([c.get("function") for c in calls if isinstance(c, Mapping)], ensure_ascii=False)


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
    message = {name: "".join(c["delta"].get(name) or "" for c in choices) for name in names}
    usage = next((c["usage"] for c in reversed(chunks) if c.get("usage")), None)
    likely = [token for c in choices for token in (c.get("logprobs") or {}).get("content") or ()]
    whole = [{"message": message, "finish_reason": finish, "logprobs": {"content": likely}}] if finish else []
    return {"choices": whole, "usage": usage}
