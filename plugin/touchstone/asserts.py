"""Asserts that rows carry, and the scorer that holds an answer to them. Pure; owns what each kind means.

A row says `"asserts": [{"type": "contains", "value": "Paris"}, {"type": "not-regex", "value": "sorry"}]`, and the eval
`row=AssertsRow, scorers=[meets_asserts]`. Kinds are called and meant as promptfoo's of the same names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import ScorerError
from .records import Row, Sample, Score

_STARTS = 1000
"""Braces at which JSON is looked for in an answer: a model may write nothing else."""


class Assert(BaseModel):
    """One thing that must be true of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    """One of KINDS, or `not-` before it."""
    value: Any = None
    """What is looked for: text; a list of texts for `-any` and `-all`; a JSON schema, or nothing, for JSON."""
    threshold: float | None = Field(default=None, ge=0)
    """Of `levenshtein` (edits), `latency` (milliseconds) and `cost` (US dollars): at most so much."""
    weight: float = Field(default=1.0, ge=0)
    """What it counts among the row's."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if problem := fault(self.type, self.value, self.threshold):
            raise ValueError(problem)
        return self

    @property
    def words(self) -> str:
        """It in a few words, for the reason of a miss."""
        said = "" if self.value is None else f" {json.dumps(self.value, ensure_ascii=False)[:80]}"
        return f"{self.type}{said}" + ("" if self.threshold is None else f" <= {self.threshold:g}")


class AssertsRow(Row):
    """A row with asserts."""

    asserts: tuple[Assert, ...] = ()
    threshold: float = Field(default=1.0, ge=0, le=1)
    """Share of the asserts' weight that must hold."""


def meets_asserts(sample: Sample) -> Score:
    """The share of the row's asserts that the answer meets, by their weights; 1 where there are none.

    Raises ScorerError where one cannot be told: no price is known, no time was taken.
    """
    asserts: tuple[Assert, ...] = sample.row.asserts
    broken = [one for one in asserts if not holds(one, sample)]
    total = sum(one.weight for one in asserts)
    lost = sum(one.weight for one in broken)
    value = 1.0 if not total else max(0.0, 1.0 - lost / total)
    why = "; ".join(one.words for one in broken) if broken else f"meets {len(asserts)}"
    return Score(value, f"not met: {why}" if broken else why, {"not met": [one.words for one in broken]})


def holds(one: Assert, sample: Sample) -> bool:
    """Whether the answer meets it."""
    negated = one.type.startswith("not-")
    return KINDS[one.type.removeprefix("not-")](one, sample) is not negated


def fault(kind: str, value: Any, threshold: float | None) -> str:
    """Why there is no such assert; empty for one that there is."""
    plain = kind.removeprefix("not-")
    if plain not in KINDS:
        return f"there is no assert {kind!r}; there are: {', '.join(KINDS)}, each also with not- before it"
    if plain in _MEASURED and threshold is None:
        return f"{kind} wants a threshold"
    if plain.endswith(("-any", "-all")) and not (isinstance(value, list) and value):
        return f"{kind} wants a list of texts"
    if plain in _TEXTS and not isinstance(value, str | int | float):
        return f"{kind} wants a text"
    if plain in _JSON and value is not None:
        return _schema_fault(value)
    return _pattern_fault(str(value)) if plain == "regex" else ""


def _pattern_fault(pattern: str) -> str:
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression of Python's: {error}"
    return ""


def _schema_fault(schema: Any) -> str:
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped,unused-ignore]

    if not isinstance(schema, dict | bool):
        return "a JSON schema is a mapping"
    if _references_elsewhere(schema):
        return "a schema that refers to another file or address is not followed"
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        return f"is no JSON schema: {str(error).partition(chr(10))[0]}"
    return ""


def _references_elsewhere(schema: Any) -> bool:
    if isinstance(schema, dict):
        named = schema.get("$ref")
        own = isinstance(named, str) and not named.startswith("#")
        return own or any(map(_references_elsewhere, schema.values()))
    return isinstance(schema, list) and any(map(_references_elsewhere, schema))


