"""The nouns: rows, run-configs, requests, responses, scores, samples. Values only: no file, no network, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import fsum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import UsageError

SCHEMA = 1
"""Version of every line that touchstone writes to disk."""
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_NOTHING: Mapping[str, Any] = {}
"""Shared by the many values that hold nothing, and a mapping to all of them: nobody writes to it."""


class Row(BaseModel):
    """One dataset line. Subclass it to name and validate what your scorers need:

    `class FfmpegRow(Row): media: dict[str, Recipe]; expect: Expectation`, then
    `@pytest.mark.eval(dataset="correctness", row=FfmpegRow)`. Fields that no class names are kept as given.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    """Unique in its dataset; stands in the test id."""
    input: Any
    """What the task is given: the user's text, or a mapping for templates with several variables."""
    tags: tuple[str, ...] = ()
    """To choose rows and to group them; a scorer may read them."""


class RunConfig(BaseModel):
    """A named way to run the task: model, prompt, sampling parameters, thinking, output mode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")
    """Stands in test ids, tables and options."""
    model: str
    """`embedded/NAME`, `gguf/NAME`, `python/module:function`, `openai-compatible/NAME`, or any LiteLLM name."""
    prompt: str
    """Name of a template under `prompts/`, without its `.j2`."""
    default: bool = False
    """True for the run-config that ships: its gates decide the run."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Of sampling; None leaves the provider's default, here and below."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Sample from the likeliest tokens that have so much probability together."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Most tokens of an answer."""
    seed: int | None = None
    """Of sampling, where the provider takes one."""
    stop: tuple[str, ...] = ()
    """Texts at which the answer ends."""
    thinking: bool | Literal["low", "medium", "high"] | None = None
    """Asks a thinking model to think (or not); None leaves the provider's default."""
    output: Literal["text"] | dict[str, Any] = "text"
    """`text`, or a JSON schema that the answer must satisfy."""
    base_url: str | None = None
    """Where an OpenAI-compatible server listens; its key is named by `key_env`."""
    key_env: str | None = None
    """Name of the environment variable that holds the key; the key itself stands in no file."""
    weights: str | None = None
    """Path (from the project root, `~` and `$VARS` allowed) or `hf:repo/file` of a GGUF model."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Of the weights: the model's identity, so that recordings replay where the file is not."""
    adapter: str | None = None
    """Path of a LoRA adapter (GGUF) that is laid over the weights: a tuned model."""
    adapter_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Of the adapter, as `sha256` of the weights."""
    timeout: float = Field(default=600.0, gt=0)
    """Seconds that one attempt may take, from connecting to the last byte."""
    connect_timeout: float = Field(default=30.0, gt=0)
    """Seconds until the connection stands."""
    first_byte_timeout: float | None = Field(default=None, gt=0)
    """Seconds until the answer begins; None for as long as `timeout`."""
    input_cost: float | None = Field(default=None, ge=0)
    """US dollars a million input tokens, over LiteLLM's table."""
    output_cost: float | None = Field(default=None, ge=0)
    """The same of output tokens."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Passed through to the provider as it is."""

    @model_validator(mode="after")
    def _adapter_has_weights(self) -> Self:
        if self.adapter and not self.model.startswith(("embedded/", "gguf/")):
            raise ValueError("an adapter is laid over weights that run here: model: embedded/... or gguf/...")
        return self


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """One model call, as everything that can change its answer, and nothing else."""

    model: str
    """Identity: `gguf/qwen…@sha256:…` or a provider's name. Never a path."""
    messages: tuple[Message, ...]
    """What is asked, in order."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Only what was set: temperature, top_p, max_tokens, seed, stop, thinking, schema, logprobs (how many), extra."""
    epoch: int = 1
    """Repetition, from 1: a repeat is a call of its own."""

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of the canonical JSON of this request."""
        return digest(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, keys stable across versions that write the same SCHEMA."""
        messages = [{"role": m.role, "content": m.content} for m in self.messages]
        return {"model": self.model, "messages": messages, "params": dict(self.params), "epoch": self.epoch}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Request:
        """Inverse of `as_dict`."""
        messages = tuple(Message(m["role"], m["content"]) for m in data["messages"])
        return cls(data["model"], messages, dict(data["params"]), data["epoch"])


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; None where the provider does not say."""

    input_tokens: int | None = None
    """Of the question."""
    output_tokens: int | None = None
    """Of the answer, thinking included where the provider counts it."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a provider says, in the headers of an answer, that it will still take."""

    of: Literal["requests", "tokens"]
    """What is counted."""
    limit: float
    """How many in the provider's own span of time."""
    remaining: float
    """How many of them are left."""
    resets: float | None = None
    """Seconds until all of it is there again."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer, and what it took."""

    text: str
    """What was answered."""
    thinking: str = ""
    """What a thinking model thought, where the provider hands it out apart from the text."""
    finish: str = "stop"
    """stop, length, content_filter or tool_calls."""
    usage: Usage = Usage()
    """Tokens, as the provider counts them."""
    cost: float | None = None
    """US dollars; None where no price is known. Embedded models cost 0."""
    latency: float = 0.0
    """Seconds the real call took, also when it is replayed."""
    made: Mapping[str, Any] = field(default_factory=dict)
    """How: `runtime` (name and version), `date` (YYYY-MM-DD), `model` as the provider reports it."""
    source: Literal["live", "cache", "recording"] = "live"
    """Where this copy came from; not stored."""
    logprobs: tuple[Mapping[str, float], ...] = ()
    """For each token of the answer, the likeliest tokens with their natural log-probabilities; where asked for."""
    attempts: tuple[Mapping[str, Any], ...] = ()
    """The attempts that failed before this one, each with `why` and `seconds`."""
    allowances: tuple[Allowance, ...] = ()
    """Of the moment of the call; not stored."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, without what is of the moment: `source` and `allowances`."""
        data = asdict(self)
        del data["source"], data["allowances"]
        for name in ("logprobs", "attempts"):
            if not data[name]:
                del data[name]
        return data

    def brief(self) -> Response:
        """What it took, without what it says."""
        return Response("", "", self.finish, self.usage, self.cost, self.latency, _NOTHING, self.source)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: Literal["live", "cache", "recording"]) -> Response:
        """Inverse of `as_dict`; `source` says where the data were found."""
        lists = {name: tuple(data.get(name, ())) for name in ("logprobs", "attempts")}
        return cls(**{**data, **lists, "usage": Usage(**data["usage"]), "source": source})


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer's verdict on one sample."""

    value: float
    """0 to 1, higher is better; pass/fail is 1.0/0.0."""
    why: str = ""
    """One line for a person."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready evidence. A string `data:image/webp;base64,...` (or png, jpeg) in it is a picture in the page."""


