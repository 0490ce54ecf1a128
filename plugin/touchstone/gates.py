"""Gates: rules over the samples of one eval and one run-config. Owns the rule language and its verdicts.

Reads records, and decides; never runs anything and never knows which run-config ships.

    meets_expectations >= 0.80     the mean of that score; also written mean(meets_expectations)
    lower(executes) >= 0.9         the lower end of its 95 % interval
    passed >= 90%                  the share of samples whose test body passed
    every row                      every sample passed
    every row: keeps_files         that score is 1.0 on every sample
    errors <= 3                    at most so many samples may give no answer; without this rule, none
    cost <= $0.50                  US dollars of all calls of these samples
    p95 latency <= 3 s             seconds; any percentile from p1 to p99

A sample that errs is no measurement: it is left out of every mean, and a gate that misses more answers than
`errors <= N` allows cannot tell. Skipped samples do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from operator import ge, gt, le, lt
from typing import Literal, TypeAlias

from .errors import UsageError
from .records import Response, SampleRecord
from .stats import Estimate, Interval, estimate, quantile

Kind: TypeAlias = Literal["pass", "fail", "cannot_tell", "not_judged"]
Subject: TypeAlias = Literal["mean", "lower", "passed", "every", "errors", "cost", "latency"]

FORMS = (
    "SCORE >= 0.8, lower(SCORE) >= 0.8, passed >= 0.9, every row, every row: SCORE, errors <= 3, cost <= 0.50, "
    "p95 latency <= 3"
)
"""Every form that a rule may take, for messages."""

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
_NEGATED = {">=": "<", ">": "<=", "<=": ">", "<": ">="}
_NAME = r"[A-Za-z_][\w./-]*"
_EVERY = re.compile(rf"every\s+row(?:\s*:\s*(?P<name>{_NAME})?)?\s*")
_LEFT = re.compile(
    rf"(?:(?P<function>\w+)\s*\(\s*(?P<argument>{_NAME})\s*\)|p(?P<percent>\d{{1,9}})\s+latency\b|(?P<word>{_NAME}))\s*"
)
_OPERATOR = re.compile(r"(>=|<=|>|<)\s*")
_NUMBER = re.compile(r"(?P<dollar>\$\s*)?(?P<number>\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*(?P<unit>%|s\b)?\s*")
_TINY = 1e-9
"""Sums of floats are no sharper: 0.8 must satisfy >= 0.8 however it was added up."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One parsed rule."""

    text: str
    """As the user wrote it, blanks made single."""
    subject: Subject
    name: str = ""
    """The score's name, for mean, lower and every; empty otherwise."""
    operator: str = ">="
    bound: float = 1.0
    """A share, a number of samples, dollars or seconds, as the subject says."""
    percentile: int = 0
    """Of latency."""

    @property
    def names(self) -> tuple[str, ...]:
        """The scores that the rule needs."""
        return (self.name,) if self.name else ()

    def holds(self, value: float) -> bool:
        """Whether `value` satisfies the rule."""
        slack = {">=": _TINY, "<=": -_TINY}.get(self.operator, 0.0)
        return _OPERATORS[self.operator](value + slack, self.bound)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of some samples."""

    rule: str
    kind: Kind
    """`not_judged`: there was no sample to judge."""
    why: str
    """One line for a person. May quote model text and row ids: clean it before showing it."""
    value: float | None = None
    """What was compared with the rule's bound."""
    interval: Interval | None = None
    """Of a mean or share."""
    n: int = 0
    """Samples measured."""
    errors: int = 0
    """Samples that gave no measurement."""


def parse_rule(text: str) -> Rule:
    """Read one rule. Raises UsageError that says where in the text it goes wrong, and what is allowed."""
    words = " ".join(text.split())
    every = _EVERY.match(words)
    return _every(words, every) if every else _comparison(words)


def judge_all(rules: Sequence[Rule], records: Sequence[SampleRecord]) -> tuple[Verdict, ...]:
    """Every rule's verdict on the samples of one eval and one run-config, in the rules' order.

    A rule `errors <= N` among them lets the others judge although up to N samples erred.
    """
    limits = [int(rule.bound) - (rule.operator == "<") for rule in rules if rule.subject == "errors"]
    allowed = min(limits, default=0)
    return tuple(judge(rule, records, allowed_errors=allowed) for rule in rules)


def judge(rule: Rule, records: Sequence[SampleRecord], *, allowed_errors: int = 0) -> Verdict:
    """One rule's verdict on the samples of one eval and one run-config."""
    counted = [record for record in records if record.outcome.kind != "skipped"]
    if not counted:
        return Verdict(rule.text, "not_judged", f"{rule.text}: {_why_none(records)}")
    measured = [record for record in counted if _measured(record, rule)]
    errors = len(counted) - len(measured)
    if rule.subject == "errors":
        return _judge_errors(rule, len(measured), errors)
    if rule.subject == "every":
        return _judge_every(rule, counted, measured, errors)
    if errors > allowed_errors or not measured:
        return _cannot_tell(rule, counted, measured, errors)
    return _JUDGES[rule.subject](rule, measured, errors)


