"""Dialogues: all calls of a sample through the door, one after another, each recorded and none made twice."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_model import Answer, FakeModel

from touchstone import calls
from touchstone.calls import Door
from touchstone.dialogue import Dialogue
from touchstone.errors import CallRefused, NotRecorded, ToolFailed
from touchstone.places import Places
from touchstone.planning import later_calls, plan, table
from touchstone.prompts import Prompts
from touchstone.recordings import read
from touchstone.records import Message, Request, Response, Row, RunConfig, Sample, ToolCall
from touchstone.sending import Traffic

MAIN = RunConfig(name="main", model="openai-compatible/m", prompt="ask", base_url="http://h/v1")
AGENT = MAIN.model_copy(update={"tools": (f"{__name__}:double",), "tool_rounds": 3})
SYSTEM = "{% block system %}s{% endblock %}"


def double(number: int) -> int:
    """Twice as much."""
    if number < 0:
        raise ValueError("too small")
    return 2 * number


def take(row: Row) -> int:
    """Takes one of what the row has, and says how many are left."""
    row.input["left"] -= 1
    return int(row.input["left"])


def calling(*numbers: int, text: str = "") -> Response:
    made = tuple(ToolCall.of("double", {"number": n}, f"c{n}") for n in numbers)
    return Response(text, finish="tool_calls", tool_calls=made, cost=0.5)


def counting(request: Request) -> Answer:
    """Doubles what the user says, by the tool, and then says it."""
    last = request.messages[-1]
    return f"it is {last.content}" if last.role == "tool" else calling(int(last.content))


@pytest.fixture
def hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Dialogue]:
    """Holds a dialogue with a model, in a project with its own stores."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "ask.j2").write_text(SYSTEM)
    (tmp_path / "plain.j2").write_text("{{ input }}")

    def hold(model: FakeModel, given: Any, config: RunConfig = AGENT, calls_from: str = "record") -> Dialogue:
        monkeypatch.setattr(calls, "open_model", lambda config, root: model)
        places = Places(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path / "recordings", tmp_path / "state")
        prompt = "ask" if isinstance(given, dict) else "plain"

        async def main() -> Dialogue:
            door = Door(places, Prompts(tmp_path, "prompts"), calls_from, Traffic(4))  # type: ignore[arg-type]
            row = Row(id="a", input=given)
            held = Dialogue(door, config.model_copy(update={"prompt": prompt}), row, 1)
            try:
                await held.hold()
            finally:
                await door.aclose()
            return held

        return asyncio.run(main())

    return hold


def whole(held: Dialogue) -> Sample:
    response = held._last
    assert response is not None
    row = Row(id="a", input="x")
    return Sample("e", row, MAIN, 1, response.text, response, request=held.request, earlier=held.earlier)


def test_a_sample_without_tools_and_turns_is_one_call(hold: Callable[..., Dialogue]) -> None:
    model = FakeModel(calling(1, text="words"))
    held = hold(model, "4", MAIN)
    assert len(model.history) == 1
    assert (held.earlier, model.history[0].params) == ({}, {})
    assert whole(held).tool_calls == (ToolCall("double", '{"number": 1}', "c1"),)


def test_tools_are_answered_until_none_is_called(hold: Callable[..., Dialogue]) -> None:
    model = FakeModel(calling(1, 2), calling(4), "eight")
    sample = whole(hold(model, "go"))
    told = [(one.role, one.content, one.tool_call_id) for one in sample.messages]
    assert told[1:] == [
        ("assistant", "", ""),
        *(("tool", "2", "c1"), ("tool", "4", "c2")),
        ("assistant", "", ""),
        ("tool", "8", "c4"),
        ("assistant", "eight", ""),
    ]
    assert [call.arguments["number"] for call in sample.tool_calls] == [1, 2, 4]
    assert [one.finish for one in sample.turns] == ["tool_calls", "tool_calls", "stop"]
    assert sample.output == "eight"


def test_rounds_are_bounded_and_the_last_call_is_the_answer(hold: Callable[..., Dialogue]) -> None:
    model = FakeModel(rule=lambda request: calling(len(request.messages)))
    sample = whole(hold(model, "go"))
    assert len(model.history) == 1 + 3
    assert (sample.response or Response("")).finish == "tool_calls"


