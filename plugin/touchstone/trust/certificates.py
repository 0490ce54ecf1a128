"""A judge's certificate: what it was measured to be worth, kept beside it in git. Measures nothing itself.

`evals/judges/<name>.certificate.json` names the judge (prompt, form, model and parameters by hash), the golden set by
hash, the figures, and every pair (truth, judge), so that scores can be corrected for the judge's errors later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..errors import UsageError
from ..labels import Item
from ..places import Places
from ..records import SCHEMA, digest
from ..store import write_text

Against: TypeAlias = Literal["execution", "people"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was measured of one judge."""

    judge: str
    """Its name."""
    eval: str
    """Whose golden set it was measured on."""
    against: Against
    """What it was measured against."""
    identity: str
    """`BoundJudge.identity` at that time."""
    golden: str
    """`golden_hash` at that time."""
    model: str
    """Which model judged."""
    date: str
    """YYYY-MM-DD."""
    items: int
    """Outputs that it was measured on."""
    errors: int
    """Outputs of which it gave no usable verdict: they are in no figure."""
    threshold: float
    """From which value on the judge passes an answer."""
    better: bool
    """It was shown to be better than a constant answer."""
    words: str
    """The finding, in one sentence."""
    figures: Mapping[str, tuple[float, float, float] | None]
    """Name -> value and the ends of its 95 % interval."""
    pairs: Mapping[str, tuple[float, float, str]]
    """`row@answer` -> (truth, judge, the run-config that wrote it)."""


def golden_hash(items: Iterable[Item], ratings: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """SHA-256 (hex) of which outputs were judged, and of what people said of them where they are the truth."""
    said = {key: {who: rating.value for who, rating in by.items()} for key, by in (ratings or {}).items()}
    return digest([sorted((item.key, item.row_hash) for item in items), said])


def path_of(name: str, places: Places) -> Path:
    """Where a judge's certificate lies."""
    return places.judges / f"{name}.certificate.json"


def write(certificate: Certificate, places: Places) -> Path:
    """Keep it: a figure a line, a pair a line, so that it diffs well."""
    path = path_of(certificate.judge, places)
    data = {"v": SCHEMA, **asdict(certificate)}
    lines = [f" {json.dumps(key)}: {_value(value)}" for key, value in data.items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def _value(value: Any) -> str:
    """A mapping with an entry a line; anything else on one."""
    if not isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    entries = [f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items()]
    return "{\n" + ",\n".join(entries) + "\n }"


def read(name: str, places: Places) -> Certificate | None:
    """A judge's certificate; None where it has none. Raises UsageError for one that cannot be read."""
    path = path_of(name, places)
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("v") != SCHEMA:
            raise ValueError("an unknown version")
        pairs = {key: (float(t), float(j), str(who)) for key, (t, j, who) in data.pop("pairs").items()}
        return Certificate(**data, pairs=pairs)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        hint = f"make it anew: touchstone agree EVAL --certify {name}"
        raise UsageError(f"is no certificate: {error}", where=places.shown(path), hint=hint) from error
