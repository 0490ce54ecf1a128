"""What people decided of new rows: keep, edit, drop. A file a reviewer, appended, never rewritten; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.errors import UsageError
from touchstone.jsonl import encoded, read_lines
from touchstone.ratings import slug
from touchstone.records import digest

Verdict = Literal["keep", "edit", "drop"]
LONGEST = 4000
"""Characters of an edited request."""


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


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    row: str
    hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    verdict: Verdict
    by: str = Field(min_length=1, max_length=60)
    when: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    input: str = Field(default="", max_length=LONGEST)
    note: str = Field(default="", max_length=LONGEST)


def text_hash(text: str) -> str:
    """Sixteen hex digits of a request as the model wrote it."""
    return digest(text)[:16]


@dataclass(frozen=True)
class Reviews:
    """The decisions on one plan's rows, `<reviewer>.jsonl` each."""

    folder: Path
    shown: str = ""
    """How problems name the folder."""

    def add(self, review: Review) -> None:
        """Append a decision. Raises UsageError for one that cannot be kept."""
        try:
            line = encoded(_Line.model_validate(asdict(review)).model_dump())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise UsageError(f"cannot be kept: {first['loc'][0]}: {first['msg']}", where=review.row) from error
        if review.verdict == "edit" and not review.input.strip():
            raise UsageError("an edit wants the new text", where=review.row)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{slug(review.by)}.jsonl").open("ab") as file:
            file.write(line)

    def latest(self) -> Mapping[str, Review]:
        """Row's id -> the decision that counts: the latest one, but a drop by anybody stands until they change it."""
        by_person: dict[tuple[str, str], Review] = {}
        for review in sorted(self._all(), key=lambda one: one.when):
            by_person[review.row, review.by] = review
        found: dict[str, Review] = {}
        for review in sorted(
            by_person.values(), key=lambda one: (one.verdict == "drop", one.verdict == "edit", one.when)
        ):
            found[review.row] = review
        return found

    @property
    def problems(self) -> list[str]:
        """`path:line: why` of every line that cannot be used."""
        return [one for one in self._read() if isinstance(one, str)]

    def _all(self) -> Iterator[Review]:
        return (one for one in self._read() if isinstance(one, Review))

    def _read(self) -> Iterator[Review | str]:
        for path in sorted(self.folder.glob("*.jsonl")):
            lines = read_lines(path, f"{self.shown or self.folder}/{path.name}")
            yield from (_review(where, value) for where, value in lines.values)
            yield from lines.problems


def _review(where: str, value: Mapping[str, Any]) -> Review | str:
    try:
        return Review(**_Line.model_validate(value).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
