"""OpenAI-compatible servers over real HTTP, on the loopback address."""

from __future__ import annotations

import asyncio
import email.utils
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openai_server import Reply, Server, completion, serving
from touchstone.errors import CallFailed, CallRefused, UsageError
from touchstone.media import look_at
from touchstone.models import identity, missing, open_model
from touchstone.models.compatible import Compatible
from touchstone.models.headers import retry_after
from touchstone.records import Allowance, Message, Request, Response, RunConfig, ToolCall

KEY = "sk-touchstone-very-secret-value"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as running:
        yield running


def model(url: str, **changes: object) -> Compatible:
    fields = {"name": "c", "model": "openai-compatible/org/m-1", "prompt": "p", "base_url": url, **changes}
    return Compatible.of(RunConfig.model_validate(fields))


def request(text: str = "hi", **params: object) -> Request:
    return Request("openai-compatible/org/m-1", (Message("system", "s"), Message("user", text)), params)


def ask(model: Compatible, asked: Request | None = None) -> Response:
    async def main() -> Response:
        try:
            return await model.complete(asked or request())
        finally:
            await model.aclose()

    return asyncio.run(main())


def test_a_call_sends_the_request_and_reads_the_answer(server: Server) -> None:
    answer = ask(model(server.url), request("hi", temperature=0.0, max_tokens=9, extra={"top_k": 1}))
    assert (answer.text, answer.usage.output_tokens, answer.source) == ("echo: hi", 5, "live")
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]
    sent = {"model": "org/m-1", "messages": messages, "temperature": 0.0, "max_tokens": 9, "top_k": 1}
    assert server.bodies == [sent]
    assert answer.made["model"] == "org/m-1"
    assert answer.made["runtime"].startswith("openai-compatible")
    assert "Authorization" not in server.headers[0]


def test_a_picture_is_sent_from_the_project_and_a_tool_call_comes_back(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    given = [{"id": "c9", "function": {"name": "f", "arguments": "{}"}}]
    server.queue.append(Reply(200, completion("", {}, "tool_calls", tool_calls=given)))
    config = RunConfig(name="c", model="openai-compatible/m", prompt="p", base_url=server.url)
    tools = [{"type": "function", "function": {"name": "f"}}]
    seen = Message.of("user", [look_at("image", "a.png", tmp_path)])
    answer = ask(Compatible.of(config, tmp_path), Request("openai-compatible/m", (seen,), {"tools": tools}))
    assert answer.tool_calls == (ToolCall("f", "{}", "c9"),)
    assert server.bodies[0]["tools"] == tools
    assert server.bodies[0]["messages"][0]["content"][0]["type"] == "image_url"


def test_the_key_is_taken_from_the_variable_that_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-this-server")
    ask(model(server.url, key_env="MY_KEY"))
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_a_hundred_calls_at_once_share_one_session(server: Server) -> None:
    server.latency = 0.3
    opened = model(server.url)

    async def main() -> list[Response]:
        answers = await asyncio.gather(*(opened.complete(request(str(i))) for i in range(100)))
        await opened.aclose()
        return answers

    assert [a.text for a in asyncio.run(main())] == [f"echo: {i}" for i in range(100)]
    assert server.most_at_once > 50


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"}), CallFailed, "429: slow down"),
        (Reply(500, {"error": "boom"}), CallFailed, "500: boom"),
        (Reply(502, b"<html>Bad Gateway</html>"), CallFailed, "502: <html>"),
        (Reply(200, b'{"choices": [{"mess'), CallFailed, "not JSON"),
        (Reply(200, b"[" * 100_000), CallFailed, "not JSON"),
        (Reply(200, {"choices": []}), CallFailed, "no choices"),
        (Reply(200, completion(None, {})), CallFailed, "no text"),
        (Reply(200, {"error": {"message": "overloaded", "code": 503}}), CallFailed, "503: overloaded"),
        (Reply(hang_up=True), CallFailed, "127.0.0.1"),
        (Reply(400, {"error": {"message": "context too long"}}), CallRefused, "400: context too long"),
        (Reply(401, {"error": {"message": "bad key"}}), CallRefused, "401: bad key"),
        (Reply(404, {"error": {"message": "no such model"}}), CallRefused, "404: no such model"),
        (Reply(307, {}, {"Location": "http://elsewhere.invalid/"}), CallRefused, "307"),
    ],
)
def test_bad_answers_are_errors_in_words(server: Server, reply: Reply, kind: type[Exception], words: str) -> None:
    server.queue.append(reply)
    with pytest.raises(kind) as caught:
        ask(model(server.url))
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert len(server.bodies) == 1


def test_the_wish_of_a_busy_server_is_handed_on(server: Server) -> None:
    server.queue.append(Reply(429, {}, {"Retry-After": "7"}))
    with pytest.raises(CallFailed) as caught:
        ask(model(server.url))
    assert caught.value.retry_after == 7.0


