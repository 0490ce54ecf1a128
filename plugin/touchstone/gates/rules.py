"""The rule language: text in, `Rule` out. Owns its grammar and the words of its mistakes; judges nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Literal, TypeAlias

from ..errors import UsageError

Subject: TypeAlias = Literal["mean", "lower", "passed", "baseline", "every", "errors", "cost", "latency"]

FORMS = (
    "SCORE >= 0.8, lower(SCORE) >= 0.8, passed >= 0.9, SCORE no worse than baseline by more than 0.02, every row, "
    "every row: SCORE, errors <= 3, cost <= 0.50, p95 latency <= 3"
)
"""Every form that a rule may take, for messages."""

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
_NAME = r"[A-Za-z_][\w./-]*"
_EVERY = re.compile(rf"every\s+row(?:\s*:\s*(?P<name>{_NAME})?)?\s*")
_BASELINE = re.compile(rf"(?:(?P<name>{_NAME})\s+)?no\s+worse\s+than\s+baseline\b\s*")
_BY = re.compile(r"by\s+more\s+than\b\s*")
_LEFT = re.compile(
    rf"(?:(?P<function>\w+)\s*\(\s*(?P<argument>{_NAME})\s*\)|p(?P<percent>\d{{1,9}})\s+latency\b|(?P<word>{_NAME}))\s*"
)
_OPERATOR = re.compile(r"(>=|<=|>|<)\s*")
_NUMBER = re.compile(r"(?P<dollar>\$\s*)?(?P<number>\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*(?P<unit>%|s\b)?\s*")
TINY = 1e-9
"""Sums of floats are no sharper: 0.8 must satisfy >= 0.8 however it was added up."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One parsed rule."""

    text: str
    """As the user wrote it, blanks made single."""
    subject: Subject
    name: str = ""
    """The score's name, for mean, lower, baseline and every; empty for `passed` and otherwise."""
    operator: str = ">="
    bound: float = 1.0
    """A share, a number of samples, dollars or seconds, as the subject says; for baseline the lowest difference."""
    percentile: int = 0
    """Of latency."""

    @property
    def names(self) -> tuple[str, ...]:
        """The scores that the rule needs."""
        return (self.name,) if self.name else ()

    def holds(self, value: float) -> bool:
        """Whether `value` satisfies the rule."""
        slack = {">=": TINY, "<=": -TINY}.get(self.operator, 0.0)
        return _OPERATORS[self.operator](value + slack, self.bound)


def parse_rule(text: str) -> Rule:
    """Read one rule. Raises UsageError that says where in the text it goes wrong, and what is allowed."""
    words = " ".join(text.split())
    if every := _EVERY.match(words):
        return _every(words, every)
    if baseline := _BASELINE.match(words):
        return _baseline(words, baseline)
    return _comparison(words)


def _every(text: str, match: re.Match[str]) -> Rule:
    if match.end() < len(text):
        raise _mistake(text, match.end(), "nothing may follow" if match["name"] else "wanted ': SCORE' or nothing")
    if ":" in match[0] and not match["name"]:
        raise _mistake(text, match.end(), "the name of a score is missing after ':'")
    return Rule(text, "every", match["name"] or "")


def _baseline(text: str, match: re.Match[str]) -> Rule:
    by = _BY.match(text, match.end())
    if by is None:
        raise _mistake(text, match.end(), "wanted 'by more than 0.02' here")
    number = _number(text, by.end())
    name = "" if match["name"] in (None, "passed") else match["name"]
    return Rule(text, "baseline", name, ">=", -_bound(text, "baseline", number))


def _comparison(text: str) -> Rule:
    left = _LEFT.match(text)
    if left is None:
        raise _mistake(text, 0, "a rule starts with a score's name" if text else "the rule is empty")
    operator = _OPERATOR.match(text, left.end())
    if operator is None:
        raise _mistake(text, left.end(), "wanted >=, >, <= or < here")
    return _build(text, left, operator, _number(text, operator.end()))


def _number(text: str, start: int) -> re.Match[str]:
    number = _NUMBER.match(text, start)
    if number is None or number.end() < len(text):
        where = start if number is None else number.end()
        raise _mistake(text, where, "wanted a number here" if number is None else "nothing may follow the number")
    return number


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
        return _function(text, left)
    if left["word"] == "latency":
        raise _mistake(text, left.start(), "say which percentile: p95 latency")
    match left["word"]:
        case "passed" | "errors" | "cost" as word:
            return word, ""
        case name:
            return "mean", name


def _function(text: str, left: re.Match[str]) -> tuple[Subject, str]:
    """`mean(passed)` and `lower(passed)` are of the test bodies, as `passed` is."""
    name = "" if left["argument"] == "passed" else left["argument"]
    match left["function"]:
        case "mean":
            return ("mean", name) if name else ("passed", "")
        case "lower":
            return "lower", name
        case other:
            raise _mistake(text, left.start("function"), f"there is no {other}(); there are mean() and lower()")


def _check_operator(text: str, subject: Subject, operator: re.Match[str]) -> None:
    wanted = "<" if subject in ("errors", "cost", "latency") else ">"
    if operator[1][0] != wanted:
        raise _mistake(text, operator.start(), f"here only {wanted}= and {wanted} make sense")


def _bound(text: str, subject: Subject, number: re.Match[str]) -> float:
    share = subject in ("mean", "lower", "passed", "baseline")
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
