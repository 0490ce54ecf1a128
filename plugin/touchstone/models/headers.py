"""What a provider says in the headers of an answer: how long to wait, what it will still take. Decides nothing.

Names are in lower case. Sources: RFC 9110 (Retry-After), and the rate limit pages of OpenAI (`x-ratelimit-*`, with
durations such as `6m0s`), Anthropic (`anthropic-ratelimit-*`, with times) and those who do as OpenAI does.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Literal

from ..records import Allowance

_FORMS: tuple[tuple[Literal["requests", "tokens"], str, str, str], ...] = (
    ("requests", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("tokens", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "requests",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        "tokens",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    ("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    ("requests", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
)
"""What is counted, and the names of its limit, its rest and its reset; the first form that is there counts."""
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
LONGEST = 86_400.0
"""Seconds: a reset further away than a day is a time stamp, or nonsense."""


def allowances(headers: Mapping[str, str]) -> tuple[Allowance, ...]:
    """What is left of requests and of tokens, as far as the headers say so. Never raises: they are another's words."""
    found: dict[str, Allowance] = {}
    for of, limit, remaining, reset in _FORMS:
        if of not in found and limit in headers:
            total, left = _number(headers[limit]), _number(headers.get(remaining, ""))
            if total is not None and left is not None and left >= 0 and total >= 1:
                found[of] = Allowance(of, total, min(left, total), _seconds(headers.get(reset, "")))
    return tuple(found.values())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `Retry-After` (seconds or a date)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if (asked := _number(headers.get(name, ""))) is not None:
            return max(0.0, asked * unit)
    try:
        then = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, then.timestamp() - time.time())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _seconds(text: str) -> float | None:
    """Of a duration (`1m30s`, `20ms`), a number of seconds, a time of the day (RFC 3339) or a Unix time."""
    if (number := _number(text)) is not None:
        number = number / 1000 if number > 1e11 else number  # some say milliseconds since 1970
        return _sensible(number - time.time() if number > LONGEST else number)
    if text and (match := _DURATION.fullmatch(text.strip())):
        hours, minutes, seconds, thousandths = (float(part or 0) for part in match.groups())
        return _sensible(hours * 3600 + minutes * 60 + seconds + thousandths / 1000)
    try:
        return _sensible(datetime.fromisoformat(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _sensible(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= LONGEST else None
