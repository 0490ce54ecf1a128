"""Rows that formats have to give back, in every shape that they may lie in."""

from __future__ import annotations

from typing import Any

SHAPES = ("rows.jsonl", "rows.csv", "rows.parquet", "{split}.jsonl", "rows-{split}.csv", "{split}.parquet", "folder")
ROWS: list[dict[str, Any]] = [
    {
        "id": "synth-filter-eq-3f2a91c0",
        "input": 'say "hi", then\r\ncut a.mp4\u2028 🎬 中文',
        "tags": ["synth", "filter"],
        "media": {"a.mp4": {"seconds": 3, "video": {"fps": 29.97}}, "b.mp4": {}},
        "right": ["ffmpeg -i a.mp4 b.mp4"],
        "made": {"seed": 1, "reviewed": None, "verified": ["runs"]},
        "n": 3,
    },
    {"id": "two", "input": "=cmd|' /C calc'!A0", "expect": None, "wrong": [], "n": 4, "sure": True, "share": 0.5},
    {"id": "three", "input": "@SUM(1)", "media": {}, "answer": "", "sure": False, "share": 1.0},
]


def same(one: object, other: object) -> bool:
    """Equal, and of the same types, down to the leaves: 1, 1.0 and True are three values."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and repr(one) == repr(other)
