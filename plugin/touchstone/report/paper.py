"""A terminal's page before it is printed: rich, told to believe nothing that stands in its texts. Owns no layout."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Paper:
    """Written to by its console; `text` is what stands on it."""

    console: Console
    _out: io.StringIO

    @classmethod
    def of(cls, width: int, *, color: bool) -> Paper:
        """An empty page of so many columns. With `color`, `NO_COLOR` is still obeyed."""
        from rich.console import Console

        out = io.StringIO()
        console = Console(
            file=out,
            width=max(NARROWEST, width),
            force_terminal=color,
            force_jupyter=False,  # in a notebook rich would show it there, line by line
            color_system="standard" if color else None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        return cls(console, out)

    @property
    def text(self) -> str:
        """All lines, without blanks at their ends."""
        return "\n".join(line.rstrip() for line in self._out.getvalue().splitlines()) + "\n"
