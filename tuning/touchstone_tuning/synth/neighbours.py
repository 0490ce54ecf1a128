"""What new rows must keep away from: the data sets that are there. Reads them; judges no likeness."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.yamlfile import read_text, read_yaml

from .alike import Alike
from .plan import PURPOSES, Named, Purpose
from .task import Task


def neighbours(named: Named, purpose: Purpose, places: Places, task: Task | None) -> Alike:
    """An index of every row that the purpose's rows may not be alike to. Raises UsageError for a torn file.

    Of the plan's own rows these are the ones of purposes that are made before this one.
    """
    later = PURPOSES[PURPOSES.index(purpose) :]
    own = {named.file(split, places) for one in later if one in named.plan.rows for split in named.splits(one)}
    alike = named.plan.alike
    index = Alike(text_at=alike.text, effect_at=alike.effect)
    for path in files(places):
        name = path.relative_to(places.datasets).with_suffix("").as_posix()
        if path not in own and any(fnmatchcase(name, glob) for glob in named.plan.apart):
            for number, row in enumerate(rows_of(path, places)):
                text = row.get("input")
                effect = task.effect(row) if task is not None else frozenset[str]()
                index.add(
                    f"{name}:{row.get('id') or row.get('row') or number}", text if isinstance(text, str) else "", effect
                )
    return index


def files(places: Places) -> list[Path]:
    """Every file of rows below the folder of data sets, ratings left out: they hold no text of their own."""
    found = [path for suffix in ("jsonl", "yaml", "yml") for path in places.datasets.rglob(f"*.{suffix}")]
    return sorted(path for path in found if not path.is_relative_to(places.ratings))


def rows_of(path: Path, places: Places) -> Iterator[Mapping[str, Any]]:
    """The rows of a file as they stand there. Raises UsageError with the line."""
    shown = places.shown(path)
    if path.suffix != ".jsonl":
        data = read_yaml(path, shown).data
        yield from (row for row in data if isinstance(row, Mapping)) if isinstance(data, list) else ()
        return
    for number, line in enumerate(read_text(path, shown).removeprefix("\ufeff").split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(f"is no JSON: {error.msg}", where=f"{shown}:{number}") from error
            if isinstance(row, Mapping):
                yield row
