"""How long examples are, in tokens. Owns what of a line is counted; the counting itself is a tokenizer's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .strict import read

A_TURN = 4
"""Tokens that mark a turn, besides its role and its text: in ChatML the two marks, and a line end after each."""
_TURNS = ("messages", "prompt", "completion", "contents", "tools")
"""Keys of a line whose lists are turns, or told to the model as one."""
_NAMES = ("type", "id")
"""Keys whose values no model sees."""


def tokens_in(lines: Iterable[bytes], count: Callable[[str], int]) -> int:
    """Tokens of all lines, for one epoch; ValueError for a line that is no JSON."""
    return sum(tokens_of(read(line), count) for line in lines)


def tokens_of(line: Mapping[str, Any], count: Callable[[str], int]) -> int:
    """Tokens of a whole line, the prompt included: its texts and roles, and the marks around its turns.

    What a chat template adds of its own accord (some put a system message where there is none) is not known here.
    """
    turns = sum(len(line.get(key, ())) for key in _TURNS) + ("systemInstruction" in line)
    return sum(map(count, texts(line))) + A_TURN * turns


def texts(held: Any) -> Iterator[str]:
    """Every text in a JSON value that a model sees; keys are none."""
    if isinstance(held, str):
        yield held
    elif isinstance(held, Mapping):
        yield from (text for key, value in held.items() if key not in _NAMES for text in texts(value))
    elif isinstance(held, list):
        yield from (text for value in held for text in texts(value))
