"""Datasets: files of rows, read and checked. JSONL, YAML and CSV; never changes one.

JSONL and CSV are read line by line: of a file of any size, the rows are in memory, once, and nothing else.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .errors import UsageError
from .places import Places
from .records import Row
from .yamlfile import read_yaml

SUFFIXES = (".jsonl", ".yaml", ".yml", ".csv")
_SHOWN_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Dataset:
    """Checked rows of one source, in its order."""

    name: str
    rows: tuple[Any, ...]
    """Instances of the eval's row class."""


def load_dataset(source: str | Sequence[Mapping[str, Any]], row_class: type[Row], places: Places) -> Dataset:
    """The rows of a dataset: its name (a file under `datasets/`), a path from the root, or a list of mappings.

    Raises UsageError that lists every bad row (the first ten) with file and line.
    """
    if not isinstance(source, str):
        entries = ((f"row {i} of the list", e) for i, e in enumerate(source, 1))
        return Dataset("inline", _checked(entries, row_class))
    path = _find(source, places)
    return Dataset(source, _checked(_entries(path, places.shown(path)), row_class))


def _find(source: str, places: Places) -> Path:
    bases = (places.datasets / source, places.root / source)
    candidates = [Path(f"{base}{suffix}") for base in bases for suffix in ("", *SUFFIXES)]
    found = next((c for c in candidates if c.is_file()), None)
    if found is None or found.suffix not in SUFFIXES:
        there = sorted(p.stem for p in places.datasets.glob("*") if p.suffix in SUFFIXES)
        hint = f"datasets here: {', '.join(there) or 'none'}"
        raise UsageError(f"there is no dataset {source!r}", where=places.shown(places.datasets), hint=hint)
    return found


def _entries(path: Path, shown: str) -> Iterator[tuple[str, Any]]:
    """("path:line", entry) for each entry of the file."""
    if path.suffix in (".yaml", ".yml"):
        yield from _from_yaml(path, shown)
        return
    try:
        with path.open(encoding="utf-8-sig") as lines:
            yield from _from_csv(lines, shown) if path.suffix == ".csv" else _from_jsonl(lines, shown)
    except UnicodeDecodeError as error:
        raise UsageError("is not UTF-8", where=shown, hint="save it as UTF-8") from error


def _from_jsonl(lines: Iterable[str], shown: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield f"{shown}:{number}", json.loads(line)
            except json.JSONDecodeError as error:
                message = f"is no JSON: {error.msg} at column {error.colno}"
                raise UsageError(message, where=f"{shown}:{number}", hint="one JSON object a line") from error


def _from_yaml(path: Path, shown: str) -> Iterator[tuple[str, Any]]:
    file = read_yaml(path, shown)
    if not isinstance(file.data, list):
        raise UsageError("wants a list of rows", where=file.where())
    yield from ((file.where(i), entry) for i, entry in enumerate(file.data))


def _from_csv(lines: Iterable[str], shown: str) -> Iterator[tuple[str, Any]]:
    reader = csv.DictReader(lines, strict=True)
    try:
        for entry in reader:
            where = f"{shown}:{reader.line_num}"
            if None in entry or None in entry.values():
                raise UsageError(f"has not the {len(reader.fieldnames or ())} columns of the header", where=where)
            yield where, _with_tags(entry)
    except csv.Error as error:
        raise UsageError(f"is no CSV: {error}", where=f"{shown}:{reader.line_num}") from error


def _with_tags(entry: dict[str, Any]) -> dict[str, Any]:
    """CSV knows only text: tags are split at blanks, and an empty cell is a value that is not given."""
    tags = entry.pop("tags", None)
    return {k: v for k, v in entry.items() if v != ""} | ({"tags": tuple(tags.split())} if tags else {})


def _checked(entries: Iterable[tuple[str, Any]], row_class: type[Row]) -> tuple[Row, ...]:
    rows: list[Row] = []
    places: dict[str, str] = {}
    problems: list[str] = []
    for where, entry in entries:
        try:
            row = row_class.model_validate(entry)
        except ValidationError as error:
            problems.extend(f"{where}: {_explain(e)}" for e in error.errors())
            continue
        if (first := places.setdefault(row.id, where)) is not where:
            problems.append(f"{where}: the id {row.id!r} stands twice; first at {first}")
        rows.append(row)
    if problems:
        raise UsageError(_summary(problems))
    return tuple(rows)


def _explain(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}" if place else str(error["msg"])


def _summary(problems: Sequence[str]) -> str:
    more = len(problems) - _SHOWN_PROBLEMS
    return "\n".join([*problems[:_SHOWN_PROBLEMS], *([f"... and {more} more"] if more > 0 else [])])
