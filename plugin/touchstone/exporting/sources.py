"""What is exported: a data set's rows, a run's outputs with their scores, a golden set with its ratings. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..datasets import load_dataset
from ..errors import UsageError
from ..golden import golden_of
from ..labels import UNSURE
from ..places import Places
from ..ratings import ratings_of
from ..records import Row, SampleRecord
from ..store import find_run, read_run

_ANSWERS = ("answer", "reference")
"""A row's fields that say what a right answer is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input, with the output that belongs to it."""

    row: str
    input: Any
    output: str | None
    tags: tuple[str, ...] = ()
    reasoning: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Scores, ratings and fields of the row, JSON-ready."""


def of_dataset(name: str, places: Places) -> list[Entry]:
    """Its rows; the output is a row's `answer`, else its `reference`. Raises UsageError."""
    found = []
    for row in load_dataset(name, Row, places).rows:
        data = row.model_dump(mode="json")
        output = next((data[key] for key in _ANSWERS if isinstance(data.get(key), str)), None)
        thinking = data.get("thinking")
        more = {key: value for key, value in data.items() if key not in ("id", "input", "tags")}
        found.append(
            Entry(row.id, data["input"], output, row.tags, thinking if isinstance(thinking, str) else "", more)
        )
    return found


def of_run(name: str | None, places: Places, evals: tuple[str, ...], run_configs: tuple[str, ...]) -> list[Entry]:
    """The outputs of a run (the last one for None): one for each row, run-config and epoch, with all their scores.

    Raises UsageError, also where nothing is left of it.
    """
    records = read_run(find_run(places.state / "runs", name))
    _check("--eval", evals, {one.eval for one in records})
    _check("--run-config", run_configs, {one.run_config for one in records})
    kept: dict[tuple[str, str, int, str], list[SampleRecord]] = {}
    latest = {(one.test, one.eval, one.row, one.run_config, one.epoch): one for one in records}  # run again: the last
    for one in latest.values():
        wanted = (not evals or one.eval in evals) and (not run_configs or one.run_config in run_configs)
        if wanted and one.output is not None:
            kept.setdefault((one.row, one.run_config, one.epoch, one.output), []).append(one)
    if not kept:
        raise UsageError("has no output", where=f"run {name or ''}".strip(), hint="pytest evals/ makes some")
    return [_of_records(group) for group in kept.values()]


def _of_records(group: list[SampleRecord]) -> Entry:
    first = group[0]
    scores = {name: score.value for one in group for name, score in one.scores.items()}
    outcomes = {one.eval: one.outcome.kind for one in group}
    more: dict[str, Any] = {"run_config": first.run_config, "epoch": first.epoch, "outcomes": outcomes}
    more |= {"scores": scores} if scores else {}
    more |= {"errors": errors} if (errors := {k: v for one in group for k, v in one.errors.items()}) else {}
    tags = (*(f"{name}:{kind}" for name, kind in outcomes.items()), first.run_config)
    return Entry(first.row, first.input, first.output, tags, first.response.thinking if first.response else "", more)


def of_golden(evaluation: str, places: Places) -> list[Entry]:
    """Its outputs, each with the latest rating of each rater. Raises UsageError."""
    items = golden_of(places, evaluation).read()
    current = ratings_of(places, evaluation).current(items)
    found = []
    for item in items:
        said = {rater: rating.value for rater, rating in sorted(current[item.key].items())}
        tags = tuple(dict.fromkeys(f"rated:{value}" for value in said.values() if value != UNSURE))
        more = {"run_config": item.run_config, **({"ratings": said} if said else {})}
        found.append(Entry(item.row, item.input, item.output, ("golden", *tags), more=more))
    return found


def as_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Each as one mapping, for any table: a row's own fields, or what was answered and what it scored."""
    return [_as_row(one) for one in entries]


def _as_row(one: Entry) -> dict[str, Any]:
    row = {"id": one.row, "input": one.input, **({"tags": list(one.tags)} if one.tags else {}), **one.more}
    answered = one.output is not None and not any(key in one.more for key in _ANSWERS)
    return row | ({"output": one.output} if answered else {})


def _check(option: str, wanted: tuple[str, ...], there: set[str]) -> None:
    for name in wanted:
        if name not in there:
            raise UsageError(f"the run has no {name!r}", where=option, hint=f"it has: {', '.join(sorted(there))}")
