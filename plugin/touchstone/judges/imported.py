"""What a judge said elsewhere: verdicts that were imported, `NAME.verdicts.jsonl` beside its file. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .. import records
from ..errors import ScorerError, UsageError
from ..jsonl import encoded, read_lines
from ..labels import answer_hash
from ..records import Sample, Score
from .definition import Definition

SUFFIX = ".verdicts.jsonl"
_SHOWN_PROBLEMS = 10


class Verdict(BaseModel):
    """One verdict as it stands in the file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    row: str
    """Id of the row."""
    run_config: str
    """Which run-config wrote the output."""
    answer: str = Field(pattern=r"^[0-9a-f]{16}$")
    """`answer_hash` of the output that was judged."""
    value: Annotated[float, Field(ge=0, le=1)]
    """On the scale from 0 to 1."""
    said: float | str
    """On the judge's own scale, as it was given."""
    reasoning: str = ""
    """What it gave as its reasons."""

    def line(self) -> bytes:
        """As a line of the file."""
        return encoded(self.model_dump(exclude_defaults=True))


@dataclass(frozen=True)
class Said:
    """All that one judge said."""

    verdicts: Mapping[tuple[str, str, str], Verdict]
    """(row, run-config, answer) -> verdict."""
    shown: str

    @classmethod
    def of(cls, definition: Definition, root: Path) -> Said:
        """Read the file beside the judge's own. Raises UsageError with every bad line (the first ten)."""
        shown = f"{definition.shown.removesuffix('.j2')}{SUFFIX}"
        return cls(read(root / shown, shown), shown)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of it all."""
        return records.digest(sorted(one.model_dump_json() for one in self.verdicts.values()))

    def score(self, sample: Sample) -> Score:
        """What it said of this answer. Raises ScorerError where it was never asked."""
        found = self.verdicts.get((sample.row.id, sample.run_config.name, answer_hash(sample.output)))
        if found is None:
            raise ScorerError(
                "it never judged this answer, and was imported: `method: verdict` and a `model:` ask anew"
            )
        details = {"said": found.said, "value": found.value, "reasoning": found.reasoning}
        return Score(
            found.value, f"{_short(found.said)}: {' '.join(found.reasoning.split())[:200]}", {"verdicts": [details]}
        )


def read(path: Path, shown: str) -> dict[tuple[str, str, str], Verdict]:
    """The verdicts of a file. Raises UsageError where it is not there, and with every bad line (the first ten)."""
    if not path.is_file():
        raise UsageError("there is no such file: a judge of `method: imported` reads its verdicts there", where=shown)
    lines, found = read_lines(path, shown), dict[tuple[str, str, str], Verdict]()
    problems = list(lines.problems)
    for where, value in lines.values:
        try:
            one = Verdict.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            problems.append(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            continue
        if (key := (one.row, one.run_config, one.answer)) in found:
            problems.append(f"{where}: this answer was judged above already")
        found[key] = one
    if problems:
        raise UsageError("\n".join(problems[:_SHOWN_PROBLEMS]))
    return found


def _short(said: float | str) -> str:
    return f"{said:g}" if isinstance(said, float) else said
