"""A promptfoo config as files of a project here. Reads it through the modules beside it, and writes none itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...errors import UsageError
from ...jsonl import bare
from ...records import RunConfig
from ..imported import Imported
from ..names import Names, slug
from ..placed import Folder, Placed, parsed, text_of
from ..templates import comment
from ..unplaced import Leftovers
from .asserting import TYPES, Asserted, Asserting
from .cases import Case, Cases
from .modules import RUBRIC, Module, judge_file
from .prompting import Prompt, Prompting, none_left
from .providers import Provider, Providing, hushed

HERE = "imported/promptfoo"
_KNOWN = ("prompts", "providers", "targets", "tests", "defaultTest", "description", "scenarios", "assertionTemplates")
_SAID: Mapping[str, str] = {
    "evaluateOptions": "options of a run: --concurrency N, --epochs N",
    "outputPath": "touchstone report --out FILE",
    "env": "variables belong into the environment",
    "redteam": "no red teaming here",
}
_TAKEN = ("id", "input", "tags", "asserts", "threshold", "rubric")
"""Fields of a row that a test says in its own way."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def convert(file: Path, base: Path | None = None, model: str | None = None) -> Imported:
    """All of it. Raises UsageError where there is nothing that can stand in a project."""
    folder = Folder.of(file, base)
    config = parsed(file, text_of(file, str(file)), str(file))
    if not isinstance(config.value, dict):
        raise UsageError("is no config of promptfoo's: it wants prompts:, providers: and tests:", where=config.where)
    return _Conversion(config, folder, model, slug(file.parent.resolve().name, "_") or "promptfoo").all()


