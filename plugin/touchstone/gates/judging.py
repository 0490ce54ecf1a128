"""What a rule says of the samples of one eval and one run-config. Decides; reads no file, and words nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import fsum

from ..records import Response, SampleRecord
from ..stats import Estimate, by_row, estimate, quantile
from ..stats.paired import effect
from ..stats.power import rows_for_difference, rows_for_mean
from . import wording
from .rules import Rule
from .verdict import HASH, PASSED, Kept, Kind, Standing, Verdict, kept_mean

_Values = dict[str, list[float]]
"""Row -> what it scored, one value an epoch."""


def judge_all(
    rules: Sequence[Rule], records: Sequence[SampleRecord], standing: Standing | None = None
) -> tuple[Verdict, ...]:
    """Every rule's verdict on the samples of one eval and one run-config, in the rules' order.

    A rule `errors <= N` among them lets the others judge although up to N samples erred. `standing` is what the main
    branch stands on in this eval.
    """
    limits = [int(rule.bound) - (rule.operator == "<") for rule in rules if rule.subject == "errors"]
    allowed = min(limits, default=0)
    return tuple(judge(rule, records, allowed_errors=allowed, standing=standing) for rule in rules)


def judge(
    rule: Rule, records: Sequence[SampleRecord], *, allowed_errors: int = 0, standing: Standing | None = None
) -> Verdict:
    """One rule's verdict on the samples of one eval and one run-config."""
    counted = [record for record in records if record.outcome.kind != "skipped"]
    if not counted:
        return Verdict(rule.text, "not_judged", f"{rule.text}: {wording.why_none(records)}")
    measured = [record for record in counted if _measured(record, rule)]
    errors = len(counted) - len(measured)
    if rule.subject == "errors":
        return _judge_errors(rule, len(measured), errors)
    if rule.subject == "every":
        return _judge_every(rule, counted, measured, errors)
    if errors > allowed_errors or not measured:
        return _unanswered(rule, counted, measured, errors)
    if rule.subject == "baseline":
        return _judge_baseline(rule, measured, errors, standing or Standing())
    return _JUDGES[rule.subject](rule, measured, errors)


def passed(record: SampleRecord) -> float:
    """1.0 for a sample that passed, 0.0 for a miss."""
    return float(record.outcome.kind == "pass")


def _measured(record: SampleRecord, rule: Rule) -> bool:
    """Whether the sample says anything to the rule. A failed scorer is an error to the rules that ask it."""
    if record.outcome.kind == "error" or (rule.subject == "errors" and record.errors):
        return False
    return not rule.name or rule.name in record.scores


def _judge_mean(rule: Rule, records: Sequence[SampleRecord], errors: int) -> Verdict:
    """Three outcomes; see the package's own words."""
    values = _values(rule.name, records)
    found = _estimate(values, errors)
    value = found.interval.low if rule.subject == "lower" else found.mean
    kind = _kind(rule, value, found.interval.high)
    needed = rows_for_mean(values, _settled(rule)) if kind == "cannot_tell" else None
    few, size = kind == "cannot_tell", wording.size(found)
    why = wording.mean(rule, found, value)
    why += wording.too_few(size, needed, found.mean, rule.bound) if few else wording.enough(size)
    return Verdict(rule.text, kind, why + wording.despite(errors), value, found.interval, found.n, errors, needed)


def _kind(rule: Rule, value: float, favourable: float) -> Kind:
    if rule.holds(value):
        return "pass"
    return "cannot_tell" if rule.holds(favourable) else "fail"


def _settled(rule: Rule) -> Callable[[float, float], bool]:
    """Whether an interval would let the rule tell, if the mean stays. A rule that does not hold now may only fail,
    but for `lower`, which may also pass."""
    if rule.subject == "lower":
        return lambda low, high: rule.holds(low) or not rule.holds(high)
    return lambda _, high: not rule.holds(high)


def _judge_baseline(rule: Rule, records: Sequence[SampleRecord], errors: int, standing: Standing) -> Verdict:
    """What main stands on decides; only where it says nothing of this score as it is measured now, the branch's own."""
    now = _now(rule.name, records)
    reason = _not_comparable(rule.name or PASSED, now, standing)
    if not reason:
        return _judge_difference(rule, now, errors, standing, wording.MAIN)
    if standing.own is not None and not _not_comparable(rule.name or PASSED, now, standing.own):
        return _judge_difference(rule, now, errors, standing.own, wording.own(reason))
    return Verdict(rule.text, "cannot_tell", f"{rule.text}: {wording.update(reason)}", errors=errors)


def _not_comparable(score: str, now: Kept, standing: Standing) -> str:
    """Why nothing of it can be compared; empty where something can."""
    if score in standing.changed:
        return wording.another_measure(score)
    then = standing.scores.get(score, {})
    return "" if _same(now, then) else standing.problem or wording.nothing_to_compare(bool(then))


def _same(now: Kept, then: Kept) -> list[str]:
    """Rows with the same content: a row that was edited is another row."""
    return [row for row in now if row in then and then[row][0] == now[row][0]]


