"""What a GGUF file says of itself, its vocabulary among it. Reads the head of the file; no tensor and no model.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from touchstone.errors import UsageError

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type -> how `struct` calls it."""
_STRING, _LIST = 8, 9
_DEPTH = 4
"""Most lists in lists: more of them are no vocabulary."""


def metadata(path: Path) -> Mapping[str, Any]:
    """Key -> value. Raises UsageError for a file that is none, or half of one."""
    try:
        with path.open("rb") as stream:
            return _Head(stream, os.fstat(stream.fileno()).st_size).read()
    except (ValueError, struct.error) as error:
        hint = "give it the file of a model, as llama.cpp takes it"
        raise UsageError(f"is no whole GGUF file: {error}", where=str(path), hint=hint) from error
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error


class _Head:
    """A reader of the head, which believes no length that goes beyond the file."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left = stream, size

    def read(self) -> dict[str, Any]:
        """All keys; ValueError where they cannot be read."""
        if self._bytes(4) != b"GGUF":
            raise ValueError("it does not begin as one")
        version, _, keys = self._number("I"), self._number("Q"), self._number("Q")
        if version not in (2, 3):
            raise ValueError(f"of version {version}")
        return {self._string(): self._value(self._number("I"), _DEPTH) for _ in range(keys)}

    def _value(self, kind: int, depth: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _LIST and depth:
            inner, length = self._number("I"), self._number("Q")
            return self._numbers(inner, length) if inner in _NUMBERS else self._values(inner, length, depth - 1)
        if kind not in _NUMBERS:
            raise ValueError(f"a value of the unknown type {kind}")
        return self._number(_NUMBERS[kind])

    def _values(self, kind: int, length: int, depth: int) -> list[Any]:
        return [self._value(kind, depth) for _ in range(length)]

    def _numbers(self, kind: int, length: int) -> list[Any]:
        # At once: there is one for each token, and one by one they take seconds.
        size = struct.calcsize(f"<{_NUMBERS[kind]}")
        return list(struct.unpack(f"<{length}{_NUMBERS[kind]}", self._bytes(length * size)))

    def _string(self) -> str:
        return self._bytes(self._number("Q")).decode("utf-8", "replace")

    def _number(self, kind: str) -> Any:
        return struct.unpack(f"<{kind}", self._bytes(struct.calcsize(f"<{kind}")))[0]

    def _bytes(self, length: int) -> bytes:
        if length > self._left:
            raise ValueError("it ends too early")
        self._left -= length
        return self._stream.read(length)
