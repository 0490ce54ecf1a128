"""Tools: what a file or a function may define, how calls are answered, and what is told of mistakes."""

from __future__ import annotations

import asyncio
import sys
import threading
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from touchstone.errors import ToolError, ToolFailed, UsageError
from touchstone.places import Places
from touchstone.records import Message, Row, RunConfig, ToolCall
from touchstone.requests import build_request
from touchstone.toolbox import Toolbox, open_toolbox

ROW = Row.model_validate({"id": "a", "input": "x", "world": {"Paris": "rain"}})
YAML = """
- name: weather
  description: The weather of a city.
  parameters:
    type: object
    properties: {city: {type: string}}
    required: [city]
- type: function
  function: {name: clock}
"""


class Unit(Enum):
    C = "celsius"


def weather(row: Row, city: Annotated[str, Field(description="A town.")], unit: Unit = Unit.C, schema: int = 1) -> str:
    """The weather."""
    if city not in row.world:  # type: ignore[attr-defined]
        raise ToolError(f"no such city: {city}")
    return f"{row.world[city]} in {unit.value} {schema}"  # type: ignore[attr-defined]


async def later(seconds: float) -> dict[str, float]:
    await asyncio.sleep(seconds)
    return {"waited": seconds}


def broken() -> None:
    raise KeyError("a bug")


def hangs() -> None:
    threading.Event().wait()


def exits() -> None:
    sys.exit(3)


def strange() -> object:
    return object()


def endless() -> str:
    return "x" * (2**20 + 1)


def untyped(city):  # type: ignore[no-untyped-def]
    return city


def many(*cities: str) -> str:
    return str(cities)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    (tmp_path / "evals/tools").mkdir(parents=True)
    (tmp_path / "evals/tools/town.yaml").write_text(YAML)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Places.of(tmp_path, lambda name: {"touchstone_run_configs": "evals/run_configs.yaml"}.get(name, "x"))


def opened(places: Places, *tools: str, **changes: Any) -> Toolbox:
    return open_toolbox(RunConfig(name="main", model="m", prompt="p", tools=tools, **changes), places)


def here(name: str) -> str:
    return f"{__name__}:{name}"


def answered(box: Toolbox, name: str, text: str, timeout: float = 5.0) -> str:
    message = asyncio.run(box.answer(ToolCall(name, text, "id-1"), ROW, timeout))
    assert (message.role, message.tool_call_id) == ("tool", "id-1")
    return message.content


def test_a_file_of_definitions(places: Places) -> None:
    box = opened(places, "town")
    assert [one["function"]["name"] for one in box.definitions] == ["weather", "clock"]
    assert box.definitions[1]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert not box.answers([ToolCall("weather")])
    assert opened(places, "evals/tools/town.yaml").definitions == box.definitions
    (places.tools / "json.json").write_text('{"tools": [{"name": "a", "parameters": {"type": "object"}}]}')
    assert opened(places, "json").definitions[0]["function"]["name"] == "a"


def test_a_function_defines_itself(places: Places) -> None:
    (definition,) = opened(places, here("weather")).definitions
    told = definition["function"]
    assert (told["name"], told["description"]) == ("weather", "The weather.")
    assert told["parameters"]["required"] == ["city"]
    assert list(told["parameters"]["properties"]) == ["city", "unit", "schema"], "the row is not the model's to give"
    assert told["parameters"]["properties"]["city"] == {"type": "string", "description": "A town."}
    assert "title" not in str(told["parameters"])


def test_a_function_answers_for_a_file(places: Places) -> None:
    box = opened(places, "town", here("weather"))
    assert box.definitions[0]["function"]["description"] == "The weather of a city."
    assert box.answers([ToolCall("weather")])
    assert not box.answers([ToolCall("weather"), ToolCall("clock")]), "nobody here answers for the clock"
    assert not box.answers([])


