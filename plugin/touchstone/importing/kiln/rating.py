"""What people said in Kiln, as ratings of golden outputs. Knows no judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ...jsonl import encoded
from ...labels import Item, Rating, Scale
from ...ratings import slug
from ..unplaced import Leftovers
from .scales import SCALES, key, label
from .shapes import Rated, Task, TaskRun

OVERALL = "overall_rating"
NO_TIME = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Said:
    """One rating of one output."""

    by: str
    """Key of the score."""
    words: str
    """Its name, as people wrote it."""
    scale: Scale
    value: float


def said_of(run: TaskRun, task: Task, where: str, left: Leftovers) -> Iterator[Said]:
    """Everything that somebody said of a row's output."""
    rating = run.output.rating
    if rating is None:
        return
    names = {one.id: one.name for one in task.requirements}
    every = [(OVERALL, "Overall Rating", Rated(value=rating.value, type=rating.type))]
    for of, one in rating.requirement_ratings.items():
        words = of.removeprefix("named::") if of.startswith("named::") else names.get(of, of)
        every.append((key(words), words, one if isinstance(one, Rated) else Rated(value=one)))
    for by, words, one in every:
        scale = SCALES.get(one.type)
        if one.value is None:
            continue
        if scale is None or label(one.value, scale) is None:
            left.add("rating", words, where, f"{one.value:g} is no label of the type {one.type}", one.value)
            continue
        yield Said(by, words, scale, one.value)


def rating_of(item: Item, said: Said, run: TaskRun) -> Rating:
    """As it stands here."""
    of = run.output.rating
    found = label(said.value, said.scale)
    assert of is not None  # noqa: S101  (it was read from there)
    assert found is not None  # noqa: S101
    who = of.created_by or run.created_by
    return Rating(item.row, item.answer, who.strip() or "kiln", found, moment(of.created_at or run.created_at))


def files(name: str, items: list[Item], ratings: list[Rating]) -> dict[str, bytes]:
    """The golden set and the ratings of one eval: path -> content."""
    found: dict[str, bytes] = {}
    unique = {item.key: item for item in items}
    if unique:
        lines = (encoded(asdict(unique[one])) for one in sorted(unique))
        found[f"datasets/golden/{name}.jsonl"] = b"".join(lines)
    for rater in sorted({slug(one.rater) for one in ratings}):
        own = sorted((r for r in ratings if slug(r.rater) == rater), key=lambda r: (r.when, r.row))
        found[f"datasets/ratings/{name}/{rater}.jsonl"] = b"".join(encoded(one.as_dict()) for one in own)
    return found


def moment(text: str) -> str:
    """Kiln's time as ours; one without a zone is taken for UTC."""
    try:
        when = datetime.fromisoformat(text)
        return f"{when.astimezone(UTC) if when.tzinfo else when:%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError):
        return NO_TIME
