"""The embedded model, really loaded: once, in this process."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from touchstone.errors import CallRefused, ModelUnavailable, UsageError
from touchstone.models import identity, missing, open_model
from touchstone.models.embedded import Embedded
from touchstone.models.weights import MEMO, SMOLLM2, SMOLLM2_SHA256, packaged, sha256_of
from touchstone.records import Message, Request, Response, RunConfig

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="session")
def model(project: Path) -> Embedded:
    opened = open_model(config(), project)
    assert isinstance(opened, Embedded)
    return opened


def config(**changes: object) -> RunConfig:
    return RunConfig.model_validate({"name": "smollm2", "model": SMOLLM2, "prompt": "p", **changes})


def request(text: str, **params: object) -> Request:
    return Request(f"{SMOLLM2}@sha256:{SMOLLM2_SHA256}", (Message("user", text),), {"max_tokens": 24, **params})


def ask(model: Embedded, *requests: Request) -> list[Response]:
    async def main() -> list[Response]:
        return await asyncio.gather(*(model.complete(r) for r in requests))

    return asyncio.run(main())


def test_the_weights_in_the_wheel_are_those_whose_sha256_stands_in_the_source() -> None:
    file = packaged()
    assert file is not None
    with file.open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == SMOLLM2_SHA256


def test_an_answer_says_what_it_took_and_how_it_was_made(model: Embedded) -> None:
    (answer,) = ask(model, request("Name one colour."))
    assert answer.text.strip()
    assert answer.usage.input_tokens > 10
    assert 0 < answer.usage.output_tokens <= 24
    assert (answer.cost, answer.source) == (0.0, "live")
    assert answer.latency > 0
    assert answer.made["runtime"].startswith("xllamacpp 20")
    assert answer.made["weights"] == f"SmolLM2-135M-Instruct.Q4_1.gguf sha256:{SMOLLM2_SHA256}"
    assert time.strptime(answer.made["date"], "%Y-%m-%d")
    assert "/" not in json.dumps(dict(answer.made))


def test_calls_run_side_by_side_and_each_gets_its_own_answer(model: Embedded) -> None:
    words = ["apple", "river", "seven", "north", "piano", "glass"]
    answers = ask(model, *(request(f"Repeat this word and nothing else: {w}", max_tokens=12) for w in words))
    assert sum(w in a.text.lower() for w, a in zip(words, answers, strict=True)) >= 3


def test_the_same_request_alone_gives_the_same_answer(model: Embedded) -> None:
    asked = request("Write one sentence about the sea.")
    ask(model, asked)  # so that both of the next find the same prompt in a slot
    assert ask(model, asked)[0].text == ask(model, asked)[0].text


def test_an_answer_cut_by_max_tokens_says_so(model: Embedded) -> None:
    (answer,) = ask(model, request("Tell me a long story.", max_tokens=5))
    assert (answer.finish, answer.usage.output_tokens) == ("length", 5)


def test_a_schema_makes_the_answer_json(model: Embedded) -> None:
    (answer,) = ask(model, request("Describe a person as JSON.", schema=SCHEMA, max_tokens=80))
    assert set(json.loads(answer.text)) == {"name", "age"}


def test_stop_and_seed_are_passed_on(model: Embedded) -> None:
    (answer,) = ask(model, request("Count: one, two, three, four", stop=["three"], seed=7, max_tokens=60))
    assert "three" not in answer.text


def test_a_prompt_longer_than_the_context_is_refused_and_says_what_to_do(model: Embedded) -> None:
    with pytest.raises(CallRefused, match=r"context size \(4096 tokens\)[^/]*\n  .*n_ctx"):
        ask(model, request("word " * 6000))


@pytest.mark.parametrize("params", [{"schema": {"type": "nonsense"}}, {"temperature": "hot"}])
def test_a_request_it_cannot_take_is_refused(model: Embedded, params: dict[str, object]) -> None:
    with pytest.raises(CallRefused):
        ask(model, request("hello", **params))


def test_a_text_that_is_no_unicode_is_refused(model: Embedded) -> None:
    with pytest.raises(CallRefused):
        ask(model, request("say \ud800"))


class Counting:
    """The real server, counting what it streams."""

    def __init__(self, server: Any) -> None:
        self.server, self.chunks = server, 0

    def handle_chat_completions(self, body: dict[str, Any], take: Callable[[dict[str, Any]], bool]) -> None:
        def counted(chunk: dict[str, Any]) -> bool:
            self.chunks += 1
            return take(chunk)

        self.server.handle_chat_completions(body, counted)


def test_a_cancelled_call_stops_long_before_its_end(model: Embedded) -> None:
    counting = Counting(model._load().server)
    counted = Embedded(model.config, model.root)
    vars(counted)["_runtime"] = replace(model._load(), server=counting)

    async def main() -> None:
        asked = request("Tell a long story.", max_tokens=3000)
        call = asyncio.create_task(counted.complete(asked))
        while not counting.chunks:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert call.cancelled()
        await asyncio.gather(
            *(model.complete(request("Say hi.", max_tokens=2)) for _ in range(8))
        )  # all slots are free

    asyncio.run(main())
    assert counting.chunks < 500


def test_nothing_is_written_to_the_terminal(model: Embedded, capfd: pytest.CaptureFixture[str]) -> None:
    fresh = Embedded(model.config, model.root, context=512, slots=1)  # other settings: really loaded anew
    ask(fresh, request("hi", max_tokens=2))
    assert capfd.readouterr() == ("", "")


def test_two_models_on_the_same_weights_load_them_once(model: Embedded, project: Path) -> None:
    other = open_model(config(name="smollm2-few-shot", prompt="few"), project)
    ask(other, request("hi", max_tokens=1))  # type: ignore[arg-type]
    ask(model, request("hi", max_tokens=1))
    assert other._runtime is model._runtime  # type: ignore[attr-defined]


def test_other_weights_under_a_given_sha256_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"not those")
    wrong = config(model="gguf/mine", weights="m.gguf", sha256="0" * 64)
    with pytest.raises(UsageError, match="another sha256"):
        identity(wrong, tmp_path)
    with pytest.raises(UsageError, match="another sha256"):
        ask(open_model(wrong, tmp_path), request("hi"))  # type: ignore[arg-type]


def test_a_damaged_file_is_refused_without_noise(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(CallRefused, match=r"m\.gguf cannot be loaded"):
        ask(open_model(config(model="gguf/mine", weights="m.gguf"), tmp_path), request("hi"))  # type: ignore[arg-type]
    assert capfd.readouterr() == ("", "")


def test_identity_is_the_name_and_the_files_hash_never_its_path(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"weights")
    expected = f"gguf/mine@sha256:{hashlib.sha256(b'weights').hexdigest()}"
    assert identity(config(model="gguf/mine", weights="m.gguf"), tmp_path) == expected
    assert identity(config(), tmp_path) == f"{SMOLLM2}@sha256:{SMOLLM2_SHA256}"


def test_identity_needs_no_file_where_the_sha256_is_given(tmp_path: Path) -> None:
    told = config(model="gguf/mine", weights="absent.gguf", sha256="a" * 64)
    assert identity(told, tmp_path) == f"gguf/mine@sha256:{'a' * 64}"
    assert missing(told, tmp_path) == "weights not found: absent.gguf"


def test_identity_without_file_and_sha256_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the run-config the file's `sha256`"):
        identity(config(model="gguf/mine", weights="absent.gguf"), tmp_path)


def test_weights_that_are_not_here_make_the_model_unavailable(tmp_path: Path) -> None:
    told = config(model="gguf/mine", weights="absent.gguf", sha256="a" * 64)
    with pytest.raises(ModelUnavailable, match=r"weights not found: absent\.gguf"):
        ask(open_model(told, tmp_path), request("hi"))  # type: ignore[arg-type]


def test_weights_paths_take_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.gguf").write_bytes(b"weights")
    monkeypatch.setenv("MY_MODELS", str(tmp_path))
    assert missing(config(model="gguf/mine", weights="$MY_MODELS/m.gguf"), Path("elsewhere")) is None


def test_a_hash_is_computed_once_and_again_when_the_file_changes(tmp_path: Path) -> None:
    file, memo = tmp_path / "m.gguf", tmp_path / MEMO
    file.write_bytes(b"one")
    first = sha256_of(file, memo)
    memo.write_text(memo.read_text().replace(first, "f" * 64))
    assert sha256_of(file, memo) == "f" * 64  # remembered, not read
    file.write_bytes(b"three")
    assert sha256_of(file, memo) == hashlib.sha256(b"three").hexdigest()
    memo.write_text("{torn")
    assert sha256_of(file, memo) == hashlib.sha256(b"three").hexdigest()


def test_an_hf_reference_names_a_repository_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hf:OWNER/REPOSITORY/FILE"):
        identity(config(model="gguf/mine", weights="hf:owner/file.gguf"), tmp_path)
