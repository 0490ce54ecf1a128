"""Text that is fit to show: hostile strings made harmless, figures made short. Knows no format's syntax."""

from __future__ import annotations

import re
import unicodedata

from ..stats import Estimate

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_MARKS = re.compile(r"(?:[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]){3,}")
_WORDS = re.compile(r"[^_\-./ ]+[_\-./ ]?|[_\-./ ]")


def clean(text: str, limit: int = 200) -> str:
    """One line of at most `limit` visible characters, whatever a model wrote.

    Line breaks and control characters become blanks; invisible ones (bidi overrides, joiners, lone surrogates,
    unassigned) go; piled-up accents are thinned; what is cut off ends in "...". Nothing is left that a terminal obeys.
    """
    head = unicodedata.normalize("NFC", text[: 4 * limit].encode("utf-8", "ignore").decode())
    thin = _MARKS.sub(lambda found: found[0][:2], _ESCAPES.sub("", head))
    seen = thin if thin.isascii() and thin.isprintable() else "".join(_visible(char) for char in thin)
    line = " ".join(seen.split()).replace("##[", "# #[")
    if len(line) > limit or len(text) > 4 * limit:
        return line[: max(0, limit - 3)].rstrip() + "..."
    return line


def crop(name: str, limit: int) -> str:
    """A name of at most `limit` characters that keeps its start and its end, which tell names apart."""
    if len(name) <= limit:
        return name
    tail = (limit - 2) // 2
    return name[: limit - 2 - tail] + ".." + name[-tail:]


def wrap(name: str, width: int) -> list[str]:
    """A name as lines of at most `width` characters, broken after `_`, `-`, `.` and `/`; the breaks' `_` left out."""
    lines = [""]
    for word in _WORDS.findall(name):
        if lines[-1] and len((lines[-1] + word).rstrip("_ ")) > width:
            lines.append("")
        lines[-1] += word
        while len(lines[-1].rstrip("_ ")) > width:
            lines[-1:] = [lines[-1][: width - 1] + "-", lines[-1][width - 1 :]]
    return [line.rstrip("_ ") or line for line in lines]


def share(estimate: Estimate | None) -> str:
    """A mean and its interval in per cent, at most eight characters: `81 74-87`, `100 >=96`, `0 0-4`."""
    if estimate is None:
        return "-"
    low, high = round(100 * estimate.interval.low), round(100 * estimate.interval.high)
    span = f">={low}" if high == 100 else f"{low}-{high}"
    return f"{_percent(estimate.mean)} {span}"


def count(value: int | None) -> str:
    """`-`, `999`, `12.3k`, `4.5M`."""
    if value is None:
        return "-"
    if value < 10_000:
        return str(value)
    return f"{value / 1e3:.1f}k" if value < 999_950 else f"{value / 1e6:.1f}M"


def dollars(value: float | None) -> str:
    """`-`, `$0`, `$0.0012`, `$1.50`."""
    if value is None:
        return "-"
    if value == 0:
        return "$0"
    return f"${value:.2f}" if value >= 0.1 else f"${value:.2g}" if value >= 0.0001 else "<$0.0001"


def seconds(value: float | None, *, recorded: bool) -> str:
    """`-`, `0.82`, `12.3`, with an `r` behind it where it was not measured in this run."""
    if value is None:
        return "-"
    return (f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}") + "r" * recorded


def plural(number: int, noun: str) -> str:
    """`1 gate`, `2 gates`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(names: tuple[str, ...], most: int = 6) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(clean(name, 60) for name in names[:most]) + more


def _percent(mean: float) -> str:
    """Whole per cent; never 100 or 0 for what is not all or nothing."""
    whole = round(100 * mean)
    if whole == 100 and mean < 1:
        return "99"
    return "<1" if whole == 0 and mean > 0 else str(whole)


def _visible(char: str) -> str:
    kind = unicodedata.category(char)
    if kind not in _HIDDEN:
        return char
    return " " if kind in ("Cc", "Zl", "Zp") else ""
