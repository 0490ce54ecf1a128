"""Outputs that are there already, as samples to be scored: a list that somebody has, or those of a run.

Owns how they are read; scores none. A run keeps of its rows what they ask and a digest: the rest is read from the
project's datasets, by a pytest process that collects the run's evals (`launching` says why not by this one).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import ValidationError

from ..config import Catalogue
from ..errors import UsageError
from ..evals import row_hash
from ..places import Places
from ..records import Row, RunConfig, SampleRecord
from .launching import Told, check, launch
from .runs import Run

Output: TypeAlias = "tuple[Row | Mapping[str, Any], str] | Mapping[str, Any]"
"""A row and its output: a pair, or a mapping with the row's keys and `output`."""

EVAL = "outputs"
"""The eval of outputs that no run made."""
_QUIET = ("--collect-only", "-qq", "--assert=plain", "-p", "no:cacheprovider", "-o", "addopts=")


@dataclass(frozen=True, slots=True)
class Given:
    """One output with its row."""

    eval: str
    row: Any
    """A `Row`, or the subclass that was asked for."""
    row_hash: str
    run_config: RunConfig
    epoch: int
    output: str | None
    """None where there is none to score."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Why not."""


def stand_in(name: str, catalogue: Catalogue | None) -> RunConfig:
    """The project's run-config of that name, or one that says no more than its name. Raises UsageError."""
    for config in catalogue.run_configs if catalogue else ():
        if config.name == name:
            return config
    try:
        return RunConfig(name=name, model="given", prompt="given")
    except ValidationError as error:
        hint = "a name has letters, digits, '.', '_' and '-', at most 60"
        raise UsageError(f"{name!r} is no name of a run-config", where="run_config=", hint=hint) from error


def of_list(outputs: Iterable[Output], row_class: type[Row], config: RunConfig) -> list[Given]:
    """Each output with its row. A row that stands several times has several epochs. Raises UsageError."""
    found: list[Given] = []
    hashes: dict[str, str] = {}
    epochs: dict[str, int] = {}
    for number, one in enumerate(outputs, 1):
        where = f"output {number}"
        row, output = _pair(one, number, row_class, where)
        known = row_hash(row)
        if hashes.setdefault(row.id, known) != known:
            raise UsageError(f"two different rows have the id {row.id!r}", where=where)
        epochs[row.id] = epochs.get(row.id, 0) + 1
        found.append(Given(EVAL, row, known, config, epochs[row.id], output))
    return found


def of_run(run: Run, row_class: type[Row], catalogue: Catalogue | None) -> list[Given]:
    """Each sample of a run that was not skipped, with its row as the datasets have it now."""
    if run.conclusion is None:
        raise UsageError("a baseline keeps no outputs", where="score", hint="score a run: touchstone.load()")
    wanted = [record for record in run.samples if record.outcome.kind != "skipped"]
    rows = _collected(run.places, wanted, row_class) if wanted else {}
    configs = {name: stand_in(name, catalogue) for name in dict.fromkeys(record.run_config for record in wanted)}
    return [_given(record, rows.get((record.eval, record.row)), configs[record.run_config]) for record in wanted]


def _given(record: SampleRecord, known: tuple[Row, str] | None, config: RunConfig) -> Given:
    row, now = known or (Row(id=record.row, input=record.input), "")
    errors: dict[str, str] = {}
    if record.output is None:
        errors["call"] = record.outcome.why or "no answer"
    elif now != record.row_hash:
        errors["row"] = "the row has changed since this run" if now else "the row is no more in the eval's dataset"
    output = None if errors else record.output
    return Given(record.eval, row, record.row_hash, config, record.epoch, output, errors)


def _collected(
    places: Places, records: Iterable[SampleRecord], row_class: type[Row]
) -> dict[tuple[str, str], tuple[Row, str]]:
    """(eval, row's id) -> the row and the digest of what the dataset says. Raises UsageError."""
    files = dict.fromkeys(record.test.partition("::")[0] for record in records)
    there = [file for file in files if file and (places.root / file).is_file()]
    wanted = {(record.eval, record.row) for record in records}
    found: dict[tuple[str, str], tuple[Row, str]] = {}

    def hear(told: Told) -> None:
        if "row" in told and (key := (told["eval"], told["row"]["id"])) in wanted:
            found[key] = _row(told["row"], row_class, f"row {key[1]} of {key[0]}"), told["hash"]

    if there:
        check(launch([*_QUIET, f"--rootdir={places.root}", *there], places.root, hear), "the run's evals")
    return found


def _pair(one: Any, number: int, row_class: type[Row], where: str) -> tuple[Row, str]:
    if isinstance(one, Mapping) and "output" in one:
        row, output = {key: value for key, value in one.items() if key != "output"}, one["output"]
    elif isinstance(one, list | tuple) and len(one) == 2:
        row, output = one
    else:
        hint = '({"input": "The capital of Peru?", "answer": "Lima"}, "Lima"), or {"input": ..., "output": "Lima"}'
        raise UsageError("wants a row and its output", where=where, hint=hint)
    if not isinstance(output, str):
        raise UsageError(
            f"an output is text, not {type(output).__name__}", where=where, hint="json.dumps(...) makes text"
        )
    if isinstance(row, Row):
        return row, output
    if not isinstance(row, Mapping):
        raise UsageError(f"a row is a touchstone.Row or a mapping, not {type(row).__name__}", where=where)
    return _row({"id": str(number), **row}, row_class, where), output


def _row(data: Mapping[str, Any], row_class: type[Row], where: str) -> Row:
    try:
        return row_class.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"is no {row_class.__name__}: {f'{place}: ' if place else ''}{first['msg']}"
        raise UsageError(problem, where=where) from None
