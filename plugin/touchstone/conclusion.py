"""What a run came to: its gates judged, its tables, its report files. The same for one process and for many.

The gates are judged once every sample is in, by the process that has them all: the one that ran them, xdist's
controller, or `touchstone report`, the last two from the records on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from . import report
from .baseline import Baseline, Yardsticks
from .errors import UsageError
from .evals import Suite
from .gates import Verdict, judge_all, parse_rule
from .labels import Trust
from .part import Part
from .records import SCHEMA, SampleRecord
from .store import RUN_FILE, read_meta, read_run, write_json, write_text


@dataclass(frozen=True, slots=True)
class Gate:
    """The rules of one eval for one run-config, as one test."""

    eval: str
    run_config: str
    rules: tuple[str, ...]
    binding: bool
    nodeid: str
    location: tuple[str, int | None, str]
    planned: int = 0
    """Samples that the eval has for this run-config."""
    selected: int = 0
    """Of those, the ones that this run makes."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `run.json`."""
        return {**asdict(self), "rules": list(self.rules), "location": list(self.location)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Gate:
        """Inverse of `as_dict`."""
        location = data["location"]
        return cls(**{**data, "rules": tuple(data["rules"]), "location": (location[0], location[1], location[2])})


@dataclass(frozen=True)
class Conclusion:
    """A run that has ended."""

    folder: Path
    gates: tuple[Gate, ...]
    info: report.RunInfo
    records: tuple[SampleRecord, ...]
    """Whole or brief ones; what a page or a table of all samples is made of is `whole`."""
    problems: tuple[str, ...] = ()
    """`path:line: why` of recordings that could not be used."""
    baseline: Baseline | None = None
    """What the gates are compared with; None where none asks. Kept in `run.json`, as the file may change later."""
    strict: bool = False
    """A gate on a judge that is not certified fails."""
    part: Part | None = None
    """Which shard of a run this is; None for a whole one."""
    scorers: Yardsticks = field(default_factory=dict)
    """What each score was measured with; empty of a run that was made before this was kept."""
    partial: tuple[tuple[str, str], ...] = ()
    """(eval, run-config) of which `-k`, `--rows` or the like chose some rows alone."""

    @classmethod
    def read(cls, folder: Path, *, brief: bool = False) -> Conclusion:
        """A run on disk; `brief` is enough for gates and tables. Raises UsageError where there is none."""
        meta = read_meta(folder)
        return cls.from_dict({"gates": (), "info": {"id": folder.name}, **meta}, folder, brief=brief)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path, *, brief: bool = False) -> Conclusion:
        """Inverse of `as_dict`, with the records that are in the folder."""
        info = {**data["info"], "run_configs": tuple(data["info"].get("run_configs", ()))}
        info["judges"] = tuple(Trust.from_dict(judge) for judge in data["info"].get("judges", ()))
        gates = tuple(Gate.from_dict(gate) for gate in data["gates"])
        problems = tuple(data.get("problems", ()))
        kept = Baseline.from_dict(data["baseline"]) if data.get("baseline") else None
        return cls(
            folder,
            gates,
            report.RunInfo(**info),
            tuple(latest(read_run(folder, brief=brief))),
            problems,
            kept,
            data.get("strict", False),
            Part.model_validate(data["shard"]) if data.get("shard") else None,
            data.get("scorers", {}),
            tuple((eval_, config) for eval_, config in data.get("partial", ())),
        )

    def whole(self) -> Conclusion:
        """The same with all that the disk holds of each sample."""
        return replace(self, records=tuple(latest(read_run(self.folder))))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `run.json`. Without the records."""
        gates = [gate.as_dict() for gate in self.gates]
        info = {**asdict(self.info), "judges": [judge.as_dict() for judge in self.info.judges]}
        data = {"gates": gates, "info": info, "problems": list(self.problems), "strict": self.strict}
        data |= {"baseline": asdict(self.baseline)} if self.baseline else {}
        data |= {"scorers": self.scorers, "partial": [list(one) for one in self.partial]}
        return data | ({"shard": self.part.model_dump(mode="json")} if self.part else {})

    def verdicts(self, gate: Gate) -> tuple[Verdict, ...]:
        """What one gate says."""
        return self._verdicts[gate.nodeid]

    @cached_property
    def summary(self) -> report.Summary:
        """Every figure of the report. A shard has no gates: there is nothing to say of each but that."""
        results = (
            []
            if self.part
            else [
                report.GateResult(gate.eval, gate.run_config, gate.binding, verdict)
                for gate in self.gates
                for verdict in self.verdicts(gate)
            ]
        )
        return report.summarise(self.records, results, self.info)

    def describe(self) -> None:
        """Write `run.json`, at the start: a run that is killed can be reported too."""
        write_json(self.folder / RUN_FILE, {"v": SCHEMA, **self.as_dict()})

    def write(self, beside: report.Beside | None = None) -> list[Path]:
        """Write the reports into the run's folder, `beside` another run or a baseline; returns their paths."""
        write_text(self.folder / "report.md", report.markdown(self.summary, beside))
        write_json(self.folder / "report.json", report.as_json(self.summary, beside))
        return [self.folder / "report.md", self.folder / "report.json"]

    def judged(self, gate: Gate, records: Sequence[SampleRecord]) -> tuple[Verdict, ...]:
        """What a gate says of these samples of its own, and how far its judges are to be trusted."""
        if self.part is not None:
            why = f"judged after `touchstone merge`: this is shard {self.part.shard}"
            return tuple(Verdict(rule, "not_judged", why) for rule in gate.rules)
        verdicts = judged(gate, records, self.baseline, self.scorers.get(gate.eval, {}))
        return tuple(doubted(verdict, self.info.judges, self.strict) for verdict in verdicts)

    @cached_property
    def _verdicts(self) -> dict[str, tuple[Verdict, ...]]:
        by_gate: dict[tuple[str, str], list[SampleRecord]] = {}
        for record in self.records:
            by_gate.setdefault((record.eval, record.run_config), []).append(record)
        return {gate.nodeid: self.judged(gate, by_gate.get((gate.eval, gate.run_config), [])) for gate in self.gates}


