"""Rows as conversations to learn from. Owns what the assistant's turns hold; reads no file and knows no format.

Strategies: `final`: the prompt's turns, then the answer. `thinking`: the same, the answer behind `<think>…</think>`.
`two-message`: the prompt's turns, the thinking as an answer of its own, a request for the answer, the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from touchstone.errors import UsageError
from touchstone.prompts import Prompts
from touchstone.records import Message, Row
from touchstone.report.text import clean

from .shape import said_of

Strategy = Literal["final", "thinking", "two-message"]
MessagesOf = Callable[[Mapping[str, Any]], Sequence[Message]]
"""The turns that come before the assistant's first, of a row as it stands in its file."""

OPENED, CLOSED = "<think>", "</think>"
NOW = "Now give the answer alone."
"""What the user says between the thinking and the answer, in `two-message`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation; its last turn is the assistant's."""

    id: str
    """Of its row."""
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of a row's fields that hold what the assistant says."""

    answer: str = "answer"
    thinking: str = "thinking"

    def of(self, strategy: Strategy) -> tuple[str, ...]:
        """Those that a strategy wants."""
        return (self.answer,) if strategy == "final" else (self.thinking, self.answer)


FIELDS = Fields()


def input_alone(row: Mapping[str, Any]) -> tuple[Message, ...]:
    """The turns of an empty prompt: the user's input. Raises UsageError for one that is no text."""
    text = row.get("input")
    if not isinstance(text, str) or not text.strip():
        hint = "name a prompt that makes a message of it"
        raise UsageError(f"row {_named(row)}: its input is no text, which an empty prompt wants", hint=hint)
    return (Message("user", text),)


def prompted(prompts: Prompts, name: str, row_class: type[Row] = Row) -> MessagesOf:
    """The turns that a prompt file makes of a row, as for an eval; an empty name is the user's input alone."""
    if not name:
        return input_alone

    def messages(row: Mapping[str, Any]) -> tuple[Message, ...]:
        try:
            checked = row_class.model_validate(row)
        except ValidationError as error:
            raise UsageError(f"row {_named(row)}: {said_of(error)}") from error
        turns = prompts.render(name, checked)
        if prompts.later(name, checked) or any(one.parts or one.tool_calls or one.tool_call_id for one in turns):
            hint = "leave such rows out, or write what is to be learnt as `messages` of text"
            raise UsageError(f"row {_named(row)}: no example is made of later turns, tools or pictures", hint=hint)
        return turns

    return messages


def examples_of(
    rows: Iterable[Mapping[str, Any]], messages_of: MessagesOf, strategy: Strategy, fields: Fields = FIELDS
) -> tuple[Example, ...]:
    """An example of each row, in their order. Raises UsageError with the row, for one that lacks what is wanted.

    `whole` leaves such rows out beforehand.
    """
    return tuple(Example(_id(row), (*messages_of(row), *_learnt(row, strategy, fields))) for row in rows)


def whole(
    rows: Iterable[Mapping[str, Any]], strategy: Strategy, fields: Fields = FIELDS
) -> tuple[tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    """(rows that have what a strategy wants, ids of those that lack it)."""
    having, lacking = list[Mapping[str, Any]](), list[str]()
    for row in rows:
        if all(_given(row, name) for name in fields.of(strategy)):
            having.append(row)
        else:
            lacking.append(_id(row))
    return tuple(having), tuple(lacking)


def joined(thinking: str, answer: str) -> str:
    """Both as one turn."""
    return f"{OPENED}\n{thinking}\n{CLOSED}\n\n{answer}"


def parted(text: str) -> tuple[str | None, str]:
    """(thinking, answer) of a turn; None for the thinking of one that has none."""
    head, closed, answer = text.partition(f"\n{CLOSED}\n\n")
    if not closed or not head.startswith(f"{OPENED}\n"):
        return None, text
    return head.removeprefix(f"{OPENED}\n"), answer


def _learnt(row: Mapping[str, Any], strategy: Strategy, fields: Fields) -> tuple[Message, ...]:
    """The turns that the model is to learn."""
    answer = _text(row, fields.answer)
    if strategy == "final":
        return (Message("assistant", answer),)
    thinking = _text(row, fields.thinking).strip()
    if strategy == "thinking":
        return (Message("assistant", joined(thinking, answer)),)
    return Message("assistant", thinking), Message("user", NOW), Message("assistant", answer)


def _text(row: Mapping[str, Any], name: str) -> str:
    """A field's text. Raises UsageError where there is none, or where it would be taken for the end of the thinking."""
    if not _given(row, name):
        hint = f"give the row a {name!r}, or leave out the rows that lack it"
        raise UsageError(f"row {_named(row)}: its {name!r} is missing, or no text", hint=hint)
    text = str(row[name])
    found = next((mark for mark in (OPENED, CLOSED) if mark in text), None)
    if found:
        raise UsageError(f"row {_named(row)}: its {name!r} holds {found}, which marks where thinking begins and ends")
    return text


def _given(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    return isinstance(value, str) and bool(value.strip())


def _id(row: Mapping[str, Any]) -> str:
    """The row's id; where it has none, its input's beginning."""
    found = row.get("id")
    return found if isinstance(found, str) and found else json.dumps(row.get("input"), default=str)[:40]


def _named(row: Mapping[str, Any]) -> str:
    """The row as errors name it: files of rows may hold anything."""
    return clean(_id(row))
