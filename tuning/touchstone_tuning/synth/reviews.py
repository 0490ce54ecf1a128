"""What people decided of new rows: keep, edit, drop. A file a reviewer, appended, never rewritten; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.errors import UsageError
from touchstone.jsonl import encoded, read_lines
from touchstone.places import Places
from touchstone.ratings import UNION, slug
from touchstone.records import digest

Verdict = Literal["keep", "edit", "drop", "undo"]
"""`undo`: this person's decision is taken back. It stands in files, and is never handed out as a decision."""
LONGEST = 4000
"""Characters of an edited request."""
_WEIGHT: Mapping[Verdict, int] = {"keep": 0, "edit": 1, "drop": 2}
"""Of several people's decisions the heaviest stands: one who saw a fault is not outvoted by those who did not."""


@dataclass(frozen=True, slots=True)
class Review:
    """One decision on one row."""

    row: str
    hash: str
    """Of the request as the model wrote it: another request under the same id has not been reviewed."""
    verdict: Verdict
    by: str
    when: str
    """UTC, `YYYY-MM-DDTHH:MM:SSZ`."""
    input: str = ""
    """The new request, for `edit`."""
    note: str = ""
    was: str = ""
    """The request as the model wrote it, for `edit` and `drop`: the data set does not hold it any more."""

    @property
    def key(self) -> tuple[str, str]:
        """(row's id, hash): what exactly was reviewed."""
        return self.row, self.hash


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    row: str
    """Id of the row."""
    hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    """First 16 hex digits of the digest of the request as the model wrote it."""
    verdict: Verdict
    """What was decided."""
    by: str = Field(min_length=1, max_length=60)
    """Who: git's user.name."""
    when: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    """UTC, to the second."""
    input: str = Field(default="", max_length=LONGEST)
    """The request as it was edited."""
    note: str = Field(default="", max_length=LONGEST)
    """In the reviewer's words."""
    was: str = Field(default="", max_length=LONGEST)
    """The request as the model wrote it, for `edit` and `drop`."""


def text_hash(text: str) -> str:
    """Sixteen hex digits of a request as the model wrote it."""
    return digest(text)[:16]


@dataclass(frozen=True)
class Reviews:
    """The decisions on one plan's rows, `<reviewer>.jsonl` each. Every question reads the files anew."""

    folder: Path
    shown: str = ""
    """How problems name the folder."""

    def add(self, review: Review) -> None:
        """Append a decision, on disk on return. Raises UsageError for one that cannot be kept."""
        try:
            line = encoded(_Line.model_validate(asdict(review)).model_dump())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise UsageError(f"cannot be kept: {first['loc'][0]}: {first['msg']}", where=review.row) from error
        if review.verdict == "edit" and not review.input.strip():
            raise UsageError("an edit wants the new text", where=review.row)
        _append(self.folder / f"{slug(review.by)}.jsonl", line)

    def decisions(self) -> Mapping[tuple[str, str], tuple[Review, ...]]:
        """(row's id, hash) -> each person's latest decision on exactly that request, the one that stands last."""
        latest = {(*one.key, one.by): one for one in sorted(self.all(), key=lambda one: one.when)}
        found: dict[tuple[str, str], tuple[Review, ...]] = {}
        meant = (one for one in latest.values() if one.verdict != "undo")
        for one in sorted(meant, key=lambda one: (_WEIGHT[one.verdict], one.when)):
            found[one.key] = (*found.get(one.key, ()), one)
        return found

    def standing(self) -> Mapping[tuple[str, str], Review]:
        """(row's id, hash) -> the decision that stands: a drop by anybody, else the latest edit, else a keep."""
        return {key: of[-1] for key, of in self.decisions().items()}

    def when(self, by: str, seconds: float) -> str:
        """The time of a decision now; never before this person's last one, which a clock put back must not let win."""
        now = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return max([now, *(one.when for one in self.all() if one.by == by)])

    @property
    def problems(self) -> list[str]:
        """`path:line: why` of every line that cannot be used."""
        return [one for one in self._read() if isinstance(one, str)]

    def all(self) -> list[Review]:
        """Every line that can be used, file by file; the very same line twice (a merge) is one."""
        return list(dict.fromkeys(one for one in self._read() if isinstance(one, Review)))

    def _read(self) -> Iterator[Review | str]:
        for path in sorted(self.folder.glob("*.jsonl")):
            lines = read_lines(path, f"{self.shown or self.folder}/{path.name}")
            yield from (_review(where, value) for where, value in lines.values)
            yield from lines.problems


def reviews_of(name: str, places: Places) -> Reviews:
    """The decisions on a plan's rows, whether there are any or not."""
    folder = _folder(places) / name
    return Reviews(folder, places.shown(folder))


def written(row: Mapping[str, Any], reviews: Iterable[Review]) -> tuple[str, str]:
    """(hash, text) of a row's request as the model wrote it; the row's own, where no more is known.

    A row that was edited holds a person's words. What it was, its `made.reviewed.was` says (the hash), and so does the
    line of that edit (the text too).
    """
    reviewed = row.get("made", {}).get("reviewed", {})
    if reviewed.get("verdict") != "edit":
        return text_hash(row["input"]), row["input"]
    edits = [one for one in reviews if one.row == row["id"] and one.verdict == "edit"]
    known = reviewed.get("was") or next((one.hash for one in edits if one.input == row["input"]), "")
    text = next((one.was for one in edits if one.hash == known and one.was), row["input"])
    return known or text_hash(text), text


def stale(decisions: Iterable[Review], rows: Mapping[str, str]) -> list[tuple[Review, str]]:
    """Decisions on what is not there, and why. `rows`: id -> hash of the request as the model wrote it.

    A drop whose row is gone is what was wanted, and not among them.
    """
    found = []
    for one in sorted(decisions, key=lambda one: (one.row, one.when, one.by)):
        if one.row in rows and rows[one.row] != one.hash:
            found.append((one, "written anew"))
        elif one.row not in rows and one.verdict != "drop":
            found.append((one, "the row is gone"))
    return found


def merge_by_union(places: Places) -> None:
    """See to it that git keeps both sides of a reviewer's file."""
    path = _folder(places) / ".gitattributes"
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(UNION, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=places.shown(path)) from error


def _folder(places: Places) -> Path:
    return places.root / "tuning" / "reviews"


def _append(path: Path, line: bytes) -> None:
    """In one write at the file's end; a line of its own, also behind one that was torn."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+", buffering=0) as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - 1))
            torn = end and file.read(1) != b"\n"
            data = b"\n" + line if torn else line
            if file.write(data) != len(data):
                raise UsageError("the decision was written in part: is the disk full?", where=str(path))
    except OSError as error:
        raise UsageError(f"the decision cannot be written: {error.strerror}", where=str(path)) from error


def _review(where: str, value: Mapping[str, Any]) -> Review | str:
    try:
        return Review(**_Line.model_validate(value).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
