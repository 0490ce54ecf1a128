"""Rows in and out of JSONL, CSV, Parquet and folders of Hugging Face. Owns the shapes of files; knows no row's meaning.

Never unpickles, never runs what lies in a folder, never asks the network: Arrow's own reader is all there is behind it.

A column of one kind of plain values is written as such. All others hold JSON text and say so in their name, as in
`media:json`: the mark survives whatever tool copies the table, and each value comes back as it was. A key that a row
lacks is an empty cell.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import json
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import yaml

from touchstone.errors import UsageError
from touchstone.recordings import CONFLICT

from .rowfile import encoded
from .splits import NAME, check_name

Row = dict[str, Any]
Splits = dict[str, list[Row]]
MARK = ":json"
"""End of the name of a column that holds JSON text."""
CARD = "README.md"
_OURS = "Rows written by `touchstone synth`."
_SPLIT = "{split}"
_SHARD = re.compile(r"-\d+-of-\d+(-[0-9a-f]{8,})?$")
_RISKY = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|(?s:.*)[\x00-\x08\x0b-\x1f]")
"""Text that a table calculation would run, or that an editor would change: in CSV it is written as JSON."""


def read_rows(path: str | Path, shown: str = "") -> Splits:
    """Split -> rows, of a file (its split is its name), of `folder/{split}.csv`, or of a folder of Hugging Face.

    `shown` is how errors name the path. Raises UsageError with place and remedy.
    """
    place, name = Path(path), shown or str(path)
    with _said(name, "read"):
        if _SPLIT in place.name:
            return _by_name(place, name)
        if place.is_dir():
            return _folder(place, name)
        if not place.exists():
            raise UsageError("is not there", where=name, hint="name a file of rows, or a folder of data sets")
        return {place.stem: _read(place, name)}


def write_rows(splits: Mapping[str, Iterable[Mapping[str, Any]]], path: str | Path, shown: str = "") -> None:
    """Write rows: one split to a file, several to `folder/{split}.csv` or, where there is no suffix, to a folder.

    Such a folder is what `datasets.load_dataset(folder)` opens. Each file, and the folder, is written whole or not at
    all. Raises UsageError for what the format cannot hold, before anything is written.
    """
    place, name = Path(path), shown or str(path)
    rows = {split: _checked(found, f"{name}: {split}") for split, found in splits.items()}
    if not rows:
        raise UsageError("there is no split to write", where=name, hint="make rows first")
    with _said(name, "written"):
        if place.suffix and not place.is_dir() and not str(path).endswith("/"):
            _write_files(rows, place, name)
        else:
            _write_folder(rows, place, name)


# Files


@dataclass(frozen=True, slots=True)
class _Format:
    """One kind of file."""

    read: Callable[[bytes, str], list[Row]]
    """(content, how errors name it) -> rows."""
    write: Callable[[Sequence[Row]], bytes]


def _format(suffix: str, where: str) -> _Format:
    known = {
        ".jsonl": _Format(_read_jsonl, _write_jsonl),
        ".csv": _Format(_read_csv, _write_csv),
        ".parquet": _Format(_read_parquet, _write_parquet),
    }
    if suffix not in known:
        hint = f"known: {', '.join(known)}, or a folder of Hugging Face (no suffix, or / at its end)"
        raise UsageError(f"{suffix or 'a file without suffix'} is no known format", where=where, hint=hint)
    return known[suffix]


def _read(path: Path, shown: str) -> list[Row]:
    return _format(path.suffix.lower(), shown).read(path.read_bytes(), shown)


def _by_name(path: Path, shown: str) -> Splits:
    before, after = _around(path, shown)
    there = sorted(path.parent.iterdir())
    found = {one.name[len(before) : len(one.name) - len(after)]: one for one in there if _fits(one, before, after)}
    if not found:
        raise UsageError("there is no such file", where=shown, hint="{split} stands for train, val, eval ...")
    return {split: _read(one, f"{Path(shown).parent / one.name}") for split, one in found.items()}


def _around(path: Path, shown: str) -> tuple[str, str]:
    """What stands before and after `{split}` in a file's name."""
    before, *rest = path.name.split(_SPLIT)
    if len(rest) != 1:
        raise UsageError("{split} stands twice", where=shown, hint="as in rows/{split}.csv")
    return before, rest[0]


