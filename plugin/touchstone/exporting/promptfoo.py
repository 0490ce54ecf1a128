"""An eval as a config of promptfoo's: prompts, providers, tests, asserts. Makes text; asks nobody, and writes none.

Prompts are lists of messages, as JSON: promptfoo fills variables into their texts, and takes what a variable holds for
text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ..errors import UsageError
from ..evals import Eval
from ..places import Places
from ..records import RunConfig
from ..scorers import names_of
from ..yamlfile import read_text
from .nunjucks import Told, told

_PROVIDERS: Mapping[str, str] = {
    "openai": "openai:chat",
    "text-completion-openai": "openai:completion",
    "anthropic": "anthropic:messages",
    "gemini": "google",
    "vertex_ai": "vertex",
    "azure": "azure:chat",
    "bedrock": "bedrock",
    "ollama": "ollama:completion",
    "ollama_chat": "ollama:chat",
    "openrouter": "openrouter",
    "mistral": "mistral",
    "groq": "groq",
    "deepseek": "deepseek",
    "xai": "xai",
    "cohere_chat": "cohere",
    "perplexity": "perplexity",
    "cerebras": "cerebras",
    "together_ai": "togetherai",
    "fireworks_ai": "fireworks",
    "replicate": "replicate",
    "databricks": "databricks",
    "github": "github",
    "deepinfra": "deepinfra",
    "nvidia_nim": "nvidia",
}
"""LiteLLM's word -> promptfoo's."""
_CONFIG = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens", "seed": "seed", "stop": "stop"}
_ASSERTS = "meets_asserts"
_IDEALS = ("matches", "includes", "includes_any_case", "json_matches")
_OWN = ("id", "input", "tags", "asserts", "rubric", "threshold", "metadata", "description")
_TEMPLATE = re.compile(r"\{[{%#]")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_READ = ("file://", "package:")
"""Beginnings of values that promptfoo reads from elsewhere."""


@dataclass
class Exported:
    """A config's text, and what is to be said of it."""

    text: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    """What could not be carried over, each with its place."""


def as_promptfoo(evaluation: Eval, places: Places, where: Mapping[str, str], others: Sequence[str] = ()) -> Exported:
    """The config. `where`: run-config -> "path:line"; `others`: providers by promptfoo's names, beside those it has.

    Raises UsageError where no prompt or no provider can be carried over.
    """
    return _Export(evaluation, places, where).all(others)


