"""Values out of other people's files, each with its "path:line". Reads YAML, JSON, JSONL, CSV and text; believes none.

Only regular files below one folder are read. What comes out is plain JSON: dates are texts, keys are texts.
"""

from __future__ import annotations

import csv
import datetime
import decimal
import io
import json
import math
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from ..errors import UsageError
from ..yamlfile import YamlFile, parse_yaml

LARGEST = 64 * 2**20
"""Bytes of one file."""
_MOST = 1_000_000
"""Values of one file, aliases followed: more is a bomb."""
_DEEPEST = 60
_PIECE = 64
"""Characters that count as one more value."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A value and where it stands."""

    value: Any
    fixed: str
    """ "path:line", where the file knows no better."""
    file: YamlFile | None = None
    keys: tuple[Any, ...] = ()

    @property
    def where(self) -> str:
        """ "path:line"."""
        return self.file.where(*self.keys) if self.file is not None else self.fixed

    def at(self, key: Any) -> Placed:
        """The value under a key or number; None, at this place, where there is none."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        if isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            found = self.value[key]
        return Placed(found, self.fixed, self.file, (*self.keys, key))

    def each(self) -> Iterator[Placed]:
        """The items of a list; a single value as a list of itself; nothing for None."""
        if isinstance(self.value, list):
            yield from (self.at(number) for number in range(len(self.value)))
        elif self.value is not None:
            yield self

    def items(self) -> Iterator[tuple[str, Placed]]:
        """(key, value) of a mapping; nothing for what is none."""
        if isinstance(self.value, dict):
            yield from ((key, self.at(key)) for key in self.value)

    def said(self, value: Any) -> Placed:
        """Another value, at this place."""
        return Placed(value, self.where)


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder below which files are read, and the one that names are relative to."""

    base: Path
    here: Path
    """Absolute."""
    given: Path
    """`here` as somebody typed it."""

    @classmethod
    def of(cls, file: Path, base: Path | None) -> Folder:
        """Of the file that names others."""
        here = file.parent.resolve()
        return cls((base or here).resolve(), here, file.parent)

    def files(self, name: str, where: str) -> list[Path]:
        """The files of a name or glob, sorted. Raises UsageError where there is none, or one that lies elsewhere."""
        try:
            plain = self.here / name
            found = [plain] if plain.is_file() else sorted(p for p in self._glob(name) if p.is_file())
        except (OSError, ValueError, NotImplementedError):
            found = []
        if not found:
            raise UsageError(f"names the file {name!r}, which is not there", where=where)
        for one in found:
            if not one.resolve().is_relative_to(self.base):
                hint = "--base DIR says below which folder files may be read"
                raise UsageError(f"names {name!r}, which lies elsewhere", where=where, hint=hint)
        return found

    def _glob(self, name: str) -> Iterator[Path]:
        return self.here.glob(name) if any(mark in name for mark in "*?[") else iter(())

    def shown(self, path: Path) -> str:
        """As errors name it."""
        return str(self.given / path.relative_to(self.here)) if path.is_relative_to(self.here) else str(path)

    def text(self, path: Path) -> str:
        """The text of one of its files. Raises UsageError."""
        return text_of(path, self.shown(path))


def text_of(path: Path, shown: str) -> str:
    """UTF-8, its line ends as they are. Raises UsageError for what is no file, is too large, or is no UTF-8."""
    try:
        if not path.is_file():
            raise UsageError("there is no such file", where=shown)
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=shown) from error
    if len(data) > LARGEST:
        raise UsageError(f"is larger than {LARGEST >> 20} MiB", where=shown)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError("is not UTF-8", where=f"{shown}:{line}", hint="save it as UTF-8") from error