@dataclass(frozen=True, slots=True)
class Sample:
    """row x run-config x epoch with its output: what a scorer is given, and, with `scores`, what a test is given."""

    eval: str
    """The eval's name."""
    row: Any
    """A `Row`, or the subclass that the eval names."""
    run_config: RunConfig
    """How it was made."""
    epoch: int
    """Repetition, from 1."""
    output: str
    """The answer's text."""
    response: Response | None = None
    """The whole answer, with its tokens, cost and latency; None where no call was made."""
    scores: Mapping[str, Score] = field(default_factory=dict)
    """Name -> score; empty while scorers run."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Scorer -> what went wrong; such a scorer has no score."""
    asked: Mapping[str, Response] = field(default_factory=dict)
    """What its judges' calls came to, by the requests' keys."""

    def require(self, name: str, at_least: float = 1.0) -> Score:
        """The score of that name, if it is at least that much; else an AssertionError that says why: a miss."""
        __tracebackhide__ = True  # pytest shows the eval's own line
        if name not in self.scores:
            raise UsageError(f"this eval has no score {name!r}; it has: {', '.join(self.scores) or 'none'}")
        score = self.scores[name]
        if score.value < at_least:
            raise AssertionError(f"{name}: {score.why or f'{score.value:.2f}, wanted at least {at_least:g}'}")
        return score


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sample ended. `miss` and `pass` are measurements; `error` and `skipped` are not."""

    kind: Literal["pass", "miss", "error", "skipped"]
    """How it ended."""
    why: str = ""
    """One line for a person."""


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """A sample as it is kept: one line of a run."""

    eval: str
    """The eval's name."""
    row: str
    """Id of the row."""
    run_config: str
    """Name of the run-config."""
    epoch: int
    """Repetition, from 1."""
    outcome: Outcome
    """How it ended."""
    scores: Mapping[str, Score] = field(default_factory=dict)
    """Name -> score."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Scorer (or `call`) -> what went wrong. Such a scorer has no score here."""
    input: Any = None
    """What the row asked."""
    output: str | None = None
    """The text that was answered; None where there is none."""
    request: str | None = None
    """Key of the request."""
    response: Response | None = None
    """The answer without its text, which stands in `output`."""
    row_hash: str = ""
    """Digest of the row's content, so that runs are compared on the same rows only."""
    asked: Mapping[str, Response] = field(default_factory=dict)
    """The judges' calls, by the requests' keys; kept without their texts."""
    test: str = ""
    """The test's node id: a sample that was run again (after a crash, by a rerun) counts once, the last time."""
    attempts: tuple[Mapping[str, Any], ...] = ()
    """Of a call that gave no answer: what was tried, each with `why` and `seconds`."""

    def brief(self) -> SampleRecord:
        """What gates and tables want of it: without its evidence, and without how it was asked and thought."""
        # By hand: `replace` takes as long as all the rest, and runs have 100,000 of these.
        return SampleRecord(
            self.eval,
            self.row,
            self.run_config,
            self.epoch,
            self.outcome,
            {name: Score(score.value, score.why, _NOTHING) for name, score in self.scores.items()},
            self.errors or _NOTHING,
            None,
            self.output,
            self.request,
            self.response and self.response.brief(),
            self.row_hash,
            {key: response.brief() for key, response in self.asked.items()} if self.asked else _NOTHING,
            self.test,
        )


@dataclass(frozen=True, slots=True)
class Took:
    """What the answers of some samples took, their judges' calls not counted."""

    answers: int = 0
    """Samples that were answered."""
    input_tokens: int | None = None
    """Sums, of the answers that say; None where none does."""
    output_tokens: int | None = None
    """The same of output tokens."""
    cost: float | None = None
    """US dollars."""

    @classmethod
    def of(cls, records: Iterable[SampleRecord]) -> Self:
        """Counted over the samples that were answered, once a sample."""
        known = [record.response for record in records if record.response is not None]
        tokens_in = [one.usage.input_tokens for one in known if one.usage.input_tokens is not None]
        tokens_out = [one.usage.output_tokens for one in known if one.usage.output_tokens is not None]
        costs = [one.cost for one in known if one.cost is not None]
        return cls(
            len(known),
            sum(tokens_in) if tokens_in else None,
            sum(tokens_out) if tokens_out else None,
            round(fsum(costs), 6) if costs else None,
        )


def digest(value: Any) -> str:
    """SHA-256 (hex) of a JSON-ready value in canonical form (sorted keys, no blanks, UTF-8)."""
    text = _CANONICAL.encode(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
