"""Folders that `datasets.load_dataset` opens, and those that `save_to_disk` wrote. Never runs what lies in one."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from touchstone.errors import UsageError
from touchstone.wholefile import replace_file

from ..splits import check_name
from .arrow import parquet, read_stream
from .card import CARD, OURS, card, configuration, patterns
from .columns import keys_of
from .files import read_file
from .value import Row, Splits, decoded, one_object

_SHARD = re.compile(r"-\d+-of-\d+(-[0-9a-f]{8,})?$")


def write_folder(rows: Splits, path: Path, shown: str) -> None:
    """Write the folder whole or not at all. Raises UsageError for a place that holds files of others."""
    for split in rows:
        check_name(split, shown)
    _may_go(path, shown)
    among = [row for found in rows.values() for row in found]
    files = {f"data/{split}-00000-of-00001.parquet": parquet(found, among) for split, found in rows.items()}
    files[CARD] = card(rows, keys_of(among)).encode("utf-8")
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=f".{path.name}.") as made:
        for name, data in files.items():
            replace_file(Path(made, "new", name), data)
        _swap(Path(made, "new"), path, Path(made, "old"))


def _swap(new: Path, path: Path, old: Path) -> None:
    """Folders cannot be replaced in one step: if the second one fails, the first is taken back."""
    if not path.exists():
        new.replace(path)
        return
    path.replace(old)
    try:
        new.replace(path)
    except OSError:
        old.replace(path)
        raise


def _may_go(path: Path, shown: str) -> None:
    """Only what we wrote ourselves is replaced."""
    if not path.exists():
        return
    if not path.is_dir():
        raise UsageError("is a file, not a folder", where=shown, hint="name another place")
    files = [one.relative_to(path).as_posix() for one in path.rglob("*") if not one.is_dir()]
    others = [
        one for one in sorted(files) if one != CARD and not re.fullmatch(r"data/\w+-00000-of-00001\.parquet", one)
    ]
    card = path / CARD
    if files and (others or not card.is_file() or OURS not in card.read_text("utf-8", "replace")):
        hint = "name a new folder, or remove this one yourself"
        raise UsageError(f"holds files of others ({(others or files)[0]})", where=shown, hint=hint)


def read_folder(path: Path, shown: str) -> Splits:
    """Split -> rows. Raises UsageError."""
    if (path / "dataset_dict.json").is_file():
        splits = _strings(_settings(path / "dataset_dict.json", f"{shown}/dataset_dict.json").get("splits"), shown)
        return {split: _saved(path / _inside(split, shown), f"{shown}/{split}") for split in splits}
    if (path / "state.json").is_file():
        split = _settings(path / "state.json", f"{shown}/state.json").get("_split")
        return {split if isinstance(split, str) else path.name: _saved(path, shown)}
    files = _listed(path, shown) or _lying(path)
    if not files:
        hint = "it wants data/<split>.parquet (or .jsonl, .csv), a README.md with configs, or what save_to_disk writes"
        raise UsageError("holds no data set", where=shown, hint=hint)
    return {
        split: [row for one in found for row in read_file(one, _below(one, path, shown))]
        for split, found in files.items()
    }


def _below(file: Path, folder: Path, shown: str) -> str:
    return f"{shown}/{file.relative_to(folder).as_posix()}"


def _saved(path: Path, shown: str) -> list[Row]:
    """What `Dataset.save_to_disk` wrote: Arrow streams that a `state.json` names."""
    state = _settings(path / "state.json", f"{shown}/state.json")
    entries = state.get("_data_files")
    named = (
        [one.get("filename") if isinstance(one, dict) else one for one in entries]
        if isinstance(entries, list)
        else None
    )
    names = [_inside(name, shown) for name in _strings(named, shown)]
    return [row for name in names for row in read_stream((path / name).read_bytes(), f"{shown}/{name}")]


def _settings(path: Path, shown: str) -> Row:
    return one_object(decoded(path.read_bytes(), shown).strip().replace("\n", " "), shown)


def _strings(value: Any, shown: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError("its JSON files do not name its data", where=shown, hint="save it again with save_to_disk")
    return value


def _inside(name: str, shown: str) -> str:
    """A path or glob that stays in the folder: data sets come from others. Raises UsageError."""
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/") or "://" in name:
        hint = "only files below the folder are read: fetch it first, and name it by its path in the folder"
        raise UsageError(f"names {name!r}", where=shown, hint=hint)
    return name


def _listed(path: Path, shown: str) -> dict[str, list[Path]]:
    """Split -> files, as the card's configuration says."""
    config, where = configuration(path, shown), f"{shown}/{CARD}"
    found: dict[str, list[Path]] = {}
    for split, globs in patterns(config, where):
        files = sorted({one for glob in globs for one in path.glob(_inside(glob, where)) if one.is_file()})
        if not files:
            raise UsageError(f"the files of {split} are not there: {', '.join(globs)}", where=where, hint="fetch them")
        found.setdefault(split, []).extend(files)
    return found


def _lying(path: Path) -> dict[str, list[Path]]:
    """Split -> files, as their names or folders say: `train.csv`, `data/train-*.parquet`, `train/0000.parquet`."""
    found: dict[str, list[Path]] = {}
    for one in sorted([*path.glob("*"), *path.glob("*/*")]):
        if one.is_file() and one.suffix.lower() in (".jsonl", ".csv", ".parquet") and not one.name.startswith("."):
            named = one.stem if one.parent in (path, path / "data") else one.parent.name
            found.setdefault(_SHARD.sub("", named), []).append(one)
    return found