def test_retry_after_in_all_its_spellings() -> None:
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert retry_after({}) is None
    assert retry_after({"retry-after": "soon"}) is None
    assert 50 < retry_after({"retry-after": email.utils.formatdate(time.time() + 60)}) < 70
    assert retry_after({"retry-after": email.utils.formatdate(0)}) == 0.0


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(CallFailed, match=r"127\.0\.0\.1:9"):
        ask(model("http://127.0.0.1:9/v1"))


def test_a_server_that_never_answers(server: Server) -> None:
    server.queue.append(Reply(delay=3.0, body=completion("late", {})))
    with pytest.raises(CallFailed, match=r"no whole answer within 0\.2 s"):
        ask(model(server.url, timeout=0.2))


def test_a_server_whose_answer_does_not_begin(server: Server) -> None:
    server.queue.append(Reply(delay=3.0, body=completion("late", {})))
    with pytest.raises(CallFailed, match=r"no first byte within 0\.2 s"):
        ask(model(server.url, first_byte_timeout=0.2))


def test_an_answer_that_begins_in_time_may_go_on(server: Server) -> None:
    assert ask(model(server.url, first_byte_timeout=5)).text == "echo: hi"


def test_a_connection_that_is_never_made() -> None:
    """A socket that listens and takes nobody: its queue is full."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
        with pytest.raises(CallFailed, match=r"no connection within 0\.3 s"):
            ask(model(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", connect_timeout=0.3))
        for one in full:
            one.close()


def test_what_the_headers_say_is_left_comes_with_the_answer(server: Server) -> None:
    head = {"X-RateLimit-Limit-Requests": "60", "x-ratelimit-remaining-requests": "59", "Retry-After": "2"}
    server.queue += [Reply(body=completion("a", {}), headers=head), Reply(429, {}, head)]
    assert ask(model(server.url)).allowances == (Allowance("requests", 60, 59),)
    with pytest.raises(CallFailed) as caught:
        ask(model(server.url))
    assert (caught.value.status, caught.value.throttled, caught.value.retry_after) == (429, True, 2)
    assert caught.value.allowances == (Allowance("requests", 60, 59),)


@pytest.mark.parametrize(
    ("status", "code", "always"),
    [
        (401, None, True),
        (404, None, True),
        (400, "model_not_found", True),
        (429, "insufficient_quota", True),
        (400, "context_length_exceeded", False),
        (422, None, False),
    ],
)
def test_what_every_other_call_would_be_refused_for(
    server: Server, status: int, code: str | None, always: bool
) -> None:
    server.queue.append(Reply(status, {"error": {"message": "no", "code": code}}))
    with pytest.raises(CallRefused) as caught:
        ask(model(server.url))
    assert (caught.value.status, caught.value.always) == (status, always)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_key_that_a_server_sends_back_reaches_no_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    server.queue.append(Reply(status, {"error": {"message": f"what is {KEY}?", "code": 401}}))
    with pytest.raises((CallRefused, CallFailed)) as caught:
        ask(model(server.url, key_env="MY_KEY"))
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert not any(KEY in repr(error) for error in chain)
    assert "what is <MY_KEY>?" in str(caught.value)


def test_a_model_can_be_asked_again_after_it_was_closed(server: Server) -> None:
    opened = model(server.url)
    assert ask(opened).text == ask(opened).text  # two event loops, one after the other


@pytest.mark.parametrize("url", [None, "", "localhost:8000", "ftp://host/v1", "http://"])
def test_a_base_url_that_is_none(url: str | None) -> None:
    with pytest.raises(UsageError, match="base_url"):
        model(url)  # type: ignore[arg-type]


def test_a_password_in_a_base_url_is_refused_unsaid() -> None:
    with pytest.raises(UsageError) as caught:
        model("http://me:hunter22@host/v1")
    assert "hunter22" not in str(caught.value)


def test_what_a_run_config_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = model("http://h/v1", key_env="MY_KEY").config
    monkeypatch.delenv("MY_KEY", raising=False)
    assert missing(config, tmp_path) == "MY_KEY is not set"
    monkeypatch.setenv("MY_KEY", KEY)
    assert missing(config, tmp_path) is None
    assert missing(config.model_copy(update={"key_env": None}), tmp_path) is None
    assert (
        missing(config.model_copy(update={"base_url": None, "key_env": None}), tmp_path)
        == "run-config 'c' has no base_url"
    )
    assert identity(config, tmp_path) == "openai-compatible/org/m-1"
    assert isinstance(open_model(config, tmp_path), Compatible)


def test_a_request_without_its_key_says_which(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "")
    with pytest.raises(UsageError, match="MY_KEY is not set"):
        ask(model(server.url, key_env="MY_KEY"))
    assert server.bodies == []


def test_what_is_sent_is_plain_json(server: Server) -> None:
    ask(model(server.url), request("ünïcode \u2028 \x00"))
    assert json.loads(json.dumps(server.bodies[0]))["messages"][1]["content"] == "ünïcode \u2028 \x00"
