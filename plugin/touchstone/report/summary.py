"""What a report says, before it is worded: every figure of a run as frozen values. Pure; renders nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from ..gates import Verdict, passed
from ..labels import Trust
from ..records import Response, SampleRecord
from ..stats import Estimate, by_row, estimate, quantile
from .judged import Judged, judged
from .text import clean

WORST = 3
"""Misses kept of each eval and run-config."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the records do not say about their run."""

    id: str = ""
    date: str = ""
    """YYYY-MM-DD."""
    shipping: str = ""
    """Name of the run-config that ships; empty when there is none, or none was run."""
    run_configs: tuple[str, ...] = ()
    """The order in which tables list run-configs; those not named here follow by name."""
    judges: tuple[Trust, ...] = ()
    """How the judges of the run's evals stand."""
    shard: str = ""
    """`2/4` where the run is one part of a whole; its gates wait for the others."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's verdict on one eval and run-config."""

    eval: str
    run_config: str
    binding: bool
    """True where it decides the run; False for a candidate, whose verdict is only shown."""
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Calls:
    """What model calls took."""

    count: int = 0
    replayed: int = 0
    """Of those, answered by a recording or the cache: their latency and cost are of the first time."""
    input_tokens: int | None = None
    """Sums; None where no call says."""
    output_tokens: int | None = None
    cost: float | None = None
    """US dollars of the calls whose price is known; None where none is."""
    p50: float | None = None
    """Seconds, of the calls that this run made; where it made none, of the first time."""
    p95: float | None = None

    @property
    def made(self) -> int:
        """Calls that this run made: the only ones whose latency it measured."""
        return self.count - self.replayed


@dataclass(frozen=True, slots=True)
class Miss:
    """One row that scored badly."""

    row: str
    why: str
    epochs: int
    """Epochs in which it missed."""


@dataclass(frozen=True, slots=True)
class Result:
    """One eval x run-config."""

    eval: str
    run_config: str
    passed: Estimate | None
    """The main score: the share of samples with outcome pass among pass and miss."""
    scores: Mapping[str, Estimate | None]
    misses: int
    errors: int
    skipped: int
    calls: Calls
    worst: tuple[Miss, ...]
    """At most WORST rows, lowest scores first."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Samples that lack a measurement for one reason: a call or a scorer erred, or the run-config was skipped."""

    run_configs: tuple[str, ...]
    evals: tuple[str, ...]
    samples: int
    why: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A run, counted. `results` holds no run-config of which every sample was skipped."""

    run: RunInfo
    evals: tuple[str, ...]
    run_configs: tuple[str, ...]
    """Of `results`; the shipping one first."""
    results: Mapping[tuple[str, str], Result]
    """(eval, run-config) -> result."""
    gates: tuple[GateResult, ...]
    errors: tuple[Notice, ...]
    skipped: tuple[Notice, ...]
    calls: Calls
    """Of the whole run; a call that several evals share is counted once."""
    judged: tuple[Judged, ...] = ()
    """Every judge's scores, raw and corrected."""

    @property
    def binding(self) -> tuple[GateResult, ...]:
        """The gates that decide the run."""
        return tuple(gate for gate in self.gates if gate.binding)

    @property
    def failing(self) -> tuple[GateResult, ...]:
        """The binding gates that were judged and do not pass."""
        return tuple(gate for gate in self.binding if gate.verdict.kind in ("fail", "cannot_tell"))


def summarise(records: Iterable[SampleRecord], gates: Sequence[GateResult] = (), run: RunInfo | None = None) -> Summary:
    """Count a run. The order of the records changes nothing.

    Without `run.shipping`, the run-config of the binding gates ships, if they name only one.
    """
    run = _with_shipping(run or RunInfo(), gates)
    ordered = sorted(records, key=lambda r: (r.eval, r.run_config, r.row, r.epoch, r.test))
    groups = _grouped(ordered)
    results = {key: _result(*key, group) for key, group in groups.items()}
    names = _run_configs(results, run)
    return Summary(
        run,
        tuple(dict.fromkeys(eval_ for eval_, _ in groups)),
        names,
        {key: result for key, result in results.items() if key[1] in names},
        tuple(gates),
        _notices(ordered, "error"),
        _notices(ordered, "skipped"),
        _calls(_distinct(ordered)),
        tuple(_judged(results, groups, run.judges)),
    )


def headline(summary: Summary) -> str:
    """The run in one line."""
    if summary.run.shard:
        return f"shard {summary.run.shard.replace('/', ' of ')}, gates: judged after touchstone merge"
    binding, failing = summary.binding, summary.failing
    ships = summary.run.shipping
    whose = f" of {clean(ships, 60)}" if ships and {gate.run_config for gate in binding} == {ships} else ""
    if failing:
        unsure = sum(gate.verdict.kind == "cannot_tell" for gate in failing)
        line = f"FAIL: {len(failing)} of {len(binding)} gates{whose} not passed"
        return line + (f", of which {unsure} cannot tell" if unsure else "")
    passes = [gate for gate in binding if gate.verdict.kind == "pass"]
    if not passes:
        return f"none of {len(binding)} gates{whose} was judged" if binding else "no gate decides this run"
    unjudged = len(binding) - len(passes)
    return f"PASS: {len(passes)} of {len(binding)} gates{whose} passed" + (f", {unjudged} not judged" * bool(unjudged))


