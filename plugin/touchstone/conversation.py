"""Conversations that a row brings: `input.messages`, and `input.turns` to be said one after another. Owns their shape.

Messages are OpenAI's: role, content (text, or a list of parts), tool_calls, tool_call_id. A picture or a sound is a
part with a path: {"type": "image", "path": "media/cat.png"}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .errors import UsageError
from .media import Gallery
from .records import Media, Message, Row, Sample, ToolCall

MESSAGES, TURNS = "messages", "turns"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Text(_Strict):
    type: Literal["text"]
    text: str


class _File(_Strict):
    type: Literal["image", "audio"]
    path: str


class _Function(_Strict):
    name: str
    arguments: str | dict[str, Any] = "{}"


class _Call(_Strict):
    id: str
    type: Literal["function"] = "function"
    function: _Function


_Content = str | list[Annotated[_Text | _File, Field(discriminator="type")]]


class _Turn(_Strict):
    role: Literal["system", "user", "assistant", "tool"]
    content: _Content | None = None
    tool_calls: list[_Call] = []
    tool_call_id: str = ""


class _Said(_Strict):
    role: Literal["user"] = "user"
    content: _Content


_TURNS = TypeAdapter(list[_Turn])
_SAID = TypeAdapter(list[str | _Said])


def has_conversation(row: Row) -> bool:
    """Whether the row's input is a conversation, for a template that says nothing for the user."""
    return isinstance(row.input, Mapping) and (MESSAGES in row.input or TURNS in row.input)


def has_later(row: Row) -> bool:
    """Whether the user may say more after the first answer."""
    return isinstance(row.input, Mapping) and isinstance(row.input.get(TURNS), list)


def conversation(row: Row, gallery: Gallery) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """(what is said before the first answer, what the user says after it, a turn each). Raises UsageError."""
    before = tuple(_message(one, gallery) for one in _checked(_TURNS, row, MESSAGES))
    turns = tuple(_turn(one, gallery) for one in _checked(_SAID, row, TURNS))
    _check_order(row, before, turns)
    return (*before, *turns[:1]), turns[1:]


def transcript(sample: Sample) -> str:
    """The whole conversation as text, without the system's part; the output alone, where the answer was given.

    A judge is shown it by `view: touchstone.conversation:transcript`.
    """
    said = [f"{one.role}: {one.shown}" for one in sample.messages if one.role != "system"]
    return "\n\n".join(said) or sample.output


def _checked(shape: TypeAdapter[Any], row: Row, key: str) -> list[Any]:
    try:
        return list(shape.validate_python(row.input.get(key, [])))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in ("input", key, *first["loc"]) if not str(part).startswith("list["))
        raise UsageError(f"row {row.id!r}: {place}: {first['msg']}", hint=_HINT) from error


_HINT = 'a message is {"role": "user", "content": "..."}; a picture in it, {"type": "image", "path": "media/cat.png"}'


def _check_order(row: Row, before: Sequence[Message], turns: Sequence[Message]) -> None:
    """What providers would refuse, or answer by nothing of use."""
    if not before and not turns:
        raise UsageError(f"row {row.id!r}: its conversation is empty", hint=_HINT)
    called: set[str] = set()
    for number, one in enumerate(before):
        called |= {call.id for call in one.tool_calls}
        where = f"row {row.id!r}: input.messages.{number}"
        if one.role == "tool" and one.tool_call_id not in called:
            raise UsageError(f"{where}: tool_call_id {one.tool_call_id!r} is of no call above")
        if one.role != "assistant" and one.tool_calls:
            raise UsageError(f"{where}: only an assistant calls tools")
    if not turns and before[-1].role not in ("user", "tool"):
        hint = "what the model should answer goes into a field of its own, beside `input`"
        raise UsageError(f"row {row.id!r}: its conversation ends with the {before[-1].role}", hint=hint)


def _message(turn: _Turn, gallery: Gallery) -> Message:
    said = _content(turn.content or "", gallery)
    calls = tuple(ToolCall(one.function.name, _arguments(one.function.arguments), one.id) for one in turn.tool_calls)
    return Message(turn.role, Message.of(turn.role, said).content, calls, turn.tool_call_id, _parts(said))


def _turn(said: str | _Said, gallery: Gallery) -> Message:
    return Message.of("user", [said] if isinstance(said, str) else _content(said.content, gallery))


def _content(content: str | list[Any], gallery: Gallery) -> list[str | Media]:
    if isinstance(content, str):
        return [content]
    return [one.text if isinstance(one, _Text) else gallery.look(one.type, one.path) for one in content]


def _parts(said: Sequence[str | Media]) -> tuple[str | Media, ...]:
    return tuple(said) if any(isinstance(one, Media) for one in said) else ()


def _arguments(said: str | dict[str, Any]) -> str:
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
