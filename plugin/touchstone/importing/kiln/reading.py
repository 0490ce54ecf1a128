"""Reads a Kiln project from its folder. Follows no link, believes no file; converts nothing.

A file that cannot be used stops the import, with its name: half a project would be taken for the whole.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from ...errors import UsageError
from ..unplaced import Leftovers
from .shapes import KNOWN_VERSION, SHAPES, Project, Record

SUFFIX = ".kiln"
LARGEST = 32 * 2**20
"""Bytes of one file. A record holds an input and an output, and Kiln's own are some kilobytes."""
DEEPEST = 12
_SHOWN_PROBLEMS = 10
_SURROGATE = re.compile("[\ud800-\udfff]")
_PARENTS = {"task": "project", "eval_config": "eval", "eval_run": "eval_config"}
"""Kind -> the kind whose folder it lies below; all others lie below a task."""
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Found:
    """A record and its file."""

    record: Record
    where: str
    """From the project's root."""
    parent: Found | None

    def above(self, kind: type[R]) -> R:
        """The record of that kind that it lies below."""
        at: Found | None = self
        while at is not None and not isinstance(at.record, kind):
            at = at.parent
        assert at is not None  # noqa: S101  (a record without its parents was refused)
        assert isinstance(at.record, kind)  # noqa: S101
        return at.record


@dataclass
class Everything:
    """A whole project."""

    project: Project
    found: list[Found]
    left: Leftovers

    def of(self, kind: type[R]) -> list[tuple[R, Found]]:
        """All records of a kind, by their files' names."""
        return [(one.record, one) for one in self.found if isinstance(one.record, kind)]


@dataclass
class _Reader:
    root: Path
    left: Leftovers = field(default_factory=Leftovers)
    problems: list[str] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    ids: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def walk(self, folder: Path, parent: Found | None, depth: int = 0) -> None:
        """The folder's own record first, then what lies below."""
        shown = self._shown(folder)
        if depth > DEEPEST:
            self.problems.append(f"{shown}: folders are nested deeper than in any project of Kiln's")
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.problems.append(f"{shown}: cannot be read: {error.strerror}")
            return
        for entry in entries:
            if entry.is_symlink():
                self.left.add("file", "", self._shown(Path(entry.path)), "a link, which is not followed")
            elif not entry.is_dir(follow_symlinks=False):
                parent = self._file(Path(entry.path), entry, parent) or parent
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                self.walk(Path(entry.path), parent, depth + 1)

    def _file(self, path: Path, entry: os.DirEntry[str], parent: Found | None) -> Found | None:
        where, kind = self._shown(path), path.stem
        if path.suffix != SUFFIX or not entry.is_file(follow_symlinks=False):
            if not entry.name.startswith("."):
                self.left.add("file", "", where, "no record of Kiln's")
            return None
        data = self._data(path, where)
        if data is None:
            return None
        if kind not in SHAPES:
            self.left.add(kind, "", where, "a kind that this touchstone does not know", data)
            return None
        return self._record(kind, data, where, parent)

    def _data(self, path: Path, where: str) -> dict[str, Any] | None:
        try:
            data = _read(path)
        except OSError as error:
            self.problems.append(f"{where}: cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            self.problems.append(f"{where}: is not UTF-8")
        except (ValueError, RecursionError) as error:
            self.problems.append(f"{where}: is no JSON: {error or 'nested too deep'}")
        else:
            if isinstance(data, dict):
                return self._clean(data, where)
            self.problems.append(f"{where}: is no JSON object")
        return None

    def _clean(self, data: dict[str, Any], where: str) -> dict[str, Any]:
        """Halves of characters, which no UTF-8 file can hold, become U+FFFD."""
        text = json.dumps(data, ensure_ascii=False)
        if not _SURROGATE.search(text):
            return data
        self.left.add("file", "", where, "halves of characters, read as U+FFFD")
        cleaned: dict[str, Any] = json.loads(_SURROGATE.sub("\ufffd", text))
        return cleaned

    def _record(self, kind: str, data: dict[str, Any], where: str, parent: Found | None) -> Found | None:
        try:
            record = SHAPES[kind].model_validate(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            self.problems.append(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            return None
        if kind == "project" and parent is not None:
            self.left.add(kind, "", where, "another project, which is not imported", data)
            return None
        if parent is not None and isinstance(parent.record, SHAPES[kind]):
            self.left.add(kind, "", where, f"lies below another {kind}: such turns have no place here", data)
            return None
        wanted = _PARENTS.get(kind, "task") if kind != "project" else ""
        if wanted and (parent is None or not isinstance(parent.record, SHAPES[wanted])):
            self.problems.append(f"{where}: there is no {wanted}{SUFFIX} in the folder that it belongs to")
            return None
        one = Found(record, where, parent)
        self._note(kind, one)
        return one

    def _note(self, kind: str, one: Found) -> None:
        home = one.parent.where if one.parent else ""
        first = self.ids.setdefault((kind, one.record.id, home), one.where)
        if first != one.where:
            self.problems.append(f"{one.where}: has the id {one.record.id!r} of {first}")
        if one.record.v != KNOWN_VERSION:
            self.left.add(kind, "v", one.where, f"version {one.record.v}, read as {KNOWN_VERSION}", one.record.v)
        self.left.fields(kind, one.where, one.record.unknown(), "no such thing here")
        self.found.append(one)

    def _shown(self, path: Path) -> str:
        shown = os.path.relpath(path, self.root)
        return PurePosixPath(shown).as_posix().encode("utf-8", "replace").decode("utf-8")


def read(project: Path) -> Everything:
    """The project of that folder, or of that project.kiln. Raises UsageError with every bad file (the first ten)."""
    root = project.parent if project.name == f"project{SUFFIX}" else project
    if not (root / f"project{SUFFIX}").is_file():
        hint = "name the folder that holds project.kiln"
        raise UsageError("there is no project of Kiln's", where=str(project), hint=hint)
    reader = _Reader(root)
    reader.walk(root, None)
    if reader.problems:
        more = len(reader.problems) - _SHOWN_PROBLEMS
        last = [f"... and {more} more"] if more > 0 else []
        raise UsageError("\n".join([*reader.problems[:_SHOWN_PROBLEMS], *last]), hint="nothing was written")
    projects = [one.record for one in reader.found if isinstance(one.record, Project)]
    if not projects:
        raise UsageError("project.kiln is a link, which is not followed", where=str(project))
    return Everything(projects[0], reader.found, reader.left)


def _read(path: Path) -> Any:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MiB")
    return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is no number")
    return number


def words_of(values: dict[str, str] | None) -> Iterator[str]:
    """What was thought, of the names that Kiln gives it."""
    yield from (values[name] for name in ("chain_of_thought", "reasoning") if values and values.get(name))
