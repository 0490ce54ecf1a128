"""The scorers that are there already: what they call a miss, and in which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from touchstone import ScorerError, UsageError, calls_tools, matches_schema, valid_tool_calls
from touchstone.records import Message, Request, Response, Row, RunConfig, Sample, Score, ToolCall, json_of
from touchstone.scorers import identity_of, in_background, names_of

CONFIG = RunConfig(name="main", model="m", prompt="p")
PRICE = {"type": "object", "properties": {"price": {"type": "number", "minimum": 0}}, "required": ["price"]}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    when: date
    items: tuple[int, ...]


def said(output: str, output_mode: Any = "text") -> Sample:
    return Sample("e", Row(id="a", input="x"), CONFIG.model_copy(update={"output": output_mode}), 1, output)


def called(*calls: ToolCall, row: Row | None = None) -> Sample:
    """Each call is an answer of its own, the last answer is words."""
    request = Request("m", (Message("user", "hi"),), {"tools": [WEATHER, CLOCK]})
    earlier = {str(n): Response("", tool_calls=(call,)) for n, call in enumerate(calls)}
    last = Response("done")
    return Sample("e", row or Row(id="a", input="x"), CONFIG, 1, "done", last, request=request, earlier=earlier)


def weather(**arguments: Any) -> ToolCall:
    return ToolCall.of("weather", arguments)


def told(scorer: Callable[[Sample], Score], sample: Sample) -> tuple[float, str]:
    score = scorer(sample)
    json.dumps(score.details)
    return score.value, score.why


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ('{"price": -1}', "$.price: -1 is less than the minimum of 0"),
        ('{"price": "1"}', "$.price: '1' is not of type 'number'"),
        ("{}", "$: 'price' is a required property"),
        ("[]", "$: [] is not of type 'object'"),
        ("nothing", "the output is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ('```json\n{"price": 1}\n```', "the output is no JSON (it stands in a code fence): Expecting value"),
        ('{"price": NaN}', "the output is no JSON: NaN is no JSON"),
        ("[" * 100_000, "the output is no JSON"),
    ],
)
def test_what_breaks_a_schema_is_a_miss_that_says_where(output: str, why: str) -> None:
    value, words = told(matches_schema(PRICE), said(output))
    assert value == 0.0
    assert words.startswith(why)


def test_what_fits_a_schema_a_model_or_the_run_configs_own() -> None:
    assert told(matches_schema(PRICE), said('{"price": 2}'))[0] == 1.0
    assert told(matches_schema(), said('{"price": 2}', PRICE))[0] == 1.0
    assert told(matches_schema(), said('{"price": "2"}', PRICE))[0] == 0.0
    assert told(matches_schema(Order), said('{"when": "2026-01-01", "items": [1, 2]}'))[0] == 1.0


def test_a_model_says_where_too() -> None:
    value, why = told(matches_schema(Order), said('{"when": "2026-01-01", "items": [1, "x"]}'))
    assert (value, why.split(":")[0]) == (0.0, "$.items[1]")
    assert "$.more" in matches_schema(Order)(said('{"when": "soon", "items": [], "more": 1}')).details["faults"][1]


def test_deep_output_is_a_miss_and_no_traceback() -> None:
    nested = {"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}
    value, why = told(matches_schema(nested), said("[" * 900 + "1" + "]" * 900))
    assert value == 0.0
    assert why


def test_a_schema_that_refers_elsewhere_is_an_error_and_fetches_nothing() -> None:
    with pytest.raises(ScorerError, match=r"refers to 'http://127\.0\.0\.1:9/s\.json', which is not in it"):
        matches_schema({"$ref": "http://127.0.0.1:9/s.json"})(said("1"))


def test_no_schema_is_an_error_never_a_pass() -> None:
    with pytest.raises(ScorerError, match="'main' has no schema"):
        matches_schema()(said("{}"))


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"required": "price"}, 7, Row(id="a", input=1), int])
def test_what_is_no_schema_is_told_at_once(schema: Any) -> None:
    with pytest.raises(UsageError, match="matches_schema"):
        matches_schema(schema)


def test_an_output_read_as_json_is_a_miss_where_it_is_none() -> None:
    assert said('{"a": [1]}').json == {"a": [1]}
    with pytest.raises(AssertionError, match="is no JSON"):
        _ = said("a").json
    with pytest.raises(AssertionError, match="Infinity is no JSON"):
        json_of("Infinity")


PARIS = {"name": "weather", "arguments": {"city": "Paris"}}
CLOCKED = {"name": "clock"}


@pytest.mark.parametrize(
    ("expected", "calls", "why"),
    [
        ([], [], ""),
        ([PARIS], [weather(city="Paris")], ""),
        ([PARIS], [weather(city="Paris", days=2)], ""),
        (
            [{**PARIS, "exact": True}],
            [weather(city="Paris", days=2)],
            'did not call weather({"city": "Paris"}); called',
        ),
        ([PARIS], [], 'did not call weather({"city": "Paris"}): no tool was called'),
        ([PARIS], [weather(city="Rome")], 'did not call weather({"city": "Paris"}); called weather({"city": "Rome"})'),
        ([PARIS], [ToolCall("clock")], 'did not call weather({"city": "Paris"}); called clock'),
        ([CLOCKED, PARIS], [weather(city="Paris"), ToolCall("clock")], "out of order"),
        ([PARIS, PARIS], [weather(city="Paris")], '{"city": "Paris"}) 1 x, wanted 2 x'),
        ([], [ToolCall("clock")], "called clock({}) too, which was not wanted"),
        ([{"name": "weather", "arguments": {"days": 1}}], [weather(city="x", days=1)], ""),
        ([{"name": "weather", "arguments": {"days": True}}], [weather(city="x", days=1)], "did not call"),
        ([{"name": "weather", "arguments": {"city": lambda c: c.startswith("P")}}], [weather(city="Paris")], ""),
        ([{"name": "weather", "arguments": {"city": lambda c: c == "Rome"}}], [weather(city="Paris")], "did not call"),
        ([PARIS], [ToolCall("weather", '{"city": "Par')], "its arguments are no JSON object"),
        ([PARIS], [weather(city="Paris", days="two")], "$.days: 'two' is not of type 'integer'"),
        ([PARIS], [weather(city="Paris"), ToolCall("nothing")], "there is no such tool; there are: weather, clock"),
    ],
)
def test_which_tools_should_be_called(expected: list[Any], calls: list[ToolCall], why: str) -> None:
    value, words = told(calls_tools(expected), called(*calls))
    assert value == (0.0 if why else 1.0)
    assert why in words


def test_in_any_order_each_call_counts_once() -> None:
    free = calls_tools([CLOCKED, PARIS, {"name": "weather"}], in_order=False)
    assert free(called(weather(city="Paris"), weather(city="Rome"), ToolCall("clock"))).value == 1.0
    assert free(called(weather(city="Paris"), ToolCall("clock"))).value == 0.0
    greedy = calls_tools([{"name": "weather"}, PARIS], in_order=False)
    assert greedy(called(weather(city="Paris"), weather(city="Rome"))).value == 1.0


def test_others_may_be_called_where_that_is_said() -> None:
    assert calls_tools([PARIS], only=False)(called(ToolCall("clock"), weather(city="Paris"))).value == 1.0


def test_what_a_row_expects() -> None:
    row = Row.model_validate({"id": "a", "input": "x", "expect_tools": [PARIS]})
    assert calls_tools()(called(weather(city="Paris"), row=row)).value == 1.0
    assert calls_tools()(called(row=row)).value == 0.0
    with pytest.raises(ScorerError, match="row 'a': expect_tools: wants a list"):
        calls_tools()(called())
    wrong = Row.model_validate({"id": "a", "input": "x", "expect_tools": [{"tool": "weather"}]})
    with pytest.raises(ScorerError, match="row 'a': expect_tools: a call is"):
        calls_tools()(called(row=wrong))


@pytest.mark.parametrize(
    "expected", ["weather", [1], [{"name": "w", "args": {}}], [{"name": "w", "arguments": []}], [{"arguments": {}}]]
)
def test_what_is_no_expectation_is_told_at_once(expected: Any) -> None:
    with pytest.raises(UsageError):
        calls_tools(expected)


def test_valid_calls_are_those_that_fit_their_own_schema() -> None:
    assert told(valid_tool_calls(), called(weather(city="x"), ToolCall("clock"))) == (1.0, "called weather, clock")
    assert told(valid_tool_calls(), called()) == (1.0, "called no tool")
    score = valid_tool_calls()(called(weather(), ToolCall("clock", "[")))
    assert (score.value, len(score.details["faults"])) == (0.0, 2)
    assert score.why == "weather({}): $: 'city' is a required property"


@pytest.mark.parametrize("scorer", [calls_tools([]), valid_tool_calls()])
def test_of_an_answer_that_was_given_nothing_is_known(scorer: Callable[[Sample], Score]) -> None:
    with pytest.raises(ScorerError, match="this answer was given"):
        scorer(said("words"))


def test_they_have_names_and_identities_of_their_own() -> None:
    assert names_of(calls_tools([], name="asks_nobody")) == ("asks_nobody",)
    assert not in_background(matches_schema(PRICE))
    different = [matches_schema(PRICE), matches_schema({}), matches_schema(Order), matches_schema()]
    different += [calls_tools(), calls_tools([]), calls_tools([PARIS]), calls_tools([PARIS], only=False)]  # type: ignore[list-item]
    assert len({identity_of(one) for one in different}) == len(different)
