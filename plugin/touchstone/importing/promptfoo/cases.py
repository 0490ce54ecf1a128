"""Tests of a promptfoo config: read from wherever they stand, laid over the default one, and each combination of their
variables made. Knows what a test is; makes no rows.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ..placed import Folder, Placed, entries, parsed
from ..unplaced import Leftovers
from .nunjucks import filled, open_in

_FILE = "file://"
_MOST = 100_000
"""Combinations of one test's variables."""
_DATA = (".yaml", ".yml", ".json", ".jsonl", ".csv")
_TEXTS = (".txt", ".md", ".html", ".xml", ".csv", ".log", "")
_KNOWN = ("vars", "assert", "description", "metadata", "threshold", "options")
_EXPECTED = re.compile(r"(?P<type>(?:not-)?[a-z][a-z-]+)(?:\((?P<threshold>\d+(?:\.\d+)?)\))?(?::(?P<value>.*))?", re.S)
_CHANGES = ("transform", "postprocess")
_CODE = ("javascript", "fn", "eval", "python")


@dataclass(frozen=True, slots=True)
class Case:
    """One test with one set of variables."""

    where: str
    vars: Mapping[str, Any]
    asserts: tuple[Placed, ...]
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    threshold: Placed | None = None
    provider: Placed | None = None
    """Who grades, where the test says so."""


