"""One thing more in a project that is there: an eval, a run-config, a judge, a scorer, a sweep.

Refuses a name that is taken.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..config import Catalogue, load_catalogue
from ..datasets import SUFFIXES, load_dataset
from ..errors import UsageError
from ..judges.definition import load_judge
from ..places import Places
from ..records import Row, RunConfig
from ..yamlfile import read_yaml
from . import templates
from .appending import append_run_config
from .escaping import filled, in_docstring, in_jsonl
from .laying import Laid
from .samples import samples
from .task import named


@dataclass(frozen=True, slots=True)
class Added:
    """Paths that were written, and what to type next."""

    written: tuple[str, ...]
    then: tuple[str, ...]


def add_eval(name: str, places: Places, dataset: str | None = None, about: str = "") -> Added:
    """`evals/test_NAME.py`, and its rows where it takes no data set that is there. Raises UsageError."""
    named(name, "eval", "touchstone add eval ")
    load_catalogue(places)  # there is a project
    evals, laid = places.run_configs.parent, Laid()
    test, rows = evals / f"test_{name}.py", places.datasets / f"{name}.jsonl"
    _refuse(places, *([test] if dataset else [test, *(rows.with_suffix(suffix) for suffix in SUFFIXES)]))
    if dataset:
        load_dataset(dataset, Row, places)
        if json.dumps(dataset) != f'"{dataset}"':
            raise UsageError("cannot stand in a test", where="--dataset", hint="give it a plain name")
    values = {"ABOUT": in_docstring(about or "Says what must be true of an answer."), "NAME": name}
    laid.put(places, test, lambda: filled(templates.EVAL_PLAIN, {**values, "DATASET": dataset or name}))
    if not dataset:
        laid.put(places, rows, lambda: "".join(map(in_jsonl, _rows(places))))
    first = f"write what must be true into {places.shown(test)}, then:"
    if not dataset:
        first = f"write its rows into {places.shown(rows)}, and {first.removeprefix('write ')}"
    return Added(tuple(laid.written), (first, f"pytest {places.shown(test)}"))


def add_run_config(name: str, places: Places, model: str | None = None, prompt: str | None = None) -> Added:
    """A line in `run_configs.yaml`: the one that ships, but for what is given. Raises UsageError.

    A new prompt begins as a copy of the one that ships.
    """
    base, written = _base(load_catalogue(places)), Laid()
    told = {"name": name, "model": model or base.model, "prompt": prompt or base.prompt}
    if not model and not prompt:
        hint = f"touchstone add run-config {_word(name)} --model openai/gpt-4.1-mini, or --prompt NEW"
        raise UsageError("would be the same as the one that ships: say what differs", hint=hint)
    own = _own_keys(base.name, places) - {*told, "default"} - (_MODEL if model else set())
    told |= base.model_dump(mode="json", include=own)
    _checked(told)
    path = places.prompts / f"{told['prompt']}.j2"
    if len(told["prompt"]) > _LONGEST or not path.resolve().is_relative_to(places.prompts.resolve()):
        raise UsageError(f"cannot be a file of {places.shown(places.prompts)}", where="--prompt", hint="--prompt NAME")
    original = places.prompts / f"{base.prompt}.j2"
    if not path.is_file() and not original.is_file():
        raise UsageError("there is no such prompt", where=places.shown(path), hint="write it first")
    append_run_config(told, places)
    if not path.is_file():
        written.put(places, path, lambda: original.read_text(encoding="utf-8"))
    paths = (places.shown(places.run_configs), *written.written)
    evals = places.shown(places.run_configs.parent)
    return Added(paths, (f"pytest {evals}/", f"touchstone compare {_word(base.name)} {_word(name)}"))


def add_judge(name: str, places: Places, evaluation: str) -> Added:
    """`evals/judges/NAME.j2`, of an eval that there is. Raises UsageError."""
    named(name, "judge", "touchstone add judge ")
    catalogue, laid, path = load_catalogue(places), Laid(), places.judges / f"{name}.j2"
    _refuse(places, path)
    values = {"NAME": name, "EVAL": json.dumps(evaluation), "RUNCONFIG": json.dumps(_base(catalogue).name)}
    laid.put(places, path, lambda: filled(templates.JUDGE, values))
    load_judge(name, places, catalogue)
    first = f'put Judge("{name}") into the scorers of the eval {evaluation} (from touchstone import Judge), then:'
    evals = places.shown(places.run_configs.parent)
    typed = shlex.quote(evaluation)
    then = (f"pytest {evals}/", f"touchstone golden {typed}", f"touchstone rate {typed}")
    return Added(tuple(laid.written), (first, *then, f"touchstone agree {typed} --certify {name}"))


def add_scorer(name: str, places: Places, about: str = "") -> Added:
    """`evals/scorers/NAME.py`, a function of that name. Raises UsageError."""
    named(name, "scorer", "touchstone add scorer ")
    load_catalogue(places)
    evals, laid = places.run_configs.parent, Laid()
    path = evals / "scorers" / f"{name}.py"
    _refuse(places, path)
    values = {"NAME": name, "ABOUT": in_docstring(about or f"The score {name}.")}
    laid.put(places, path, lambda: filled(templates.SCORER, values))
    module = ".".join(path.relative_to(places.root).with_suffix("").parts)
    first = f"from {module} import {name}, and scorers=[{name}] in an eval's mark (pytest's setting pythonpath holds"
    return Added(tuple(laid.written), (f'{first} "."), then:', f"pytest {places.shown(evals)}/"))


def add_sweep(name: str, places: Places, train: str) -> Added:
    """`tuning/sweeps/NAME.yaml`, which learns from the data set `train`. Raises UsageError."""
    named(name, "sweep", "touchstone add sweep ")
    base, laid, path = _base(load_catalogue(places)), Laid(), places.sweeps / f"{name}.yaml"
    _refuse(places, path)
    rows = load_dataset(train, Row, places).rows
    lacking = [row.id for row in rows if not isinstance(getattr(row, "answer", None), str)]
    if lacking or not rows:
        what = f"{len(lacking)} of {len(rows)} rows have no `answer` to learn" if rows else "is empty"
        raise UsageError(what, where=f"--train {train}", hint="a row to learn from: input, and answer, a text")
    values = {"NAME": name, "TRAIN": json.dumps(train), "PROMPT": json.dumps(base.prompt)}
    laid.put(places, path, lambda: filled(templates.SWEEP, values))
    then = (f"touchstone tune plan {name}", f"touchstone tune submit {name}", f"touchstone tune wait {name}")
    return Added(tuple(laid.written), (*then, f"touchstone tune compare {name}"))


_LONGEST = 100
"""Characters of a prompt's name."""
_MODEL = frozenset(
    ["weights", "sha256", "adapter", "adapter_sha256", "base_url", "key_env", "extra", "input_cost", "output_cost"]
)
"""Keys of a run-config that go with its model."""


