"""Columns as a row's fields: `input=question`, `answer=answers.text.0`, `input.context=passage`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import UsageError
from ...records import digest
from ..names import slug
from ..placed import Placed, plain
from ..turns import answered, asked, turns_of

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OWN = ("id", "input", "tags")
NOT_THERE = object()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of the columns."""

    fields: tuple[tuple[str, str], ...]
    """(field of the row, column), both dotted."""
    id: str | None = None
    """Column."""
    tags: tuple[str, ...] = ()
    """Columns."""
    tag: tuple[str, ...] = ()
    """Words for every row."""
    keep: bool = True
    """Columns that nothing was said about become fields of their own names."""

    @classmethod
    def parse(cls, fields: Sequence[str], **more: Any) -> Wanted:
        """Of `FIELD=COLUMN` each. Raises UsageError."""
        pairs = []
        for text in fields:
            name, mark, column = text.partition("=")
            if not mark or not name or not column or not all(name.split(".")):
                hint = "FIELD=COLUMN, for example --map input=question --map answer=answers.text.0"
                raise UsageError(f"{text!r} maps nothing", where="--map", hint=hint)
            if name.split(".")[0] in ("id", "tags"):
                raise UsageError(
                    f"{name} has an option of its own", where="--map", hint=f"--{name.split('.')[0]} COLUMN"
                )
            pairs.append((name, column))
        twice = next((n for n, _ in pairs for m, _ in pairs if m.startswith(f"{n}.")), None) or next(
            (n for i, (n, _) in enumerate(pairs) if n in [m for m, _ in pairs[:i]]), None
        )
        if twice is not None:
            raise UsageError(f"says twice what {twice} is", where="--map", hint="a field is a value or a mapping")
        return cls(tuple(pairs), **more)

    def with_input(self, columns: Sequence[str]) -> Wanted:
        """With what goes without saying: `input`, or a conversation. Raises UsageError that lists the columns."""
        if any(name.split(".")[0] == "input" for name, _ in self.fields):
            return self
        known = next((name for name in ("input", "messages", "conversations") if name in columns), None)
        if known is None:
            hint = f"--map input=COLUMN; its columns: {', '.join(columns) or 'none'}"
            raise UsageError("no column is called input", where="--map", hint=hint)
        return Wanted((("input", known), *self.fields), self.id, self.tags, self.tag, self.keep)