def not_passed(gates: Iterable[GateResult]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Evals with a gate that fails, and others with one that cannot tell."""
    kinds: dict[str, set[str]] = {}
    for gate in gates:
        kinds.setdefault(gate.eval, set()).add(gate.verdict.kind)
    fails = tuple(name for name, found in kinds.items() if "fail" in found)
    return fails, tuple(name for name, found in kinds.items() if "cannot_tell" in found and name not in fails)


def worst(summary: Summary, most: int) -> list[tuple[Result, Miss]]:
    """The worst misses of the run-config that ships (else the first): one of every eval, then a second of each ...

    Listed by eval.
    """
    name = (summary.run.shipping, *summary.run_configs)[summary.run.shipping not in summary.run_configs :][:1]
    results = [result for result in summary.results.values() if result.run_config in name]
    ranked = [(index, place) for place, result in enumerate(results) for index in range(len(result.worst))]
    chosen = sorted((place, index) for index, place in sorted(ranked)[:most])
    return [(results[place], results[place].worst[index]) for place, index in chosen]


def _with_shipping(run: RunInfo, gates: Sequence[GateResult]) -> RunInfo:
    bound = {gate.run_config for gate in gates if gate.binding}
    if run.shipping or len(bound) != 1:
        return run
    return replace(run, shipping=bound.pop())


def _grouped(records: Iterable[SampleRecord]) -> dict[tuple[str, str], list[SampleRecord]]:
    groups: dict[tuple[str, str], list[SampleRecord]] = {}
    for record in records:
        groups.setdefault((record.eval, record.run_config), []).append(record)
    return groups


def _judged(
    results: Mapping[tuple[str, str], Result],
    groups: Mapping[tuple[str, str], Sequence[SampleRecord]],
    judges: Sequence[Trust],
) -> Iterator[Judged]:
    for key, result in results.items():
        for trust in judges:
            if (raw := result.scores.get(trust.judge)) is not None:
                yield judged(key, raw, trust, groups[key])


def _run_configs(results: Mapping[tuple[str, str], Result], run: RunInfo) -> tuple[str, ...]:
    """Those with at least one sample that was not skipped, in the order of the tables."""
    known = {name: index for index, name in enumerate(run.run_configs)}
    names = {result.run_config for result in results.values() if result.passed or result.errors}
    return tuple(sorted(names, key=lambda name: (name != run.shipping, known.get(name, len(known)), name)))


def _result(eval_: str, run_config: str, records: Sequence[SampleRecord]) -> Result:
    kinds = [record.outcome.kind for record in records]
    counted = [record for record in records if record.outcome.kind != "skipped"]
    return Result(
        eval_,
        run_config,
        _passed(counted),
        {name: _score(counted, name) for name in _names(counted)},
        kinds.count("miss"),
        kinds.count("error"),
        kinds.count("skipped"),
        _calls(record.response for record in counted if record.response is not None),
        _worst(counted),
    )


def _names(records: Iterable[SampleRecord]) -> dict[str, None]:
    """Every score that a sample has, in the order in which the scorers gave them."""
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record.scores))
    return names


def _passed(records: Sequence[SampleRecord]) -> Estimate | None:
    measured = [record for record in records if record.outcome.kind != "error"]
    return estimate(by_row((r.row, passed(r)) for r in measured), errors=len(records) - len(measured))


def _score(records: Sequence[SampleRecord], name: str) -> Estimate | None:
    measured = [record for record in records if record.outcome.kind != "error" and name in record.scores]
    values = by_row((record.row, record.scores[name].value) for record in measured)
    return estimate(values, errors=len(records) - len(measured))


def _worst(records: Iterable[SampleRecord]) -> tuple[Miss, ...]:
    rows: dict[str, list[SampleRecord]] = {}
    for record in records:
        if record.outcome.kind == "miss":
            rows.setdefault(record.row, []).append(record)
    worst = sorted(rows.values(), key=lambda missed: (-len(missed), _mean_score(missed[0])))[:WORST]
    return tuple(Miss(missed[0].row, missed[0].outcome.why, len(missed)) for missed in worst)


def _mean_score(record: SampleRecord) -> float:
    values = [score.value for score in record.scores.values()]
    return fsum(values) / len(values) if values else 0.0


def _distinct(records: Iterable[SampleRecord]) -> list[Response]:
    """Each call once: the same request, asked by several evals, was one call."""
    calls: dict[object, Response] = {}
    for record in records:
        if record.response is not None:
            calls.setdefault(record.request or id(record), record.response)
        for key, response in record.earlier.items():
            calls.setdefault(key, response)
        for key, response in record.asked.items():
            calls.setdefault(key, response)
    return list(calls.values())


def _calls(responses: Iterable[Response]) -> Calls:
    known = list(responses)
    latencies = [response.latency for response in known if response.source == "live"]
    latencies = latencies or [response.latency for response in known]
    return Calls(
        len(known),
        sum(response.source != "live" for response in known),
        _sum(response.usage.input_tokens for response in known),
        _sum(response.usage.output_tokens for response in known),
        _total(response.cost for response in known),
        quantile(latencies, 0.5),
        quantile(latencies, 0.95),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if known else None


def _notices(records: Iterable[SampleRecord], kind: str) -> tuple[Notice, ...]:
    """Reasons, the most frequent first."""
    groups: dict[str, list[SampleRecord]] = {}
    for record in records:
        if record.outcome.kind == kind or (kind == "error" and record.errors):
            groups.setdefault(_reason(record), []).append(record)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_notice(why, group) for why, group in ordered)


def _reason(record: SampleRecord) -> str:
    return (
        record.outcome.why.strip()
        or "; ".join(f"{who}: {what}" for who, what in record.errors.items())
        or "no reason given"
    )


def _notice(why: str, records: Sequence[SampleRecord]) -> Notice:
    return Notice(
        tuple(sorted({record.run_config for record in records})),
        tuple(sorted({record.eval for record in records})),
        len(records),
        why,
    )
