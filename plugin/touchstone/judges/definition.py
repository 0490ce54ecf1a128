"""A judge's file: YAML front matter (how it runs, what it may answer) and a Jinja2 body. Reads and checks; asks nobody.

---
eval: correctness
run_config: coder-one-shot      # or model:, weights:, base_url: ... as in run_configs.yaml
temperature: 0
output: pass_fail
steps: [What did the user ask for?, Does the command do that?]
context: [fixtures.ffmpeg.manual:used_help]
---
A user asked: {{ input }}
An assistant answered: {{ answer }}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..config import Catalogue, Places
from ..errors import UsageError
from ..records import RunConfig, digest
from ..yamlfile import YamlFile, parse_yaml, read_text
from .form import Form, Output

SUFFIX = ".j2"
_OWN = ("eval", "run_config", "output", "method", "repeats", "steps", "context", "view", "reasoning", "pass_at")
_NOT_A_JUDGES = ("name", "prompt", "default", "output")
"""Keys of a run-config that mean nothing, or something else, for a judge."""
_MODEL = tuple(name for name in RunConfig.model_fields if name not in _NOT_A_JUDGES)


class _Head(BaseModel):
    """The front matter, without how the model runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    eval: str
    """The eval whose answers it judges."""
    run_config: str | None = None
    """Take the model, and every parameter that is not given here, from this run-config."""
    output: Output = "pass_fail"
    method: Literal["verdict", "g_eval"] = "verdict"
    repeats: int = Field(default=1, ge=1, le=99)
    """Ask so many times; labels are settled by the majority, numbers by their mean."""
    steps: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    """`module:function` of the sample -> text: what the judge should know."""
    view: str | None = None
    """`module:function` of the sample -> text: what it is shown in place of the whole answer."""
    reasoning: int | None = Field(default=None, ge=1)
    """Characters that its reasoning may have; a small model would otherwise fill its `max_tokens`."""
    pass_at: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _sensible(self) -> _Head:
        form = Form(self.output)
        if self.method == "g_eval" and (not form.labels or self.output == "preference"):
            raise ValueError("method: g_eval wants pass_fail, critical, stars or labels")
        if self.method == "g_eval" and self.repeats > 1:
            raise ValueError("method: g_eval reads probabilities: it needs no repeats")
        return self


@dataclass(frozen=True)
class Definition:
    """One judge, checked."""

    name: str
    shown: str
    """Its file, as errors name it."""
    head: _Head
    config: RunConfig
    """How its model runs."""
    body: str
    """The template, with the front matter's lines left blank so that errors name the right line."""

    @property
    def form(self) -> Form:
        """What it may answer."""
        return Form(self.head.output)

    @property
    def pass_at(self) -> float:
        """From which value on an answer counts as a pass."""
        return self.form.pass_at if self.head.pass_at is None else self.head.pass_at

    def identity(self, model: str) -> str:
        """SHA-256 (hex) of what can change its verdicts: prompt, form, parameters, and `model`, the model itself."""
        head = self.head.model_dump(mode="json", exclude={"eval", "run_config"})
        config = {name: getattr(self.config, name) for name in _MODEL if name not in ("weights", "sha256", "model")}
        return digest([head, config, model, self.body.strip()])


def load_judge(name: str, places: Places, catalogue: Catalogue) -> Definition:
    """The judge of that name. Raises UsageError with file and line."""
    path = places.judges / f"{name}{SUFFIX}"
    if not path.is_file() or not path.resolve().is_relative_to(places.judges.resolve()):
        there = names_of_judges(places)
        close = difflib.get_close_matches(name, there, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"judges here: {', '.join(there) or 'none'}"
        raise UsageError(f"there is no judge {name!r}", where=places.shown(places.judges), hint=hint)
    return _read(name, path, places.shown(path), catalogue)


def names_of_judges(places: Places) -> list[str]:
    """Every judge that has a file, sorted."""
    return sorted(path.stem for path in places.judges.glob(f"*{SUFFIX}"))


def judges_of(evaluation: str, places: Places, catalogue: Catalogue) -> list[Definition]:
    """Every judge of an eval, by name."""
    every = (load_judge(name, places, catalogue) for name in names_of_judges(places))
    return [one for one in every if one.head.eval == evaluation]


def _read(name: str, path: Path, shown: str, catalogue: Catalogue) -> Definition:
    head, body = _halves(read_text(path, shown), shown)
    file = parse_yaml(head, shown)
    if not isinstance(file.data, dict):
        raise UsageError("the front matter wants at least `eval:` and a model", where=f"{shown}:2")
    own = {k: v for k, v in file.data.items() if k not in _MODEL}
    try:
        checked = _Head.model_validate(own)
        config = _config(name, checked, {k: v for k, v in file.data.items() if k in _MODEL}, catalogue)
    except ValidationError as error:
        raise _mistake(error, file) from error
    except LookupError as error:
        raise UsageError(str(error.args[0]), where=file.where("run_config")) from error
    if checked.repeats > 1 and not config.temperature:
        raise UsageError(
            "repeats at temperature 0 would all say the same",
            where=file.where("repeats"),
            hint="give a temperature, for example 0.7, or repeats: 1",
        )
    return Definition(name, shown, checked, config, body)


def _halves(text: str, shown: str) -> tuple[str, str]:
    """(front matter, body), each with the other's lines blank."""
    lines = text.removeprefix("\ufeff").split("\n")
    closing = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or closing is None:
        hint = "begin with ---, then `eval:` and `model:`, then ---, then the prompt"
        raise UsageError("has no front matter", where=f"{shown}:1", hint=hint)
    body = "\n".join(lines[closing + 1 :])
    if not body.strip():
        raise UsageError("has no prompt below its front matter", where=f"{shown}:{closing + 1}")
    return "\n".join(["", *lines[1:closing]]), "\n" * (closing + 1) + body


def _config(name: str, head: _Head, given: Mapping[str, Any], catalogue: Catalogue) -> RunConfig:
    base: dict[str, Any] = {}
    if head.run_config is not None:
        found = next((c for c in catalogue.run_configs if c.name == head.run_config), None)
        if found is None:
            known = ", ".join(c.name for c in catalogue.run_configs)
            raise LookupError(f"there is no run-config {head.run_config!r}; there are: {known}")
        base = found.model_dump(exclude=set(_NOT_A_JUDGES) | {"stop"}, exclude_unset=True)
    checked = RunConfig.model_validate({**base, **given, "name": "judge", "prompt": "judge"})
    # A name that no run-config can have: the door keeps its models by name.
    return checked.model_copy(update={"name": f"judge {name}"})


def _mistake(error: ValidationError, file: YamlFile) -> UsageError:
    first = error.errors()[0]
    place = [part for part in first["loc"] if part in (file.data or {})][:1]
    loc = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(loc, (*_OWN, *_MODEL), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"a judge knows: {', '.join(_OWN)}, and a run-config's keys"
        return UsageError(f"unknown key {loc!r}", where=file.where(*first["loc"][:1]), hint=hint)
    what = first["msg"].removeprefix("Value error, ")
    hint = "output: is pass_fail, critical, stars, preference, {number: [0, 10]} or {labels: {good: 1, bad: 0}}"
    return UsageError(f"{loc}: {what}" if loc else what, where=file.where(*place), hint=hint if loc == "output" else "")
