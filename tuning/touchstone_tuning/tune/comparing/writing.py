"""A compared sweep as files: Markdown with its curves beside it, HTML in one. Owns their names; words nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from touchstone.errors import UsageError
from touchstone.wholefile import replace_file

from .curves import panels
from .drawing import markdown
from .page import page
from .plot import draw
from .whole import Whole


def write(whole: Whole, markdown_file: Path | None, html_file: Path | None) -> Iterator[Path]:
    """Write what is asked for; each file's path. Raises UsageError where it cannot be written."""
    if markdown_file is not None:
        found = panels(whole)
        picture = markdown_file.with_suffix(".svg")
        if found:
            yield _put(picture, draw(found, paper=True))
        yield _put(markdown_file, markdown(whole, quote(picture.name) if found else ""))
    if html_file is not None:
        yield _put(html_file, page(whole))


def _put(path: Path, text: str) -> Path:
    try:
        replace_file(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
    return path
