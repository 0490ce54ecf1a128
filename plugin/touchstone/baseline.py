"""The scores that the main branch stands on: `evals/baseline.json`. Reads and writes it; judges nothing.

    {"v": 2, "run": RUN, "ships": NAME,
     "scorers": {EVAL: {SCORE: IDENTITY}},
     "took": {EVAL: {RUN_CONFIG: {"answers", "input_tokens", "output_tokens", "cost"}}},
     "evals": {EVAL: {RUN_CONFIG: {SCORE: {ROW: [HASH, MEAN]}}}}}

HASH is the beginning of the row's hash (a row that was edited is another row), MEAN that of its epochs; the score
`passed` is the share of epochs whose test body passed. IDENTITY changes with whatever gives the score (`yardsticks`);
sums of what answers took are null where no provider says. Sorted, a row a line: git shows what moved, and two branches
that moved different rows merge. Version 1 has no `scorers` and no `took`; it is read all the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import UsageError
from .gates import Kept, Standing, kept_mean, passed
from .gates.verdict import HASH, PASSED
from .gitfile import PREFIX, read_at
from .places import Places
from .records import SampleRecord, Took
from .store import write_text

VERSION = 2

UPDATE = "touchstone baseline update"
Scores: TypeAlias = Mapping[str, Kept]
"""Score -> rows."""
Yardsticks: TypeAlias = Mapping[str, Mapping[str, str]]
"""Eval -> score -> identity of what gives it."""


class _File(BaseModel):
    """What the file may hold."""

    model_config = ConfigDict(extra="forbid")

    v: Literal[1, 2]
    """Version of the file."""
    run: str
    """The run that it was taken from."""
    ships: str
    """The run-config that shipped."""
    scorers: dict[str, dict[str, str]] = {}
    """Eval -> score -> identity of what gives it."""
    took: dict[str, dict[str, Took]] = {}
    """Eval -> run-config -> what its answers took."""
    evals: dict[str, dict[str, dict[str, dict[str, tuple[str, Annotated[float, Field(ge=0, le=1)]]]]]]
    """Eval -> run-config -> score -> row -> beginning of the row's hash, mean of its epochs."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scores of one run, row by row."""

    run: str = ""
    ships: str = ""
    """The run-config that shipped: the one that others are compared with."""
    evals: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)
    """Eval -> run-config -> score -> rows."""
    problem: str = ""
    """Why there is none, and what to type."""
    scorers: Yardsticks = field(default_factory=dict)
    """Empty where it was written by version 1."""
    took: Mapping[str, Mapping[str, Took]] = field(default_factory=dict)
    """Eval -> run-config -> what its answers took; empty where it was written by version 1."""
    own: Baseline | None = None
    """Beside a baseline of another branch: this one's, for what the other cannot be asked. In no file of its own."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Baseline:
        """Inverse of `dataclasses.asdict`."""
        return cls(**{**data, "own": cls.from_dict(data["own"]) if data.get("own") else None})

    def standing(self, eval_: str, scorers: Mapping[str, str]) -> Standing:
        """What the main branch stands on in one eval, whose scores are given by `scorers` now."""
        then = self.scorers.get(eval_, {})
        changed = frozenset(score for score, one in scorers.items() if one and then.get(score, one) != one)
        own = self.own.standing(eval_, scorers) if self.own else None
        return Standing(self.ships, self.evals.get(eval_, {}).get(self.ships, {}), self.problem, changed, own)

    def only(self, wanted: Collection[tuple[str, str]]) -> Baseline:
        """The part that (eval, score) pairs ask for, of the run-config that shipped."""
        evals = {
            name: {self.ships: {score: kept for score, kept in configs[self.ships].items() if (name, score) in wanted}}
            for name, configs in self.evals.items()
            if self.ships in configs
        }
        evals = {name: configs for name, configs in evals.items() if configs[self.ships]}
        scorers = {
            name: {score: self.scorers[name][score] for score in configs[self.ships] if score in self.scorers[name]}
            for name, configs in evals.items()
            if name in self.scorers
        }
        own = self.own.only(wanted) if self.own else None
        return Baseline(self.run, self.ships, evals, self.problem, scorers, own=own)

    def updated(self, newer: Baseline) -> Baseline:
        """With the evals that the newer one has in the place of these; others stay, if the same run-config shipped."""
        kept = {name: configs for name, configs in self.evals.items() if newer.ships in configs}
        evals = {**kept, **newer.evals}
        scorers = {name: found for name, found in {**self.scorers, **newer.scorers}.items() if name in evals}
        took = {name: found for name, found in {**self.took, **newer.took}.items() if name in evals}
        return Baseline(newer.run, newer.ships, evals, scorers=scorers, took=took)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        took = {name: {config: asdict(one) for config, one in them.items()} for name, them in self.took.items()}
        known = {"v": VERSION, "run": self.run, "ships": self.ships}
        return {**known, "scorers": self.scorers, "took": took, "evals": self.evals}


def take(
    run: str, ships: str, records: Iterable[SampleRecord], run_configs: Sequence[str], scorers: Yardsticks | None = None
) -> Baseline:
    """The baseline that a run's samples make: rows that erred or were skipped are left out."""
    evals: dict[str, dict[str, dict[str, dict[str, tuple[str, list[float]]]]]] = {}
    answered: dict[str, dict[str, list[SampleRecord]]] = {}
    for record in records:
        if record.run_config in run_configs and record.outcome.kind in ("pass", "miss"):
            answered.setdefault(record.eval, {}).setdefault(record.run_config, []).append(record)
            scores = evals.setdefault(record.eval, {}).setdefault(record.run_config, {})
            for name, value in _values(record):
                scores.setdefault(name, {}).setdefault(record.row, (record.row_hash[:HASH], []))[1].append(value)
    return Baseline(
        run,
        ships,
        {name: {config: _means(scores) for config, scores in configs.items()} for name, configs in evals.items()},
        scorers={name: given for name, given in (scorers or {}).items() if name in evals},
        took={name: {config: Took.of(found) for config, found in them.items()} for name, them in answered.items()},
    )


