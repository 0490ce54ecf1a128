"""Retry, and a user's own function as a model."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.fake_model import FakeModel
from touchstone.errors import CallFailed, CallRefused, UsageError
from touchstone.models import identity, missing, open_model
from touchstone.records import Message, Request, Response, RunConfig, Usage
from touchstone.sending.retrying import Retrying

ASKED = Request("m", (Message("user", "hi"),))


def ask(model: object) -> Response:
    return asyncio.run(model.complete(ASKED))  # type: ignore[attr-defined]


def test_a_failed_call_is_made_again_until_it_works() -> None:
    fake = FakeModel(CallFailed("429"), CallFailed("500"), "fine")
    assert ask(Retrying(fake, first_wait=0.001)).text == "fine"
    assert len(fake.history) == 3


def test_attempts_run_out_and_the_last_failure_is_told() -> None:
    fake = FakeModel(*(CallFailed(str(i)) for i in range(9)))
    with pytest.raises(CallFailed, match=r"^3$"):
        ask(Retrying(fake, attempts=4, first_wait=0.001))
    assert len(fake.history) == 4


@pytest.mark.parametrize("error", [CallRefused("401"), UsageError("x"), ValueError("bug")])
def test_nothing_else_is_tried_again(error: Exception) -> None:
    fake = FakeModel(error)
    with pytest.raises(type(error)):
        ask(Retrying(fake, first_wait=0.001))
    assert len(fake.history) == 1


def test_a_refusal_after_a_failure_ends_it() -> None:
    fake = FakeModel(CallFailed("429"), CallRefused("401"))
    with pytest.raises(CallRefused):
        ask(Retrying(fake, first_wait=0.001))


def test_the_wait_that_a_server_asks_for_is_kept() -> None:
    fake, began = FakeModel(CallFailed("429", retry_after=0.3), "fine"), time.perf_counter()
    ask(Retrying(fake, first_wait=0.001))
    assert time.perf_counter() - began >= 0.3


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    fake, began = FakeModel(CallFailed("429", retry_after=3600), "fine"), time.perf_counter()
    with pytest.raises(CallFailed):
        ask(Retrying(fake))
    assert time.perf_counter() - began < 5
    assert len(fake.history) == 1


def test_closing_closes_what_is_inside() -> None:
    fake = FakeModel()
    asyncio.run(Retrying(fake).aclose())
    assert fake.closed


APP = """
from touchstone.records import Response, Usage
from touchstone.errors import CallFailed

def plain(request): return "you said " + request.messages[-1].content
async def later(request): return "later"
def full(request): return Response("full", usage=Usage(1, 2), cost=0.5, latency=9.0)
def broken(request): return {"text": "no"}[0]
def offline(request): raise ConnectionError("no route")
def ours(request): raise CallFailed("busy", retry_after=2)
def number(request): return 42
constant = 42
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_app_under_test.py").write_text(APP)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.delitem(__import__("sys").modules, "my_app_under_test", raising=False)
    return tmp_path


def function(project: Path, name: str, module: str = "my_app_under_test") -> object:
    config = RunConfig(name="f", model=f"python/{module}:{name}", prompt="p")
    assert missing(config, project) is None
    assert identity(config, project).startswith(f"{config.model}@sha256:")
    return open_model(config, project)


@pytest.mark.parametrize(("name", "text"), [("plain", "you said hi"), ("later", "later"), ("full", "full")])
def test_a_users_function_answers(project: Path, name: str, text: str) -> None:
    answer = ask(function(project, name))
    assert (answer.text, answer.source) == (text, "live")
    assert answer.made["runtime"] == f"python/my_app_under_test:{name}"
    assert answer.latency > 0


def test_a_response_keeps_what_it_says(project: Path) -> None:
    answer = ask(function(project, "full"))
    assert (answer.usage, answer.cost, answer.latency) == (Usage(1, 2), 0.5, 9.0)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("broken", CallRefused, "my_app_under_test:broken raised KeyError: 0"),
        ("number", CallRefused, "returned int; wanted the answer's text, or a Response"),
        ("offline", CallFailed, "no route"),
        ("ours", CallFailed, "busy"),
        ("absent", UsageError, "cannot find the function"),
        ("constant", UsageError, "names no function, but int"),
    ],
)
def test_a_function_that_does_not_answer(project: Path, name: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        ask(function(project, name))
    assert words in str(caught.value)


@pytest.mark.parametrize("module", ["no_such_module", "", "no.such.package"])
def test_a_module_that_is_not_there(project: Path, module: str) -> None:
    with pytest.raises(UsageError, match="python/package"):
        ask(function(project, "f", module))
