"""JSON that may stand in an HTML file. Owns the escapes: no text can end its element, hide, or turn the file around."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

_NOT_AS_IT_IS = re.compile(
    "[<\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


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
    return text if text.isascii() and "<" not in text else _NOT_AS_IT_IS.sub(_escape, text)


def size(text: str) -> int:
    """Bytes that it takes in the file."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)


def _escape(found: re.Match[str]) -> str:
    """As JSON writes it in ASCII: beyond the first plane as two."""
    return json.dumps(found[0])[1:-1] if found[0] != "<" else "\\u003c"


def _finite(value: Any) -> Any:
    match value:
        case float() if not isfinite(value):
            return str(value)
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
