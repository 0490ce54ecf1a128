"""What a row may hold, and JSON as text. Owns the values; knows no file."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from touchstone.errors import UsageError
from touchstone.recordings import CONFLICT

Row = dict[str, Any]
Splits = dict[str, list[Row]]


def checked(rows: Iterable[Mapping[str, Any]], where: str) -> list[Row]:
    """Rows that any format gives back as they are. Raises UsageError that names the row and the place in it."""
    found = [dict(row) for row in rows]
    for number, row in enumerate(found, 1):
        try:
            problem = fault(row) if row else ": has no fields"
        except RecursionError:
            problem = ": is nested too deep"
        if problem:
            raise UsageError(f"row {number}{problem}", where=where)
    return found


def fault(value: Any) -> str:
    """`.place: why` of what JSON in UTF-8 cannot hold, or would give back as something else; empty for none."""
    if isinstance(value, dict):
        inner = ((f".{key}", _key_fault(key) or fault(one)) for key, one in value.items())
    elif isinstance(value, list):
        inner = ((f"[{number}]", fault(one)) for number, one in enumerate(value))
    else:
        return _leaf_fault(value)
    return next((f"{at}{problem}" for at, problem in inner if problem), "").encode("utf-8", "replace").decode()


def _key_fault(key: object) -> str:
    return _leaf_fault(key) if isinstance(key, str) else ": a key that is no text"


def _leaf_fault(value: Any) -> str:
    if isinstance(value, str):
        half = next((c for c in value if "\ud800" <= c <= "\udfff"), "") if not value.isascii() else ""
        return f": half a character (U+{ord(half):04X}), which no UTF-8 file holds" if half else ""
    if isinstance(value, float) and not math.isfinite(value):
        return f": {value} is no JSON"
    if isinstance(value, int) and value.bit_length() > 10_000:
        return ": a number of thousands of digits"
    return "" if value is None or isinstance(value, int | float) else f": {type(value).__name__} is no JSON"


def dumped(value: Any) -> str:
    """As JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def parsed(text: Any, where: str) -> Any:
    """The value of a piece of JSON. Raises UsageError."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        message = f"is no JSON: {error.msg} at column {error.colno}"
        raise UsageError(message, where=where, hint="torn, or edited by hand? write it again") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"is no JSON: {error}", where=where) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def one_object(line: str, where: str) -> Row:
    """The JSON object on a line. Raises UsageError."""
    if line.startswith(tuple(mark.decode() for mark in CONFLICT)):
        hint = "delete this line, and choose among those around it"
        raise UsageError("a git conflict marker", where=where, hint=hint)
    value = parsed(line, where)
    if not isinstance(value, dict):
        raise UsageError("is no JSON object", where=where, hint="one JSON object a line")
    return value


def decoded(data: bytes, shown: str) -> str:
    """UTF-8 as text, without a byte order mark. Raises UsageError that names the line."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError("is not UTF-8", where=f"{shown}:{line}", hint="save it as UTF-8") from error


@contextlib.contextmanager
def in_words(shown: str, done: str) -> Iterator[None]:
    """The system's errors as the user's."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot be {done}: {error.strerror or error}", where=shown) from error