@dataclass
class Cases:
    """All tests of a config."""

    folder: Folder
    left: Leftovers
    types: frozenset[str]
    """Every kind of assert that promptfoo may mean in a cell of a table."""

    def all(self, config: Placed) -> Iterator[Case]:
        """In the config's order. Raises UsageError."""
        base = self._default(config.at("defaultTest"))
        for one in self._tests(config.at("tests")):
            yield from self._expanded(one, base)
        for scenario in config.at("scenarios").each():
            for data in scenario.at("config").each():
                for one in self._tests(scenario.at("tests")):
                    yield from self._expanded(one, _over(base, data))

    def _default(self, given: Placed) -> dict[str, Placed]:
        if isinstance(given.value, str) and given.value.startswith(_FILE):
            path = self.folder.files(given.value.removeprefix(_FILE), given.where)[0]
            given = parsed(path, self.folder.text(path), self.folder.shown(path))
        return dict(given.items())

    def _tests(self, given: Placed) -> Iterator[Placed]:
        for one in given.each():
            if isinstance(one.value, str):
                yield from self._file(one)
            elif isinstance(one.value, dict) and "path" in one.value and "vars" not in one.value:
                self.left.add("test", "", one.where, "tests that code makes", one.value)
            elif isinstance(one.value, dict):
                yield one
            else:
                self.left.add("test", "", one.where, "is no test", one.value)

    def _file(self, given: Placed) -> Iterator[Placed]:
        name = given.value.removeprefix(_FILE)
        if "://" in name or Path(name).suffix.lower() not in _DATA:
            self.left.add("test", "", given.where, "tests that code makes, or that lie elsewhere", given.value)
            return
        for path in self.folder.files(name, given.where):
            found = parsed(path, self.folder.text(path), self.folder.shown(path))
            for one in entries(found):
                if path.suffix.lower() == ".csv":
                    yield self._of_cells(one)
                else:
                    yield from self._tests(one)

    def _of_cells(self, line: Placed) -> Placed:
        """A line of a table: columns are variables, but for those that begin with two underlines."""
        own = {name: cell for name, cell in line.value.items() if not name.startswith("__")}
        test: dict[str, Any] = {"vars": own, "assert": [], "metadata": {}}
        for name, cell in line.value.items():
            kind, _, key = name.removeprefix("__").partition(":")
            if not name.startswith("__") or not cell.strip():
                continue
            if kind.rstrip("0123456789") == "expected":
                test["assert"].append(self._expected(cell))
            elif kind == "description":
                test["description"] = cell
            elif kind == "threshold":
                test["threshold"] = _number(cell)
            elif kind == "metadata" and key:
                listed = key.endswith("[]")
                test["metadata"][key.removesuffix("[]")] = [c.strip() for c in cell.split(",")] if listed else cell
            else:
                self.left.add("test", name, line.where, "no such thing here", cell)
        return line.said(test)

    def _expected(self, cell: str) -> dict[str, Any]:
        """What a cell of `__expected` means: `contains:x`, `levenshtein(5): x`, or the very text."""
        kind, colon, rest = cell.partition(":")
        if colon and kind in _CODE:
            return {"type": "python" if kind == "python" else "javascript", "value": rest.strip()}
        if colon and kind == "grade":
            return {"type": "llm-rubric", "value": rest}
        found = _EXPECTED.fullmatch(cell)
        if found is None or found["type"].removeprefix("not-") not in self.types:
            return {"type": "equals", "value": cell}
        made: dict[str, Any] = {"type": found["type"]}
        if found["value"] is not None:
            several = found["type"].endswith(("-any", "-all"))
            made["value"] = [v.strip() for v in found["value"].split(",")] if several else found["value"]
        if found["threshold"] is not None:
            made["threshold"] = float(found["threshold"])
        return made

    def _expanded(self, given: Placed, base: Mapping[str, Placed]) -> Iterator[Case]:
        test = _over(base, given)
        self._rest(test)
        options = test.get("options", given.said({}))
        asserts = [*_listed(given.at("assert"))]
        if options.at("disableDefaultAsserts").value is not True:
            asserts = [*_listed(base["assert"]), *asserts] if "assert" in base else asserts
        description = given.at("description").value
        threshold = test.get("threshold")
        for known in self._combinations(test.get("vars"), expand=options.at("disableVarExpansion").value is not True):
            yield Case(
                given.where,
                known,
                tuple(asserts),
                description if isinstance(description, str) else "",
                test["metadata"].value if "metadata" in test and isinstance(test["metadata"].value, dict) else {},
                threshold if threshold is not None and threshold.value is not None else None,
                options.at("provider") if options.at("provider").value is not None else None,
            )

    def _rest(self, test: Mapping[str, Placed]) -> None:
        for key, one in test.items():
            if key == "options":
                known = ("provider", "disableDefaultAsserts", "disableVarExpansion")
                for name, value in one.items():
                    if name not in known:
                        said = "asserts hold for the answer as it is" if name in _CHANGES else "no such thing here"
                        self.left.fields_at("test.options", [(name, value.where, value.value)], said)
            elif key not in _KNOWN:
                self.left.fields_at("test", [(key, one.where, one.value)])

    def _combinations(self, given: Placed | None, *, expand: bool) -> Iterator[dict[str, Any]]:
        found = self._vars(given) if given is not None else {}
        values = {name: self._values(one) if expand else [self._value(one)] for name, one in found.items()}
        if math.prod(map(len, values.values())) > _MOST and given is not None:
            raise UsageError(f"its lists make more than {_MOST:,} tests", where=given.where)
        for chosen in itertools.product(*values.values()):
            known = dict(zip(values, chosen, strict=True))
            yield {name: self._within(name, value, known, found[name].where) for name, value in known.items()}

    def _within(self, name: str, value: Any, known: Mapping[str, Any], where: str) -> Any:
        """Variables may name each other."""
        others = {key: one for key, one in known.items() if key != name}
        said = filled(value, others)
        if open_in(value, others):
            self.left.add("test.vars", name, where, "a template in a variable, which stays as it stands", value)
        return said

    def _vars(self, given: Placed) -> dict[str, Placed]:
        """Name -> value. Files of variables are laid over each other."""
        if isinstance(given.value, dict):
            return dict(given.items())
        found: dict[str, Placed] = {}
        for one in given.each():
            if isinstance(one.value, str):
                for path in self.folder.files(one.value.removeprefix(_FILE), one.where):
                    found |= dict(parsed(path, self.folder.text(path), self.folder.shown(path)).items())
            else:
                self.left.add("test", "vars", one.where, "is no variable", one.value)
        return found

    def _values(self, one: Placed) -> list[Any]:
        """A list that begins with a text is so many values; any other is one."""
        if isinstance(one.value, list) and one.value and isinstance(one.value[0], str):
            return [value for item in one.each() for value in self._values(item)]
        if isinstance(one.value, str) and one.value.startswith(_FILE) and any(mark in one.value for mark in "*?["):
            there = self.folder.files(one.value.removeprefix(_FILE), one.where)
            return [self._read(path, one) for path in there]
        return [self._value(one)]

    def _value(self, one: Placed) -> Any:
        if not (isinstance(one.value, str) and one.value.startswith(_FILE)):
            return one.value
        name = one.value.removeprefix(_FILE)
        if Path(name).suffix.lower() not in (*_TEXTS, *_DATA):
            self.left.add("test.vars", "", one.where, "a file that is no text stays a name", one.value)
            return one.value
        return self._read(self.folder.files(name, one.where)[0], one)

    def _read(self, path: Path, one: Placed) -> str:
        text = self.folder.text(path)
        if path.suffix.lower() in (".yaml", ".yml"):
            return json.dumps(parsed(path, text, self.folder.shown(path)).value, ensure_ascii=False)
        return text.strip()


def _over(base: Mapping[str, Placed], test: Placed) -> dict[str, Placed]:
    """The test with what the default one says and it does not; variables, metadata and options are laid over."""
    laid = {**base, **dict(test.items())}
    for key in ("vars", "metadata", "options"):
        below, above = base.get(key), test.at(key)
        if below is not None and isinstance(below.value, dict):
            laid[key] = _merged(below, above) if isinstance(above.value, dict) else below
    return {key: one for key, one in laid.items() if key != "description"}


@dataclass(frozen=True, slots=True)
class _Merged(Placed):
    """A mapping laid over another: each value knows where it stands."""

    parts: tuple[Placed, Placed] | None = None

    def at(self, key: Any) -> Placed:
        assert self.parts is not None  # noqa: S101  (made with both)
        below, above = self.parts
        return above.at(key) if key in above.value else below.at(key)


def _merged(below: Placed, above: Placed) -> Placed:
    return _Merged({**below.value, **above.value}, above.where, None, (), (below, above))


def _listed(given: Placed) -> list[Placed]:
    return list(given.each())


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