def passed(record: SampleRecord) -> float:
    """1.0 for a sample that passed, 0.0 for a miss."""
    return float(record.outcome.kind == "pass")


# Reading


def _every(text: str, match: re.Match[str]) -> Rule:
    if match.end() < len(text):
        raise _mistake(text, match.end(), "nothing may follow" if match["name"] else "wanted ': SCORE' or nothing")
    if ":" in match[0] and not match["name"]:
        raise _mistake(text, match.end(), "the name of a score is missing after ':'")
    return Rule(text, "every", match["name"] or "")


def _comparison(text: str) -> Rule:
    left = _LEFT.match(text)
    if left is None:
        raise _mistake(text, 0, "a rule starts with a score's name" if text else "the rule is empty")
    operator = _OPERATOR.match(text, left.end())
    if operator is None:
        raise _mistake(text, left.end(), "wanted >=, >, <= or < here")
    number = _NUMBER.match(text, operator.end())
    if number is None or number.end() < len(text):
        where = operator.end() if number is None else number.end()
        raise _mistake(text, where, "wanted a number here" if number is None else "nothing may follow the number")
    return _build(text, left, operator, number)


def _build(text: str, left: re.Match[str], operator: re.Match[str], number: re.Match[str]) -> Rule:
    subject, name = _subject(text, left)
    _check_operator(text, subject, operator)
    bound = _bound(text, subject, number)
    return Rule(text, subject, name, operator[1], bound, int(left["percent"] or 0))


def _subject(text: str, left: re.Match[str]) -> tuple[Subject, str]:
    if left["percent"]:
        if not 1 <= int(left["percent"]) <= 99:
            raise _mistake(text, left.start("percent"), "a percentile is p1 to p99")
        return "latency", ""
    if left["function"]:
        return _function(text, left), left["argument"]
    if left["word"] == "latency":
        raise _mistake(text, left.start(), "say which percentile: p95 latency")
    match left["word"]:
        case "passed" | "errors" | "cost" as word:
            return word, ""
        case name:
            return "mean", name


def _function(text: str, left: re.Match[str]) -> Subject:
    match left["function"]:
        case "mean" | "lower" as function:
            return function
        case other:
            raise _mistake(text, left.start("function"), f"there is no {other}(); there are mean() and lower()")


def _check_operator(text: str, subject: Subject, operator: re.Match[str]) -> None:
    wanted = "<" if subject in ("errors", "cost", "latency") else ">"
    if operator[1][0] != wanted:
        raise _mistake(text, operator.start(), f"here only {wanted}= and {wanted} make sense")


def _bound(text: str, subject: Subject, number: re.Match[str]) -> float:
    share = subject in ("mean", "lower", "passed")
    allowed = {"%": share, "s": subject == "latency", None: True}
    if not allowed[number["unit"]] or (number["dollar"] and subject != "cost"):
        raise _mistake(text, number.start(), "this unit does not fit")
    bound = float(number["number"]) / (100 if number["unit"] == "%" else 1)
    if share and bound > 1:
        raise _mistake(text, number.start(), "a share is from 0 to 1, or from 0% to 100%")
    if subject == "errors" and bound != int(bound):
        raise _mistake(text, number.start(), "errors are counted in whole samples")
    return bound


def _mistake(text: str, position: int, what: str) -> UsageError:
    return UsageError(f"gate {text!r}: at character {position + 1}: {what}", hint=f"a gate is one of: {FORMS}")


# Judging


def _measured(record: SampleRecord, rule: Rule) -> bool:
    """Whether the sample says anything to the rule. A failed scorer is an error to the rules that ask it."""
    if record.outcome.kind == "error" or (rule.subject == "errors" and record.errors):
        return False
    return not rule.name or rule.name in record.scores


def _judge_mean(rule: Rule, records: Sequence[SampleRecord], errors: int) -> Verdict:
    found = _estimate(rule.name, records, errors)
    value = found.interval.low if rule.subject == "lower" else found.mean
    what = {"mean": rule.name, "lower": f"lower({rule.name})", "passed": "passed"}[rule.subject]
    digits = _digits(value, rule.bound)
    span = f"[{found.interval.low:.{digits}f}, {found.interval.high:.{digits}f}]"
    if rule.subject == "lower":
        span = f"of {found.mean:.{digits}f} {span}"
    why = f"{what} {value:.{digits}f} {span} {_compared(rule, value, digits)} ({_size(found)})"
    return Verdict(rule.text, _kind(rule, value), why + _despite(errors), value, found.interval, found.n, errors)


