"""What is wrong with a file of examples, before anybody is paid to say so. Owns the rules; changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError
from touchstone.records import digest

from ..provider import Limits
from .formats import Format, turns_of
from .lengths import texts, tokens_of
from .shape import Messages
from .strict import read
from .tokens import Counter
from .turns import disorder

SHOWN = 10
"""Problems that are told in full where there are more."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\u202a-\u202e\u2066-\u2069]")
"""Controls but tab and line ends, and what turns the direction of writing round, so that a text reads as another."""
_MARK = re.compile(r"<\|[A-Za-z0-9_ ]{1,40}\|>|<(?:start|end)_of_turn>|\[/?INST\]")
"""What chat templates mark turns with: within a text it would be taken for the end of the turn."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    line: int | None
    """Counted from 1; None for the file as a whole."""
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}" if self.line else self.why


def check(
    source: Path | Iterable[bytes], format: Format, limits: Limits, count: Callable[[str], int] | None = None
) -> list[Problem]:
    """Every problem of a file or its lines, in their order, those of the whole last; empty where there is none.

    `count` gives the tokens of a text: without it, or without a limit, no length is looked at. Raises UsageError for a
    file that cannot be read.
    """
    lines, found, seen = list(_lines(source)), list[Problem](), dict[str, int]()
    for number, line in enumerate(lines, 1):
        try:
            held = _read(line)
            messages = turns_of(held, format)
        except ValueError as error:
            found.append(Problem(number, str(error)))
            continue
        wrong = [*disorder(messages), *_again(messages, number, seen), *_characters(held, messages)]
        found += [Problem(number, why) for why in [*wrong, *_length(held, limits, count)]]
    return [*found, *(Problem(None, why) for why in _whole(lines, limits))]


def refuse(problems: Iterable[Problem], where: str) -> None:
    """Raises UsageError that tells the first problems, where there are any."""
    found = list(problems)
    if found:
        more = [f"… and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        hint = "nothing was sent: mend the rows, or leave them out"
        raise UsageError("\n  ".join(["cannot be sent:", *map(str, found[:SHOWN]), *more]), where=where, hint=hint)


def _lines(source: Path | Iterable[bytes]) -> Iterator[bytes]:
    """The lines without their ends. Not `splitlines`: a carriage return alone is a blank of JSON's, no end."""
    if not isinstance(source, Path):
        yield from (line.removesuffix(b"\n") for line in source)
        return
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(source)) from error
    yield from data.removesuffix(b"\n").split(b"\n") if data else ()


def _whole(lines: list[bytes], limits: Limits) -> Iterator[str]:
    """What is wrong with the file as a whole."""
    examples, size = len(lines), sum(len(line) + 1 for line in lines)
    if examples < limits.least_examples:
        yield f"{examples} examples; least that are taken: {limits.least_examples}"
    if limits.examples is not None and examples > limits.examples:
        yield f"{examples} examples; most that are taken: {limits.examples}"
    if limits.bytes is not None and size > limits.bytes:
        yield f"{size} bytes; most that are taken: {limits.bytes}"


def _read(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises ValueError also for half a surrogate pair: it is no Unicode, and few can read it."""
    try:
        held = read(line)
        half = _SURROGATE.search("".join(texts(held)))
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if half:
        raise ValueError(f"holds half a surrogate pair, U+{ord(half[0]):04X}")
    return held


def _again(messages: Messages, number: int, seen: dict[str, int]) -> Iterator[str]:
    """Whether a conversation was there before; `seen` (digest -> line) is added to."""
    first = seen.setdefault(digest([[one.role, one.content] for one in messages]), number)
    if first != number:
        yield f"is the same example as line {first}"


def _characters(held: Mapping[str, Any], messages: Messages) -> Iterator[str]:
    """What no example should teach. Looks at the texts as written and as meant: JSON within JSON hides a control."""
    text = "\n".join([*texts(held), *(one.content for one in messages)])
    if found := _CONTROL.search(text):
        yield f"holds a control character, U+{ord(found[0]):04X}"
    if found := _MARK.search(text):
        yield f"holds {found[0]!r}, with which chat templates mark turns"


def _length(held: Mapping[str, Any], limits: Limits, count: Callable[[str], int] | None) -> Iterator[str]:
    if count is None or limits.tokens is None:
        return
    tokens, about = tokens_of(held, count), "about " if isinstance(count, Counter) and count.estimate else ""
    if tokens > limits.tokens:
        yield f"is {about}{tokens} tokens long; most that are taken: {limits.tokens}"
