"""Evals and judges of one task: which rows, verdicts and answers are whose. Their files are made in `scoring`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ...labels import Item, Rating
from ..names import Names, slug
from ..unplaced import Leftovers
from . import rating
from .modules import Scorer
from .reading import Everything, words_of
from .rows import Line, Rows
from .running import Running, answer
from .scales import SCALES
from .scoring import Judged, Said, Scoring
from .shapes import Eval, EvalConfig, EvalRun, Task

_Sets: TypeAlias = tuple[dict[str, Line], dict[str, Line]]
"""All of an eval's rows, and the golden ones, by Kiln's ids."""


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
            self._scores(one, where, found[one.id], judges[one.id])
        self._others()

    def _rows_of(self, one: Eval, where: str) -> _Sets:
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

    def _scores(self, one: Eval, where: str, rows: _Sets, judges: list[Judged]) -> None:
        """An eval here for each of its scores: here, an eval's people and judges speak of one thing."""
        for number, score in enumerate(one.output_scores):
            if score.type not in SCALES:
                why = f"a score of the type {score.type}"
                self.left.add("eval", f"output_scores.{score.name}", where, why, _whole(score))
                continue
            words = f"{self.running.prompts.prefix}{one.name}"
            name = self.names.new(f"{words} {score.name}" if len(one.output_scores) > 1 else words, "eval")
            made = Scoring(
                one,
                score,
                name,
                where,
                *rows,
                judges,
                task=self.task,
                running=self.running,
                names=self.names,
                truth=self.truth,
                left=self.left,
            )
            made.all()
            self.files |= made.files
            self.groups |= made.groups
            self.told += made.told
            self._rated |= made.rated
            if number == 0:
                for judge in judges:
                    _rest(judge, self.left)

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


def _rest(judge: Judged, left: Leftovers) -> None:
    """What a judge and its verdicts say that has no place."""
    of = judge.config
    lost = [(f"properties.{k}", v) for k, v in of.properties.items() if k not in ("eval_steps", "task_description")]
    if of.config_type not in ("llm_as_judge", "g_eval", ""):
        lost.append(("config_type", of.config_type))
    left.fields("eval_config", judge.where, lost, "no such thing in a judge here")
    for said in judge.said:
        took = said.of.task_run_usage
        if said.of.eval_config_eval and took is not None and took != said.line.run.usage:
            left.add("eval_run", "task_run_usage", said.where, "is not its run's", _whole(took))
        thought = set(words_of(said.of.intermediate_outputs))
        more = [(k, v) for k, v in (said.of.intermediate_outputs or {}).items() if v not in thought]
        left.fields("eval_run.intermediate_outputs", said.where, more, "only reasoning has a place")
