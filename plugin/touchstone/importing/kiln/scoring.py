"""One score of one eval as files: its data set, golden set and ratings, judges with their verdicts, and modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...judges.imported import SUFFIX, Verdict
from ...labels import Item, Rating, answer_hash
from ...models import IMPORTED
from ..frontmatter import front_matter
from ..names import Names
from ..templates import comment, literal
from ..unplaced import Leftovers
from . import rating
from .modules import Module, Scorer
from .reading import words_of
from .rows import Line, dataset
from .running import Batch, Running
from .scales import PASS_AT, SCALES, key, normal
from .shapes import Eval, EvalConfig, EvalRun, OutputScore, Task


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict, and the answer that it is about."""

    of: EvalRun
    where: str
    line: Line
    batch: Batch


@dataclass
class Judged:
    """One of Kiln's judges, and all it said."""

    config: EvalConfig
    where: str
    said: list[Said] = field(default_factory=list)

    def made_for(self, rows: set[str]) -> set[str]:
        """Names of run-configs whose every answer to these rows it judged, of those that answered for it."""
        batches = {one.batch.config.name: one.batch for one in self.said if not one.of.eval_config_eval}
        there = {(one.batch.config.name, one.line.id) for one in self.said}
        return {n for n, b in batches.items() if all((n, row) in there for row in b.answers.keys() & rows)}


@dataclass
class Scoring:
    """An eval here."""

    of: Eval
    score: OutputScore
    name: str
    where: str
    every: Mapping[str, Line]
    """All its rows, by Kiln's ids."""
    golden: Mapping[str, Line]
    judges: list[Judged]
    task: Task
    running: Running
    names: Names
    truth: Scorer | None
    left: Leftovers
    files: dict[str, bytes] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, Kiln's id, name here)."""
    rated: set[tuple[str, str]] = field(default_factory=set)
    """(Kiln's id of the run, key of the score) of ratings that it has."""

    def all(self) -> None:
        """Every file of it."""
        self.told.append(("eval", self.of.id, self.name))
        self._golden()
        takers = Names()
        judges = [(judge, f"{self.name}-{takers.new(judge.config.name, 'judge')}") for judge in self.judges]
        for judge, name in judges:
            self._judge(judge, name)
        if not self.every:
            why = f"no run has its tags, so it has no rows and no module: {self.name}"
            self.left.add("eval", "", self.where, why, self.of.model_dump(mode="json"))
            return
        self.files[f"datasets/{self.name}.jsonl"] = dataset(self.every.values())
        if not judges and self.score.instruction:
            what = f"output_scores.{self.score.name}.instruction"
            self.left.add("eval", what, self.where, "no judge asks it", self.score.instruction)
        self._modules(judges)

    def _golden(self) -> None:
        items, ratings = list[Item](), list[Rating]()
        for line in self.golden.values():
            batch = self.running.source(line.run, line.where)
            item = Item(line.id, line.hash, line.run.input, line.run.output.output, batch.config.name)
            items.append(item)
            for said in rating.said_of(line.run, self.task, line.where, Leftovers()):
                if said.by == key(self.score.name) and said.scale == SCALES[self.score.type]:
                    ratings.append(rating.rating_of(item, said, line.run))
                    self.rated.add((line.run.id, said.by))
        self.files |= rating.files(self.name, items, ratings)

    def _judge(self, judge: Judged, name: str) -> None:
        """A judge's file and its verdicts."""
        verdicts = [found for said in judge.said if (found := self._verdict(said)) is not None]
        ordered = sorted(verdicts, key=lambda one: (one.row, one.run_config, one.answer))
        self.files[f"evals/judges/{name}.j2"] = self._file(judge.config)
        self.files[f"evals/judges/{name}{SUFFIX}"] = b"".join(one.line() for one in ordered)
        self.told.append(("eval_config", judge.config.id, name))

    def _verdict(self, said: Said) -> Verdict | None:
        scale, by = SCALES[self.score.type], key(self.score.name)
        raw = said.of.scores.get(by)
        value = None if raw is None else normal(raw, scale)
        if raw is None or value is None:
            self.left.add("eval_run", f"scores.{by}", said.where, f"no number on the scale {scale}", raw)
            return None
        return Verdict(
            row=said.line.id,
            run_config=said.batch.config.name,
            answer=answer_hash(said.of.output),
            value=value,
            said=raw,
            reasoning="\n\n".join(words_of(said.of.intermediate_outputs)),
        )

    def _file(self, judge: EvalConfig) -> bytes:
        steps = judge.properties.get("eval_steps")
        head: dict[str, Any] = {
            "eval": self.name,
            "model": f"{IMPORTED}{judge.model_provider}/{judge.model_name}",
            "output": SCALES[self.score.type],
            "method": "imported",
        }
        if isinstance(steps, list) and steps:
            head["steps"] = [str(step) for step in steps]
        task = str(judge.properties.get("task_description") or self.task.instruction)
        asked = f"{self.score.name}: {self.score.instruction}" if self.score.instruction else self.score.name
        then = "g_eval" if judge.config_type == "g_eval" else "verdict"
        body = (
            f"The assistant was told:\n{literal(task)}\n\nA user asked:\n{{{{ input }}}}\n\n"
            f"The assistant answered:\n{{{{ answer }}}}\n\nJudge this alone:\n{literal(asked)}\n"
        )
        told = f"# Kiln's judge {comment(judge.name)}. To ask it anew: a `model:` that can be called, `method: {then}`."
        return f"---\n{told}\n{front_matter(head)}---\n{body}".encode()

    def _modules(self, judges: list[tuple[Judged, str]]) -> None:
        """The eval's own, scored by the judge that Kiln uses; one more for each other judge that scored run-configs."""
        rows = {line.id for line in self.every.values()}
        asked = [(judge, name, run_configs) for judge, name in judges if (run_configs := judge.made_for(rows))]
        asked.sort(key=lambda one: (one[0].config.id != self.of.current_config_id, -len(one[0].said), one[1]))
        if not asked:
            there = {batch.config.name for batch in self.running.batches if batch.answers.keys() & rows}
            self._module(self.name, there, "")
        for number, (judge, name, run_configs) in enumerate(asked):
            own = self.name if number == 0 else self.names.new(f"{self.name} by {judge.config.name}")
            self._module(own, run_configs, name)

    def _module(self, own: str, run_configs: set[str], judge: str) -> None:
        group = f"of-{own}" if run_configs else ""
        if group:
            self.groups[group] = sorted(run_configs)
        told = f"the eval {comment(self.of.name)}, its score {comment(self.score.name)}"
        made = Module(own, self.name, group, judge, PASS_AT[SCALES[self.score.type]], self.truth, told)
        self.files[f"evals/test_{own}.py"] = made.text.encode("utf-8")
