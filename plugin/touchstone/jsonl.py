"""Lines of JSON in files that people merge: what is written is readable, what cannot be read is named by its line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from .errors import UsageError
from .recordings import CONFLICT, UNSEEN
from .records import SCHEMA


@dataclass(frozen=True, slots=True)
class Lines:
    """What a file holds."""

    values: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """("path:line", object without its version) of each usable line."""
    problems: list[str] = field(default_factory=list)
    """`path:line: why` of each other line that is not blank."""


def encoded(value: Mapping[str, Any]) -> bytes:
    """One line with its version and its end: readable UTF-8, the characters escaped that would not be seen."""
    return bare({"v": SCHEMA, **value})


def bare(value: Mapping[str, Any]) -> bytes:
    """The same without a version: a row, whose fields are the user's."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode("utf-8") + b"\n"


def read_lines(path: Path, shown: str) -> Lines:
    """Every line of the file. Raises UsageError where the file itself cannot be read."""
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=shown) from error
    found = Lines()
    for number, line in enumerate(content, 1):
        if line.strip():
            _take(found, f"{shown}:{number}", line)
    return found


def _take(found: Lines, where: str, line: bytes) -> None:
    value = _value(line)
    if isinstance(value, str):
        found.problems.append(f"{where}: {value}")
    else:
        found.values.append((where, value))


def _value(line: bytes) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    if line.startswith(CONFLICT):
        return "a git conflict marker: delete this line, and choose among those around it"
    try:
        value = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "not a whole line of JSON (torn, or edited by hand)"
    if not isinstance(value, dict):
        return "not a JSON object"
    version = value.pop("v", None)
    if version != SCHEMA or isinstance(version, bool):
        return f"version {version!r} is unknown to this touchstone, which writes {SCHEMA}: upgrade it?"
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