@dataclass
class _Export:
    eval: Eval
    places: Places
    where: Mapping[str, str]
    left: list[str] = field(default_factory=list)

    def all(self, others: Sequence[str]) -> Exported:
        prompts = self._prompts()
        providers = [*self._providers(prompts), *others]
        if not providers:
            hint = "--provider ID names one of promptfoo's, such as --provider echo"
            raise UsageError("no run-config has a model that promptfoo knows", where=self.eval.name, hint=hint)
        names = frozenset(name for one in prompts.values() for name in one.names)
        tests = [test for row in self.eval.dataset.rows if (test := self._test(row, names)) is not None]
        self._scorers()
        config: dict[str, Any] = {
            "description": f"The eval {self.eval.name} of touchstone",
            "prompts": [{"id": name, "label": name, "raw": _messages(one)} for name, one in prompts.items()],
            "providers": providers,
            **self._grader(),
            "tests": tests,
        }
        text = yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        head = "# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json\n"
        counts = {"prompts": len(prompts), "providers": len(providers), "tests": len(tests)}
        return Exported(head + str(text), counts, self.left)

    def _prompts(self) -> dict[str, Told]:
        found: dict[str, Told] = {}
        for name in dict.fromkeys(config.prompt for config in self.eval.run_configs):
            path = self.places.prompts / f"{name}.j2"
            one = told(read_text(path, self.places.shown(path)))
            if one.problem or not one.messages:
                self.left.append(f"{self.places.shown(path)}:1: prompt: {one.problem or 'says nothing'}")
            else:
                found[name] = one
        if not found:
            raise UsageError("no prompt can be one of promptfoo's:\n" + "\n".join(self.left), where=self.eval.name)
        return found

    def _providers(self, prompts: Mapping[str, Told]) -> Iterator[dict[str, Any]]:
        for config in self.eval.run_configs:
            place = self.where.get(config.name, config.name)
            name = _provider(config)
            if name is None:
                self.left.append(f"{place}: run-config {config.name}: promptfoo has no {config.model}")
            elif config.prompt not in prompts:
                self.left.append(f"{place}: run-config {config.name}: its prompt is left out")
            else:
                made = {"id": name, "label": config.name, "prompts": [config.prompt]}
                yield made | ({"config": said} if (said := self._config(config, place)) else {})

    def _grader(self) -> dict[str, Any]:
        """Who puts rubrics: the first judge's model."""
        known = [_provider(one.definition.config) for one in self.eval.judges]
        return {"defaultTest": {"options": {"provider": known[0]}}} if known and known[0] else {}

    def _config(self, config: RunConfig, place: str) -> dict[str, Any]:
        given = config.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        found = {theirs: given.pop(ours) for ours, theirs in _CONFIG.items() if given.get(ours) not in (None, [])}
        if config.base_url:
            found["apiBaseUrl"] = given.pop("base_url")
        if config.key_env:
            found["apiKeyEnvar"] = given.pop("key_env")
        if isinstance(config.output, dict):
            schema = {"name": "answer", "schema": given.pop("output")}
            found["response_format"] = {"type": "json_schema", "json_schema": schema}
        if isinstance(config.thinking, str):
            found["reasoning_effort"] = given.pop("thinking")
        for key in ("name", "model", "prompt", "default", "output", "stop"):
            given.pop(key, None)
        found |= given.pop("extra", {})
        self.left += [f"{place}: run-config {config.name}: {key}: no such thing there" for key in given]
        return found

    def _test(self, row: Any, names: frozenset[str]) -> dict[str, Any] | None:
        data = row.model_dump(mode="json", exclude_unset=True)
        given = data["input"] if isinstance(data["input"], dict) else {"input": data["input"]}
        variables = dict(given)
        for name, value in (("input", data["input"]), ("row", data)):
            if name in names and name not in variables:
                variables[name] = value
        problem = _unsafe(variables)
        if problem:
            self.left.append(f"row {row.id}: {problem}")
            return None
        test: dict[str, Any] = {"description": row.id, "vars": variables}
        if any(isinstance(value, list) for value in variables.values()):
            test["options"] = {"disableVarExpansion": True}
        if metadata := _metadata(data):
            test["metadata"] = metadata
        asserts = list(self._asserts(row, data))
        if asserts:
            test["assert"] = asserts
        if data.get("threshold") is not None and _ASSERTS in self._names:
            test["threshold"] = data["threshold"]
        return test

    @property
    def _names(self) -> list[str]:
        return [name for one in self.eval.scorers for name in names_of(one)]

    def _asserts(self, row: Any, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if _ASSERTS in self._names:
            found += [{k: v for k, v in one.items() if v is not None} for one in data.get("asserts", ())]
        if isinstance(data.get("rubric"), str) and self.eval.judges:
            found.append({"type": "llm-rubric", "value": data["rubric"]})
        for name in _IDEALS:
            if name in self._names:
                found += self._ideal(name, row.id, data.get("ideal"))
        for one in found:
            try:
                yield {**one, "value": _text(one["value"])} if "value" in one else one
            except ValueError as error:
                self.left.append(f"row {row.id}: assert {one['type']}: {error}")

    def _ideal(self, scorer: str, row: str, given: Any) -> list[dict[str, Any]]:
        ideals = [given] if isinstance(given, str) else list(given or ())
        match scorer:
            case "matches" if len(ideals) == 1:
                return [{"type": "starts-with", "value": ideals[0]}]
            case "matches":
                return [{"type": "regex", "value": f"^(?:{'|'.join(map(_escaped, ideals))})"}]
            case "includes":
                return [{"type": "contains-any", "value": ideals}]
            case "includes_any_case":
                return [{"type": "icontains-any", "value": ideals}]
            case _ if len(ideals) == 1 and isinstance(value := _json(ideals[0]), dict | list):
                return [{"type": "equals", "value": value}]
        self.left.append(f"row {row}: {scorer}: has no equal there for such an ideal")
        return []

    def _scorers(self) -> None:
        """What scores here and has no equal there."""
        judged = {one.definition.name for one in self.eval.judges}
        rubric = any(getattr(row, "rubric", None) for row in self.eval.dataset.rows)
        for name in self._names:
            if name in judged and rubric:
                self.left.append(f"judge {name}: promptfoo's own words put the rubrics to a model")
            elif name not in (_ASSERTS, *_IDEALS):
                self.left.append(f"scorer {name}: has no equal there")
        for rule in self.eval.rules:
            if rule.subject != "every":
                self.left.append(f"gate {rule.text!r}: there every test must pass")


def _provider(config: RunConfig) -> str | None:
    kind, _, model = config.model.partition("/")
    if kind == "openai-compatible":
        return f"openai:chat:{model}"
    return f"{_PROVIDERS[kind]}:{model}" if kind in _PROVIDERS and model else None


def _messages(one: Told) -> str:
    """Of several lines: promptfoo takes a short line for a file's name."""
    return json.dumps([{"role": role, "content": text} for role, text in one.messages], ensure_ascii=False, indent=1)


def _metadata(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row has no place of its own there."""
    found = dict(data.get("metadata") or {}) if isinstance(data.get("metadata"), dict) else {}
    if data.get("tags"):
        found["tags"] = list(data["tags"])
    rest = {key: value for key, value in data.items() if key not in _OWN}
    rest |= {"description": data["description"]} if data.get("description") else {}
    return found | ({"row": rest} if rest else {})


def _unsafe(variables: Mapping[str, Any]) -> str:
    """Why promptfoo would take a variable for something else than it says."""
    for name, value in variables.items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and text.startswith(_READ) for text in texts):
            return f"{name} begins as a file's name does, and promptfoo would read that file: left out"
        if isinstance(value, str) and any(match[1] in variables for match in _PLACE.finditer(value)):
            return f"{name} holds {{{{...}}}} with a variable's name, and promptfoo would fill it in: left out"
    return ""


def _text(value: Any) -> Any:
    """A value that promptfoo renders as what it is. Raises ValueError where it cannot."""
    if isinstance(value, list):
        return [_text(one) for one in value]
    if not isinstance(value, str):
        return value
    if value.startswith(_READ):
        raise ValueError("begins as a file's name does, and promptfoo would read that file: left out")
    if not _TEMPLATE.search(value):
        return value
    if "endraw" in value:
        raise ValueError("holds a template that cannot be written as text there: left out")
    return f"{{% raw %}}{value}{{% endraw %}}"


def _escaped(text: str) -> str:
    return re.sub(r"([\\^$.|?*+()\[\]{}/])", r"\\\1", text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Dumper(yaml.SafeDumper):
    """YAML without aliases: other readers need not know them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
