"""Rows out of tables of any tool's: `reading` and `arrow` read the files, `mapping` makes rows of columns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...datasets import SUFFIXES
from ...errors import UsageError
from ...jsonl import bare
from ...places import Places
from ..placing import place
from .mapping import Mapped, Mapping_, Wanted
from .reading import Entries, limited, splits_of

__all__ = ["Mapped", "Source", "Wanted", "import_rows"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Source:
    """What is read."""

    file: Path
    """A file, or a folder of data sets."""
    splits: tuple[str, ...] = ()
    """Of its splits; all where none is named."""
    at: str | None = None
    """Where the rows stand in a JSON or YAML file, dotted."""
    limit: int | None = None
    """The first so many, of each split."""


def import_rows(source: Source, name: str, wanted: Wanted, places: Places) -> dict[str, Mapped]:
    """Data set's name -> what became of it; each is written to `datasets/`, all or none. Raises UsageError.

    A folder with several splits, of which none or several are chosen, becomes `NAME/SPLIT` each.
    """
    if not _NAME.fullmatch(name):
        hint = "letters, digits, - and _; a / makes a folder"
        raise UsageError(f"{name!r} is no name for a data set", where="--as", hint=hint)
    shown = str(source.file)
    chosen = _chosen(splits_of(source.file, shown, source.at), source.splits, shown)
    found = {_named(name, split, chosen): _mapped(read, wanted, source.limit, shown) for split, read in chosen.items()}
    _refuse_those_there(found, places)
    files = {f"{one}.jsonl": b"".join(map(bare, mapped.rows)) for one, mapped in found.items()}
    place(files, places.datasets, places.shown(places.datasets))
    return found


def _refuse_those_there(names: Iterable[str], places: Places) -> None:
    """Whatever their format: a data set is found by its name alone."""
    for name in names:
        if any(os.path.lexists(places.datasets / f"{name}{suffix}") for suffix in SUFFIXES):
            where = places.shown(places.datasets)
            raise UsageError(f"there is a data set {name!r} already", where=where, hint="--as another name")


def _chosen(there: dict[str, Entries], wanted: Sequence[str], shown: str) -> dict[str, Entries]:
    for split in wanted:
        if split not in there:
            raise UsageError(f"has no split {split!r}", where=shown, hint=f"its splits: {', '.join(there)}")
    return {split: read for split, read in there.items() if not wanted or split in wanted}


def _named(name: str, split: str, chosen: dict[str, Entries]) -> str:
    full = name if len(chosen) == 1 else f"{name}/{split}"
    if not _NAME.fullmatch(full):
        raise UsageError(f"the split {split!r} can be no file's name", where="--split", hint="--split takes one")
    return full


def _mapped(read: Entries, wanted: Wanted, limit: int | None, shown: str) -> Mapped:
    mapping: Mapping_ | None = None
    for one in limited(read(), limit, shown):
        if mapping is None:
            if not isinstance(one.value, dict):
                raise UsageError("is no mapping of columns to values", where=one.where)
            mapping = Mapping_(wanted.with_input(list(one.value)))
        mapping.add(one)
    if mapping is None:
        raise UsageError("has no rows", where=shown)
    problems = mapping.problems
    if problems:
        more = [f"... and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise UsageError("\n".join([*problems[:_SHOWN], *more]), hint="nothing was written")
    _check(mapping, shown)
    return mapping.found


def _check(mapping: Mapping_, shown: str) -> None:
    """A column that no row has is a slip of the pen."""
    rows = len(mapping.found.rows) + len(mapping.found.same)
    for name, column in mapping.wanted.fields:
        if mapping.found.lacking.get(name) == rows:
            known = ", ".join([*mapping.found.used, *mapping.found.kept]) or "none"
            raise UsageError(f"no row has {column}", where=shown, hint=f"columns: {known}")