def judged(
    gate: Gate, records: Sequence[SampleRecord], baseline: Baseline | None, scorers: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """What a gate says of its own samples: nothing, unless all of them were made."""
    if gate.selected < gate.planned:
        why = f"{gate.selected} of {gate.planned} samples were selected; a gate is judged on all"
        return tuple(Verdict(rule, "not_judged", why) for rule in gate.rules)
    if len(records) < gate.selected:
        why = f"{gate.selected - len(records)} of {gate.selected} samples were not run"
        return tuple(Verdict(rule, "cannot_tell", why, n=len(records)) for rule in gate.rules)
    unanswered = [record for record in records if record.outcome.kind == "skipped" and record.response is None]
    if 0 < len(unanswered) < len(records):  # a budget, or a batch: what it left out may score otherwise
        reason = unanswered[0].outcome.why
        why = f"{len(unanswered)} of {len(records)} samples were not answered ({reason}); a gate is judged on all"
        return tuple(Verdict(rule, "not_judged", why, n=len(records) - len(unanswered)) for rule in gate.rules)
    standing = baseline.standing(gate.eval, scorers) if baseline else None
    return judge_all([parse_rule(rule) for rule in gate.rules], records, standing)


def doubted(verdict: Verdict, judges: Sequence[Trust], strict: bool) -> Verdict:
    """The verdict with what there is to say against the judge it rests on; a pass on its word fails where `strict`."""
    names = parse_rule(verdict.rule).names
    doubts = [
        f"the judge {judge.judge}: {judge.words}" for judge in judges if judge.judge in names and not judge.trusted
    ]
    if not doubts or verdict.kind == "not_judged":
        return verdict
    kind = "fail" if strict and verdict.kind == "pass" else verdict.kind
    return replace(verdict, kind=kind, why="; ".join([verdict.why, *doubts]))


def asked_baseline(gates: Iterable[Gate], read: Callable[[], Baseline]) -> Baseline | None:
    """The part of the project's baseline that gates ask for; None where none asks. A damaged one tells why."""
    rules = {(gate.eval, parse_rule(text)) for gate in gates for text in gate.rules}
    wanted = {(name, rule.name or "passed") for name, rule in rules if rule.subject == "baseline"}
    if not wanted:
        return None
    try:
        return read().only(wanted)
    except UsageError as error:
        return Baseline(problem="; ".join(part for part in (f"{error.where}: {error.message}", error.hint) if part))


def latest(records: Iterable[SampleRecord]) -> list[SampleRecord]:
    """One record a test, the last one."""
    return list({record.test: record for record in records}.values())


def info_of(run_id: str, suite: Suite) -> report.RunInfo:
    """What the report says of the run as a whole."""
    default = suite.catalogue.default
    names = tuple(c.name for c in suite.run_configs)
    shipping = default.name if default and default.name in names else ""
    return report.RunInfo(run_id, f"{datetime.now(UTC):%Y-%m-%d}", shipping, names)
