"""File formats of examples: which there are, and the way there and back. Reads no row and knows no provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from touchstone.errors import UsageError
from touchstone.report.text import clean

from ...synth.rowfile import encoded
from .chat import CHAT, COMPLETION
from .examples import Example
from .gemini import CONTENTS
from .shape import Messages, Shape, said_of
from .strict import read
from .structured import JSON, TOOL_CALL
from .turns import disorder

Format = Literal["openai-chat", "openai-json", "openai-tool", "hf-chat", "hf-completion", "vertex-gemini"]

SHAPES: Mapping[Format, Shape] = {
    "openai-chat": CHAT,
    "openai-json": JSON,
    "openai-tool": TOOL_CALL,
    "hf-chat": CHAT,
    "hf-completion": COMPLETION,
    "vertex-gemini": CONTENTS,
}


def encode(examples: Iterable[Example], format: Format) -> Iterator[bytes]:
    """The lines of a file, each with its end. Raises UsageError for an example whose turns are out of order."""
    for example in examples:
        for wrong in disorder(example.messages):
            raise UsageError(f"example {clean(example.id)}: {clean(wrong)}")
        yield from map(encoded, SHAPES[format].lines(example.messages))


def decode(lines: Iterable[bytes], format: Format) -> Iterator[Example]:
    """An example of each line, called by its number. Raises UsageError for the first line that is none."""
    for number, line in enumerate(lines, 1):
        try:
            yield Example(str(number), turns_of(read(line), format))
        except ValueError as error:
            raise UsageError(f"line {number}: {error}", hint=f"a line of {format} is wanted") from error


def turns_of(line: Mapping[str, Any], format: Format) -> Messages:
    """The conversation that a line holds. Raises ValueError that says, of each part, what is wrong with it."""
    try:
        return SHAPES[format].line.model_validate(line).turns()
    except ValidationError as error:
        raise ValueError(said_of(error)) from error