def _judge_errors(rule: Rule, measured: int, errors: int) -> Verdict:
    why = f"{errors} {_compared(rule, errors, 0)} errors in {_count(measured + errors, 'sample')}"
    return Verdict(rule.text, _kind(rule, errors), why, float(errors), None, measured, errors)


def _judge_every(rule: Rule, counted: Sequence[SampleRecord], measured: Sequence[SampleRecord], errors: int) -> Verdict:
    """A miss decides, whatever else erred; an error forbids to say "every"."""
    missed = [record for record in measured if _value(record, rule.name) < 1.0]
    if errors and not missed:
        return _cannot_tell(rule, counted, measured, errors)
    found = _estimate(rule.name, measured, errors)
    why = _which(rule, missed, len(measured)) if missed else f"{rule.text} ({_size(found)})"
    kind: Kind = "fail" if missed else "pass"
    return Verdict(rule.text, kind, why + _despite(errors), found.mean, found.interval, found.n, errors)


def _which(rule: Rule, missed: Sequence[SampleRecord], n: int) -> str:
    rows = _some(dict.fromkeys(record.row for record in missed))
    return f"{rule.text}: {len(missed)} of {_count(n, 'sample')} missed: {rows}"


def _judge_cost(rule: Rule, records: Sequence[SampleRecord], errors: int) -> Verdict:
    responses = _responses(records)
    known = [response.cost for response in responses if response.cost is not None]
    if len(known) < len(responses):
        why = f"{len(responses) - len(known)} of {_count(len(responses), 'call')} have no known price"
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
    digits = _digits(value, rule.bound)
    shown = f"p{rule.percentile} latency {value:.{digits}f} s" if rule.percentile else f"cost ${value:.{digits}f}"
    replayed = ", recorded" if any(response.source != "live" for response in responses) else ""
    why = f"{shown} {_compared(rule, value, digits)} ({_count(len(responses), 'call')}{replayed})"
    return Verdict(rule.text, _kind(rule, value), why + _despite(errors), value, None, len(responses), errors)


def _cannot_tell(rule: Rule, counted: Sequence[SampleRecord], measured: Sequence[SampleRecord], errors: int) -> Verdict:
    wanting = [record for record in counted if not _measured(record, rule)]
    lost = [record for record in wanting if record.outcome.kind == "error" or rule.name in record.errors]
    if rule.name and not measured and not lost:
        names = sorted({name for record in counted for name in record.scores})
        why = f"no sample has a score {rule.name!r}; there are: {', '.join(names) or 'none'}"
    else:
        noun = "score" if rule.name else "answer"
        why = f"{errors} of {_count(len(counted), 'sample')} have no {noun}: {_first_error(wanting[0], rule.name)}"
    return Verdict(rule.text, "cannot_tell", f"{rule.text}: {why}", None, None, len(measured), errors)


def _estimate(name: str, records: Sequence[SampleRecord], errors: int) -> Estimate:
    values: dict[str, list[float]] = {}
    for record in records:
        values.setdefault(record.row, []).append(_value(record, name))
    found = estimate(values, errors=errors)
    if found is None:
        raise ValueError("no sample to judge")
    return found


def _value(record: SampleRecord, name: str) -> float:
    return record.scores[name].value if name else passed(record)


def _responses(records: Sequence[SampleRecord]) -> list[Response]:
    return [record.response for record in records if record.response is not None]


# Wording


def _kind(rule: Rule, value: float) -> Kind:
    return "pass" if rule.holds(value) else "fail"


def _compared(rule: Rule, value: float, digits: int) -> str:
    operator = rule.operator if rule.holds(value) else _NEGATED[rule.operator]
    return f"{operator} {rule.bound:.{digits}f}"


def _digits(value: float, bound: float) -> int:
    """Decimals, two to six, that show the bound as it was written and never make two numbers look like one."""
    for digits in range(2, 6):
        shown = f"{bound:.{digits}f}"
        if float(shown) == bound and (abs(value - bound) <= _TINY or f"{value:.{digits}f}" != shown):
            return digits
    return 6


def _despite(errors: int) -> str:
    return f"; {_count(errors, 'error')} left out" if errors else ""


def _size(found: Estimate) -> str:
    rows = _count(found.rows, "row")
    return rows if found.rows == found.n else f"{rows}, {_count(found.n, 'sample')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _some(names: Mapping[str, None], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    shown = list(names)[:most]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _first_error(record: SampleRecord, name: str) -> str:
    texts = [record.errors.get(name, ""), record.outcome.why if record.outcome.kind == "error" else ""]
    texts += [f"{who}: {what}" for who, what in record.errors.items()]
    return next((text for text in texts if text), f"{record.row} has no score {name!r}" if name else "no reason given")


def _why_none(records: Sequence[SampleRecord]) -> str:
    if not records:
        return "no samples"
    reason = next((record.outcome.why for record in records if record.outcome.why), "")
    return f"all {_count(len(records), 'sample')} skipped" + (f": {reason}" if reason else "")
