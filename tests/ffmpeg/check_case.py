"""One rule of the expectation language: a row, right commands, and subtly wrong ones that exit 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CLIP: dict[str, Any] = {"in.mp4": {}}
LONG: dict[str, Any] = {"in.mkv": {"seconds": 4}}
TWO: dict[str, Any] = {"a.mp4": {"seconds": 1}, "b.mp4": {"seconds": 1}}
MANY: dict[str, Any] = {
    "in.mkv": {
        "audio": [{"language": "eng", "title": "Main"}, {"language": "fre"}],
        "subtitles": [{"language": "eng"}, {"language": "ger", "cues": [{"start": 0.5, "end": 1, "text": "Hallo"}]}],
    }
}
FAST = "-c:v libx264 -preset ultrafast -c:a aac"


@dataclass(frozen=True)
class Case:
    """One rule: its row, right commands, wrong ones."""

    name: str
    media: dict[str, Any]
    expect: dict[str, Any]
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    keys: tuple[str, ...] = field(default=())


def case(name: str, media: dict[str, Any], expect: dict[str, Any], right: Any, wrong: Any) -> Case:
    both = tuple((one,) if isinstance(one, str) else tuple(one) for one in (right, wrong))
    return Case(name, media, expect, *both)
