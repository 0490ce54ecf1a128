"""A Kiln project as files of a project here. Pure: from what was read to bytes and their paths."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from ...errors import UsageError
from ...jsonl import encoded
from ..imported import Imported
from ..names import Names
from .judging import Judging
from .modules import Scorer
from .prompting import prompting
from .reading import Everything
from .rows import Rows, dataset
from .running import Batch, Running, answer
from .shapes import SHAPES, DatasetSplit, Finetune, Record, Requirement, Task, TaskRun, TaskRunConfig

HERE = "imported/kiln"
"""Folder of what tells of the import."""


@dataclass
class _Shared:
    """What all tasks of a project share."""

    everything: Everything
    truth: Scorer | None
    run_configs: Names
    prompts: Names
    evals: Names
    datasets: Names


def convert(everything: Everything, truth: Scorer | None = None) -> Imported:
    """All of it. Raises UsageError where there is nothing that can stand in a project."""
    tasks = [task for task, _ in everything.of(Task)]
    if not tasks:
        raise UsageError("the project has no task", where="project.kiln")
    shared = _Shared(everything, truth, Names(), Names(), Names("_"), Names())
    files, batches, groups, told = (
        dict[str, bytes](),
        list[Batch](),
        dict[str, list[str]](),
        list[tuple[str, str, str]](),
    )
    for task in tasks:
        one = _Task(shared, task, f"{task.name} " if len(tasks) > 1 else "")
        files |= one.convert()
        batches += one.running.batches
        groups |= one.judging.groups
        told += one.told
    if not batches:
        raise UsageError("the project has no run and no run-config", where="project.kiln")
    _told(everything)
    files["evals/run_configs.yaml"] = _run_configs(batches, groups)
    files[f"{HERE}/ids.jsonl"] = _ids(everything, told)
    files[f"{HERE}/unplaced.jsonl"] = everything.left.lines()
    counts = Counter(_kind(one.record) for one in everything.found)
    return Imported(files, counts, _made(files, batches), everything.left)


class _Task:
    """One task of the project."""

    def __init__(self, shared: _Shared, task: Task, prefix: str) -> None:
        self.shared, self.task, self.left = shared, task, shared.everything.left
        prompts = prompting(shared.everything, task, prefix, shared.prompts)
        self.prefix, self.rows = prefix, Rows(self.left)
        self.running = Running(prompts, shared.run_configs, self.left, self._schema())
        self.judging = Judging(shared.everything, task, self.rows, self.running, shared.evals, shared.truth, self.left)
        self.told: list[tuple[str, str, str]] = []

    def convert(self) -> dict[str, bytes]:
        """Its files."""
        for run, where in self._mine(TaskRun):
            self.rows.add(run, where)
        for config, where in self._mine(TaskRunConfig):
            self.running.run_config(config, where)
        for line in self.rows.lines.values():
            self._own_output(line.run, line.id, line.where)
        self.judging.all()
        files = {f"datasets/{self._name('runs')}.jsonl": dataset(self.rows.lines.values())} if self.rows.lines else {}
        files |= self._splits() | self._finetunes() | self.judging.files
        self.told += [("task_run", of, line.id) for of, line in self.rows.lines.items() if line.id != of]
        self.told += [
            ("task_run_config", of, b.config.name) for of, every in self.running.by_kiln.items() for b in every
        ]
        self.told += [
            ("prompt", of, self.running.prompts.files[p.prompt]) for of, p in self.running.prompts.saved.items()
        ]
        self.told += self.judging.told
        return files | self.running.files() | self.running.prompts.contents()

    def _mine(self, kind: Any) -> Iterator[tuple[Any, str]]:
        return ((one, at.where) for one, at in self.shared.everything.of(kind) if at.above(Task) is self.task)

    def _name(self, words: str) -> str:
        return f"kiln/{self.shared.datasets.new(f'{self.prefix}{words}')}"

    def _own_output(self, run: TaskRun, row: str, where: str) -> None:
        made_by = run.output.source
        made = {"from": "kiln", "date": run.created_at[:10], **(made_by.properties if made_by else {})}
        batch = self.running.source(run, where)
        batch.answers[row] = answer(run.output.output, run.intermediate_outputs, run.usage, made)

    def _schema(self) -> Any:
        """The task's schema of answers, as a run-config says it."""
        text = self.task.output_json_schema
        if not text:
            return None
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError):
            schema = None
        if isinstance(schema, dict):
            return schema
        self.left.add("task", "output_json_schema", "task.kiln", "is no JSON schema", text)
        return None

    def _splits(self) -> dict[str, bytes]:
        """A data set for each part, its rows with the output as the answer to learn."""
        files: dict[str, bytes] = {}
        for split, where in self._mine(DatasetSplit):
            for part, ids in split.split_contents.items():
                there = [self.rows.lines[one] for one in dict.fromkeys(ids) if one in self.rows.lines]
                gone = [one for one in ids if one not in self.rows.lines]
                self.left.fields("dataset_split", where, [(part, gone)], "runs that the project no longer has")
                if there:
                    name = self._name(f"{split.name} {part}")
                    files[f"datasets/{name}.jsonl"] = dataset(there, {one.id: _learnt(one.run) for one in there})
                    self.told.append(("dataset_split", split.id, name))
        return files

    def _finetunes(self) -> dict[str, bytes]:
        """What is known of each, a line each: it is what `touchstone tune` would be told."""
        lines = []
        for tune, where in self._mine(Finetune):
            prompt = self.running.prompts.files.get(tune.system_message)
            known = tune.model_dump(mode="json", include=set(Finetune.model_fields) - {"v", "model_type", "path"})
            known["system_message"] = {"prompt": prompt} if prompt else tune.system_message
            lines.append(encoded({"where": where, **known}))
            self.told.append(("finetune", tune.id, prompt or ""))
        name = self.shared.datasets.new(f"{self.prefix}finetunes")
        return {f"{HERE}/{name}.jsonl": b"".join(lines)} if lines else {}


