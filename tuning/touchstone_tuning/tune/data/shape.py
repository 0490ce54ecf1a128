"""What a file format is: how a conversation is written as lines, and what a line must hold. Knows none of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from touchstone.records import Message

Line = dict[str, Any]
"""JSON-ready."""
Messages = tuple[Message, ...]


class Spoken(BaseModel, ABC):
    """A line of some format: exactly its keys, each of its type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @abstractmethod
    def turns(self) -> Messages:
        """The conversation that it holds. Raises ValueError, in words, where its parts do not fit each other."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One format."""

    lines: Callable[[Messages], Iterator[Line]]
    """The lines that a conversation is written as, mostly one."""
    line: type[Spoken]
    """What each of them is."""


def plain(message: Message) -> Line:
    """A turn as most formats write it."""
    return {"role": message.role, "content": message.content}


def said_of(error: ValidationError) -> str:
    """The first mistakes, each with its place."""
    found = error.errors(include_url=False, include_input=False)[:3]
    return "; ".join(f"{_place(one['loc'])}: {one['msg']}" if one["loc"] else one["msg"] for one in found)


def _place(parts: tuple[int | str, ...]) -> str:
    """A key of the file may be anything: what is no plain name is shown as Python writes it."""
    return ".".join(str(part) if str(part).isidentifier() or isinstance(part, int) else ascii(part) for part in parts)