def read_baseline(path: Path, shown: str) -> Baseline:
    """The file. Raises UsageError, with `shown` as its place, where it is missing or damaged."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError("there is no baseline", where=shown, hint=f"write one with `{UPDATE}`") from None
    except (OSError, UnicodeDecodeError) as error:
        hint = f"name another, or write it anew: `{UPDATE}`"
        raise UsageError(f"cannot be read: {error}", where=shown, hint=hint) from None
    return parse(text, shown)


def baseline_at(named: str | None, places: Places) -> tuple[Baseline, str]:
    """(a baseline, what it is for people) by the name that a user gave it. Raises UsageError.

    None is the project's own file; `git:REF` that file at a ref, without a checkout; anything else a file.
    """
    if named is None:
        shown = places.shown(places.baseline)
        return read_baseline(places.baseline, shown), shown
    if named.startswith(PREFIX):
        text, shown = read_at(places.baseline, named.removeprefix(PREFIX), places.root)
        return parse(text, f"{named}: {places.shown(places.baseline)}"), shown
    file = places.root / named
    if not file.exists():
        hint = f"write one with `{UPDATE}`, or name a commit: {PREFIX}main"
        raise UsageError("there is no such baseline", where=named, hint=hint)
    return read_baseline(file, named), named


def baseline_of_gates(named: str | None, places: Places) -> Baseline:
    """What gates are compared with. Behind one that is read from git stands the checkout's own, where that is another:

    a branch that adds an eval or changes a scorer could pass no such gate otherwise, whatever it does.
    """
    found, _ = baseline_at(named, places)
    if named is None or not named.startswith(PREFIX):
        return found
    try:
        own = read_baseline(places.baseline, places.shown(places.baseline))
    except UsageError:
        return found
    return found if own == found else replace(found, own=own)


def parse(text: str, shown: str) -> Baseline:
    """A baseline's text. Raises UsageError."""
    try:
        data = _File.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"]))
        what = f"is no baseline: {f'{place}: ' if place else ''}{first['msg']}"
        raise UsageError(what, where=shown, hint=f"take it from git again, or write it anew: `{UPDATE}`") from None
    return Baseline(data.run, data.ships, data.evals, scorers=data.scorers, took=data.took)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """The file, sorted, a row a line, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _lines(baseline.as_dict(), 0) + "\n")


def _values(record: SampleRecord) -> Iterable[tuple[str, float]]:
    """`passed` is the body's; a score of the same name could not be told from it."""
    yield PASSED, passed(record)
    yield from ((name, score.value) for name, score in record.scores.items() if name != PASSED)


def _means(scores: Mapping[str, Mapping[str, tuple[str, Sequence[float]]]]) -> dict[str, dict[str, tuple[str, float]]]:
    return {
        name: {row: (hash_, kept_mean(values)) for row, (hash_, values) in rows.items()}
        for name, rows in scores.items()
    }


def _lines(value: Any, depth: int) -> str:
    """JSON with a line for every member of an object, and no more."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value)
    names = list(value) if depth == 0 else sorted(value)
    members = (f"{' ' * (depth + 1)}{json.dumps(name)}: {_lines(value[name], depth + 1)}" for name in names)
    return "{\n" + ",\n".join(members) + "\n" + " " * depth + "}"
