"""Rows: each input of Kiln's, with its tags and where it comes from; and the sets that tags and splits make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...evals import row_hash
from ...jsonl import bare
from ...records import Row
from ..names import Names
from ..unplaced import Leftovers
from .reading import words_of
from .shapes import EvalRun, Output, TaskRun

_GOOD = 4.0
"""Stars from which on Kiln's filter `high_rating` takes a run."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row, and what it was made of."""

    row: dict[str, Any]
    run: TaskRun
    where: str
    gone: bool = False
    """The project no longer has it: it is known from what a judge was shown."""

    @property
    def id(self) -> str:
        """The row's id here."""
        return str(self.row["id"])

    @property
    def hash(self) -> str:
        """`row_hash` of the row as it will be read."""
        return row_hash(Row.model_validate(self.row))


@dataclass
class Rows:
    """All rows of one task."""

    left: Leftovers
    names: Names = field(default_factory=Names)
    lines: dict[str, Line] = field(default_factory=dict)
    """Kiln's id of the run -> row."""
    _taken: set[str] = field(default_factory=set)

    def add(self, run: TaskRun, where: str) -> None:
        """A run as a row."""
        thought = words_of(run.intermediate_outputs)
        lost = [(k, v) for k, v in (run.intermediate_outputs or {}).items() if v not in set(thought)]
        self.left.fields("task_run.intermediate_outputs", where, lost, "only thinking has a place")
        row: dict[str, Any] = {"id": self._id(run.id), "input": run.input, "tags": run.tags}
        if run.repaired_output is not None:
            row["reference"] = run.repaired_output.output
        kiln = {"id": run.id, "created_at": run.created_at, "created_by": run.created_by}
        if run.repair_instructions:
            kiln["repair"] = run.repair_instructions
        if run.input_source is not None:
            kiln |= {
                "source": run.input_source.type,
                **{f"source_{k}": v for k, v in run.input_source.properties.items()},
            }
        self.lines[run.id] = Line({**row, "kiln": {k: v for k, v in kiln.items() if v not in ("", None)}}, run, where)

    def judged(self, verdict: EvalRun, where: str) -> Line:
        """The row that a judge's verdict is about, made of what the judge was shown where it is gone."""
        known = self.lines.get(verdict.dataset_id)
        if known is None:
            self.left.add(
                "eval_run", "dataset_id", where, "the run is gone: its row is made of the verdict", verdict.dataset_id
            )
            run = TaskRun(id=verdict.dataset_id, input=verdict.input, output=Output(output=""))
            row = {"id": self._id(run.id), "input": run.input, "tags": [], "kiln": {"id": run.id}}
            known = self.lines[run.id] = Line(row, run, where, gone=True)
        elif verdict.input != known.run.input:
            self.left.add("eval_run", "input", where, "is no longer the input of its run", verdict.input)
        return known

    def matching(self, filter_id: str | None, of: str, where: str) -> dict[str, Line]:
        """The rows that a filter of Kiln's takes, by Kiln's id."""
        kind, _, rest = (filter_id or "").partition("::")
        match kind:
            case "tag":
                wanted = {rest}
            case "multi_tag":
                wanted = set(rest.split("&"))
            case "all":
                wanted = set()
            case "high_rating":
                return {k: v for k, v in self._there() if _stars(v.run) >= _GOOD}
            case "":
                return {}
            case _:
                self.left.add(of, "filter", where, "a filter that is not known here", filter_id)
                return {}
        return {k: v for k, v in self._there() if wanted <= set(v.run.tags)}

    def _there(self) -> Iterable[tuple[str, Line]]:
        return ((key, line) for key, line in self.lines.items() if not line.gone)

    def _id(self, kiln_id: str) -> str:
        """Kiln's own where it can be one."""
        fits = kiln_id.isascii() and kiln_id.isalnum() and len(kiln_id) < 40
        name = kiln_id if fits and kiln_id not in self._taken else self.names.new(f"row {kiln_id}")
        while name in self._taken:
            name = self.names.new(f"row {kiln_id}")
        self._taken.add(name)
        return name


def dataset(lines: Iterable[Line], more: Mapping[str, Mapping[str, Any]] | None = None) -> bytes:
    """The rows as a file, by their ids; `more`: further fields of each, by its id here."""
    rows = sorted((line.row for line in lines), key=lambda row: str(row["id"]))
    return b"".join(bare({**row, **(more or {}).get(row["id"], {})}) for row in rows)


def _stars(run: TaskRun) -> float:
    rating = run.output.rating
    return rating.value or 0.0 if rating is not None and rating.type == "five_star" else 0.0
