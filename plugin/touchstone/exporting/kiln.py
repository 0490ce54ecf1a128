"""Inputs and outputs as the CSV that Kiln's upload of a data set takes: input, output, reasoning, tags. Writes none.

Spreadsheets run what begins with `=`, `+`, `-` or `@`: such a cell is led by an apostrophe, as in a report's CSV,
unless somebody wants every cell as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..report.spreadsheet import FORMULA
from .sources import Entry

COLUMNS = ("input", "output", "reasoning", "tags")


@dataclass
class Written:
    """A file's bytes, and what is to be said of them."""

    data: bytes = b""
    lines: int = 0
    told: list[str] = field(default_factory=list)
    """What could not be carried over."""


@dataclass
class _Sheet:
    raw: bool
    formulas: int = 0
    mended: set[str] = field(default_factory=set)
    structured: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    left: set[str] = field(default_factory=set)

    def line(self, one: Entry) -> list[str]:
        self.left |= set(one.more) - {"answer", "reference", "thinking"}
        if not isinstance(one.input, str):
            self.structured.append(one.row)
        cells = [_text(one.input), one.output or "", one.reasoning, self._tags(one.tags)]
        return [self._cell(cell) for cell in cells]

    def _tags(self, tags: Iterable[str]) -> str:
        """Kiln sets tags apart by commas and allows no blanks in one."""
        fit = {tag: "_".join(tag.replace(",", " ").split()) for tag in tags}
        self.mended |= {tag for tag, ours in fit.items() if tag != ours}
        return ",".join(dict.fromkeys(ours for ours in fit.values() if ours))

    def _cell(self, text: str) -> str:
        if not text.lstrip().startswith(FORMULA):
            return text
        self.formulas += 1
        return text if self.raw else f"'{text}"


def as_kiln(entries: Iterable[Entry], *, raw: bool = False) -> Written:
    """The file. Rows without an output are left out, and said."""
    sheet, out, written = _Sheet(raw), io.StringIO(newline=""), Written()
    lines = []
    for one in entries:
        if one.output:
            lines.append(sheet.line(one))
        else:
            sheet.empty.append(one.row)
    # Kiln would keep an empty cell as reasoning that says nothing: a column without any is left out.
    used = [n for n, name in enumerate(COLUMNS) if name in ("input", "output") or any(line[n] for line in lines)]
    csv.writer(out).writerows([line[n] for n in used] for line in (COLUMNS, *lines))
    written.lines = len(lines)
    written.data = out.getvalue().encode("utf-8", "replace")
    written.told = list(_told(sheet))
    return written


def _told(sheet: _Sheet) -> Iterable[str]:
    if sheet.empty:
        yield f"rows without an output, left out ({len(sheet.empty)}): {', '.join(sheet.empty[:5])}"
    if sheet.left:
        yield f"Kiln's upload takes no such columns: {', '.join(sorted(sheet.left))}"
    if sheet.structured:
        yield f"inputs that are no text are JSON ({len(sheet.structured)}): the task in Kiln wants an input schema"
    if sheet.mended:
        yield f"tags with blanks or commas have underscores: {', '.join(sorted(sheet.mended)[:5])}"
    if sheet.formulas and sheet.raw:
        yield f"cells that a spreadsheet would run ({sheet.formulas}): open the file in none"
    elif sheet.formulas:
        yield f"cells that a spreadsheet would run have an apostrophe in front ({sheet.formulas}); --raw leaves it out"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
