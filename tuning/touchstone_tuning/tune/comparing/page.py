"""A compared sweep as one HTML page: its own styles, its pictures inside, no script, nothing from a network.

Owns the page; every text that stands in it is cleaned, and escaped by jinja.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

from touchstone.report.text import clean

from . import wording
from .curves import Panel, panels
from .drawing import parts
from .inline import inline
from .plot import draw
from .whole import Whole

if TYPE_CHECKING:
    from markupsafe import Markup

_LONGEST = 600


def page(whole: Whole) -> str:
    """The page. Raises UsageError where there are curves and matplotlib is not installed."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    templates = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates.filters["shown"] = lambda text: clean(text, _LONGEST)
    styles = _read("page.css")
    return templates.from_string(_read("page.html.j2")).render(
        sweep=whole.roster.sweep,
        styles=Markup(styles),  # noqa: S704  (the file is ours)
        hashed=base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode(),
        parts=list(parts(whole)),
        pictures=list(_pictures(whole)),
        steps=list(wording.next_steps(whole)),
        lists=[(title, lines) for title, lines in _lists(whole) if lines],
    )


def _pictures(whole: Whole) -> Iterator[tuple[Panel, Markup]]:
    """Each panel with its SVG, made by matplotlib, which escapes what it writes."""
    from markupsafe import Markup

    for at, panel in enumerate(panels(whole), 1):
        svg = inline(draw([panel], paper=False), f"curve{at}", panel.title)
        yield panel, Markup(svg)  # noqa: S704


def _lists(whole: Whole) -> Iterator[tuple[str, list[str]]]:
    if whole.worth:
        yield "In words", list(wording.sentences(whole.worth))
        yield "Left out", list(wording.left_out(whole.worth))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
