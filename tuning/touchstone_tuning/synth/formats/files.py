"""Files of rows by their suffix, alone or as `folder/{split}.csv`. Owns their names; knows no format from inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import UsageError
from touchstone.wholefile import replace_file

from ..splits import NAME, check_name
from .arrow import read_parquet, write_parquet
from .commas import read_csv, write_csv
from .lines import read_jsonl, write_jsonl
from .value import Row, Splits

SPLIT = "{split}"


@dataclass(frozen=True, slots=True)
class _Format:
    """One kind of file."""

    read: Callable[[bytes, str], list[Row]]
    """(content, how errors name it) -> rows."""
    write: Callable[[Sequence[Row]], bytes]


def _format(suffix: str, where: str) -> _Format:
    known = {
        ".jsonl": _Format(read_jsonl, write_jsonl),
        ".csv": _Format(read_csv, write_csv),
        ".parquet": _Format(read_parquet, write_parquet),
    }
    if suffix not in known:
        hint = f"known: {', '.join(known)}, or a folder of Hugging Face (no suffix, or / at its end)"
        raise UsageError(f"{suffix or 'a file without suffix'} is no known format", where=where, hint=hint)
    return known[suffix]


def read_file(path: Path, shown: str) -> list[Row]:
    """Rows of one file. Raises UsageError."""
    return _format(path.suffix.lower(), shown).read(path.read_bytes(), shown)


def read_by_name(path: Path, shown: str) -> Splits:
    """Split -> rows of the files whose names hold the split. Raises UsageError."""
    before, after = _around(path, shown)
    there = sorted(path.parent.iterdir())
    found = {one.name[len(before) : len(one.name) - len(after)]: one for one in there if _fits(one, before, after)}
    if not found:
        raise UsageError("there is no such file", where=shown, hint="{split} stands for train, val, eval ...")
    return {split: read_file(one, f"{Path(shown).parent / one.name}") for split, one in found.items()}


def _around(path: Path, shown: str) -> tuple[str, str]:
    """What stands before and after `{split}` in a file's name."""
    before, *rest = path.name.split(SPLIT)
    if len(rest) != 1:
        raise UsageError("{split} stands twice", where=shown, hint="as in rows/{split}.csv")
    return before, rest[0]


def _fits(path: Path, before: str, after: str) -> bool:
    middle = path.name.removeprefix(before).removesuffix(after)
    return path.is_file() and path.name == f"{before}{middle}{after}" and NAME.fullmatch(middle) is not None


def write_files(rows: Splits, path: Path, shown: str) -> None:
    """Write each file whole or not at all. Raises UsageError before anything is written."""
    write = _format(path.suffix.lower(), shown).write
    files = _by_split(rows, path, shown) if SPLIT in path.name else {path: _only(rows, path, shown)}
    for file, data in {file: write(found) for file, found in files.items()}.items():
        replace_file(file, data)


def _by_split(rows: Splits, path: Path, shown: str) -> dict[Path, list[Row]]:
    before, after = _around(path, shown)
    for split in rows:
        check_name(split, shown)
    return {path.with_name(f"{before}{split}{after}"): found for split, found in rows.items()}


def _only(rows: Splits, path: Path, shown: str) -> list[Row]:
    if len(rows) > 1:
        hint = f"{SPLIT}{path.suffix}, or a folder, takes several"
        raise UsageError(f"one file holds one split, not {', '.join(rows)}", where=shown, hint=hint)
    return next(iter(rows.values()))
