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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..config import Catalogue
from ..errors import UsageError
from ..places import Places
from ..records import RunConfig, digest
from ..yamlfile import YamlFile, parse_yaml, read_text
from .form import Form, Output

SUFFIX = ".j2"
_OWN = ("eval", "run_config", "output", "method", "repeats", "steps", "context", "view", "reasoning", "pass_at")
_NOT_A_JUDGES = ("name", "prompt", "default", "output", "tools", "tool_choice", "tool_rounds")
"""Keys of a run-config that mean nothing, or something else, for a judge."""
_MODEL = tuple(name for name in RunConfig.model_fields if name not in _NOT_A_JUDGES)
_SAYS_NOTHING = (
    *("weights", "sha256", "adapter", "adapter_sha256", "model", "key_env", "input_cost", "output_cost"),
    *("timeout", "connect_timeout", "first_byte_timeout"),
)
"""Of those, what changes no verdict, or is told by the model's own identity."""
_SHOWN = ("input", "row", "context")
"""Variables of every judge's template, beside `answer`, or `first` and `second`."""
_OUTPUTS = "output: is pass_fail, critical, stars, preference, {number: [0, 10]} or {labels: {good: 1, bad: 0}}"
_HINTS = {
    "eval": "name the eval whose answers it judges, for example eval: correctness",
    "model": "give `run_config: NAME`, or `model:` as in run_configs.yaml",
}


class _Head(BaseModel):
    """The front matter, without how the model runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    eval: str
    """The eval whose answers it judges."""
    run_config: str | None = None
    """Take the model, and every parameter that is not given here, from this run-config."""
    output: Output = "pass_fail"
    """What it may answer: `pass_fail`, `critical`, `stars`, `preference`, a number or labels."""
    method: Literal["verdict", "g_eval", "imported"] = "verdict"
    """`verdict` reads its answer, `g_eval` the probabilities of its answers; `imported` asks nobody."""
    repeats: int = Field(default=1, ge=1, le=99)
    """Ask so many times; labels are settled by the majority, numbers by their mean."""
    steps: tuple[str, ...] = ()
    """Questions that it goes through before it answers."""
    context: tuple[str, ...] = ()
    """`module:function` of the sample -> text: what the judge should know."""
    view: str | None = None
    """`module:function` of the sample -> text: what it is shown in place of the whole answer."""
    reasoning: int | None = Field(default=None, ge=1)
    """Characters that its reasoning may have; a small model would otherwise fill its `max_tokens`."""
    pass_at: float | None = Field(default=None, gt=0, le=1)
    """From which value on an answer counts as a pass; None: the form's own."""

    @model_validator(mode="after")
    def _sensible(self) -> _Head:
        form = Form(self.output)
        if self.method == "g_eval" and (not form.labels or self.output == "preference"):
            raise ValueError("method: g_eval wants pass_fail, critical, stars or labels")
        if self.method == "g_eval" and self.repeats > 1:
            raise ValueError("method: g_eval reads probabilities: it needs no repeats")
        return self

    @property
    def compares(self) -> bool:
        """Whether it prefers one of two answers, and so scores none."""
        return self.output == "preference"


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
    where: Mapping[str, str] = field(default_factory=dict)
    """Front matter's key -> "path:line"."""

    @property
    def form(self) -> Form:
        """What it may answer."""
        return Form(self.head.output)

    @property
    def calls(self) -> int:
        """Calls for one verdict."""
        return {"imported": 0, "g_eval": 2}.get(self.head.method, self.head.repeats)

    @property
    def pass_at(self) -> float:
        """From which value on an answer counts as a pass."""
        return self.form.pass_at if self.head.pass_at is None else self.head.pass_at

    def identity(self, model: str) -> str:
        """SHA-256 (hex) of what can change its verdicts: prompt, form, parameters, and `model`, the model itself."""
        head = self.head.model_dump(mode="json", exclude={"eval", "run_config"})
        config = {name: getattr(self.config, name) for name in _MODEL if name not in _SAYS_NOTHING}
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
    """Every judge that scores an eval's answers, by name; not those that compare two."""
    every = (load_judge(name, places, catalogue) for name in names_of_judges(places))
    return [one for one in every if one.head.eval == evaluation and not one.head.compares]


def _read(name: str, path: Path, shown: str, catalogue: Catalogue) -> Definition:
    head, body = _halves(read_text(path, shown), shown)
    file = parse_yaml(head, shown)
    if not isinstance(file.data, dict):
        raise UsageError("the front matter wants at least `eval:` and a model", where=f"{shown}:2")
    own = {k: v for k, v in file.data.items() if k not in _MODEL}
    try:
        checked = _Head.model_validate(own)
        config = _config(name, checked, file, catalogue)
    except ValidationError as error:
        raise _mistake(error, file) from error
    _check_repeats(checked, config, file)
    _check_template(body, shown, checked)
    return Definition(name, shown, checked, config, body, {str(key): file.where(key) for key in file.data})