def _base(catalogue: Catalogue) -> RunConfig:
    return catalogue.default or catalogue.run_configs[0]


def _own_keys(name: str, places: Places) -> set[str]:
    """What the file says of a run-config itself, beside its defaults."""
    data = read_yaml(places.run_configs, places.shown(places.run_configs)).data
    return {key for one in data["run_configs"] if one.get("name") == name for key in one}


def _checked(told: dict[str, Any]) -> None:
    try:
        RunConfig.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        hint = "a name has letters, digits, `.`, `_` and `-`, at most 60" if first["loc"] == ("name",) else ""
        raise UsageError(f"{first['loc'][0]}: {first['msg']}", where="add run-config", hint=hint) from error


def _word(name: str) -> str:
    """A name as it is typed."""
    return name if name.replace("-", "").replace("_", "").replace(".", "").isalnum() else "NAME"


def _refuse(places: Places, *paths: Path) -> None:
    for path in paths:
        if os.path.lexists(path):
            raise UsageError("is there already", where=places.shown(path), hint="give another name, or edit it")


def _rows(places: Places) -> list[dict[str, Any]]:
    """Rows to begin with: what the project's prompts are asked already, where there is such a thing."""
    found = samples("text", "text", _inputs(places))
    return [{key: value for key, value in row.items() if key in ("id", "input")} for row in found]


def _inputs(places: Places) -> list[Any]:
    files = sorted(p for p in places.datasets.glob("*") if p.suffix in SUFFIXES)
    for file in itertools.islice(files, 20):
        found = _or_none(lambda file=file: load_dataset(file.name, Row, places).rows)  # type: ignore[misc]
        if found:
            return [row.input for row in found]
    return []


def _or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except UsageError:
        return None