def _fits(path: Path, before: str, after: str) -> bool:
    middle = path.name.removeprefix(before).removesuffix(after)
    return path.is_file() and path.name == f"{before}{middle}{after}" and NAME.fullmatch(middle) is not None


def _write_files(rows: Splits, path: Path, shown: str) -> None:
    write = _format(path.suffix.lower(), shown).write
    files = _by_split(rows, path, shown) if _SPLIT in path.name else {path: _only(rows, path, shown)}
    for file, data in {file: write(found) for file, found in files.items()}.items():
        _replace(file, data)


def _by_split(rows: Splits, path: Path, shown: str) -> dict[Path, list[Row]]:
    before, after = _around(path, shown)
    for split in rows:
        check_name(split, shown)
    return {path.with_name(f"{before}{split}{after}"): found for split, found in rows.items()}


def _only(rows: Splits, path: Path, shown: str) -> list[Row]:
    if len(rows) > 1:
        hint = f"{_SPLIT}{path.suffix}, or a folder, takes several"
        raise UsageError(f"one file holds one split, not {', '.join(rows)}", where=shown, hint=hint)
    return next(iter(rows.values()))


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _said(shown: str, done: str) -> Iterator[None]:
    """The system's errors as the user's."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot be {done}: {error.strerror or error}", where=shown) from error


def _text(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError("is not UTF-8", where=f"{shown}:{line}", hint="save it as UTF-8") from error


# What rows are


def _checked(rows: Iterable[Mapping[str, Any]], where: str) -> list[Row]:
    """Rows that any format gives back as they are. Raises UsageError that names the row and the place in it."""
    found = [dict(row) for row in rows]
    for number, row in enumerate(found, 1):
        try:
            problem = _fault(row) if row else ": has no fields"
        except RecursionError:
            problem = ": is nested too deep"
        if problem:
            raise UsageError(f"row {number}{problem}", where=where)
    return found


def _fault(value: Any) -> str:
    """`.place: why` of what JSON in UTF-8 cannot hold, or would give back as something else; empty for none."""
    if isinstance(value, dict):
        inner = ((f".{key}", _key_fault(key) or _fault(one)) for key, one in value.items())
    elif isinstance(value, list):
        inner = ((f"[{number}]", _fault(one)) for number, one in enumerate(value))
    else:
        return _leaf_fault(value)
    return next((f"{at}{problem}" for at, problem in inner if problem), "").encode("utf-8", "replace").decode()


def _key_fault(key: object) -> str:
    return _leaf_fault(key) if isinstance(key, str) else ": a key that is no text"


def _leaf_fault(value: Any) -> str:
    if isinstance(value, str):
        half = next((c for c in value if "\ud800" <= c <= "\udfff"), "") if not value.isascii() else ""
        return f": half a character (U+{ord(half):04X}), which no UTF-8 file holds" if half else ""
    if isinstance(value, float) and not math.isfinite(value):
        return f": {value} is no JSON"
    if isinstance(value, int) and value.bit_length() > 10_000:
        return ": a number of thousands of digits"
    return "" if value is None or isinstance(value, int | float) else f": {type(value).__name__} is no JSON"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _parsed(text: Any, where: str) -> Any:
    """The value of a piece of JSON. Raises UsageError."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        message = f"is no JSON: {error.msg} at column {error.colno}"
        raise UsageError(message, where=where, hint="torn, or edited by hand? write it again") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"is no JSON: {error}", where=where) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


# Lines of JSON


def _write_jsonl(rows: Sequence[Row]) -> bytes:
    return b"".join(map(encoded, rows))


