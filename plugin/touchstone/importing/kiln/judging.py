"""Evals and judges: modules, judges' files, their verdicts, and the golden sets that they are measured on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ...judges.imported import SUFFIX, Verdict
from ...labels import Item, Rating, answer_hash
from ...outputs import PREFIX
from ..names import Names, slug
from ..templates import comment, literal
from ..unplaced import Leftovers
from . import rating
from .modules import Scorer, module
from .reading import Everything, words_of
from .rows import Line, Rows, dataset
from .running import Batch, Running, answer
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
class Judging:
    """The evals of one task."""

    everything: Everything
    task: Task
    rows: Rows
    running: Running
    names: Names
    truth: Scorer | None
    left: Leftovers
    files: dict[str, bytes] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, Kiln's id, name here)."""
    _rated: set[tuple[str, str]] = field(default_factory=set)
    """(Kiln's id of the run, key of the score) of ratings that an eval has."""

    def all(self) -> None:
        """Every eval of the task, then the ratings that belong to none."""
        mine = [(one, at.where) for one, at in self.everything.of(Eval) if at.above(Task) is self.task]
        found = {one.id: self._rows_of(one, where) for one, where in mine}
        judges = {one.id: self._judges(one) for one, _ in mine}
        for one, _ in mine:
            for judge in judges[one.id]:
                found[one.id][0].update({said.of.dataset_id: said.line for said in judge.said})
        shared = {of: set(every) for of, (every, _) in found.items()}
        for one, _ in mine:
            for judge in judges[one.id]:
                self._answers(judge, one, {k: {self.rows.lines[r].id for r in v} for k, v in shared.items()})
        for one, where in mine:
            for score in one.output_scores:
                self._eval(one, score, where, *found[one.id], judges[one.id])
        self._others()

    def _rows_of(self, one: Eval, where: str) -> tuple[dict[str, Line], dict[str, Line]]:
        """(all of the eval's rows, the golden ones), by Kiln's ids."""
        golden = self.rows.matching(one.eval_configs_filter_id, "eval", where)
        return {**self.rows.matching(one.eval_set_filter_id, "eval", where), **golden}, golden

    def _judges(self, one: Eval) -> list[Judged]:
        """With their verdicts; who made the answers is not known yet where they were made for the judge."""
        judges = {
            id(at): Judged(config, at.where)
            for config, at in self.everything.of(EvalConfig)
            if at.parent is not None and at.parent.record is one
        }
        for verdict, at in self.everything.of(EvalRun):
            if id(at.parent) in judges:
                line = self.rows.judged(verdict, at.where)
                batch = self.running.source(line.run, line.where)
                judges[id(at.parent)].said.append(Said(verdict, at.where, line, batch))
        return [self._usable(judge) for judge in judges.values()]

    def _usable(self, judge: Judged) -> Judged:
        """Without verdicts that Kiln itself counts once, or that are about another output."""
        kept: dict[tuple[str, str], Said] = {}
        for one in sorted(judge.said, key=lambda said: (said.of.created_at, said.where)):
            of = one.of
            same = not of.eval_config_eval or one.line.gone or of.output == one.line.run.output.output
            place = (of.dataset_id, "" if of.eval_config_eval else of.task_run_config_id or "")
            if not same:
                self.left.add("eval_run", "", one.where, "judged an output that its run no longer has", _whole(of))
            elif kept.setdefault(place, one) is not one:
                self.left.add(
                    "eval_run", "", one.where, "another verdict on the same, which Kiln counts once", _whole(of)
                )
        return Judged(judge.config, judge.where, list(kept.values()))

    def _answers(self, judge: Judged, one: Eval, rivals: Mapping[str, set[str]]) -> None:
        """Put the answers that were made for the judge where they belong."""
        by_config: dict[str, list[Said]] = defaultdict(list)
        for said in judge.said:
            if not said.of.eval_config_eval:
                by_config[said.of.task_run_config_id or "none"].append(said)
            elif said.line.gone:
                said.batch.answers[said.line.id] = _answer(said.of)
        batches = {
            of: self.running.batch_for(of, one.id, [s.line.id for s in every], rivals)
            for of, every in by_config.items()
        }
        for of, every in by_config.items():
            batches[of].answers |= {said.line.id: _answer(said.of) for said in every}
        judge.said = [
            said
            if said.of.eval_config_eval
            else Said(said.of, said.where, said.line, batches[said.of.task_run_config_id or "none"])
            for said in judge.said
        ]

    def _eval(
        self,
        one: Eval,
        score: OutputScore,
        where: str,
        every: dict[str, Line],
        golden: dict[str, Line],
        judges: list[Judged],
    ) -> None:
        scale, several = SCALES.get(score.type), len(one.output_scores) > 1
        if scale is None:
            self.left.add(
                "eval", f"output_scores.{score.name}", where, f"a score of the type {score.type}", dict(score)
            )
            return
        words = f"{self.running.prompts.prefix}{one.name}" + (f" {score.name}" if several else "")
        name = self.names.new(words, "eval")
        self.told.append(("eval", one.id, name))
        rows = {line.id for line in every.values()}
        if not every:
            self.left.add(
                "eval", "", where, f"no run has its tags, so it has no rows and no module: {name}", _whole(one)
            )
        else:
            self.files[f"datasets/{name}.jsonl"] = dataset(every.values())
        self._golden(name, key(score.name), golden)
        takers = Names()
        scored = [
            (judge, self._judge(judge, one, score, f"{name}-{takers.new(judge.config.name, 'judge')}", name))
            for judge in judges
        ]
        if every and not judges and score.instruction:
            self.left.add(
                "eval", f"output_scores.{score.name}.instruction", where, "no judge asks it", score.instruction
            )
        if every:
            self._modules(one, score, name, rows, scored)

    def _golden(self, name: str, score: str, golden: Mapping[str, Line]) -> None:
        items, ratings = list[Item](), list[Rating]()
        for line in golden.values():
            batch = self.running.source(line.run, line.where)
            item = Item(line.id, line.hash, line.run.input, line.run.output.output, batch.config.name)
            items.append(item)
            for said in rating.said_of(line.run, self.task, line.where, Leftovers()):
                if said.by == score:
                    ratings.append(rating.rating_of(item, said, line.run))
                    self._rated.add((line.run.id, said.by))
        self.files |= rating.files(name, items, ratings)

    def _judge(self, judge: Judged, one: Eval, score: OutputScore, name: str, eval_name: str) -> str:
        """A judge's file and its verdicts; its name."""
        scale = SCALES[score.type]
        verdicts = []
        for said in judge.said:
            raw = said.of.scores.get(key(score.name))
            value = None if raw is None else normal(raw, scale)
            if value is None or raw is None:
                self.left.add(
                    "eval_run", f"scores.{key(score.name)}", said.where, f"no number on the scale {scale}", raw
                )
                continue
            output = said.of.output
            verdicts.append(
                Verdict(
                    row=said.line.id,
                    run_config=said.batch.config.name,
                    answer=answer_hash(output),
                    value=value,
                    said=raw,
                    reasoning="\n\n".join(words_of(said.of.intermediate_outputs)),
                )
            )
        self.told.append(("eval_config", judge.config.id, name))
        self.files[f"evals/judges/{name}.j2"] = self._file(judge, score, eval_name)
        ordered = sorted(verdicts, key=lambda v: (v.row, v.run_config, v.answer))
        self.files[f"evals/judges/{name}{SUFFIX}"] = b"".join(one_.line() for one_ in ordered)
        if one.output_scores[0] is score:
            self._rest(judge)
        return name

    def _rest(self, judge: Judged) -> None:
        of = judge.config
        known = ("eval_steps", "task_description")
        lost = [(f"properties.{k}", v) for k, v in of.properties.items() if k not in known]
        if of.config_type not in ("llm_as_judge", "g_eval", ""):
            lost.append(("config_type", of.config_type))
        self.left.fields("eval_config", judge.where, lost, "no such thing in a judge here")
        for said in judge.said:
            took = said.of.task_run_usage
            if said.of.eval_config_eval and took is not None and took != said.line.run.usage:
                self.left.add(
                    "eval_run", "task_run_usage", said.where, "is not its run's", took.model_dump(mode="json")
                )
            thought = set(words_of(said.of.intermediate_outputs))
            more = [(k, v) for k, v in (said.of.intermediate_outputs or {}).items() if v not in thought]
            self.left.fields("eval_run.intermediate_outputs", said.where, more, "only reasoning has a place")

    def _file(self, judge: Judged, score: OutputScore, eval_name: str) -> bytes:
        of = judge.config
        steps = of.properties.get("eval_steps")
        head: dict[str, Any] = {
            "eval": eval_name,
            "model": f"{PREFIX}{of.model_provider}/{of.model_name}",
            "output": SCALES[score.type],
            "method": "imported",
        }
        if isinstance(steps, list) and steps:
            head["steps"] = [str(step) for step in steps]
        task = str(of.properties.get("task_description") or self.task.instruction)
        asked = f"{score.name}: {score.instruction}" if score.instruction else score.name
        then = "g_eval" if of.config_type == "g_eval" else "verdict"
        body = (
            f"The assistant was told:\n{literal(task)}\n\nA user asked:\n{{{{ input }}}}\n\n"
            f"The assistant answered:\n{{{{ answer }}}}\n\nJudge this alone:\n{literal(asked)}\n"
        )
        told = f"# The judge {comment(of.name)} of Kiln's; to ask it anew: a `model:` that can be called, and `method: {then}`."
        return f"---\n{told}\n{_yaml(head)}---\n{body}".encode()

    def _modules(
        self, one: Eval, score: OutputScore, name: str, rows: set[str], scored: list[tuple[Judged, str]]
    ) -> None:
        """The eval's module, scored by the judge that Kiln uses; one more for each other judge that scored run-configs."""
        asked = [(judge, judge_name, judge.made_for(rows)) for judge, judge_name in scored]
        asked = [each for each in asked if each[2]]
        asked.sort(key=lambda each: (each[0].config.id != one.current_config_id, -len(each[0].said), each[1]))
        pass_at = PASS_AT[SCALES[score.type]]
        told = f"the eval {comment(one.name)}, its score {comment(score.name)}"
        if not asked:
            there = sorted(b.config.name for b in self.running.batches if b.answers.keys() & rows)
            self._module(name, name, there, "", pass_at, told)
        for number, (judge, judge_name, run_configs) in enumerate(asked):
            own = name if number == 0 else self.names.new(f"{name} by {judge.config.name}")
            self._module(own, name, sorted(run_configs), judge_name, pass_at, told)

    def _module(self, own: str, data: str, run_configs: list[str], judge: str, pass_at: float, told: str) -> None:
        if run_configs:
            self.groups[f"of-{own}"] = run_configs
        text = module(own, data, f"of-{own}" if run_configs else "", judge, pass_at, self.truth, told)
        self.files[f"evals/test_{own}.py"] = text.encode("utf-8")

    def _others(self) -> None:
        """Ratings of outputs that are in no eval's golden set: golden sets of their own."""
        found: dict[tuple[str, str], list[tuple[Item, Rating]]] = defaultdict(list)
        for line in self.rows.lines.values():
            for said in rating.said_of(line.run, self.task, line.where, self.left):
                if (line.run.id, said.by) not in self._rated:
                    batch = self.running.source(line.run, line.where)
                    item = Item(line.id, line.hash, line.run.input, line.run.output.output, batch.config.name)
                    found[said.words, said.scale].append((item, rating.rating_of(item, said, line.run)))
        for (words, _), pairs in found.items():
            name = self.names.new(f"{self.running.prompts.prefix}rated {words}")
            self.files |= rating.files(name, [item for item, _ in pairs], [said for _, said in pairs])
            self.told.append(("rating", slug(words), name))


def _answer(of: EvalRun) -> Any:
    return answer(of.output, None, of.task_run_usage, {"from": "kiln", "date": of.created_at[:10], "id": of.id})


def _whole(record: Any) -> Any:
    return record.model_dump(mode="json")


def _yaml(head: Mapping[str, Any]) -> str:
    """Front matter that no value can end: no line of it is its closing line, and it says what it was made of."""
    text = str(yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=120))
    if re.search(r"^---\s*$", text, re.MULTILINE) or yaml.safe_load(text) != head:
        text = str(yaml.safe_dump(dict(head), sort_keys=False, default_style='"', width=10**9))
    return text
