"""Files of rows: CSV, TSV, JSONL, JSON, YAML, Parquet, Arrow, and folders of Hugging Face's. Each entry with its place.

Runs nothing that lies in a folder, follows no name out of it, and asks no network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import UsageError
from ..placed import Placed, entries, parsed, text_of
from .arrow import rows_of

_TABLES = (".parquet", ".arrow", ".feather")
_TEXTS = (".jsonl", ".ndjson", ".csv", ".tsv", ".json", ".yaml", ".yml")
_SHARD = re.compile(r"-\d+-of-\d+(-[0-9a-f]{8,})?$")
_SPLITS = ("train", "test", "validation", "valid", "val", "dev", "eval")
MOST = 2_000_000
"""Rows: more do not fit into memory, nor into a file that people read."""

Entries = Callable[[], Iterator[Placed]]


def splits_of(path: Path, shown: str, at: str | None = None) -> dict[str, Entries]:
    """Split -> its entries, read when they are asked for; a file's split is its name. Raises UsageError.

    `at`: where the rows stand in a JSON or YAML file, dotted.
    """
    if path.is_dir():
        files = _of_folder(path, shown)
        return {split: _each(found, path, shown, at) for split, found in files.items()}
    if not path.exists():
        raise UsageError("is not there", where=shown, hint="name a file of rows, or a folder of data sets")
    return {path.stem: lambda: _entries(path, shown, at)}


def _each(files: list[Path], path: Path, shown: str, at: str | None) -> Entries:
    def read() -> Iterator[Placed]:
        for file in files:
            yield from _entries(file, f"{shown}/{file.relative_to(path).as_posix()}", at)

    return read


def _entries(path: Path, shown: str, at: str | None) -> Iterator[Placed]:
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        yield from (Placed(row, f"{shown}: row {number}") for number, row in enumerate(rows_of(path, shown), 1))
    elif suffix in _TEXTS:
        yield from _of_text(parsed(path, text_of(path, shown), shown), shown, at)
    else:
        hint = f"known: {', '.join((*_TEXTS, *_TABLES))}, and folders that Hugging Face's datasets load"
        raise UsageError(f"{suffix or 'a file without suffix'} is no known format", where=shown, hint=hint)


def _of_text(found: Placed, shown: str, at: str | None) -> Iterator[Placed]:
    for key in (at or "").split(".") if at else ():
        found = found.at(int(key) if key.isdecimal() and isinstance(found.value, list) else key)
    if not isinstance(found.value, list):
        lists = [key for key, one in found.items() if isinstance(one.value, list)]
        hint = f"--at {lists[0]}" if lists else "it wants a list of mappings; --at PATH says where that stands"
        raise UsageError("holds no list of rows", where=found.where or shown, hint=hint)
    yield from entries(found)


def limited(found: Iterator[Placed], limit: int | None, shown: str) -> Iterator[Placed]:
    """The first of them. Raises UsageError where there are more than anybody could want."""
    for number, one in enumerate(islice(found, limit)):
        if number >= MOST:
            raise UsageError(f"has more than {MOST:,} rows", where=shown, hint="--limit N takes the first ones")
        yield one


def _of_folder(path: Path, shown: str) -> dict[str, list[Path]]:
    """Split -> files."""
    if (path / "dataset_dict.json").is_file():
        named = _settings(path / "dataset_dict.json", shown).get("splits")
        splits = [_inside(one, shown) for one in named] if isinstance(named, list) else []
        return {split: _saved(path / split, f"{shown}/{split}") for split in splits}
    if (path / "state.json").is_file():
        split = _settings(path / "state.json", shown).get("_split")
        return {split if isinstance(split, str) else path.name: _saved(path, shown)}
    found = _lying(path)
    if not found:
        below = sorted(one.name for one in path.iterdir() if one.is_dir() and _lying(one))
        hint = (
            f"name one of its data sets: {', '.join(below)}"
            if below
            else "it wants train.parquet, data/train-*.parquet"
        )
        raise UsageError("holds no data set", where=shown, hint=hint)
    return found


def _saved(path: Path, shown: str) -> list[Path]:
    """The files that a saved data set's `state.json` names."""
    listed = _settings(path / "state.json", shown).get("_data_files")
    names = (
        [one.get("filename") if isinstance(one, dict) else one for one in listed] if isinstance(listed, list) else []
    )
    if not names:
        raise UsageError("its state.json names no data", where=shown, hint="save it again with save_to_disk")
    return [path / _inside(name, shown) for name in names]


def _settings(path: Path, shown: str) -> Mapping[str, Any]:
    where = f"{shown}/{path.name}"
    try:
        found = json.loads(text_of(path, where))
    except (ValueError, RecursionError) as error:
        raise UsageError("is no JSON", where=where, hint="save it again with save_to_disk") from error
    return found if isinstance(found, dict) else {}


def _inside(name: Any, shown: str) -> str:
    """A name that stays in the folder: data sets come from others. Raises UsageError."""
    parts = PurePosixPath(name).parts if isinstance(name, str) else ()
    if not parts or ".." in parts or str(name).startswith("/"):
        raise UsageError(f"names the file {name!r}", where=shown, hint="only files below the folder are read")
    return str(name)


def _lying(path: Path) -> dict[str, list[Path]]:
    """Split -> files of a folder, of its `data/`, and of folders that are called as splits are."""
    places = [path, path / "data", *(path / split for split in _SPLITS)]
    found: dict[str, list[Path]] = {}
    for one in sorted(file for place in places if place.is_dir() for file in place.iterdir()):
        known = one.suffix.lower() in (*_TABLES, *_TEXTS) and one.is_file() and not one.is_symlink()
        if known and not one.name.startswith((".", "dataset_info", "dataset_infos")):
            own = one.parent in (path, path / "data")
            found.setdefault(_SHARD.sub("", one.stem) if own else one.parent.name, []).append(one)
    return found
