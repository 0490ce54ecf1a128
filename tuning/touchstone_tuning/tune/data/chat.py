"""Conversations as most take them: `{"messages": […]}`, or prompt and completion apart, as trl takes both.

From `messages`, every turn of the assistant is learnt (trl: every turn, unless it is told otherwise); from a prompt
and its completion, the completion alone. There each turn of the assistant is a line of its own, so that what the user
says between two of them is never learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import BaseModel

from touchstone.records import Message

from .shape import Line, Messages, Shape, Spoken, plain


class Turn(BaseModel):
    """One turn."""

    model_config = Spoken.model_config
    role: Literal["system", "user", "assistant"]
    content: str


class Chat(Spoken):
    """A conversation in one list."""

    messages: list[Turn]

    def turns(self) -> Messages:
        """All of them."""
        return said(self.messages)


class Completion(Spoken):
    """A conversation, and the turn that goes on from it."""

    prompt: list[Turn]
    completion: list[Turn]

    def turns(self) -> Messages:
        """Both together."""
        if len(self.completion) != 1:
            raise ValueError(f"completion: holds {len(self.completion)} turns, wants one")
        return said([*self.prompt, *self.completion])


def chats(messages: Messages) -> Iterator[Line]:
    """The one line of a conversation."""
    yield {"messages": [plain(one) for one in messages]}


def completions(messages: Messages) -> Iterator[Line]:
    """A line for each turn of the assistant."""
    for place, one in enumerate(messages):
        if one.role == "assistant":
            yield {"prompt": [plain(before) for before in messages[:place]], "completion": [plain(one)]}


def said(turns: Iterable[Turn]) -> Messages:
    """Turns as messages."""
    return tuple(Message(turn.role, turn.content) for turn in turns)


CHAT = Shape(chats, Chat)
COMPLETION = Shape(completions, Completion)
