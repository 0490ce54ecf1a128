"""Tables, titles and lists on a terminal's page. Owns how they are cut to its width; knows no report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from .tables import Column, Table
from .text import clean, crop, wrap

NAME = 18
"""Characters of a run-config's name before it is cropped rather than the table split."""
_HEADINGS = (14, 11, 10, 9, 8)
"""Widths of headings to try."""


def pieces(console: Console, table: Table, shipping: str = "", longest: int = NAME) -> None:
    """The table, in as many pieces as the width asks for; names of at most `longest` characters."""
    names = [("*" if name == shipping else " ") + crop(clean(name, 80), longest) for name in table.names]
    title(console, table.title)
    for part in _fitted(table.columns, console.width - max(map(len, names), default=0)):
        _piece(console, names, part)


def _fitted(columns: Sequence[Column], room: int) -> list[list[Column]]:
    """In one piece if headings can be broken so that it fits, else in several."""
    tries = (list(_parts([_narrow(column, width) for column in columns], room)) for width in _HEADINGS)
    return min(tries, key=len)


def _narrow(column: Column, width: int) -> Column:
    return Column("\n".join(wrap(clean(column.heading, 60), width)), column.cells)


def _parts(columns: Sequence[Column], room: int) -> Iterator[list[Column]]:
    part: list[Column] = []
    left = room
    for column in columns:
        width = 1 + max(len(line) for line in (*column.heading.split("\n"), *column.cells))
        if part and width > left:
            yield part
            part, left = [], room
        part.append(column)
        left -= width
    if part:
        yield part


def _piece(console: Console, names: Sequence[str], columns: Sequence[Column]) -> None:
    table = Grid(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(Text(column.heading), justify="right", no_wrap=True)
    for index, name in enumerate(names):
        cells = [Text(column.cells[index]) for column in columns]
        table.add_row(Text(name), *cells, style="bold" if name.startswith("*") else "")
    console.print(table)


def title(console: Console, text: str) -> None:
    """A line of its own, ruled off."""
    line = clean(text, console.width)
    say(console, "")
    say(console, f"{line} ".ljust(console.width, "-")[: console.width], "bold")


def say(console: Console, text: str, style: str = "") -> None:
    """Text as it is, wrapped."""
    console.print(Text(text, style=style))


def beside(console: Console, rows: Sequence[tuple[Text, Text]]) -> None:
    """Short texts, and long ones beside them, wrapped under themselves."""
    grid = Grid.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for head, text in rows:
        grid.add_row(head, text)
    console.print(grid)
