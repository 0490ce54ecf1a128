"""LiteLLM for real, against a local server; and that it is not imported before it is needed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.openai_server import Reply, Server, completion, serving
from touchstone.errors import CallFailed, CallRefused
from touchstone.media import look_at
from touchstone.models import identity, missing, open_model
from touchstone.models.hosted import Hosted
from touchstone.models.keys import VARIABLES, without_keys
from touchstone.models.wire import body_of
from touchstone.records import Message, Request, Response, RunConfig, ToolCall

KEY = "sk-touchstone-very-secret-value"
ROOT = Path(".")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("MY_KEY", KEY)
    with serving(Server()) as running:
        yield running


def config(model: str = "openai/gpt-4.1", **changes: object) -> RunConfig:
    return RunConfig.model_validate({"name": "h", "model": model, "prompt": "p", **changes})


def here(server: Server, **changes: object) -> Hosted:
    return Hosted.of(config(base_url=server.url, key_env="MY_KEY", **changes))


def ask(model: Hosted, **params: object) -> Response:
    return asyncio.run(model.complete(Request("openai/gpt-4.1", (Message("user", "hi"),), params)))


def test_a_call_through_litellm(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    answer = ask(here(server), temperature=0.0, max_tokens=9, seed=3, stop=["x"])
    assert (answer.text, answer.finish, answer.usage.input_tokens) == ("echo: hi", "stop", 10)
    sent = server.bodies[0]
    assert (sent["model"], sent["temperature"], sent["seed"], sent["stop"]) == ("gpt-4.1", 0.0, 3, ["x"])
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert answer.made["runtime"].startswith("litellm 1.")
    assert answer.cost == pytest.approx((10 * 2 + 5 * 8) / 1e6)  # LiteLLM's own table for gpt-4.1
    assert capfd.readouterr() == ("", "")


def test_a_schema_reaches_the_provider(server: Server) -> None:
    ask(here(server), schema={"type": "object", "properties": {}})
    assert server.bodies[0]["response_format"]["type"] == "json_schema"


def test_tools_and_pictures_reach_the_provider_and_calls_come_back(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    given = [{"id": "c9", "type": "function", "function": {"name": "f", "arguments": '{"x": 2}'}}]
    server.queue.append(Reply(200, completion(None, {}, "tool_calls", tool_calls=given)))
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    messages = (
        Message.of("user", ["See", look_at("image", "a.png", tmp_path)]),
        Message("assistant", "", (ToolCall("f", '{"x": 1}', "c1"),)),
        Message("tool", "7", tool_call_id="c1"),
    )
    request = Request("openai/gpt-4.1", messages, {"tools": tools, "tool_choice": "required"})
    answer = asyncio.run(Hosted.of(config(base_url=server.url, key_env="MY_KEY"), tmp_path).complete(request))
    assert answer.tool_calls == (ToolCall("f", '{"x": 2}', "c9"),)
    assert answer.finish == "tool_calls"
    (sent,) = server.bodies
    assert (sent["tools"], sent["tool_choice"]) == (tools, "required")
    meant = body_of(request, tmp_path)["messages"]
    del meant[1]["content"]  # LiteLLM leaves out what is null
    assert sent["messages"] == meant
    assert sent["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgox")


class Anthropic(Server):
    """Speaks Anthropic's messages in place of OpenAI's chat."""

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_post("/v1/messages", self.complete)
        return app


def test_tools_and_pictures_reach_a_provider_that_has_them_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    used = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 2}}
    said = {"content": [{"type": "text", "text": "Let me see."}, used], "stop_reason": "tool_use"}
    usage = {"usage": {"input_tokens": 10, "output_tokens": 5}}
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", **said, **usage}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    seen = Message.of("user", ["See", look_at("image", "a.png", tmp_path)])
    called = Message("assistant", "", (ToolCall("f", '{"x": 1}', "c1"),))
    messages = (seen, called, Message("tool", "7", tool_call_id="c1"))
    request = Request(
        "anthropic/claude-haiku-4-5", messages, {"tools": tools, "tool_choice": "required", "max_tokens": 9}
    )
    with serving(Anthropic(queue=[Reply(200, whole)])) as server:
        base = server.url.removesuffix("/v1")
        model = Hosted.of(config("anthropic/claude-haiku-4-5", base_url=base, key_env="MY_KEY"), tmp_path)
        answer = asyncio.run(model.complete(request))
    assert (answer.text, answer.finish) == ("Let me see.", "tool_calls")
    assert [(call.name, call.arguments, call.id) for call in answer.tool_calls] == [("f", {"x": 2}, "toolu_1")]
    (sent,) = server.bodies
    first, second, third = (one["content"] for one in sent["messages"])
    assert (first[0]["text"], first[1]["source"]["media_type"]) == ("See", "image/png")
    assert (second[0]["type"], second[0]["input"]) == ("tool_use", {"x": 1})
    assert (third[0]["type"], third[0]["content"]) == ("tool_result", "7")
    assert (sent["tools"][0]["name"], sent["tool_choice"]["type"]) == ("f", "any")


def test_an_unknown_price_is_no_cost_and_the_run_configs_price_wins(server: Server) -> None:
    assert ask(here(server, model="openai/nobody-knows-this")).cost is None
    priced = here(server, model="openai/nobody-knows-this", input_cost=1.0, output_cost=2.0)
    assert ask(priced).cost == pytest.approx(20 / 1e6)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(429, {"error": {"message": "slow down"}}, {"retry-after": "7"}), CallFailed),
        (Reply(500, {"error": {"message": "boom"}}), CallFailed),
        (Reply(503, {"error": {"message": "busy"}}), CallFailed),
        (Reply(hang_up=True), CallFailed),
        (Reply(200, {"choices": []}), CallFailed),
        (Reply(401, {"error": {"message": f"bad key {KEY}"}}), CallRefused),
        (Reply(404, {"error": {"message": "no such model"}}), CallRefused),
        (Reply(400, {"error": {"message": "maximum context length", "code": "context_length_exceeded"}}), CallRefused),
    ],
)
def test_errors_are_mapped_and_asked_for_once(
    server: Server, reply: Reply, kind: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    server.queue.append(reply)
    with pytest.raises(kind) as caught:
        ask(here(server))
    assert type(caught.value) is kind
    assert len(server.bodies) == 1, "LiteLLM must not retry: Retrying does"
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert capfd.readouterr() == ("", "")
    if isinstance(caught.value, CallFailed) and reply.status == 429:
        assert caught.value.retry_after == 7.0


def test_a_slow_provider_is_a_failed_call(server: Server) -> None:
    server.queue.append(Reply(delay=3.0, body=completion("late", {})))
    with pytest.raises(CallFailed):
        ask(Hosted(config(base_url=server.url, key_env="MY_KEY", timeout=0.3)))


def test_a_provider_that_litellm_does_not_know_is_refused() -> None:
    with pytest.raises(CallRefused, match="nobody/nothing"):
        ask(Hosted.of(config("nobody/nothing")))


def test_nothing_heavy_is_imported_before_a_call() -> None:
    code = (
        "import sys, pathlib\n"
        "from touchstone.records import RunConfig\n"
        "from touchstone.models import open_model, identity, missing\n"
        "import touchstone.cache, touchstone.recordings, touchstone.claims, touchstone.caching\n"
        "import touchstone.sending.retrying\n"
        "for m in ['gpt-4.1', 'openai-compatible/m', 'embedded/smollm2-135m-instruct', 'python/json:loads']:\n"
        "    c = RunConfig(name='c', model=m, prompt='p', base_url='http://h/v1')\n"
        "    open_model(c, pathlib.Path('.')), identity(c, pathlib.Path('.')), missing(c, pathlib.Path('.'))\n"
        "heavy = {'litellm', 'openai', 'aiohttp', 'xllamacpp', 'diskcache', 'tenacity', 'huggingface_hub', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-4.1", "OPENAI_API_KEY"),
        ("gpt-4.1-mini", "OPENAI_API_KEY"),
        ("o3", "OPENAI_API_KEY"),
        ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
        ("claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-pro", "GEMINI_API_KEY"),
        ("vertex_ai/gemini-2.5-pro", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("openrouter/meta/llama", "OPENROUTER_API_KEY"),
        ("fireworks_ai/accounts/x", "FIREWORKS_API_KEY"),
        ("together_ai/x/y", "TOGETHERAI_API_KEY"),
        ("groq/x", "GROQ_API_KEY"),
        ("mistral/x", "MISTRAL_API_KEY"),
        ("deepseek/x", "DEEPSEEK_API_KEY"),
        ("xai/grok", "XAI_API_KEY"),
        ("azure/mine", "AZURE_API_KEY"),
    ],
)
def test_a_missing_key_is_named(model: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for names in VARIABLES.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    assert missing(config(model), ROOT) == f"{variable} is not set"
    monkeypatch.setenv(variable, KEY)
    assert missing(config(model), ROOT) is None
    assert identity(config(model), ROOT) == model


def test_a_run_config_may_name_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEAM_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert missing(config(key_env="TEAM_KEY"), ROOT) == "TEAM_KEY is not set"


@pytest.mark.parametrize("model", ["ollama/llama3", "somebody/new", "unheard-of"])
def test_models_that_need_no_key_that_we_know_of_lack_nothing(model: str) -> None:
    assert missing(config(model), ROOT) is None
    assert isinstance(open_model(config(model), ROOT), Hosted)


def test_keys_are_taken_out_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("EMPTY_API_KEY", "")
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    assert without_keys(f"abc: {KEY}!") == "abc: <SOME_API_KEY>!"