def _check_repeats(head: _Head, config: RunConfig, file: YamlFile) -> None:
    if head.repeats > 1 and not config.temperature:
        said = "repeats want a temperature" if config.temperature is None else "repeats at temperature 0"
        hint = "give a temperature, for example 0.7, or repeats: 1"
        raise UsageError(f"{said}: they would all say the same", where=file.where("repeats"), hint=hint)


def _check_template(body: str, shown: str, head: _Head) -> None:
    """A mistake in a template is told before any call is paid."""
    try:
        tree = ImmutableSandboxedEnvironment().parse(body)
    except TemplateSyntaxError as error:
        raise UsageError(f"is no Jinja2 template: {error.message}", where=f"{shown}:{error.lineno}") from error
    subject = ("first", "second") if head.compares else ("answer",)
    named = {node.name: node.lineno for node in _variables(tree)}
    for name, line in named.items():
        if name not in (*_SHOWN, *subject):
            close = difflib.get_close_matches(name, (*_SHOWN, *subject), 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it knows: {', '.join((*_SHOWN, *subject))}"
            raise UsageError(f"the template asks for {name!r}, which there is not", where=f"{shown}:{line}", hint=hint)
    for name in subject:
        if name not in named:
            first = next(number for number, line in enumerate(body.split("\n"), 1) if line.strip())
            message = f"the prompt never shows {{{{ {name} }}}}: it would judge without looking"
            raise UsageError(message, where=f"{shown}:{first}")


def _variables(tree: nodes.Template) -> Iterator[nodes.Name]:
    """The names that a template reads and neither sets itself nor has from Jinja2; the last use first."""
    found = list(tree.find_all(nodes.Name))
    own = {node.name for node in found if node.ctx in ("store", "param")} | _DEFINED
    own |= {node.name for node in tree.find_all(nodes.Macro)}
    yield from (node for node in reversed(found) if node.ctx == "load" and node.name not in own)


_DEFINED = {"range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop", "caller", "varargs", "kwargs", "self"}
"""Names that Jinja2 itself gives."""


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


def _config(name: str, head: _Head, file: YamlFile, catalogue: Catalogue) -> RunConfig:
    given = {k: v for k, v in file.data.items() if k in _MODEL}
    base: dict[str, Any] = {}
    if head.run_config is not None:
        if "model" in given:
            message = "`model:` and `run_config:` both name the model"
            raise UsageError(message, where=file.where("model"), hint="keep one of them")
        found = _run_config(head.run_config, file, catalogue)
        base = found.model_dump(exclude=set(_NOT_A_JUDGES) | {"stop"}, exclude_unset=True)
    checked = RunConfig.model_validate({**base, **given, "name": "judge", "prompt": "judge"})
    # A name that no run-config can have: the door keeps its models by name.
    return checked.model_copy(update={"name": f"judge {name}"})


def _run_config(name: str, file: YamlFile, catalogue: Catalogue) -> RunConfig:
    known = {config.name: config for config in catalogue.run_configs}
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
        raise UsageError(f"there is no run-config {name!r}", where=file.where("run_config"), hint=hint)
    return known[name]


def _mistake(error: ValidationError, file: YamlFile) -> UsageError:
    # Each member of the union `output:` has errors of its own: those of the one that was meant are told.
    meant = [e for e in error.errors() if len(e["loc"]) > 1 and _meant(file.data) in str(e["loc"][1])]
    first = (meant or error.errors())[0]
    place = [part for part in first["loc"] if part in (file.data or {})][:1]
    loc = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(loc, (*_OWN, *_MODEL), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"a judge knows: {', '.join(_OWN)}, and a run-config's keys"
        return UsageError(f"unknown key {loc!r}", where=file.where(*first["loc"][:1]), hint=hint)
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return UsageError(f"wants `{loc}:`", where=file.where(), hint=_HINTS.get(loc, ""))
    hint = _OUTPUTS if loc == "output" else ""
    hint = (
        "put labels in quotes: YAML reads yes, no, on, off and numbers as something else" if _unquoted(first) else hint
    )
    return UsageError(f"{loc}: {what}" if loc else what, where=file.where(*place), hint=hint)


def _meant(data: Mapping[Any, Any]) -> str:
    """The form of output that the keys under `output:` look like."""
    said = data.get("output")
    kinds = {"number": "NumberForm", "labels": "LabelForm"}
    return next((kinds[key] for key in kinds if isinstance(said, dict) and key in said), "literal")


def _unquoted(error: Any) -> bool:
    return "labels" in error["loc"] and "[key]" in error["loc"]