def test_turns_are_said_after_the_answer_before_and_tools_in_each(hold: Callable[..., Dialogue]) -> None:
    model = FakeModel(rule=counting)
    sample = whole(hold(model, {"turns": ["1", "2"]}))
    roles = "system user assistant tool assistant user assistant tool assistant"
    assert [one.role for one in sample.messages] == roles.split()
    assert sample.output == "it is 4"
    assert [one.text for one in sample.turns if not one.tool_calls] == ["it is 2", "it is 4"]


def test_after_a_call_that_nobody_answers_nothing_is_said(hold: Callable[..., Dialogue]) -> None:
    model = FakeModel(rule=lambda request: calling(1))
    hold(model, {"turns": ["1", "2"]}, MAIN)
    assert len(model.history) == 1
    model = FakeModel(Response("", finish="content_filter"))
    hold(model, {"turns": ["other", "2"]}, MAIN)
    assert len(model.history) == 1


def test_every_call_is_recorded_and_replayed_and_none_made_twice(hold: Callable[..., Dialogue], tmp_path: Path) -> None:
    model = FakeModel(rule=counting)
    first = hold(model, {"turns": ["1", "2"]})
    assert len({request.key for request in model.history}) == 4
    silent = FakeModel()
    again = hold(silent, {"turns": ["1", "2"]}, calls_from="replay")
    assert (silent.history, list(again.earlier)) == ([], list(first.earlier))
    assert [one.tool_calls for one in whole(again).turns] == [one.tool_calls for one in whole(first).turns]
    (file,) = (tmp_path / "recordings").glob("*.jsonl")
    shelf = read(file)
    assert (shelf.problems, len(shelf.entries)) == ([], 4)
    for line in ("state", "recordings"):
        assert (tmp_path / line).exists()
    file.unlink()
    cached = hold(silent, {"turns": ["1", "2"]}, calls_from="auto")
    assert (silent.history, whole(cached).output) == ([], "it is 4")


def test_what_tools_change_lasts_as_long_as_the_dialogue(hold: Callable[..., Dialogue]) -> None:
    given = {"turns": ["take two"], "left": 5}
    config = MAIN.model_copy(update={"tools": (f"{__name__}:take",)})
    taking = Response("", tool_calls=(ToolCall("take", "{}", "1"),))
    for _ in range(2):
        held = hold(FakeModel(taking, taking, "done"), given, config, "live")
        assert [one.content for one in whole(held).messages if one.role == "tool"] == ["4", "3"]
    assert given["left"] == 5


def test_a_changed_tool_is_another_request(hold: Callable[..., Dialogue], monkeypatch: pytest.MonkeyPatch) -> None:
    hold(FakeModel(rule=counting), "1")
    monkeypatch.setattr(double, "__doc__", "Twice as much, exactly.")
    with pytest.raises(NotRecorded):
        hold(FakeModel(), "1", calls_from="replay")


def test_a_call_or_a_tool_that_fails_fails_the_sample(hold: Callable[..., Dialogue]) -> None:
    with pytest.raises(CallRefused, match="no"):
        hold(FakeModel(calling(1), CallRefused("no")), "1")
    with pytest.raises(ToolFailed, match="double raised ValueError: too small"):
        hold(FakeModel(calling(-1)), "1")


def test_the_plan_says_what_conversations_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from touchstone.datasets import Dataset
    from touchstone.evals import Eval, Job

    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "ask.j2").write_text(SYSTEM)
    places = Places(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path / "recordings", tmp_path / "state")
    door = Door(places, Prompts(tmp_path, "prompts"), "auto", Traffic(4))
    rows = (
        Row(id="a", input={"turns": ["1", "2"]}),
        Row(id="b", input={"messages": [{"role": "user", "content": "x"}]}),
    )
    whole = Eval("e", Dataset("d", rows), (), ())
    jobs = [
        Job(whole, row, config, 1, True)
        for config in (MAIN, AGENT.model_copy(update={"name": "agent"}))
        for row in rows
    ]
    lines = plan(door, jobs)
    assert [line.to_make for line in lines] == [2, 2]
    assert later_calls(door, jobs) == 1 + 0 + 7 + 3
    assert "Further turns and rounds of tools would take up to 11 calls more" in table(
        lines, 0, later_calls(door, jobs)
    )


def test_a_message_of_an_answer_repeats_no_calls_as_text() -> None:
    assert calling(1, text='[{"name": "double", "arguments": "{\\"number\\": 1}"}]').message.content == ""
    assert calling(1, text="I look.").message == Message("assistant", "I look.", calling(1).tool_calls)
