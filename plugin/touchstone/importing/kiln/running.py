"""Outputs: who made which, as run-configs that replay them. Knows no eval's scores.

Kiln keeps an output with the properties that it was made with (a row's own), or with the verdict of a judge for whom
it was made (a run-config's). A run-config here has one output a row: where Kiln made several, it becomes several.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ... import outputs
from ...models import IMPORTED
from ...records import Response, RunConfig, Usage
from ..names import Names
from ..unplaced import Leftovers
from . import shapes
from .prompting import Prompting
from .reading import words_of
from .shapes import TaskRun, TaskRunConfig

_LEVELS: Mapping[str, Any] = {"low": "low", "medium": "medium", "high": "high", "none": False}


@dataclass
class Batch:
    """A run-config, and what it answered."""

    config: RunConfig
    description: str
    """Who it is in Kiln, for the people's page."""
    answers: dict[str, Response] = field(default_factory=dict)
    """Row's id -> answer."""
    evals: set[str] = field(default_factory=set)
    """Kiln's ids of the evals it was made for."""


@dataclass
class Running:
    """The run-configs of one task."""

    prompts: Prompting
    names: Names
    left: Leftovers
    schema: Any
    """What the task's answers must satisfy; None for text."""
    batches: list[Batch] = field(default_factory=list)
    _sources: dict[str, Batch] = field(default_factory=dict)
    by_kiln: dict[str, list[Batch]] = field(default_factory=dict)
    """Kiln's id of a run-config -> its run-configs here."""

    def source(self, run: TaskRun, where: str) -> Batch:
        """The run-config that stands for how a row's own output was made."""
        made_by = run.output.source
        of = made_by.properties if made_by else {}
        key = json.dumps([made_by.type if made_by else "", of], sort_keys=True)
        if key not in self._sources:
            model, provider = str(of.get("model_name", "")), str(of.get("model_provider", ""))
            words = model or (made_by.type if made_by else "") or "unknown"
            entry = self._entry(f"data {self._model(model, provider)[1] or words}", model or words, provider, of, where)
            self._sources[key] = self._new(entry, f"the rows' own outputs by {words} {provider}".strip())
        return self._sources[key]

    def run_config(self, config: TaskRunConfig, where: str) -> Batch:
        """A run-config of Kiln's, with no output yet."""
        of = config.run_config_properties
        if config.prompt is not None:
            self.prompts.frozen[config.id] = config.prompt
        properties = {**(of.model_extra or {}), "temperature": of.temperature, "top_p": of.top_p}
        properties["prompt_id"] = f"task_run_config::{config.id}" if config.prompt else of.prompt_id
        entry = self._entry(config.name, of.model_name, of.model_provider_name, properties, where)
        batch = self._new(entry, f"run-config {config.id}, {config.name}")
        self.by_kiln.setdefault(config.id, []).append(batch)
        return batch

    def gone(self, kiln_id: str) -> Batch:
        """A run-config that the project no longer has."""
        entry = self._entry(f"gone {kiln_id}", "unknown", "", {}, "")
        batch = self._new(entry, f"run-config {kiln_id}, which the project does not have")
        self.by_kiln.setdefault(kiln_id, []).append(batch)
        return batch

    def batch_for(self, kiln_id: str, eval_id: str, rows: Iterable[str], rivals: Mapping[str, set[str]]) -> Batch:
        """Where answers to these rows go that were made for one eval: `rivals` are the rows of each eval.

        The run-config's own, unless another eval's answers are there and the evals share rows.
        """
        known = self.by_kiln.get(kiln_id) or [self.gone(kiln_id)]
        wanted = set(rows)
        for batch in known:
            apart = all(eval_id != other and not rivals[other] & rivals[eval_id] for other in batch.evals)
            if apart and not wanted & batch.answers.keys():
                batch.evals.add(eval_id)
                return batch
        first = known[0]
        name = self.names.new(first.config.name)
        again = Batch(first.config.model_copy(update={"name": name}), f"{first.description}, made again", {}, {eval_id})
        self.batches.append(again)
        self.by_kiln[kiln_id].append(again)
        return again

    def files(self) -> dict[str, bytes]:
        """Path -> content."""
        return {
            f"datasets/outputs/{batch.config.name}.jsonl": b"".join(
                outputs.line(row, answer) for row, answer in sorted(batch.answers.items())
            )
            for batch in self.batches
            if batch.answers
        }

    def _new(self, config: RunConfig, description: str) -> Batch:
        batch = Batch(config, description)
        self.batches.append(batch)
        return batch

    def _entry(self, words: str, model: str, provider: str, of: Mapping[str, Any], where: str) -> RunConfig:
        plain: dict[str, Any] = {
            "name": self.names.new(f"{self.prompts.prefix}{words}", "run-config"),
            "model": f"{IMPORTED}{self._model(model, provider)[0]}",
            "prompt": self.prompts.of(str(of.get("prompt_id") or ""), where),
        }
        extra = {name: of[name] for name in ("temperature", "top_p") if of.get(name) is not None}
        if of.get("thinking_level") in _LEVELS:
            extra["thinking"] = _LEVELS[str(of["thinking_level"])]
        if self.schema is not None:
            extra["output"] = self.schema
        return self._valid(plain, extra, where)

    def _valid(self, plain: dict[str, Any], extra: dict[str, Any], where: str) -> RunConfig:
        """Without what no run-config here may say."""
        for name, value in extra.items():
            try:
                RunConfig.model_validate({**plain, name: value})
            except ValidationError:
                self.left.add("task_run_config", name, where, "is outside of what a run-config may say", value)
            else:
                plain[name] = value
        return RunConfig.model_validate(plain)

    def _model(self, model: str, provider: str) -> tuple[str, str]:
        """(its full name, words for a run-config's): a tuned model by its own name, rather than by three numbers."""
        tune = self.prompts.tunes.get(model.rpartition("::")[2]) if model.count("::") == 2 else None
        known = f"tune {tune.name}" if tune else model
        return f"{provider}/{known}" if provider else known, known if tune else f"{model} {provider}".strip()


def answer(text: str, thought: Mapping[str, str] | None, took: shapes.Usage | None, made: dict[str, Any]) -> Response:
    """An output of Kiln's as a response."""
    usage = Usage(took.input_tokens, took.output_tokens) if took else Usage()
    thinking = "\n\n".join(words_of(dict(thought) if thought else None))
    known = {name: value for name, value in made.items() if value not in ("", None)}
    return Response(text, thinking, usage=usage, cost=took.cost if took else None, made=known, source="recording")
