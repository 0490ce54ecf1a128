"""The nouns: rows, run-configs, requests, responses, scores, samples. Values only: no file, no network, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from math import fsum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

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
    tools: tuple[str, ...] = ()
    """Tools that the model may call: files below `evals/tools/`, without their suffix, and Python functions as
    `module:function`, by which calls are answered. One name or a list."""
    tool_choice: str | None = None
    """`auto`, `none`, `required`, or the name of the tool that must be called; None leaves the provider's default."""
    tool_rounds: int = Field(default=8, ge=0, le=100)
    """How often in a row tools answer, before an answer that calls tools is taken for the last."""

    @field_validator("tools", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _choice_has_tools(self) -> Self:
        if self.tool_choice is not None and not self.tools:
            raise ValueError("tool_choice wants `tools:` to choose from")
        return self

    @model_validator(mode="after")
    def _adapter_has_weights(self) -> Self:
        if self.adapter and not self.model.startswith(("embedded/", "gguf/")):
            raise ValueError("an adapter is laid over weights that run here: model: embedded/... or gguf/...")
        return self


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model called."""

    name: str
    """The tool's."""
    text: str = "{}"
    """The arguments as the model wrote them: JSON, or what was meant to be."""
    id: str = ""
    """The provider's, by which the tool's answer names the call."""

    @classmethod
    def of(cls, name: str, arguments: Mapping[str, Any], id: str = "") -> ToolCall:
        """A call with these arguments."""
        return cls(name, json.dumps(arguments, ensure_ascii=False), id)

    @property
    def arguments(self) -> Any:
        """What the arguments say, mostly a dict; None where they are no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def __str__(self) -> str:
        return f"{self.name}({self.text})"


def calls_text(calls: Iterable[ToolCall]) -> str:
    """Tool calls as the text of an answer that says nothing else; empty for none."""
    told = [{"name": call.name, "arguments": call.text} for call in calls]
    return json.dumps(told, ensure_ascii=False) if told else ""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a sound that is sent, as what it is known by: its bytes stand in its file alone."""

    type: Literal["image", "audio"]
    path: str
    """From the project's root, with `/`."""
    mime: str
    """By its first bytes: image/png, image/jpeg, image/webp, image/gif, audio/wav, audio/mpeg."""
    sha256: str
    size: int
    """Bytes."""

    def __str__(self) -> str:
        return f"[{self.type}: {self.path}]"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is system, user, assistant or tool."""

    role: str
    """system, user, assistant or tool."""
    content: str
    """The text; pictures and sounds stand in it by their names."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant."""
    tool_call_id: str = ""
    """Of a tool: the call that it answers."""
    parts: tuple[str | Media, ...] = ()
    """Text, pictures and sounds in their order, where it is more than text."""

    @classmethod
    def of(cls, role: str, parts: Sequence[str | Media]) -> Message:
        """A message of text, pictures and sounds; one of text alone is a plain one."""
        content = "\n".join(map(str, parts))
        return cls(role, content, parts=tuple(parts) if any(isinstance(one, Media) for one in parts) else ())

    @property
    def shown(self) -> str:
        """All that it says, as text for a person."""
        return "\n".join(filter(None, [self.content, *map(str, self.tool_calls)]))

    @property
    def media(self) -> tuple[Media, ...]:
        """Its pictures and sounds."""
        return tuple(one for one in self.parts if isinstance(one, Media))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: `role` and `content`, and what else there is."""
        if not (self.parts or self.tool_calls or self.tool_call_id):
            return {"role": self.role, "content": self.content}
        parts = [asdict(one) if isinstance(one, Media) else {"type": "text", "text": one} for one in self.parts]
        more = {"tool_calls": [asdict(call) for call in self.tool_calls], "tool_call_id": self.tool_call_id}
        told = {name: value for name, value in more.items() if value}
        return {"role": self.role, "content": parts or self.content, **told}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Message:
        """Inverse of `as_dict`. Raises KeyError, TypeError for what is none."""
        said, calls = data["content"], tuple(ToolCall(**one) for one in data.get("tool_calls", ()))
        if isinstance(said, str):
            return cls(data["role"], said, calls, data.get("tool_call_id", ""))
        return cls.of(data["role"], [one["text"] if one["type"] == "text" else Media(**one) for one in said])


@dataclass(frozen=True)
class Request:
    """One model call, as everything that can change its answer, and nothing else."""

    model: str
    """Identity: `gguf/qwen…@sha256:…` or a provider's name. Never a path."""
    messages: tuple[Message, ...]
    """What is asked, in order."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Only what was set: temperature, top_p, max_tokens, seed, stop, thinking, schema, logprobs (how many), tools (as
    OpenAI has them), tool_choice, extra."""
    epoch: int = 1
    """Repetition, from 1: a repeat is a call of its own."""

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of the canonical JSON of this request."""
        return digest(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, keys stable across versions that write the same SCHEMA."""
        messages = [message.as_dict() for message in self.messages]
        return {"model": self.model, "messages": messages, "params": dict(self.params), "epoch": self.epoch}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Request:
        """Inverse of `as_dict`."""
        messages = tuple(Message.from_dict(one) for one in data["messages"])
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
    tool_calls: tuple[ToolCall, ...] = ()
    """The tools that it calls. Where it says nothing else, `text` is these as JSON."""

    @property
    def message(self) -> Message:
        """The answer as a turn of a conversation."""
        text = "" if self.tool_calls and self.text == calls_text(self.tool_calls) else self.text
        return Message("assistant", text, self.tool_calls)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, without what is of the moment: `source` and `allowances`."""
        data = asdict(self)
        del data["source"], data["allowances"]
        for name in ("logprobs", "attempts", "tool_calls"):
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
        calls = tuple(ToolCall(**one) for one in data.get("tool_calls", ()))
        return cls(**{**data, **lists, "tool_calls": calls, "usage": Usage(**data["usage"]), "source": source})


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
    request: Request | None = None
    """The call that `output` answers, the last of a conversation; None for an answer that was given."""
    earlier: Mapping[str, Response] = field(default_factory=dict)
    """The answers before the last, by their requests' keys in their order: of turns, and of rounds of tools."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The whole conversation, the last answer too; empty for an answer that was given."""
        if self.request is None or self.response is None:
            return ()
        return (*self.request.messages, self.response.message)

    @property
    def turns(self) -> tuple[Response, ...]:
        """Every answer of the model, the last too."""
        return (*self.earlier.values(), *([self.response] if self.response else []))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Every tool that the model called, in order."""
        return tuple(call for one in self.turns for call in one.tool_calls)

    @property
    def json(self) -> Any:
        """The output read as JSON. Raises AssertionError where it is none, which in a test's body is a miss."""
        __tracebackhide__ = True
        return json_of(self.output)

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
    earlier: Mapping[str, Response] = field(default_factory=dict)
    """The answers before the last, by their requests' keys: of turns, and of rounds of tools."""

    @property
    def took(self) -> Response | None:
        """The response with what all its calls took: tokens, cost and seconds of a conversation."""
        if self.response is None or not self.earlier:
            return self.response
        every = (*self.earlier.values(), self.response)
        usage = Usage(_sum(one.usage.input_tokens for one in every), _sum(one.usage.output_tokens for one in every))
        costs, live = [one.cost for one in every if one.cost is not None], any(one.source == "live" for one in every)
        cost = fsum(costs) if len(costs) == len(every) else None
        source = "live" if live else self.response.source
        return replace(self.response, usage=usage, cost=cost, latency=fsum(one.latency for one in every), source=source)

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
            (),
            {key: response.brief() for key, response in self.earlier.items()} if self.earlier else _NOTHING,
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
        known = [took for record in records if (took := record.took) is not None]
        tokens_in = [one.usage.input_tokens for one in known if one.usage.input_tokens is not None]
        tokens_out = [one.usage.output_tokens for one in known if one.usage.output_tokens is not None]
        costs = [one.cost for one in known if one.cost is not None]
        return cls(
            len(known),
            sum(tokens_in) if tokens_in else None,
            sum(tokens_out) if tokens_out else None,
            round(fsum(costs), 6) if costs else None,
        )


def _sum(counts: Iterable[int | None]) -> int | None:
    """None where one is not known."""
    known = list(counts)
    return None if None in known else sum(filter(None, known))


def json_of(text: str) -> Any:
    """What a text says that is JSON and nothing else. Raises AssertionError."""
    __tracebackhide__ = True
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        fenced = " (it stands in a code fence)" if text.lstrip().startswith("```") else ""
        raise AssertionError(f"the output is no JSON{fenced}: {' '.join(str(error).split())[:100]}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def digest(value: Any) -> str:
    """SHA-256 (hex) of a JSON-ready value in canonical form (sorted keys, no blanks, UTF-8)."""
    text = _CANONICAL.encode(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
