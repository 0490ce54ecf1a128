"""Scorers that are there already: structured outputs against a schema, tools against what should be called.

Each gives 1 or 0, with words. A sample whose answer was given (a golden one, an imported one) has no calls to look at:
that is an error, not a miss.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from .errors import ScorerError, UsageError
from .fingerprint import fingerprint
from .records import Sample, Score, ToolCall, digest, json_of
from .schemas import check_schema, faults
from .scorers import Traits

Schema: TypeAlias = Mapping[str, Any] | type[BaseModel]
Expected: TypeAlias = Mapping[str, Any]
"""{"name": ..., "arguments": {...}, "exact": False}: a call as it should be. A value among the arguments may be a
function, which says whether the value that it is given will do."""
_KEYS = ("name", "arguments", "exact")
_ROW_KEY = "expect_tools"


@dataclass(frozen=True)
class MatchesSchema:
    """Whether the output is JSON that fits a schema."""

    schema: Schema | None
    __name__: str

    @property
    def __touchstone__(self) -> Traits:
        return Traits(identity=self._identity)

    def __call__(self, sample: Sample) -> Score:
        """1 where it fits. Raises ScorerError where there is no schema to fit."""
        schema = self.schema if self.schema is not None else sample.run_config.output
        if isinstance(schema, str):
            hint = "give the run-config `output:` a JSON schema, or write matches_schema(SCHEMA)"
            raise ScorerError(f"the run-config {sample.run_config.name!r} has no schema: {hint}")
        try:
            value = json_of(sample.output)
        except AssertionError as error:
            return Score(0.0, str(error))
        wrong = _faults(schema, value)
        return Score(0.0, wrong[0], {"faults": wrong}) if wrong else Score(1.0, "fits its schema")

    def _identity(self) -> str:
        return _code() + _identity_of(self.schema)


def matches_schema(schema: Schema | None = None, *, name: str = "matches_schema") -> MatchesSchema:
    """A scorer: the output is JSON, and nothing else, that fits the schema.

    `schema` is a JSON schema or a pydantic model; without one it is the run-config's `output:`. `name` is the score's.
    Raises UsageError for what is no JSON schema.
    """
    if schema is not None and not isinstance(schema, type) and (wrong := check_schema(schema)):
        raise UsageError(f"matches_schema: {wrong}")
    if isinstance(schema, type) and not issubclass(schema, BaseModel):
        raise UsageError(f"matches_schema wants a JSON schema or a pydantic model, not the class {schema.__name__}")
    return MatchesSchema(schema, name)


@dataclass(frozen=True)
class ValidToolCalls:
    """Whether every tool that was called is there, with arguments that fit its schema."""

    __name__: str

    def __call__(self, sample: Sample) -> Score:
        """1 where all are; also where none was called."""
        calls = _calls(sample)
        wrong = [f"{_short(call)}: {why}" for call in calls for why in _wrong(call, sample)]
        details = {"called": _told(calls), **({"faults": wrong} if wrong else {})}
        return Score(0.0 if wrong else 1.0, wrong[0] if wrong else _count(calls), details)


def valid_tool_calls(*, name: str = "valid_tool_calls") -> ValidToolCalls:
    """A scorer: every tool that was called was offered, and its arguments are JSON that fits the tool's own schema."""
    return ValidToolCalls(name)


@dataclass(frozen=True)
class CallsTools:
    """Whether those tools were called that should be."""

    expected: tuple[Expected, ...] | None
    in_order: bool
    only: bool
    __name__: str

    @property
    def __touchstone__(self) -> Traits:
        return Traits(identity=self._identity)

    def __call__(self, sample: Sample) -> Score:
        """1 where they were. Raises ScorerError for a row that does not say what should be called."""
        calls, expected = _calls(sample), self._expected(sample)
        wrong = [f"{_short(call)}: {why}" for call in calls for why in _wrong(call, sample)]
        why = wrong[0] if wrong else self._missed(calls, expected)
        details = {"called": _told(calls), "expected": [_plain(one) for one in expected]}
        return Score(0.0 if why else 1.0, why or _count(calls), details)

    def _expected(self, sample: Sample) -> Sequence[Expected]:
        if self.expected is not None:
            return self.expected
        told = getattr(sample.row, _ROW_KEY, None)
        try:
            return _checked(told)
        except UsageError as error:
            raise ScorerError(f"row {sample.row.id!r}: {_ROW_KEY}: {error}") from error

    def _missed(self, calls: Sequence[ToolCall], expected: Sequence[Expected]) -> str:
        """Why they were not; empty where they were."""
        taken = _in_order(calls, expected) if self.in_order else _in_any_order(calls, expected)
        lacking = [one for one, place in zip(expected, taken, strict=True) if place is None]
        if lacking:
            return _lacking(lacking[0], calls, expected)
        over = [call for place, call in enumerate(calls) if place not in taken]
        return f"called {_short(over[0])} too, which was not wanted" if over and self.only else ""

    def _identity(self) -> str:
        functions = {str(getattr(one, "__module__", "")) for one in _functions(self.expected)}
        told = [self.in_order, self.only, json.loads(json.dumps(self.expected, default=_named))]
        return _code() + digest([told, *sorted(fingerprint(name) for name in functions)])


def calls_tools(
    expected: Sequence[Expected] | None = None,
    *,
    in_order: bool = True,
    only: bool = True,
    name: str = "calls_tools",
) -> CallsTools:
    """A scorer: the tools that should be called were, each call of them valid, over all turns and rounds.

    `expected` lists {"name": ..., "arguments": {...}, "exact": false}; without it the row's `expect_tools` does.
    Arguments that are not named may be anything, unless `exact`; a value may be a function that says whether the value
    will do. `in_order`: in this order, `only`: and no other tool. `[]` is: none. Raises UsageError.
    """
    return CallsTools(None if expected is None else tuple(_checked(expected)), in_order, only, name)


