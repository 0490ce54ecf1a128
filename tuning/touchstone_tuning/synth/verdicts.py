"""Verdicts: what proofs came to, kept in the repository as JSONL, one job a line. Owns the file; proves nothing.

A model's answers alone do not give the same rows again: a program that is run may come out differently on a machine
that is slower, or older. So what held is recorded beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from touchstone.errors import UsageError
from touchstone.jsonl import encoded, read_lines
from touchstone.records import digest

from .rowfile import write_lines

_DIGITS = 24
"""Hex digits of a job: two of a million jobs are alike with a chance of one in 10^17."""


class Verdict(BaseModel):
    """What held of a job."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    job: str
    """The job's digest, in 24 hex digits."""
    by: str
    """Who proved it, in twelve hex digits: the task's identity."""
    verified: tuple[str, ...]
    """What held of it, in the task's words."""


@dataclass
class Verdicts:
    """The verdicts on one plan's jobs."""

    path: Path
    shown: str
    """How errors name the path."""
    added: dict[str, Verdict] = field(default_factory=dict)

    def get(self, fields: Mapping[str, Any], identity: str | None = None) -> tuple[str, ...] | None:
        """What held of the job; None where it was not proven, or by another task than that. Raises UsageError."""
        found = self._held.get(_job(fields))
        return None if found is None or (identity is not None and found.by != _by(identity)) else found.verified

    def add(self, fields: Mapping[str, Any], identity: str, verified: tuple[str, ...]) -> None:
        """Take one in, by the task of that identity; it reaches the disk with `write`."""
        job = _job(fields)
        self.added[job] = Verdict(job=job, by=_by(identity), verified=verified)

    def write(self) -> None:
        """All that are known by now, by job; nothing where none was added. Raises UsageError."""
        if self.added:
            known = {**self._read(), **self.added}
            write_lines(self.path, (encoded(known[job].model_dump(mode="json")) for job in sorted(known)))

    @cached_property
    def _held(self) -> dict[str, Verdict]:
        return self._read()

    def _read(self) -> dict[str, Verdict]:
        if not self.path.is_file():
            return {}
        lines = read_lines(self.path, self.shown)
        problems = list(lines.problems)
        found: dict[str, Verdict] = {}
        for where, value in lines.values:
            try:
                one = Verdict.model_validate(value)
            except ValidationError as error:
                problems.append(f"{where}: {error.errors(include_url=False)[0]['msg']}")
            else:
                found[one.job] = one
        if problems:
            hint = "take it back from git, or delete the file and run the plan again with --calls record"
            raise UsageError(f"a verdict that cannot be read: {problems[0]}", hint=hint)
        return found


def _by(identity: str) -> str:
    return digest([identity])[:12]


def _job(fields: Mapping[str, Any]) -> str:
    return digest(dict(fields))[:_DIGITS]
