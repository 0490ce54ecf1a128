"""JSON that may stand in an HTML file. Owns the escapes: no text can end its element, hide, or turn the file around."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

_RANGES = (
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x61C, 0x61C),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE0FFF),
)
"""What is not seen, reorders what is seen, or is no Unicode: controls, formats, surrogates, tags."""


def _escape(point: int) -> str:
    """As JSON writes it in ASCII: beyond the first plane as two."""
    if point < 0x10000:
        return f"\\u{point:04x}"
    return f"\\u{0xD800 + (point - 0x10000 >> 10):04x}\\u{0xDC00 + (point & 0x3FF):04x}"


_ESCAPED = {point: _escape(point) for first, last in (*_RANGES, (0x3C, 0x3C)) for point in range(first, last + 1)}
_ANY = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES) + "<]")


def encoded(value: Any) -> str:
    """Compact JSON without `<`, and without characters that are no Unicode, are not seen, or reorder what is seen.

    Numbers that are none (NaN, infinities) become texts; what is nested too deeply becomes a text that says so.
    """
    try:
        text = _dumps(value)
    except ValueError:
        text = _dumps(_finite(value))
    except RecursionError:
        text = '"(nested too deeply to be shown)"'
    return text.translate(_ESCAPED) if _ANY.search(text) else text


def size(text: str) -> int:
    """Bytes that it takes in the file."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    match value:
        case float() if not isfinite(value):
            return str(value)
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