def _checked(expected: Any) -> Sequence[Expected]:
    if not isinstance(expected, list | tuple):
        raise UsageError(f'wants a list of {{"name": ..., "arguments": {{...}}}}, not {type(expected).__name__}')
    for one in expected:
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
            raise UsageError(f'a call is {{"name": ..., "arguments": {{...}}}}, not {str(one)[:80]}')
        if unknown := [key for key in one if key not in _KEYS]:
            raise UsageError(f"a call knows no {unknown[0]!r}; it has: {', '.join(_KEYS)}")
        if not isinstance(one.get("arguments", {}), Mapping) or not isinstance(one.get("exact", False), bool):
            raise UsageError(f"of the call {one['name']!r}: arguments are a mapping, exact is true or false")
    return expected


def _calls(sample: Sample) -> tuple[ToolCall, ...]:
    if not sample.messages:
        raise ScorerError("this answer was given, not asked for here: the tools that were called are not known")
    return sample.tool_calls


def _wrong(call: ToolCall, sample: Sample) -> Iterator[str]:
    """What is wrong with a call, by the tools that were offered."""
    tools = (sample.request.params.get("tools") or ()) if sample.request else ()
    offered = {one["function"]["name"]: one["function"].get("parameters") or {} for one in tools}
    if call.name not in offered:
        yield f"there is no such tool; there are: {', '.join(offered) or 'none'}"
    elif not isinstance(call.arguments, dict):
        yield "its arguments are no JSON object"
    else:
        yield from _faults(offered[call.name], call.arguments)


def _faults(schema: Schema, value: Any) -> list[str]:
    try:
        return faults(schema, value)
    except ValueError as error:
        raise ScorerError(str(error)) from error


def _in_order(calls: Sequence[ToolCall], expected: Sequence[Expected]) -> list[int | None]:
    """For each that is expected, the place of the first call behind the last one found that fits."""
    found: list[int | None] = []
    start = 0
    for one in expected:
        place = next((at for at in range(start, len(calls)) if _fits(calls[at], one)), None)
        start = start if place is None else place + 1
        found.append(place)
    return found


def _in_any_order(calls: Sequence[ToolCall], expected: Sequence[Expected]) -> list[int | None]:
    """For each that is expected, a call that fits and no other has: as many as can be (augmenting paths)."""
    holder: dict[int, int] = {}

    def placed(want: int, tried: set[int]) -> bool:
        for at, call in enumerate(calls):
            if at not in tried and _fits(call, expected[want]):
                tried.add(at)
                if at not in holder or placed(holder[at], tried):
                    holder[at] = want
                    return True
        return False

    for want in range(len(expected)):
        placed(want, set())
    places = {want: at for at, want in holder.items()}
    return [places.get(want) for want in range(len(expected))]


def _fits(call: ToolCall, one: Expected) -> bool:
    given, wanted = call.arguments, one.get("arguments", {})
    if call.name != one["name"] or not isinstance(given, dict):
        return False
    if one.get("exact") and set(given) != set(wanted):
        return False
    return all(key in given and _will_do(given[key], value) for key, value in wanted.items())


def _will_do(given: Any, wanted: Any) -> bool:
    """Equal as JSON: 1 is 1.0 and is not true; what a mapping does not name may be anything."""
    if callable(wanted):
        return bool(wanted(given))
    if isinstance(wanted, Mapping):
        return isinstance(given, dict) and all(k in given and _will_do(given[k], v) for k, v in wanted.items())
    if isinstance(wanted, list | tuple):
        same = isinstance(given, list) and len(given) == len(wanted)
        return same and all(map(_will_do, given, wanted))
    return isinstance(given, bool) == isinstance(wanted, bool) and bool(given == wanted)


def _lacking(one: Expected, calls: Sequence[ToolCall], expected: Sequence[Expected]) -> str:
    told = _short(_plain(one))
    if not calls:
        return f"did not call {told}: no tool was called"
    same = [call for call in calls if call.name == one["name"]]
    if found := sum(_fits(call, one) for call in same):
        wanted = sum(other == one for other in expected)
        return f"called {told} {'out of order' if found >= wanted else f'{found} x, wanted {wanted} x'}"
    beside = f"; called {_short(same[0])}" if same else f"; called {', '.join(dict.fromkeys(c.name for c in calls))}"
    return f"did not call {told}{beside}"


def _plain(one: Expected) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(one, default=_named))
    return plain


def _named(value: Any) -> str:
    return f"<{getattr(value, '__qualname__', type(value).__name__)}>"


def _functions(value: Any) -> Iterator[Callable[..., Any]]:
    if callable(value):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _functions(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _functions(one)


def _told(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [{"name": call.name, "arguments": call.text if call.arguments is None else call.arguments} for call in calls]


def _count(calls: Sequence[ToolCall]) -> str:
    names = ", ".join(call.name for call in calls)
    return f"called {names[:160]}" if names else "called no tool"


def _short(call: ToolCall | Mapping[str, Any]) -> str:
    if isinstance(call, ToolCall):
        text = str(call)
    else:
        text = f"{call['name']}({json.dumps(call.get('arguments', {}), ensure_ascii=False)})"
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:117]}..."


def _identity_of(schema: Schema | None) -> str:
    if isinstance(schema, type):
        return digest(schema.model_json_schema()) + fingerprint(schema.__module__)
    return digest(schema) if schema is not None else ""


def _code() -> str:
    """Changes with this module: what it says of the same answer may, too."""
    return fingerprint(__name__)