@dataclass
class Mapped:
    """Rows of one split, and what is to be said of them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    """Column -> field."""
    kept: list[str] = field(default_factory=list)
    """Columns under their own names."""
    dropped: list[str] = field(default_factory=list)
    """Columns that were left out, and why."""
    same: list[tuple[str, str]] = field(default_factory=list)
    """(place of a row that was left out, place of the same one)."""
    alike: list[tuple[str, str]] = field(default_factory=list)
    """(place of a row with the input of another, that one's place)."""
    lacking: dict[str, int] = field(default_factory=dict)
    """Field -> rows that have no value for it."""


@dataclass
class Mapping_:
    """Rows made one by one."""

    wanted: Wanted
    found: Mapped = field(default_factory=Mapped)
    problems: list[str] = field(default_factory=list)
    _ids: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id -> (digest of the row, its place)."""
    _inputs: dict[str, str] = field(default_factory=dict)

    def add(self, one: Placed) -> None:
        """An entry as a row; what is wrong with it is noted."""
        if not isinstance(one.value, dict):
            self.problems.append(f"{one.where}: is no mapping of columns to values")
            return
        try:
            row = self._row(one)
        except ValueError as error:
            self.problems.append(f"{one.where}: {error}")
            return
        self._take(row, one)

    def _row(self, one: Placed) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, column in self.wanted.fields:
            value = at(one.value, column)
            if value is NOT_THERE or value in (None, ""):
                if name.split(".")[0] == "input" and name == "input":
                    raise ValueError(f"has no {column}")
                self.found.lacking[name] = self.found.lacking.get(name, 0) + 1
                continue
            _put(row, name, _json(value, one, column))
            self.found.used.setdefault(column, name)
        if "input" not in row:
            raise ValueError("has no value for input")
        self._turns(row)
        return row | self._tags(one) | self._rest(one, row)

    def _turns(self, row: dict[str, Any]) -> None:
        """A conversation is asked by its last user's turn; what was answered then is the answer."""
        turns = turns_of(row["input"])
        if turns is None:
            return
        row["input"], after = asked(turns)
        said = answered(after)
        if said is not None and "answer" not in row:
            row["answer"] = said

    def _tags(self, one: Placed) -> dict[str, Any]:
        tags = list(self.wanted.tag)
        for column in self.wanted.tags or (("tags",) if "tags" in one.value else ()):
            value = at(one.value, column)
            self.found.used.setdefault(column, "tags")
            if value is not NOT_THERE and value not in (None, ""):
                parts = value if isinstance(value, list | tuple) else str(value).split()
                tags += [str(part) for part in parts]
        return {"tags": list(dict.fromkeys(tags))} if tags else {}

    def _rest(self, one: Placed, row: Mapping[str, Any]) -> dict[str, Any]:
        """Columns that nobody spoke of."""
        spoken = {path for path in (*self.found.used, self.wanted.id or "id") if path in one.value}
        spoken |= {path.split(".")[0] for path in self.found.used}
        rest: dict[str, Any] = {}
        for column, value in one.value.items():
            if column in spoken or value in (None, ""):
                continue
            why = self._why_not(column, row)
            if not why:
                try:
                    rest[column] = _json(value, one, column)
                except ValueError as error:
                    why = str(error)
            self._note(column, why)
        return rest

    def _why_not(self, column: str, row: Mapping[str, Any]) -> str:
        if not self.wanted.keep:
            return "not asked for"
        return "its name is a field's of the row" if column in row or column in _OWN or not column else ""

    def _note(self, column: str, why: str) -> None:
        into, said = (self.found.dropped, f"{column} ({why})") if why else (self.found.kept, column)
        if said not in into:
            into.append(said)

    def _take(self, row: dict[str, Any], one: Placed) -> None:
        content = digest(row)
        id_ = self._id(row, one, content)
        known = self._ids.get(id_)
        if known is not None and known[0] == content:
            self.found.same.append((one.where, known[1]))
            return
        if known is not None:
            self.problems.append(f"{one.where}: the id {id_!r} stands twice; first at {known[1]}")
            return
        first = self._inputs.setdefault(digest(row["input"]), one.where)
        if first != one.where:
            self.found.alike.append((one.where, first))
        self._ids[id_] = content, one.where
        self.found.rows.append({"id": id_, **row})

    def _id(self, row: Mapping[str, Any], one: Placed, content: str) -> str:
        """The column's where it can be one; else of what the row says, so that it is the same tomorrow."""
        value = at(one.value, self.wanted.id or "id")
        if value is NOT_THERE or value in (None, "") or isinstance(value, dict | list):
            if self.wanted.id is not None:
                self.problems.append(f"{one.where}: has no {self.wanted.id}")
            return f"row-{content[:12]}"
        text = str(value)
        return text if _ID.fullmatch(text) else f"{slug(text) or 'row'}-{digest(text)[:8]}"


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path: a column of that very name first. NOT_THERE where there is nothing."""
    if isinstance(value, dict) and path in value:
        return value[path]
    head, dot, rest = path.partition(".")
    if isinstance(value, dict) and head in value:
        return at(value[head], rest) if dot else value[head]
    if isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        return at(value[int(head)], rest) if dot else value[int(head)]
    return NOT_THERE


def _put(row: dict[str, Any], name: str, value: Any) -> None:
    *folders, last = name.split(".")
    for folder in folders:
        row = row.setdefault(folder, {})
    row[last] = value


def _json(value: Any, one: Placed, column: str) -> Any:
    """Raises ValueError for what is no JSON: a picture, say."""
    try:
        return plain(value, one.fixed)
    except UsageError as error:
        raise ValueError(f"{column} {error.message}") from error