def _read_jsonl(data: bytes, shown: str) -> list[Row]:
    # Not splitlines(): JSON strings may hold U+2028, which is a line there and none in a file.
    lines = enumerate(_text(data, shown).split("\n"), 1)
    return [_object(line, f"{shown}:{number}") for number, line in lines if line.strip()]


def _object(line: str, where: str) -> Row:
    if line.startswith(tuple(mark.decode() for mark in CONFLICT)):
        hint = "delete this line, and choose among those around it"
        raise UsageError("a git conflict marker", where=where, hint=hint)
    value = _parsed(line, where)
    if not isinstance(value, dict):
        raise UsageError("is no JSON object", where=where, hint="one JSON object a line")
    return value


# Columns, which CSV and Arrow share


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of a table: its values, None where a row has none."""

    name: str
    cells: list[Any]


Kind = Callable[[str, Sequence[Any]], Callable[[Any], Any] | None]
"""(key, values) -> how to write each of the values; None: as JSON."""


def _columns(rows: Sequence[Row], keys: Iterable[str], kind: Kind, among: Sequence[Row] = ()) -> list[_Column]:
    """A column for each key. Its kind is that of all rows `among`: the files of a data set must agree."""
    found = []
    for key in keys:
        plain = None if key.endswith(MARK) else kind(key, [row[key] for row in among or rows if key in row])
        write = plain or _json
        cells = [write(row[key]) if key in row else None for row in rows]
        found.append(_Column(key if plain else f"{key}{MARK}", cells))
    return found


def _keys(rows: Iterable[Row]) -> list[str]:
    """Every key, in the order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def _rows(columns: Sequence[str], cells: Iterable[tuple[str, Sequence[Any]]]) -> list[Row]:
    """Rows again, from (place, cells). Cells that are None are keys that the row lacks."""
    keys = [name.removesuffix(MARK) for name in columns]
    marked = [name.endswith(MARK) for name in columns]
    return [
        {
            key: _parsed(cell, f"{where}: {key}{MARK}") if is_json else cell
            for key, is_json, cell in zip(keys, marked, line, strict=True)
            if cell is not None
        }
        for where, line in cells
    ]


def _once(names: Sequence[str], shown: str) -> None:
    keys = [name.removesuffix(MARK) for name in names]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(f"the column {twice!r} stands twice", where=shown, hint="rename one of them")


# CSV


def _write_csv(rows: Sequence[Row]) -> bytes:
    columns = _columns(rows, _keys(rows), _csv_kind)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if columns:
        writer.writerow(_header(column.name) for column in columns)
    writer.writerows(zip(*(column.cells for column in columns), strict=True))
    return out.getvalue().encode("utf-8")


def _csv_kind(key: str, values: Sequence[Any]) -> Callable[[Any], Any] | None:
    """Text is written as it is, unless empty (an empty cell is a missing key); tags are set apart by blanks."""
    if key == "tags":
        return " ".join if all(_is_tags(value) for value in values) else None
    return str if all(isinstance(value, str) and value and not _RISKY.match(value) for value in values) else None


def _is_tags(value: Any) -> bool:
    words = isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    return words and " ".join(value).split() == value and not _RISKY.match(" ".join(value))


def _header(name: str) -> str:
    plain = name and name[0] != '"' and name.isprintable() and not _RISKY.match(name)
    return name if plain else json.dumps(name)


def _read_csv(data: bytes, shown: str) -> list[Row]:
    with _long_cells():
        reader = csv.reader(io.StringIO(_text(data, shown), newline=""), strict=True)
        try:
            lines = [(f"{shown}:{reader.line_num}", line) for line in reader if line]
        except csv.Error as error:
            raise UsageError(f"is no CSV: {error}", where=f"{shown}:{reader.line_num}") from error
    names = [_named(name, shown) for name in lines[0][1]] if lines else []
    _once(names, shown)
    return _rows(names, ((where, _cells(names, line, where)) for where, line in lines[1:]))


def _named(header: str, shown: str) -> str:
    if not header:
        raise UsageError("a column has no name", where=f"{shown}:1", hint="the first line names the columns")
    return str(_parsed(header, f"{shown}:1")) if header[0] == '"' else header


