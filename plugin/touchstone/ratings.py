"""People's ratings, one line each: appended, never rewritten. Owns `datasets/ratings/`; knows no page and no judge.

Each rater has a file of their own, so that two people on two branches never touch the same line. Files of one rater
merge by union (`.gitattributes`): both sides' lines stay, and the latest word on an output counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from .errors import UsageError
from .golden import below
from .jsonl import encoded, read_lines
from .labels import SCALES, UNSURE, Item, Label, Rating, Scale
from .places import Places

UNION = "*.jsonl merge=union\n"
_LABELS = {label for labels in SCALES.values() for label in labels} | {UNSURE}
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
_LONGEST_NAME = 60


class _Line(BaseModel):
    """A rating as it stands in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    row: str
    """Id of the row."""
    answer: str = Field(pattern=r"^[0-9a-f]{16}$")
    """First 16 hex digits of the output's SHA-256."""
    rater: str
    """Who: git's user.name."""
    value: StrictInt | StrictStr
    """pass, fail, critical, unsure, or 1 to 5 stars."""
    when: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    """UTC, to the second."""
    note: str = ""
    """In the rater's words."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Between seeing and rating."""
    peeked: bool = False
    """The rater looked at the evidence of execution first."""


@dataclass(frozen=True)
class Ratings:
    """The ratings of one eval, `<rater>.jsonl` each. Every question reads the files anew: others may be rating."""

    folder: Path
    shown: str = ""
    """How problems name the folder; its path where nothing is given."""

    def add(self, *ratings: Rating) -> None:
        """Append one person's ratings in one write. Raises UsageError where that cannot be."""
        if len({r.rater for r in ratings}) > 1:
            raise UsageError("these ratings are by more than one rater")
        for rating in ratings:
            _check(rating)
        if ratings:
            _append(self.folder / f"{slug(ratings[0].rater)}.jsonl", [encoded(r.as_dict()) for r in ratings])

    def all(self) -> list[Rating]:
        """Every rating, file by file in their order; the very same line twice (a merge) is one."""
        return list(dict.fromkeys(rating for found in self._read() for rating in found if isinstance(rating, Rating)))

    @property
    def problems(self) -> list[str]:
        """`path:line: why` of every line that cannot be used."""
        return [problem for found in self._read() for problem in found if isinstance(problem, str)]

    def current(self, items: Iterable[Item]) -> dict[str, dict[str, Rating]]:
        """Item's key -> rater -> their latest rating of exactly that output. Every item has its place."""
        latest: dict[str, dict[str, Rating]] = {item.key: {} for item in items}
        for rating in self._by_time():
            if (key := f"{rating.row}@{rating.answer}") in latest:
                latest[key][rating.rater] = rating
        return latest

    def stale(self, items: Iterable[Item]) -> list[Rating]:
        """Each rater's latest rating of outputs that the set no longer has: another answer now, or no such row."""
        known = {item.key for item in items}
        latest = {(r.row, r.answer, r.rater): r for r in self._by_time() if f"{r.row}@{r.answer}" not in known}
        return sorted(latest.values(), key=lambda r: (r.row, r.answer, r.rater))

    def _by_time(self) -> list[Rating]:
        """By their time; those of one second in the order of their lines (sorting keeps it)."""
        return sorted(self.all(), key=lambda rating: rating.when)

    def _read(self) -> Iterator[list[Rating | str]]:
        """File by file: its ratings, and the problems in it."""
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.is_file():
                lines = read_lines(path, f"{self.shown or self.folder}/{path.name}")
                yield [*lines.problems, *(_rating(where, value) for where, value in lines.values)]


def ratings_of(places: Places, eval: str) -> Ratings:
    """The eval's ratings, whether there are any or not."""
    folder = below(places.ratings, eval)
    return Ratings(folder, places.shown(folder))


def merge_by_union(places: Places) -> Path | None:
    """See to it that git keeps both sides of a rater's file; the file that was written for that, if one was."""
    path = places.ratings / ".gitattributes"
    if path.exists():
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(UNION, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=places.shown(path)) from error
    return path


def scale_of(ratings: Iterable[Rating]) -> Scale | None:
    """The scale that these ratings are on; None where nothing tells. Raises UsageError for stars beside words."""
    values = {rating.value for rating in ratings} - {UNSURE}
    stars = {value for value in values if isinstance(value, int)}
    if stars and values - stars:
        raise UsageError("there are stars and words among the ratings: they are on two scales")
    if stars:
        return "stars"
    return "critical" if "critical" in values else "pass_fail" if values else None


def labels_of(scale: Scale) -> tuple[Label, ...]:
    """What a rater may say on the scale, the worst first, `unsure` last."""
    return *SCALES[scale], UNSURE


def slug(rater: str) -> str:
    """A file name for a person: lower case, blanks as hyphens; what is lost beyond that is kept apart by a hash."""
    plain = rater.lower().replace(" ", "-")
    name = re.sub(r"[^a-z0-9-]+", "-", plain).strip("-")[:_LONGEST_NAME].rstrip("-")
    if name == plain and name and not _RESERVED.match(name):
        return name
    return f"{name or 'rater'}-{hashlib.sha256(rater.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _rating(where: str, value: Mapping[str, Any]) -> Rating | str:
    """The rating on a line, or `path:line: why` it is none."""
    try:
        line = _Line.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{where}: {first['loc'][0]}: {first['msg']}"
    if not line.rater.strip():
        return f"{where}: it does not say who rated"
    if line.value not in _LABELS:
        return f"{where}: {line.value!r} is no label; there are: {', '.join(sorted(map(str, _LABELS)))}"
    return Rating(**line.model_dump())


def _check(rating: Rating) -> None:
    """What is written can be read again."""
    wrong = _rating("this rating", rating.as_dict())
    if isinstance(wrong, str):
        raise UsageError(wrong)


def _append(path: Path, lines: Sequence[bytes]) -> None:
    """All lines in one write at the file's end, so that nobody's line is torn by another's."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            _write(handle, b"".join(lines), str(path))
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(f"the rating cannot be written: {error.strerror}", where=str(path)) from error


def _write(handle: int, data: bytes, where: str) -> None:
    """Begins a line of its own, also behind one that was torn."""
    end = os.fstat(handle).st_size
    whole = not end or os.pread(handle, 1, end - 1) == b"\n"
    written = os.write(handle, data if whole else b"\n" + data)
    if written < len(data) + (not whole):
        raise UsageError("the rating was written in part: is the disk full?", where=where)