@dataclass
class _Conversion:
    """One config on its way."""

    config: Placed
    folder: Folder
    model: str | None
    name: str

    def __post_init__(self) -> None:
        self.left = Leftovers()
        self.cases: list[Case] = []

    def all(self) -> Imported:
        self._rest()
        prompts = Prompting(self.folder, self.left, Names()).all(self.config.at("prompts"))
        if not prompts:
            raise none_left(self.config.at("prompts").where)
        given = self.config.at("providers" if "providers" in self.config.value else "targets")
        run_configs = _run_configs(self._providers(given), prompts)
        self.cases = list(Cases(self.folder, self.left, TYPES).all(self.config))
        if not self.cases:
            raise UsageError("has no test that can be a row here", where=self.config.at("tests").where)
        rows, grader = self._rows()
        files = self._prompts(prompts, rows) | {"evals/run_configs.yaml": _yaml(run_configs)}
        files |= self._evals(rows, grader, run_configs[0]["name"])
        files[f"{HERE}/unplaced.jsonl"] = self.left.lines()
        judged = sum("rubric" in row for row in rows)
        asserts = sum(len(row.get("asserts", ())) for row in rows)
        counts = {"prompts": len(prompts), "providers": len(list(given.each())), "tests": len(self.cases)}
        made = {"rows": len(rows), "run-configs": len(run_configs), "prompts": len(prompts), "asserts": asserts}
        return Imported(files, counts, {**made, "rubrics": judged}, self.left)

    def _rest(self) -> None:
        for key, one in self.config.items():
            if key not in _KNOWN and not key.startswith("$"):
                why = _SAID.get(key, "no such thing here")
                self.left.fields_at("config", [(key, one.where, hushed(key, one.value))], why)

    def _providers(self, given: Placed) -> list[Provider]:
        found = Providing(self.folder, self.left, self.model).all(given)
        if not found:
            hint = "--model NAME stands in for providers that have none here, such as --model openai/gpt-4.1-mini"
            raise UsageError("has no provider that can be called here", where=given.where, hint=hint)
        return found

    def _rows(self) -> tuple[list[dict[str, Any]], Placed | None]:
        asserting = Asserting(self.folder, self.left, self.config.at("assertionTemplates"))
        ids, grader, rows = _Ids(), None, []
        texts = all(case.vars.keys() == {"input"} and isinstance(case.vars["input"], str) for case in self.cases)
        for number, case in enumerate(self.cases, 1):
            asserted = asserting.of(case.asserts, case.vars)
            grader = grader or asserted.grader or case.provider
            given = case.vars["input"] if texts else dict(case.vars)
            rows.append({"id": ids.new(case.description, number), "input": given, **self._fields(case, asserted)})
        return rows, grader

    def _fields(self, case: Case, asserted: Asserted) -> dict[str, Any]:
        tags, kept, own = _tags(case.metadata)
        found: dict[str, Any] = {"tags": tags} if tags else {}
        found |= {key: value for key, value in own.items() if key not in _TAKEN}
        if asserted.asserts:
            found["asserts"] = asserted.asserts
        if case.threshold is not None:
            found |= self._threshold(case.threshold, asserted)
        if asserted.rubrics:
            found["rubric"] = "\n".join(asserted.rubrics)
        if case.description and not _ID.fullmatch(case.description):
            found["description"] = case.description
        return found | ({"metadata": kept} if kept else {})

    def _threshold(self, given: Placed, asserted: Asserted) -> dict[str, Any]:
        value = given.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self.left.add("test", "threshold", given.where, "is no share from 0 to 1", value)
            return {}
        if asserted.rubrics:
            why = "counts the asserts alone: a rubric is a score of its own"
            self.left.fields_at("test", [("threshold", given.where, value)], why)
        return {"threshold": value}

    def _prompts(self, prompts: Sequence[Prompt], rows: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
        texts = isinstance(rows[0]["input"], str)
        inputs = [set(row["input"]) if isinstance(row["input"], dict) else {"input"} for row in rows]
        always = frozenset(set.intersection(*inputs))
        return {f"evals/prompts/{one.name}.j2": one.content(texts, always) for one in prompts}

    def _evals(self, rows: Sequence[Mapping[str, Any]], grader: Placed | None, first: str) -> dict[str, bytes]:
        """The eval of all rows; where only some have a rubric, an eval of those beside it."""
        judged = [row for row in rows if "rubric" in row]
        told = comment(str(self.config.at("description").value or "")) if self.config.at("description").value else ""
        name, files = self.name, {f"datasets/{self.name}.jsonl": b"".join(map(bare, rows))}
        both = bool(judged) and len(judged) == len(rows)
        judge = f"{name}-rubric" if judged else ""
        files[f"evals/test_{name}.py"] = Module(name, name, asserts=True, judge=judge if both else "", told=told).text
        if judged and not both:
            own = f"{name}_{RUBRIC}"
            files[f"datasets/{own}.jsonl"] = b"".join(map(bare, judged))
            files[f"evals/test_{own}.py"] = Module(own, own, asserts=False, judge=judge, told=told).text
        if judged:
            files[f"evals/judges/{judge}.j2"] = judge_file(
                name if both else f"{name}_{RUBRIC}", self._grader(grader, first)
            )
        return files

    def _grader(self, given: Placed | None, first: str) -> dict[str, Any]:
        """How the judge runs: as the config says, else as the first run-config."""
        if given is not None:
            inner = given.at("text") if isinstance(given.at("text").value, str | dict) else given
            found = Providing(self.folder, self.left, None).all(inner)
            if found:
                return {key: value for key, value in found[0].fields.items() if key != "output"}
        where = given.where if given is not None else self.config.where
        why = "no grader is named that could be called: the judge takes the first run-config's model, change it"
        self.left.add("judge", "model", where, why)
        return {"run_config": first}


class _Ids:
    """Ids of rows: a test's description where it can be one."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._names = Names()

    def new(self, words: str, number: int) -> str:
        name = words if _ID.fullmatch(words) else ""
        while not name or name in self._taken:
            name = self._names.new(words if slug(words) else f"row {number}")
        self._taken.add(name)
        return name


def _tags(metadata: Mapping[str, Any]) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """(tags, what is kept as metadata, further fields of the row)."""
    tags: list[str] = []
    kept: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in metadata.items():
        listed = value if isinstance(value, list) else [value]
        if key == "row" and isinstance(value, dict):
            own = value
        elif not all(isinstance(one, str | int | float) for one in listed):
            kept[key] = value
        else:
            tags += [str(one) if key == "tags" else f"{key}:{one}" for one in listed]
    return tags, kept, own


def _run_configs(providers: Sequence[Provider], prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
    """A run-config for each provider and each prompt that it is asked; the first ships."""
    names, found = Names(), list[dict[str, Any]]()
    for provider in providers:
        for prompt in prompts:
            if provider.prompts is None or set(provider.prompts) & set(prompt.labels):
                alone = len(prompts) == 1 or len(provider.prompts or ()) == 1
                words = provider.label if alone else f"{provider.label[:25]} {prompt.name[:14]}"
                entry = {"name": names.new(words, "run-config"), **provider.fields, "prompt": prompt.name}
                checked = RunConfig.model_validate(entry | ({} if found else {"default": True}))
                found.append(checked.model_dump(mode="json", exclude_unset=True))
    if not found:
        raise UsageError("no provider is asked any of the prompts", where="providers")
    return found


def _yaml(run_configs: Sequence[Mapping[str, Any]]) -> bytes:
    head = "# Imported from promptfoo: each provider with each prompt. The first ships: its gates decide the run.\n"
    text = yaml.safe_dump({"run_configs": list(run_configs)}, sort_keys=False, allow_unicode=True, width=120)
    return (head + str(text)).encode("utf-8")