def _cells(names: Sequence[str], line: Sequence[str], where: str) -> list[Any]:
    if len(line) != len(names):
        hint = "a cell with a comma, a quote or a line's end wants quotes around it"
        raise UsageError(f"has {len(line)} cells, the header {len(names)}", where=where, hint=hint)
    found: list[Any] = [cell or None for cell in line]
    return [cell.split() if name == "tags" and cell else cell for name, cell in zip(names, found, strict=True)]


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """The csv module's limit of 128 KiB a cell is the process's: lifted, and set back."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


# Arrow


def _write_parquet(rows: Sequence[Row]) -> bytes:
    return _parquet(rows, rows)


def _parquet(rows: Sequence[Row], among: Sequence[Row]) -> bytes:
    arrow, out = _arrow(), io.BytesIO()
    columns = _columns(rows, _keys(among), _arrow_kind, among)
    kinds = _columns(among, _keys(among), _arrow_kind)
    arrays = [arrow.array(c.cells, type=_type(k.cells)) for c, k in zip(columns, kinds, strict=True)]
    _arrow(".parquet").write_table(arrow.table(arrays, names=[column.name for column in columns]), out)
    return out.getvalue()


def _arrow_kind(key: str, values: Sequence[Any]) -> Callable[[Any], Any] | None:
    """Columns of one plain type are written as that type."""
    types = {type(value) for value in values}
    if len(types) > 1 or not types <= {str, bool, int, float}:
        return None
    fits = types != {int} or all(-(2**63) <= value < 2**63 for value in values)
    return next(iter(types), str) if fits else None


def _type(cells: Iterable[Any]) -> Any:
    arrow, first = _arrow(), next((cell for cell in cells if cell is not None), "")
    return {bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64()}.get(type(first), arrow.string())


def _read_parquet(data: bytes, shown: str) -> list[Row]:
    return _of_table(lambda: _arrow(".parquet").ParquetFile(io.BytesIO(data)).read(), shown)


def _read_stream(data: bytes, shown: str) -> list[Row]:
    return _of_table(lambda: _arrow(".ipc").open_stream(io.BytesIO(data)).read_all(), shown)


def _of_table(read: Callable[[], Any], shown: str) -> list[Row]:
    try:
        table = read()
        names, lists = table.column_names, [column.to_pylist() for column in table.columns]
    except (_arrow().ArrowException, OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(
            f"cannot be read: {first}", where=shown, hint="is it whole? write or fetch it again"
        ) from error
    _once(names, shown)
    json_type = [getattr(field.type, "extension_name", "") == "arrow.json" for field in table.schema]
    marked = [
        f"{name.removesuffix(MARK)}{MARK}" if is_json else name for name, is_json in zip(names, json_type, strict=True)
    ]
    lines = ((f"{shown}: row {number}", line) for number, line in enumerate(zip(*lists, strict=True), 1))
    return _plain(_rows(marked, lines), shown)


def _plain(rows: list[Row], shown: str) -> list[Row]:
    """Rows of JSON values alone: a picture, say, or a date is none."""
    for number, row in enumerate(rows, 1):
        if problem := _fault(row):
            hint = "leave the column out, or make text of it"
            raise UsageError(f"row {number}{problem}", where=shown, hint=hint)
    return rows


def _arrow(part: str = "") -> Any:
    try:
        return importlib.import_module(f"pyarrow{part}")
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]'"
        raise UsageError("Parquet and folders of Hugging Face want the package pyarrow", hint=hint) from error


# Folders of Hugging Face


def _write_folder(rows: Splits, path: Path, shown: str) -> None:
    for split in rows:
        check_name(split, shown)
    _may_go(path, shown)
    among = [row for found in rows.values() for row in found]
    files = {f"data/{split}-00000-of-00001.parquet": _parquet(found, among) for split, found in rows.items()}
    files[CARD] = _card(rows, _keys(among)).encode("utf-8")
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=f".{path.name}.") as made:
        for name, data in files.items():
            _replace(Path(made, "new", name), data)
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
    if files and (others or not card.is_file() or _OURS not in card.read_text("utf-8", "replace")):
        hint = "name a new folder, or remove this one yourself"
        raise UsageError(f"holds files of others ({(others or files)[0]})", where=shown, hint=hint)


def _card(rows: Splits, keys: Sequence[str]) -> str:
    files = [{"split": split, "path": f"data/{split}-00000-of-00001.parquet"} for split in rows]
    head = yaml.safe_dump({"configs": [{"config_name": "default", "data_files": files}]}, sort_keys=False)
    counts = "\n".join(f"* {split}: {len(found)} rows" for split, found in rows.items())
    how = f"A column named `...{MARK}` holds JSON text (`json.loads`); an empty cell is a key that the row lacks."
    return f"---\n{head}---\n\n# Rows\n\n{_OURS}\n\n{counts}\n\n{how}\n"


def _folder(path: Path, shown: str) -> Splits:
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
        split: [row for one in found for row in _read(one, _below(one, path, shown))] for split, found in files.items()
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
    return [row for name in names for row in _read_stream((path / name).read_bytes(), f"{shown}/{name}")]


def _settings(path: Path, shown: str) -> Row:
    return _object(_text(path.read_bytes(), shown).strip().replace("\n", " "), shown)


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
    config, where = _config(path, shown), f"{shown}/{CARD}"
    found: dict[str, list[Path]] = {}
    for split, globs in _patterns(config, where):
        files = sorted({one for glob in globs for one in path.glob(_inside(glob, where)) if one.is_file()})
        if not files:
            raise UsageError(f"the files of {split} are not there: {', '.join(globs)}", where=where, hint="fetch them")
        found.setdefault(split, []).extend(files)
    return found


def _config(path: Path, shown: str) -> Any:
    """The one configuration of the card; None where it has none."""
    card, where = path / CARD, f"{shown}/{CARD}"
    head = (
        re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", _text(card.read_bytes(), where), re.DOTALL) if card.is_file() else None
    )
    try:
        data = yaml.safe_load(head[1]) if head else None
    except yaml.YAMLError as error:
        raise UsageError("its head is no YAML", where=where, hint="mend what stands between its --- lines") from error
    configs = data.get("configs") if isinstance(data, dict) else None
    if not isinstance(configs, list) or not configs:
        return None
    chosen = [
        one for one in configs if isinstance(one, dict) and (one.get("default") or one.get("config_name") == "default")
    ]
    if len(chosen or configs) > 1:
        raise UsageError("has several configs", where=where, hint="write `default: true` under the one to read")
    return (chosen or configs)[0]


def _patterns(config: Any, where: str) -> Iterator[tuple[str, list[str]]]:
    """(split, globs) of a configuration: its files are text, a list of text, or a list of mappings."""
    files = config.get("data_files", []) if isinstance(config, dict) else []
    for one in files if isinstance(files, list) else [files]:
        entry = one if isinstance(one, dict) else {"split": "train", "path": one}
        globs = entry.get("path")
        globs = [globs] if isinstance(globs, str) else globs
        if (
            not isinstance(entry.get("split"), str)
            or not isinstance(globs, list)
            or not all(isinstance(g, str) for g in globs)
        ):
            raise UsageError(
                "its data_files cannot be read", where=where, hint="- split: train\n    path: data/train-*"
            )
        yield entry["split"], globs


def _lying(path: Path) -> dict[str, list[Path]]:
    """Split -> files, as their names or folders say: `train.csv`, `data/train-*.parquet`, `train/0000.parquet`."""
    found: dict[str, list[Path]] = {}
    for one in sorted([*path.glob("*"), *path.glob("*/*")]):
        if one.is_file() and one.suffix.lower() in (".jsonl", ".csv", ".parquet") and not one.name.startswith("."):
            named = one.stem if one.parent in (path, path / "data") else one.parent.name
            found.setdefault(_SHARD.sub("", named), []).append(one)
    return found
