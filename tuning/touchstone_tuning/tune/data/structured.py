"""OpenAI's conversations whose answers are data: a JSON object as the content, or the call of a tool.

Both hold `answer`, and before it `thinking` where the turn has some, so that a model thinks before it answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from touchstone.records import Message

from .chat import Turn, said
from .examples import joined, parted
from .shape import Line, Messages, Shape, Spoken, plain, said_of

TOOL = "answer"
"""Name of the one tool."""


class Answer(BaseModel):
    """What the assistant's last turn holds, as JSON."""

    model_config = Spoken.model_config
    thinking: str | None = None
    answer: str


class Thinking(BaseModel):
    """What a turn before the last holds, as JSON."""

    model_config = Spoken.model_config
    thinking: str


Held = TypeVar("Held", Answer, Thinking)


class JsonChat(Spoken):
    """A conversation in which the assistant speaks JSON."""

    messages: list[Turn]

    def turns(self) -> Messages:
        """With the assistant's texts in place of its JSON."""
        last = len(self.messages) - 1
        return tuple(_read(one, place == last) for place, one in enumerate(said(self.messages)))


class Called(BaseModel):
    """A tool's name, and its arguments as JSON."""

    model_config = Spoken.model_config
    name: str
    arguments: str


class Call(BaseModel):
    """One call of a tool."""

    model_config = Spoken.model_config
    id: str
    type: Literal["function"]
    function: Called


class ToolTurn(BaseModel):
    """One turn: a text, or calls."""

    model_config = Spoken.model_config
    role: Literal["system", "user", "assistant"]
    content: str | None = None
    tool_calls: list[Call] | None = None


class Function(BaseModel):
    """What a tool takes."""

    model_config = Spoken.model_config
    name: str
    description: str = ""
    parameters: dict[str, Any]


class Tool(BaseModel):
    """A tool that may be called."""

    model_config = Spoken.model_config
    type: Literal["function"]
    function: Function


class ToolChat(Spoken):
    """A conversation that ends in the call of a tool."""

    messages: list[ToolTurn]
    tools: list[Tool]
    parallel_tool_calls: bool | None = None

    def turns(self) -> Messages:
        """With the assistant's text in place of its call."""
        known, last = {tool.function.name for tool in self.tools}, len(self.messages) - 1
        return tuple(_called(one, known, place == last) for place, one in enumerate(self.messages))


def json_chats(messages: Messages) -> Iterator[Line]:
    """The one line of a conversation."""
    last = len(messages) - 1
    yield {"messages": [plain(_written(one, place == last)) for place, one in enumerate(messages)]}


def tool_chats(messages: Messages) -> Iterator[Line]:
    """The one line of a conversation; its last turn is a call."""
    arguments = _json(messages[-1].content)
    call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": arguments}}
    turns = [*map(plain, messages[:-1]), {"role": "assistant", "tool_calls": [call]}]
    yield {"messages": turns, "tools": [_tool("thinking" in json.loads(arguments))], "parallel_tool_calls": False}


def schema(thinking: bool) -> dict[str, Any]:
    """The JSON schema of an answer, as a run-config's `output` takes it: strict, as OpenAI means it."""
    names = ["thinking", "answer"] if thinking else ["answer"]
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def _tool(thinking: bool) -> Line:
    function = {"name": TOOL, "description": "Gives the user the answer.", "parameters": schema(thinking)}
    return {"type": "function", "function": function}


def _json(text: str) -> str:
    """The assistant's last turn."""
    thinking, answer = parted(text)
    held = {"answer": answer} if thinking is None else {"thinking": thinking, "answer": answer}
    return json.dumps(held, ensure_ascii=False)


def _written(message: Message, last: bool) -> Message:
    if message.role != "assistant":
        return message
    held = _json(message.content) if last else json.dumps({"thinking": message.content}, ensure_ascii=False)
    return Message("assistant", held)


def _read(message: Message, last: bool) -> Message:
    if message.role != "assistant":
        return message
    text = _text(message.content) if last else _parsed(Thinking, message.content, "content").thinking
    return Message("assistant", text)


def _called(turn: ToolTurn, known: set[str], last: bool) -> Message:
    """Raises ValueError where there is a text and a call, or none, or the tool is not among the line's."""
    if (turn.content is None) == (turn.tool_calls is None):
        raise ValueError("a turn holds either content or tool_calls")
    if turn.content is not None:
        if last:
            raise ValueError("the last turn calls no tool")
        return Message(turn.role, turn.content)
    calls = turn.tool_calls or []
    if turn.role != "assistant" or len(calls) != 1 or not last:
        raise ValueError("tool_calls: wants one call, by the assistant, in the last turn")
    if calls[0].function.name not in known:
        raise ValueError(f"calls {calls[0].function.name!r}, which is not among its tools")
    return Message("assistant", _text(calls[0].function.arguments, "arguments"))


def _text(held: str, name: str = "content") -> str:
    found = _parsed(Answer, held, name)
    return found.answer if found.thinking is None else joined(found.thinking, found.answer)


def _parsed(model: type[Held], text: str, name: str) -> Held:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{name}: {said_of(error)}") from error


JSON = Shape(json_chats, JsonChat)
TOOL_CALL = Shape(tool_chats, ToolChat)
