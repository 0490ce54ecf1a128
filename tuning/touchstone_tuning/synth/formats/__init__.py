"""Rows in and out of JSONL, CSV, Parquet and folders of Hugging Face. Owns the shapes of files; knows no row's meaning.

Never unpickles, never runs what lies in a folder, never asks the network: Arrow's own reader is all there is behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError

from .columns import MARK
from .files import SPLIT, read_by_name, read_file, write_files
from .folder import read_folder, write_folder
from .value import Splits, checked, in_words

__all__ = ["MARK", "Splits", "read_rows", "write_rows"]


def read_rows(path: str | Path, shown: str = "") -> Splits:
    """Split -> rows, of a file (its split is its name), of `folder/{split}.csv`, or of a folder of Hugging Face.

    `shown` is how errors name the path. Raises UsageError with place and remedy.
    """
    place, name = Path(path), shown or str(path)
    with in_words(name, "read"):
        if SPLIT in place.name:
            return read_by_name(place, name)
        if place.is_dir():
            return read_folder(place, name)
        if not place.exists():
            raise UsageError("is not there", where=name, hint="name a file of rows, or a folder of data sets")
        return {place.stem: read_file(place, name)}


def write_rows(splits: Mapping[str, Iterable[Mapping[str, Any]]], path: str | Path, shown: str = "") -> None:
    """Write rows: one split to a file, several to `folder/{split}.csv` or, where there is no suffix, to a folder.

    Such a folder is what `datasets.load_dataset(folder)` opens. Each file, and the folder, is written whole or not at
    all. Raises UsageError for what the format cannot hold, before anything is written.
    """
    place, name = Path(path), shown or str(path)
    rows = {split: checked(found, f"{name}: {split}") for split, found in splits.items()}
    if not rows:
        raise UsageError("there is no split to write", where=name, hint="make rows first")
    with in_words(name, "written"):
        if place.suffix and not place.is_dir() and not str(path).endswith("/"):
            write_files(rows, place, name)
        else:
            write_folder(rows, place, name)