def test_calls_are_answered(places: Places) -> None:
    box = opened(places, here("weather"), here("later"))
    assert answered(box, "weather", '{"city": "Paris"}') == "rain in celsius 1"
    assert answered(box, "weather", '{"city": "Paris", "schema": 7}') == "rain in celsius 7"
    assert answered(box, "later", '{"seconds": 0}') == '{"waited": 0.0}'


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("weather", '{"city": "Rome"}', "error: no such city: Rome"),
        ("weather", '{"city": 7}', "error: city: Input should be a valid string"),
        ("weather", '{"town": "Paris"}', "error: city: Field required"),
        ("weather", '{"city": "Paris", "row": {}}', "error: row: Extra inputs are not permitted"),
        ("weather", '{"city": ', "error: the arguments are no JSON object"),
        ("weather", "[]", "error: the arguments are no JSON object"),
        ("nothing", "{}", "error: there is no tool 'nothing'; there are: weather"),
    ],
)
def test_what_a_model_does_wrong_it_is_told(places: Places, name: str, text: str, said: str) -> None:
    assert answered(opened(places, here("weather")), name, text) == said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "the tool broken raised KeyError: 'a bug'"),
        ("hangs", "the tool hangs gave no answer within 0.1 s"),
        ("exits", "the tool exits raised RuntimeError: SystemExit: 3"),
        ("strange", "the tool strange returned object, which is no JSON"),
        ("endless", "the tool endless returned 1,048,577 characters"),
    ],
)
def test_what_a_tool_does_wrong_is_the_samples_error(places: Places, name: str, why: str) -> None:
    with pytest.raises(ToolFailed, match=why):
        answered(opened(places, here(name)), name, "{}", timeout=0.1)


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        (("twon",), "there is no file of tools 'twon' below evals/tools\n  did you mean 'town'"),
        (("../secret",), "there is no file of tools"),
        (("a\0b",), "there is no file of tools"),
        (("nowhere:f",), "cannot find the tool 'nowhere:f'"),
        ((f"{__name__}:nothing",), "cannot find the tool"),
        ((f"{__name__}:ROW",), "is no function, but Row"),
        ((f"{__name__}:untyped",), "the parameter 'city' has no type"),
        ((f"{__name__}:many",), "can be given by no name"),
        (("town", "town"), "two tools are called 'weather'"),
    ],
)
def test_a_tool_that_cannot_be_had(places: Places, tools: tuple[str, ...], why: str) -> None:
    (places.tools.parent / "secret.yaml").write_text(YAML)
    with pytest.raises(UsageError) as caught:
        opened(places, *tools)
    assert why in str(caught.value)
    assert "run-config 'main'" in caught.value.where


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("{}", 1, "wants a list of tools"),
        ("- name: a b\n", 1, "name: String should match"),
        ("- name: ok\n- nome: x\n", 2, "name: Field required"),
        ("- name: a\n  parameters: {type: strange}\n", 2, "is no JSON schema: $.type: 'strange' is not valid"),
        ("- name: a\n  parameters: {type: string}\n", 2, "type: object"),
        ("- name: a\n  parameters:\n    default: 2020-01-01\n", 1, "is no JSON: Object of type date"),
    ],
)
def test_a_file_that_defines_nothing_of_use(places: Places, text: str, line: int, why: str) -> None:
    (places.tools / "bad.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        opened(places, "bad")
    assert why in str(caught.value)
    assert caught.value.where == f"evals/tools/bad.yaml:{line}"


def test_a_file_that_unfolds_without_end_is_refused(places: Places) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    for text in (bomb, "- name: a\n  parameters: &p\n    properties: *p\n"):
        (places.tools / "bomb.yaml").write_text(text)
        with pytest.raises(UsageError, match="holds more than 10,000 values"):
            opened(places, "bomb")


def test_a_choice_names_a_tool(places: Places) -> None:
    with pytest.raises(UsageError, match=r"tool_choice names 'wether', which is no tool\n.*weather"):
        opened(places, "town", tool_choice="wether")
    with pytest.raises(ValueError, match="tool_choice wants `tools:`"):
        RunConfig(name="a", model="m", prompt="p", tool_choice="auto")


def test_tools_are_part_of_a_request_and_a_forced_call_is_forced_once(places: Places) -> None:
    box = opened(places, "town")
    asked = (Message("user", "hi"),)
    plain = RunConfig(name="main", model="m", prompt="p")
    with_tools = plain.model_copy(update={"tools": ("town",)})
    request = build_request(with_tools, "m", asked, 1, box.definitions)
    assert request.key != build_request(plain, "m", asked, 1).key
    assert request.params == {"tools": list(box.definitions)}
    forced = with_tools.model_copy(update={"tool_choice": "clock"})
    named = {"type": "function", "function": {"name": "clock"}}
    assert build_request(forced, "m", asked, 1, box.definitions).params["tool_choice"] == named
    then = (*asked, Message("assistant", "", (ToolCall("clock", "{}", "1"),)), Message("tool", "noon", (), "1"))
    assert "tool_choice" not in build_request(forced, "m", then, 1, box.definitions).params
    required = with_tools.model_copy(update={"tool_choice": "required"})
    assert build_request(required, "m", asked, 1, box.definitions).params["tool_choice"] == "required"
    assert "tool_choice" not in build_request(required, "m", then, 1, box.definitions).params
    free = with_tools.model_copy(update={"tool_choice": "none"})
    assert build_request(free, "m", then, 1, box.definitions).params["tool_choice"] == "none"