def _learnt(run: TaskRun) -> dict[str, Any]:
    """What a tune learns of a row: the repaired output where there is one."""
    answer_ = (run.repaired_output or run.output).output
    thought = [v for k, v in (run.intermediate_outputs or {}).items() if k in ("chain_of_thought", "reasoning") and v]
    return {"answer": answer_, **({"thinking": "\n\n".join(thought)} if thought else {})}


def _told(everything: Everything) -> None:
    """Fields that are named for what they mean, and have no place of their own here."""
    left, why = everything.left, "no such thing here"
    for task, at in everything.of(Task):
        said = [("input_json_schema", task.input_json_schema), ("description", task.description)]
        said += [(f"requirements.{r.name}.type", r.type) for r in task.requirements if isinstance(r, Requirement)]
        left.fields("task", at.where, said, why)
    left.fields("project", "project.kiln", [("description", everything.project.description)], why)
    for one, at in everything.of(DatasetSplit):
        parts = [
            (f"splits.{s.name}.{k}", v)
            for s in one.splits
            for k, v in (("percentage", s.percentage), ("description", s.description))
        ]
        left.fields("dataset_split", at.where, [("filter", one.filter), ("description", one.description), *parts], why)


def _ids(everything: Everything, told: list[tuple[str, str, str]]) -> bytes:
    """Every record of Kiln's: who made it and when, and what it is called here where it has a name of its own."""
    here: dict[tuple[str, str], list[str]] = {}
    for kind, of, name in told:
        here.setdefault((kind, of), []).append(name)
    lines = []
    for one in everything.found:
        record, kind = one.record, _kind(one.record)
        known = {"name": getattr(record, "name", ""), "created_at": record.created_at, "created_by": record.created_by}
        said = {key: value for key, value in known.items() if value}
        names = here.get((kind, record.id))
        lines.append(
            {"kind": kind, "kiln": record.id, "where": one.where, **said, **({"here": names} if names else {})}
        )
    return b"".join(map(encoded, lines))


def _run_configs(batches: list[Batch], groups: Mapping[str, list[str]]) -> bytes:
    entries = [batch.config.model_dump(mode="json", exclude_defaults=True) for batch in batches]
    data: dict[str, Any] = {"run_configs": entries}
    if groups:
        data["groups"] = dict(sorted(groups.items()))
    head = (
        "# Imported from Kiln. They answer with what they answered there (datasets/outputs/), and nothing is asked.\n"
        "# To ask anew, copy one and give it a `model:` that can be called.\n"
    )
    return (head + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)).encode("utf-8")


def _made(files: Mapping[str, bytes], batches: list[Batch]) -> dict[str, int]:
    """What there is here, counted in the files themselves."""

    def lines(folder: str, end: str = ".jsonl") -> int:
        return sum(c.count(b"\n") for p, c in files.items() if p.startswith(folder) and p.endswith(end))

    def count(folder: str, end: str) -> int:
        return sum(str(PurePosixPath(p).parent) == folder and p.endswith(end) for p in files)

    return {
        "rows": sum(
            c.count(b"\n") for p, c in files.items() if p.startswith("datasets/kiln/") and p.endswith("runs.jsonl")
        ),
        "data sets": sum(
            p.startswith("datasets/")
            and p.count("/") <= 2
            and not p.startswith(("datasets/outputs", "datasets/golden", "datasets/ratings"))
            for p in files
        ),
        "run-configs": len(batches),
        "outputs": lines("datasets/outputs/"),
        "prompts": count("evals/prompts", ".j2"),
        "evals": count("evals", ".py"),
        "judges": count("evals/judges", ".j2"),
        "verdicts": lines("evals/judges/"),
        "golden outputs": lines("datasets/golden/"),
        "ratings": lines("datasets/ratings/"),
        "fine-tunes": sum(
            c.count(b"\n") for p, c in files.items() if p.startswith(HERE) and p.endswith("finetunes.jsonl")
        ),
    }


def _kind(record: Record) -> str:
    return next(kind for kind, shape in SHAPES.items() if type(record) is shape)
