"""Gemini on Vertex AI: `{"systemInstruction": …, "contents": […]}`, in which the assistant is called the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel

from touchstone.records import Message

from .shape import Line, Messages, Shape, Spoken


class Part(BaseModel):
    """A piece of a turn."""

    model_config = Spoken.model_config
    text: str


class Instruction(BaseModel):
    """What a system message says."""

    model_config = Spoken.model_config
    role: Literal["system"] = "system"
    parts: list[Part]


class Content(BaseModel):
    """One turn."""

    model_config = Spoken.model_config
    role: Literal["user", "model"]
    parts: list[Part]


class Contents(Spoken):
    """A conversation."""

    systemInstruction: Instruction | None = None
    contents: list[Content]

    def turns(self) -> Messages:
        """With the roles as everywhere else; the parts of a turn are one text."""
        system = [Message("system", _whole(self.systemInstruction.parts))] if self.systemInstruction else []
        spoken = (Message("user" if one.role == "user" else "assistant", _whole(one.parts)) for one in self.contents)
        return (*system, *spoken)


def contents(messages: Messages) -> Iterator[Line]:
    """The one line of a conversation, whose system message, where there is one, comes first."""
    system = next((one for one in messages if one.role == "system"), None)
    instruction = {"systemInstruction": {"role": "system", "parts": [{"text": system.content}]}} if system else {}
    yield {**instruction, "contents": [_content(one) for one in messages if one is not system]}


def _content(message: Message) -> Line:
    return {"role": "user" if message.role == "user" else "model", "parts": [{"text": message.content}]}


def _whole(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts)


CONTENTS = Shape(contents, Contents)