def _judge_difference(rule: Rule, now: Kept, errors: int, standing: Standing, whose: str) -> Verdict:
    """Paired by row."""
    then = standing.scores[rule.name or PASSED]
    pairs = {row: ([then[row][1]], [now[row][1]]) for row in _same(now, then)}
    found = effect(pairs)
    if found is None:
        raise ValueError("no row to compare")
    kind = _kind(rule, found.mean, found.interval.high)
    needed = rows_for_difference(found, _settled(rule)) if kind == "cannot_tell" else None
    why = wording.against(rule, pairs, found, f"{standing.run_config}, {whose}")
    size = wording.count(found.n, "row")
    why += wording.too_few(size, needed) if kind == "cannot_tell" else wording.enough(size)
    why += wording.unmatched(now, then) + wording.despite(errors)
    return Verdict(rule.text, kind, why, found.mean, found.interval, found.n, errors, needed)


def _now(name: str, records: Sequence[SampleRecord]) -> dict[str, tuple[str, float]]:
    hashes = {record.row: record.row_hash[:HASH] for record in records}
    return {row: (hashes[row], kept_mean(values)) for row, values in _values(name, records).items()}


def _judge_errors(rule: Rule, measured: int, errors: int) -> Verdict:
    kind: Kind = "pass" if rule.holds(errors) else "fail"
    return Verdict(rule.text, kind, wording.errors(rule, errors, measured), float(errors), None, measured, errors)


def _judge_every(rule: Rule, counted: Sequence[SampleRecord], measured: Sequence[SampleRecord], errors: int) -> Verdict:
    """A miss decides, whatever else erred; an error forbids to say "every"."""
    missed = [record for record in measured if _value(record, rule.name) < 1.0]
    if errors and not missed:
        return _unanswered(rule, counted, measured, errors)
    found = _estimate(_values(rule.name, measured), errors)
    why = wording.missed(rule, missed, len(measured)) if missed else f"{rule.text} ({wording.size(found)})"
    kind: Kind = "fail" if missed else "pass"
    return Verdict(rule.text, kind, why + wording.despite(errors), found.mean, found.interval, found.n, errors)


def _judge_cost(rule: Rule, records: Sequence[SampleRecord], errors: int) -> Verdict:
    """Of the samples' own calls and of their judges'."""
    asked = {key: response for record in records for key, response in record.asked.items()}
    responses = [*_responses(records), *asked.values()]
    known = [response.cost for response in responses if response.cost is not None]
    if len(known) < len(responses):
        why = f"{len(responses) - len(known)} of {wording.count(len(responses), 'call')} have no known price"
        return Verdict(rule.text, "cannot_tell", f"{rule.text}: {why}", None, None, len(records), errors)
    return _plain(rule, fsum(known), responses, errors)


def _judge_latency(rule: Rule, records: Sequence[SampleRecord], errors: int) -> Verdict:
    responses = _responses(records)
    value = quantile([response.latency for response in responses], rule.percentile / 100)
    if value is None:
        return Verdict(rule.text, "not_judged", f"{rule.text}: no sample made a call", None, None, len(records), errors)
    return _plain(rule, value, responses, errors)


_JUDGES: Mapping[str, Callable[[Rule, Sequence[SampleRecord], int], Verdict]] = {
    "mean": _judge_mean,
    "lower": _judge_mean,
    "passed": _judge_mean,
    "cost": _judge_cost,
    "latency": _judge_latency,
}


def _plain(rule: Rule, value: float, responses: Sequence[Response], errors: int) -> Verdict:
    """The verdict on a sum of dollars or a quantile of seconds, which have no interval."""
    kind: Kind = "pass" if rule.holds(value) else "fail"
    why = wording.plain(rule, value, responses) + wording.despite(errors)
    return Verdict(rule.text, kind, why, value, None, len(responses), errors)


def _unanswered(rule: Rule, counted: Sequence[SampleRecord], measured: Sequence[SampleRecord], errors: int) -> Verdict:
    """Too many samples gave no measurement."""
    wanting = [record for record in counted if not _measured(record, rule)]
    lost = any(record.outcome.kind == "error" or rule.name in record.errors for record in wanting)
    unknown = bool(rule.name) and not measured and not lost
    why = wording.no_such_score(rule, counted) if unknown else wording.no_answer(rule, counted, wanting)
    return Verdict(rule.text, "cannot_tell", f"{rule.text}: {why}", None, None, len(measured), errors)


def _estimate(values: _Values, errors: int) -> Estimate:
    found = estimate(values, errors=errors)
    if found is None:
        raise ValueError("no sample to judge")
    return found


def _values(name: str, records: Sequence[SampleRecord]) -> _Values:
    return by_row((record.row, _value(record, name)) for record in records)


def _value(record: SampleRecord, name: str) -> float:
    return record.scores[name].value if name else passed(record)


def _responses(records: Sequence[SampleRecord]) -> list[Response]:
    """Of each sample, with what all calls of its conversation took."""
    return [took for record in records if (took := record.took) is not None]
