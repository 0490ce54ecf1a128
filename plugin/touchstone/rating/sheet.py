"""Ratings by spreadsheet: the sheet that is filled in, and the sheet that comes back. Opens no page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import UsageError
from ..labels import Item, Label, Rating
from ..ratings import labels_of
from .desk import LONGEST_NOTE, Desk

COLUMNS = ("row", "answer", "input", "output", "value", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_HASH = "sha256:"
_LARGEST = 64 * 2**20
_LONGEST_CELL = 2**26
_SHOWN_PROBLEMS = 20


def sheet(desk: Desk) -> bytes:
    """A CSV in the rater's own order, with what they have said so far: UTF-8 with the mark that spreadsheets ask for.

    No cell is a formula: those that would begin one begin with an apostrophe, which `read_sheet` takes off again.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for item, said in zip(desk.items, desk.overview(), strict=True):
        value = "" if said["value"] is None else str(said["value"])
        asked = item.input if isinstance(item.input, str) else json.dumps(item.input, ensure_ascii=False)
        cells = (_HASH + item.answer, asked, item.output, value, said["note"])
        writer.writerow([_named(item.row), *(_harmless(cell) for cell in cells)])
    return out.getvalue().encode("utf-8-sig", "backslashreplace")


def read_sheet(file: Path, desk: Desk) -> list[Rating]:
    """The new ratings in a sheet: lines without a value, or that say what stands already, are no ratings.

    Raises UsageError that lists every bad line (the first twenty) by its number; then nothing is to be taken.
    """
    found, problems = _Found(desk), []
    for number, cells in _lines(file):
        if why := found.take(cells):
            problems.append(f"{file}:{number}: {why}")
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        said = [*problems[:_SHOWN_PROBLEMS], *([f"... and {more} more"] if more > 0 else [])]
        raise UsageError("\n".join(said), hint="nothing was taken: mend the sheet and import it again")
    return list(found.ratings.values())


class _Found:
    """The ratings of a sheet, line by line."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._items = {item.key: item for item in desk.items}
        self._said = {said["key"]: said for said in desk.overview()}
        self._seen: dict[str, tuple[Label, str]] = {}
        self.ratings: dict[str, Rating] = {}

    def take(self, cells: Mapping[str, str]) -> str | None:
        """Take a line in, or say why it cannot be."""
        text, note = cells.get("value", "").strip(), _bare(cells.get("note", "")).strip()
        if not text:
            return "a note without a value" if note and self._unsaid(cells, note) else None
        item = self._item(cells)
        value = label(text, labels_of(self._desk.scale))
        if isinstance(item, str):
            return item
        if value is None:
            return f"{text[:40]!r} is no label; there are: {self._desk.words}"
        if len(note) > LONGEST_NOTE:
            return f"the note is longer than {LONGEST_NOTE} characters"
        return self._put(item, value, note)

    def _unsaid(self, cells: Mapping[str, str], note: str) -> bool:
        item = self._item(cells)
        return isinstance(item, str) or self._said[item.key]["note"] != note

    def _item(self, cells: Mapping[str, str]) -> Item | str:
        row = cells.get("row", "").strip().removeprefix("'")
        answer = cells.get("answer", "").strip().lower().removeprefix(_HASH)
        item = self._items.get(f"{row}@{answer}")
        if item is not None:
            return item
        known = any(item.row == row for item in self._items.values())
        return (
            f"the answer of row {row!r} is not the golden one (it changed?)" if known else f"no golden row {row[:80]!r}"
        )

    def _put(self, item: Item, value: Label, note: str) -> str | None:
        if self._seen.setdefault(item.key, (value, note)) != (value, note):
            return f"the same output of row {item.row!r} is rated twice, and differently"
        said = self._said[item.key]
        if (said["value"], said["note"]) != (value, note):
            self.ratings[item.key] = self._desk.rating(item, value, note, None)
        return None


def label(text: str, labels: Sequence[Label]) -> Label | None:
    """The label that a person wrote: in any case, by its first letter, `4.0` for 4; None for what is none."""
    word = text.strip().lower().removesuffix(".0")
    return next((one for one in labels if word in (str(one), str(one)[0])), None)


def _lines(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, column -> cell) of each line that is not blank; columns in any order and case."""
    text = _text(file)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, file)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise UsageError(f"is no CSV: {error}", where=f"{file}:{reader.line_num}") from error


def _check_header(header: Sequence[str], file: Path) -> None:
    missing = [name for name in ("row", "answer", "value") if name not in header]
    if missing:
        message = f"has no column {', '.join(missing)}: its first line is not the sheet's"
        raise UsageError(message, where=f"{file}:1", hint="touchstone rate EVAL --csv FILE writes one")


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise UsageError("is larger than 64 MiB", where=str(file))
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("is not UTF-8", where=str(file), hint="save it as CSV UTF-8") from error
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file)) from error


def _delimiter(text: str) -> str:
    """What parts the names of the header: spreadsheets of some languages write semicolons."""
    header = text.partition("\n")[0]
    return max(",", ";", "\t", key=header.count)


def _named(row: str) -> str:
    """A row's id that a spreadsheet would take for a number or a date gets an apostrophe."""
    return f"'{row}" if row[:1].isdigit() else row


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    """The inverse of `_harmless`; what a person began with an apostrophe stays."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