def _equals(one: Assert, sample: Sample) -> bool:
    if isinstance(one.value, dict | list):
        return any(found == one.value for found in _whole(sample.output))
    return sample.output == _text(one.value)


def _contains(one: Assert, sample: Sample) -> bool:
    return _text(one.value) in sample.output


def _icontains(one: Assert, sample: Sample) -> bool:
    return _text(one.value).lower() in sample.output.lower()


def _each(every: Callable[[Iterator[bool]], bool], *, lower: bool) -> Callable[[Assert, Sample], bool]:
    def check(one: Assert, sample: Sample) -> bool:
        said = sample.output.lower() if lower else sample.output
        return every((_text(value).lower() if lower else _text(value)) in said for value in one.value)

    return check


def _starts_with(one: Assert, sample: Sample) -> bool:
    return sample.output.startswith(_text(one.value))


def _regex(one: Assert, sample: Sample) -> bool:
    return re.search(_text(one.value), sample.output, re.ASCII) is not None


def _is_json(one: Assert, sample: Sample) -> bool:
    return any(_fits(found, one.value) for found in _whole(sample.output))


def _contains_json(one: Assert, sample: Sample) -> bool:
    return any(_fits(found, one.value) for found in _within(sample.output))


def _levenshtein(one: Assert, sample: Sample) -> bool:
    assert one.threshold is not None  # noqa: S101  (checked when it was read)
    return _distance(sample.output, _text(one.value), one.threshold) <= one.threshold


def _latency(one: Assert, sample: Sample) -> bool:
    if sample.response is None:
        raise ScorerError("latency: no call was made, so it took no time")
    return sample.response.latency * 1000 <= (one.threshold or 0)


def _cost(one: Assert, sample: Sample) -> bool:
    if sample.response is None or sample.response.cost is None:
        raise ScorerError("cost: no price is known; give the run-config input_cost and output_cost")
    return sample.response.cost <= (one.threshold or 0)


KINDS: Mapping[str, Callable[[Assert, Sample], bool]] = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _icontains,
    "contains-any": _each(any, lower=False),
    "contains-all": _each(all, lower=False),
    "icontains-any": _each(any, lower=True),
    "icontains-all": _each(all, lower=True),
    "starts-with": _starts_with,
    "regex": _regex,
    "is-json": _is_json,
    "contains-json": _contains_json,
    "levenshtein": _levenshtein,
    "latency": _latency,
    "cost": _cost,
}
"""Kind -> whether an answer meets it."""
_MEASURED = ("levenshtein", "latency", "cost")
_TEXTS = ("contains", "icontains", "starts-with", "regex", "levenshtein")
_JSON = ("is-json", "contains-json")


def _text(value: Any) -> str:
    """As it would stand in an answer: JSON's words for what is no text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _whole(output: str) -> list[Any]:
    """The answer as JSON, in a list; an empty one where it is none."""
    try:
        return [json.loads(output)]
    except (ValueError, RecursionError):
        return []


def _within(output: str) -> Iterator[Any]:
    """Each JSON object in the answer."""
    decoder, start = json.JSONDecoder(), output.find("{")
    for _ in range(_STARTS):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(output, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield found
        start = output.find("{", end)


def _fits(value: Any, schema: Any) -> bool:
    from jsonschema import Draft202012Validator

    if schema is None:
        return True
    try:
        return bool(Draft202012Validator(schema).is_valid(value))
    except RecursionError as error:
        raise ScorerError("is-json: the schema goes round in a circle") from error


def _distance(one: str, other: str, most: float) -> int:
    """Edits from one to the other; more than `most` where there surely are more."""
    if abs(len(one) - len(other)) > most:
        return abs(len(one) - len(other))
    before = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        now = [i]
        for j, right in enumerate(other, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (left != right)))
        if min(now) > most:
            return min(now)
        before = now
    return before[-1]
