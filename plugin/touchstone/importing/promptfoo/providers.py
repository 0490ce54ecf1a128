"""Providers of a promptfoo config as models and parameters of run-configs, by LiteLLM's names. Asks nobody.

Keys that somebody wrote into a config reach no file here, neither as a value nor among what has no place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from ...records import RunConfig
from ..placed import Folder, Placed, parsed
from ..unplaced import Leftovers

_NAMES: Mapping[str, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "vertex": "vertex_ai",
    "azure": "azure",
    "azureopenai": "azure",
    "bedrock": "bedrock",
    "ollama": "ollama",
    "openrouter": "openrouter",
    "mistral": "mistral",
    "groq": "groq",
    "deepseek": "deepseek",
    "xai": "xai",
    "cohere": "cohere_chat",
    "perplexity": "perplexity",
    "cerebras": "cerebras",
    "togetherai": "together_ai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "huggingface": "huggingface",
    "replicate": "replicate",
    "databricks": "databricks",
    "github": "github",
    "deepinfra": "deepinfra",
    "nvidia": "nvidia_nim",
    "watsonx": "watsonx",
    "litellm": "",
}
"""promptfoo's word -> LiteLLM's; nothing where the rest is LiteLLM's name already."""
_WAYS = ("chat", "responses", "completion", "messages", "converse", "text-generation", "text", "generate")
"""Words between provider and model that say how it is asked."""
_OTHER_WAYS = re.compile(
    r"(?:embeddings?|moderation|image|realtime|assistant|agents?|transcription|video|speech|live|audio"
    r"|feature-extraction|text-classification|token-classification|sentence-similarity|knowledge-base|kb)(?::|$)"
)
"""Those that ask for no text."""
_LOCAL: Mapping[str, str] = {
    "localai": "http://localhost:8080/v1",
    "llamafile": "http://localhost:8080/v1",
    "vllm": "http://localhost:8000/v1",
    "lmstudio": "http://localhost:1234/v1",
}
_PARAMETERS: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxTokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "num_predict": "max_tokens",
    "seed": "seed",
    "stop": "stop",
    "stop_sequences": "stop",
    "stopSequences": "stop",
    "reasoning_effort": "thinking",
    "apiBaseUrl": "base_url",
    "apiKeyEnvar": "key_env",
}
_PASSED = (
    "frequency_penalty",
    "presence_penalty",
    "top_k",
    "logit_bias",
    "parallel_tool_calls",
    "service_tier",
    "user",
)
_SECRET = re.compile(r"key|token(?!s)|secret|password|credential|auth|headers?|cookie|cert", re.IGNORECASE)
HUSHED = "(not kept: it may hold a key)"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider."""

    label: str
    where: str
    fields: Mapping[str, Any]
    """Of a run-config, without its name and prompt."""
    prompts: tuple[str, ...] | None
    """Labels of the prompts that it is asked; None for all."""
    ids: tuple[str, ...] = ()
    """What others call it by."""


@dataclass
class Providing:
    """All providers of a config."""

    folder: Folder
    left: Leftovers
    model: str | None = None
    """Stands in for those that have no name here."""
    _seen: list[str] = field(default_factory=list)

    def all(self, given: Placed) -> list[Provider]:
        """In the config's order, without those that have no place."""
        return [provider for one in given.each() for provider in self._entry(one)]

    def _entry(self, given: Placed) -> Iterator[Provider]:
        value = given.value
        if isinstance(value, str) and value.startswith("file://") and value.endswith((".yaml", ".yml", ".json")):
            for path in self.folder.files(value.removeprefix("file://"), given.where):
                read = parsed(path, self.folder.text(path), self.folder.shown(path))
                yield from (provider for one in read.each() for provider in self._entry(one))
        elif isinstance(value, dict) and "id" not in value and len(value) == 1:
            ((name, options),) = given.items()
            yield from self._one(name, options)
        elif isinstance(value, dict):
            yield from self._one(str(value.get("id", "")), given)
        else:
            yield from self._one(str(value), given.said(None))

    def _one(self, name: str, options: Placed) -> Iterator[Provider]:
        config = options.at("config")
        fields = self._named(name, config)
        if fields is None:
            why = "asks for no text, or has no name here; --model NAME stands in for such" + (
                "" if not self.model else ": it did"
            )
            self.left.add("provider", name, options.where, why)
            if self.model is None:
                return
            fields = {"model": self.model}
        fields |= self._parameters(config, fields)
        self._rest(options)
        label = str(options.at("label").value or name)
        asked = options.at("prompts").value
        chosen = tuple(map(str, asked)) if isinstance(asked, list) else None
        yield Provider(label, options.where, self._valid(fields, config), chosen, (label, name))

    def _named(self, name: str, config: Placed) -> dict[str, Any] | None:
        """Model, and what belongs to its name; None where there is none."""
        kind, _, rest = name.partition(":")
        if not rest or _OTHER_WAYS.match(rest):
            return None
        way, _, model = rest.partition(":")
        model = model if way in _WAYS and model else rest
        base = config.at("apiBaseUrl").value
        if kind in _LOCAL:
            return {"model": f"openai-compatible/{model}", "base_url": _LOCAL[kind]}
        if kind not in _NAMES:
            return None
        if kind == "openai" and isinstance(base, str):
            env = config.at("apiKeyEnvar").value
            return {"model": f"openai-compatible/{model}", "key_env": env if isinstance(env, str) else "OPENAI_API_KEY"}
        theirs = {("ollama", "chat"): "ollama_chat", ("openai", "completion"): "text-completion-openai"}
        known = theirs.get((kind, way), _NAMES[kind])
        return {"model": f"{known}/{model}" if known else model}

    def _parameters(self, config: Placed, fields: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        inner = config.at("generationConfig").items()  # Google's
        for key, one in (*(pair for pair in config.items() if pair[0] != "generationConfig"), *inner):
            if key in _PARAMETERS and not _templated(one.value):
                found[_PARAMETERS[key]] = (
                    [one.value] if key.startswith("stop") and isinstance(one.value, str) else one.value
                )
            elif key in _PASSED:
                extra[key] = one.value
            elif key == "response_format" and isinstance(one.value, dict):
                found |= self._form(one)
            else:
                self._leave("provider.config", key, one)
        url = found.get("base_url")
        if url is not None and (not isinstance(url, str) or "@" in urlsplit(url).netloc):
            del found["base_url"]
            self.left.add("provider.config", "apiBaseUrl", config.at("apiBaseUrl").where, "holds a password", HUSHED)
        return found | ({"extra": extra} if extra else {})

    def _form(self, one: Placed) -> dict[str, Any]:
        """A schema of answers as a run-config says it."""
        schema = one.value.get("json_schema")
        inner = schema.get("schema") if isinstance(schema, dict) else None
        if isinstance(inner, dict):
            return {"output": inner}
        self.left.add("provider.config", "response_format", one.where, "has no schema", one.value)
        return {}

    def _rest(self, options: Placed) -> None:
        for key, one in options.items():
            if key not in ("id", "config", "label", "prompts"):
                self._leave("provider", key, one)

    def _leave(self, of: str, key: str, one: Placed) -> None:
        self.left.add(of, key, one.where, "no such thing here", hushed(key, one.value))

    def _valid(self, fields: dict[str, Any], config: Placed) -> dict[str, Any]:
        """Without what no run-config here may say."""
        good: dict[str, Any] = {"model": fields["model"]}
        for name, value in fields.items():
            try:
                RunConfig.model_validate({**good, name: value, "name": "x", "prompt": "x"})
            except ValidationError:
                why = "is outside of what a run-config may say"
                at = next((one for key, one in config.items() if _PARAMETERS.get(key) == name), config)
                self.left.add("provider.config", name, at.where, why, hushed(name, value))
            else:
                good[name] = value
        return good


def hushed(key: str, value: Any) -> Any:
    """The value, without what may be a key in it."""
    if _SECRET.search(key) and value not in (None, "", [], {}):
        return HUSHED
    if isinstance(value, dict):
        return {name: hushed(name, one) for name, one in value.items()}
    return [hushed("", one) for one in value] if isinstance(value, list) else value


def _templated(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value
