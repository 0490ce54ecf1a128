"""What a judge may answer, and what it is worth: pass/fail, pass/fail/critical, stars, a number, a label.

Owns the schema of the answer, its words in the prompt, and the reading of it. Every form ends as a number from 0 to 1,
as the field does: (stars - 1)/4, (critical + 1)/2 with critical -1, fail 0 and pass 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, fsum, isfinite, isnan
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import ScorerError
from ..labels import SCALES

_SURE = 0.1
"""A judge that gives all its allowed answers together less than this has said something else."""
_TINY = 1e-9


class NumberForm(BaseModel):
    """A number between two ends, worth 0 at the first and 1 at the last: `{number: [0, 10]}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    number: tuple[float, float]
    """The two ends, the lower first."""

    @model_validator(mode="after")
    def _rising(self) -> NumberForm:
        if not (isfinite(self.number[0]) and isfinite(self.number[1]) and self.number[0] < self.number[1]):
            raise ValueError("wants two numbers, the lower one first")
        return self


class LabelForm(BaseModel):
    """Labels and what each is worth: `{labels: {good: 1, so-so: 0.5, bad: 0}}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    labels: dict[str, float] = Field(min_length=2)
    """Label -> what it is worth, from 0 to 1."""

    @model_validator(mode="after")
    def _worth(self) -> LabelForm:
        if not all(0 <= value <= 1 for value in self.labels.values()):
            raise ValueError("each label is worth a number from 0 to 1")
        return self


Output = Literal["pass_fail", "critical", "stars", "preference"] | NumberForm | LabelForm
"""The `output:` of a judge's file."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer of a judge, read."""

    value: float
    """0 to 1."""
    said: str
    """The label or number as the judge gave it."""
    reasoning: str = ""


@dataclass(frozen=True)
class Form:
    """One form of answer."""

    output: Output

    @property
    def labels(self) -> Mapping[str, float]:
        """Label -> its worth; empty for a number."""
        match self.output:
            case NumberForm():
                return {}
            case LabelForm(labels=labels):
                return labels
            case "preference":
                return {"first": 1.0, "second": 0.0, "tie": 0.5}
            case scale:
                names = SCALES[scale]
                return {str(name): index / (len(names) - 1) for index, name in enumerate(names)}

    @property
    def words(self) -> str:
        """The allowed answers, for the prompt."""
        match self.output:
            case NumberForm(number=(low, high)):
                return f"a number from {low:g} (worst) to {high:g} (best)"
            case "stars":
                return "a number of stars: 1, 2, 3, 4 or 5 (5 is best)"
            case _:
                return "one of: " + ", ".join(f'"{label}"' for label in self.labels)

    @property
    def categorical(self) -> bool:
        """Whether repeated answers are settled by the majority, not by their mean."""
        return not isinstance(self.output, NumberForm) and self.output != "stars"

    @property
    def pass_at(self) -> float:
        """From which value on an answer counts as a pass: 4 stars, "pass" of pass/fail/critical, else the middle."""
        return {"stars": 0.75, "critical": 1.0}.get(str(self.output), 0.5)

    @property
    def span(self) -> float:
        """The width of its own scale: an error on it is the normalised one times this."""
        match self.output:
            case NumberForm(number=(low, high)):
                return high - low
            case scale:
                return {"stars": 4.0, "critical": 2.0}.get(str(scale), 1.0)

    def schema(self, longest: int | None) -> dict[str, Any]:
        """The JSON schema of an answer: reasoning first, then the verdict."""
        bounded = {"maxLength": longest} if longest else {}
        return {
            "type": "object",
            "properties": {"reasoning": {"type": "string", **bounded}, "verdict": self._verdict()},
            "required": ["reasoning", "verdict"],
            "additionalProperties": False,
        }

    def read(self, text: str) -> Verdict:
        """A judge's JSON answer. Raises ScorerError for whatever is no verdict: never a score."""
        try:
            data = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise ScorerError(f"the judge's answer is no JSON: {_short(text)}") from None
        if not isinstance(data, Mapping) or "verdict" not in data:
            raise ScorerError(f"the judge's answer holds no verdict: {_short(text)}")
        value = self._value(data["verdict"])
        return Verdict(value, _said(data["verdict"]), str(data.get("reasoning") or ""))

    def weigh(self, tokens: Mapping[str, float]) -> Verdict:
        """G-Eval (Liu et al. 2023): the mean of the allowed answers, each weighed by its probability.

        `tokens`: the likeliest first tokens with their natural log-probabilities. Raises ScorerError where the allowed
        answers are not among them.
        """
        weights: dict[str, float] = {}
        for token, logprob in tokens.items():
            if (label := self._label_of(token)) is not None and not isnan(logprob):
                weights[label] = weights.get(label, 0.0) + exp(min(0.0, logprob))
        mass = fsum(weights.values())
        if mass < _SURE:
            shown = ", ".join(repr(token) for token in list(tokens)[:5])
            raise ScorerError(f"the judge answered none of the allowed ({self.words}): it is likeliest to say {shown}")
        value = fsum(self.labels[label] * weight for label, weight in weights.items()) / mass
        best = max(weights, key=lambda label: weights[label])
        return Verdict(min(1.0, value), f"{best} ({weights[best] / mass:.2f})")

    def _label_of(self, token: str) -> str | None:
        """The label that a first token begins, if it can be only one."""
        start = token.strip().strip('"').lower()
        found = [label for label in self.labels if start and label.lower().startswith(start)]
        return found[0] if len(found) == 1 else None

    def _verdict(self) -> dict[str, Any]:
        match self.output:
            case NumberForm(number=(low, high)):
                return {"type": "number", "minimum": low, "maximum": high}
            case "stars":
                return {"type": "integer", "enum": [1, 2, 3, 4, 5]}
            case _:
                return {"type": "string", "enum": list(self.labels)}

    def _value(self, said: Any) -> float:
        if isinstance(self.output, NumberForm):
            return self._share(self.output, said)
        label = _said(said)
        if isinstance(said, bool) or label not in self.labels:
            raise ScorerError(f"the judge's verdict {_short(label)} is not {self.words}")
        return self.labels[label]

    def _share(self, form: NumberForm, said: Any) -> float:
        low, high = form.number
        if isinstance(said, bool) or not isinstance(said, int | float) or not low - _TINY <= said <= high + _TINY:
            raise ScorerError(f"the judge's verdict {_short(str(said))} is not {self.words}")
        return min(1.0, max(0.0, (said - low) / (high - low)))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that says a thing twice, and so may say two things, is refused."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _said(verdict: Any) -> str:
    """A label; 4 and 4.0 are the same number of stars."""
    return str(int(verdict)) if isinstance(verdict, float) and verdict.is_integer() else str(verdict)


def _short(text: str) -> str:
    return repr(text[:80]) + ("…" if len(text) > 80 else "")
