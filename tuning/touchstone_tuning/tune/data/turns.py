"""Whose turn it is: the order that every provider asks for. Owns that rule and its words."""

from __future__ import annotations

from collections.abc import Iterator

from .shape import Messages


def disorder(messages: Messages) -> Iterator[str]:
    """What is wrong with a conversation's turns, in words; nothing where a system message (or none) comes first, then
    user and assistant by turns, the assistant last, and nobody says nothing."""
    spoken = messages[1:] if messages and messages[0].role == "system" else messages
    wanted = ("user", "assistant")
    wrong = next((place for place, one in enumerate(spoken) if one.role != wanted[place % 2]), None)
    if wrong is not None:
        turn = wrong + 1 + len(messages) - len(spoken)
        yield f"turn {turn}: is the {spoken[wrong].role}'s, and it is the {wanted[wrong % 2]}'s turn"
    if not spoken or spoken[-1].role != "assistant":
        yield "does not end with the assistant's turn"
    yield from (f"turn {place}: is empty" for place, one in enumerate(messages, 1) if not one.content.strip())