def parsed(path: Path, text: str, shown: str) -> Placed:
    """What a file of data says, by its suffix: .jsonl and .csv as lists. Raises UsageError."""
    match path.suffix.lower():
        case ".yaml" | ".yml":
            return _of_yaml(text, shown)
        case ".json":
            return _of_json(text, shown)
        case ".jsonl" | ".ndjson":
            return _listed(list(lines_of(text, shown)), shown)
        case ".csv":
            return _listed(list(cells_of(text, shown, ",")), shown)
        case ".tsv":
            return _listed(list(cells_of(text, shown, "\t")), shown)
        case other:
            hint = "known: .yaml, .json, .jsonl, .csv, .tsv"
            raise UsageError(f"{other or 'a file without suffix'} is no known format", where=shown, hint=hint)


class _Yaml12(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as tools of JavaScript's read it: `yes` and `on` are texts, and so is `1:30`."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [pair for pair in pairs if pair[0].rpartition(":")[2] not in ("bool", "int", "float")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
    ),
    list("-+.0123456789"),
)


class _Lines(list[Any]):
    """Values of lines, which remember where they stand."""


def _listed(found: list[Placed], shown: str) -> Placed:
    """A list whose items are Placed themselves."""
    return Placed(_Lines(found), f"{shown}:1")


def entries(of: Placed) -> Iterator[Placed]:
    """The entries of a file of data: the items of a list, or of the lines of a file."""
    if isinstance(of.value, _Lines):
        yield from of.value
    else:
        yield from of.each()


def lines_of(text: str, shown: str) -> Iterator[Placed]:
    """The value of each line of JSON. Raises UsageError."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{shown}:{number}"
            yield Placed(plain(_json(line, where), where), where)


def cells_of(text: str, shown: str, delimiter: str) -> Iterator[Placed]:
    """Each line of a table, as column -> cell. Raises UsageError."""
    before = csv.field_size_limit(LARGEST)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        names, start = None, 1
        for line in reader:
            where, start = f"{shown}:{start}", reader.line_num + 1
            if names is None:
                names = _header(line, where)
            elif line:
                if len(line) != len(names):
                    hint = "a cell with the delimiter, a quote or a line's end in it wants quotes around it"
                    raise UsageError(f"has {len(line)} cells, the header {len(names)}", where=where, hint=hint)
                yield Placed(dict(zip(names, line, strict=True)), where)
    except csv.Error as error:
        raise UsageError(f"is no CSV: {error}", where=f"{shown}:{reader.line_num}") from error
    finally:
        csv.field_size_limit(before)


def _header(names: list[str], where: str) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"the column {twice!r} stands twice", where=where, hint="rename one of them")
    return names


def _of_yaml(text: str, shown: str) -> Placed:
    file = parse_yaml(text, shown)
    data = yaml.load(text, Loader=_Yaml12)  # noqa: S506  (a safe loader)
    return Placed(plain(data, f"{shown}:1"), f"{shown}:1", file)


def _of_json(text: str, shown: str) -> Placed:
    """Lines are those of the same text as YAML, which JSON nearly always is."""
    value = _json(text, f"{shown}:1")
    try:
        tree = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError):
        tree = None
    return Placed(plain(value, f"{shown}:1"), f"{shown}:1", YamlFile(shown, value, tree))


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        path, _, first = where.rpartition(":")
        at = f"{path}:{int(first) + error.lineno - 1}"
        raise UsageError(f"is no JSON: {error.msg} at column {error.colno}", where=at) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"is no JSON: {error}", where=where) from error


def plain(value: Any, where: str) -> Any:
    """The value as JSON has it. Raises UsageError for one that is endless, or no JSON."""
    return _plain(value, where, [_MOST], 0)


def _plain(value: Any, where: str, left: list[int], depth: int) -> Any:
    left[0] -= 1 + (len(value) // _PIECE if isinstance(value, str) else 0)
    if left[0] < 0 or depth > _DEEPEST:
        raise UsageError("holds more than a file of this size should: aliases of aliases?", where=where)
    if isinstance(value, dict):
        return {_key(key): _plain(one, where, left, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one, where, left, depth + 1) for one in value]
    return _leaf(value, where)


def _key(key: Any) -> str:
    return _leaf(key, "") if isinstance(key, str) else json.dumps(key) if isinstance(key, int | float) else str(key)


def _leaf(value: Any, where: str) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise UsageError(f"holds {type(value).__name__}, which is no JSON", where=where)
