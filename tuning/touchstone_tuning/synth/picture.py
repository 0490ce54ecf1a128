"""Coverage as one picture: a panel a kind, a cell a feature. Owns the drawing; counts nothing.

The same coverage gives the same bytes (with one version of matplotlib): no date, no version, no person's settings.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from touchstone.errors import UsageError
from touchstone.report.text import clean, crop

from .coverage import Coverage, Kind
from .shown import kind_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Form = Literal["png", "svg"]
WIDTH = 1280
"""Pixels."""
_DPI = 100
_MARGIN = 20
_COLUMNS = 10
_CELL = 18
"""Height of a named cell, gap included."""
_SMALL = 14
"""Height of a missing feature's cell."""
_TITLE = 30
_LEGEND = 104
_FINE = 6.4
"""Points of the letters there."""
_NAMED = 16
"""Characters of a name in a cell that has marks."""
_LONGER = 26
"""Characters of a missing feature's name."""
_INK, _GREY, _DIM, _FAINT, _PALE, _EDGE = "#1b1b1b", "#444444", "#595959", "#8a8a8a", "#efefec", "#c9d3dd"
_MARKS = {"eval": ("^", "in a row of eval"), "golden": ("*", "in a row of golden")}
"""Split -> its symbol, and what the legend says of it."""


@dataclass(frozen=True, slots=True)
class _Box:
    """A feature's place, in pixels from the top left."""

    x: float
    y: float
    width: float
    height: float
    name: str
    rows: int
    """Of training; 0 where there are none."""
    marks: tuple[str, ...]
    missing: bool = False


@dataclass(frozen=True, slots=True)
class _Panel:
    kind: Kind
    y: float
    boxes: tuple[_Box, ...]
    bottom: float


def save(coverage: Coverage, path: Path) -> None:
    """Write the picture to a `.png` or `.svg` file. Raises UsageError for another suffix, and without matplotlib."""
    form = path.suffix.lower().removeprefix(".")
    if form not in ("png", "svg"):
        raise UsageError("a picture is .png or .svg", where=str(path), hint=f"{path.stem}.png")
    data = draw(coverage, "png" if form == "png" else "svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def draw(coverage: Coverage, form: Form = "png") -> bytes:
    """The picture, WIDTH pixels wide. Raises UsageError where matplotlib is not installed."""
    matplotlib = _matplotlib()
    # A person's matplotlibrc must not show; names in SVG stay text, to be searched for.
    settings = {**matplotlib.rcParamsDefault, "svg.hashsalt": "touchstone", "svg.fonttype": "none"}
    settings.pop("backend", None)
    out = io.BytesIO()
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a topic in another script
        warnings.filterwarnings("ignore", category=matplotlib.MatplotlibDeprecationWarning)  # of old settings
        figure = _figure(coverage)
        figure.savefig(out, format=form, metadata={"Software": None} if form == "png" else {"Date": None})
    return out.getvalue()


def cells(coverage: Coverage) -> dict[str, tuple[float, float, float]]:
    """Feature -> its cell's left and top, and its width, in pixels of the PNG."""
    boxes = [(panel.kind.name, box) for panel in _panels(coverage) for box in panel.boxes]
    return {f"{kind}/{box.name}".removeprefix("/"): (box.x, box.y, box.width) for kind, box in boxes}


def _matplotlib() -> Any:
    try:
        import matplotlib as found
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]'"
        raise UsageError("a picture wants matplotlib, which is not installed", where="coverage", hint=hint) from error
    return found


# --- places ----------------------------------------------------------------------------------------------------------


def _panels(coverage: Coverage) -> tuple[_Panel, ...]:
    """Panels from top to bottom; what some row exercises first, then what none does, both in the topics' order."""
    found, y = list[_Panel](), float(_LEGEND)
    for kind in (one for one in coverage.kinds if one.known):
        named = list(_grid([name for name, rows in kind.uses.items() if rows], kind, y + _TITLE))
        below = max((box.y + _CELL for box in named), default=y + _TITLE) + (4 if named and kind.missing else 0)
        small = list(_flow(kind.missing, below))
        bottom = max((box.y + _SMALL for box in small), default=below)
        found.append(_Panel(kind, y, (*named, *small), bottom))
        y = bottom + 14
    return tuple(found)


def _grid(names: Sequence[str], kind: Kind, y: float) -> Iterator[_Box]:
    step = (WIDTH - 2 * _MARGIN) / _COLUMNS
    for at, name in enumerate(names):
        row, column = divmod(at, _COLUMNS)
        uses = kind.uses[name]
        marks = tuple(split for split in _MARKS if uses.get(split))
        left, top = _MARGIN + column * step, y + row * _CELL
        yield _Box(left, top, step - 3, _CELL - 3, name, uses.get("train", 0), marks)


def _flow(names: Sequence[str], y: float) -> Iterator[_Box]:
    """Like words in a paragraph, as wide as their names."""
    x = float(_MARGIN)
    for name in names:
        width = _wide(_cropped(name, _LONGER), _FINE) + 8
        if x + width > WIDTH - _MARGIN:
            x, y = float(_MARGIN), y + _SMALL
        yield _Box(x, y, width, _SMALL - 2, name, 0, (), missing=True)
        x += width + 3


def _wide(text: str, size: float) -> float:
    """Pixels that a text takes, as matplotlib's own font has it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    points, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)
    return float(points) * _DPI / 72


# --- drawing ---------------------------------------------------------------------------------------------------------


def _figure(coverage: Coverage) -> Figure:
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    panels = _panels(coverage)
    height = (panels[-1].bottom if panels else _LEGEND) + _MARGIN
    figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
    axes.set_axis_off()
    most = max((box.rows for panel in panels for box in panel.boxes), default=0)
    scale = _Scale(colormaps["Blues"], max(2, most))
    _legend(axes, coverage, scale)
    for panel in panels:
        _title(axes, panel, coverage)
        _cells(axes, panel.boxes, scale)
    return figure


@dataclass(frozen=True, slots=True)
class _Scale:
    """Rows -> colour, on a logarithmic scale: the darker, the more. Told apart by brightness alone, too."""

    map: Colormap
    most: int

    def color(self, rows: int) -> tuple[float, float, float]:
        """RGB; white where there is no row."""
        from math import log

        if not rows:
            return (1.0, 1.0, 1.0)
        red, green, blue, _ = self.map(0.2 + 0.8 * log(rows) / log(self.most))
        return (red, green, blue)

    def ink(self, rows: int) -> str:
        """What can be read on it."""
        red, green, blue = self.color(rows)
        return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"


def _cells(axes: Axes, boxes: Sequence[_Box], scale: _Scale) -> None:
    from matplotlib.collections import PolyCollection

    colors = [_PALE if box.missing else scale.color(box.rows) for box in boxes]
    edges = [_PALE if box.missing else _EDGE if box.rows else _FAINT for box in boxes]
    corners = [_corners(box) for box in boxes]
    axes.add_collection(PolyCollection(corners, facecolors=colors, edgecolors=edges, linewidths=0.7), autolim=False)
    for box in boxes:
        ink = _DIM if box.missing else scale.ink(box.rows)
        name = _cropped(box.name, _LONGER if box.missing else _NAMED + 2 - 2 * len(box.marks))
        _write(axes, (box.x + 4, box.y + box.height / 2), name, _FINE if box.missing else 7.2, ink)
    for split in _MARKS:
        own = [box for box in boxes if split in box.marks]
        _stamp(axes, split, [_place(box, split) for box in own], [scale.ink(box.rows) for box in own])


def _cropped(name: str, limit: int) -> str:
    return crop(clean(name) or "-", limit)


def _corners(box: _Box) -> list[tuple[float, float]]:
    right, bottom = box.x + box.width, box.y + box.height
    return [(box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)]


def _place(box: _Box, split: str) -> tuple[float, float]:
    """Marks stand at a cell's right end, each in a column of its own."""
    back = 8 + 12 * (list(_MARKS)[::-1].index(split))
    return box.x + box.width - back, box.y + box.height / 2


def _stamp(axes: Axes, split: str, places: Sequence[tuple[float, float]], inks: Sequence[str]) -> None:
    if places:
        symbol, size = _MARKS[split][0], 46 if _MARKS[split][0] == "*" else 24
        xs, ys = zip(*places, strict=True)
        axes.scatter(xs, ys, s=size, c=list(inks), marker=symbol, linewidths=0, zorder=3)


def _write(axes: Axes, at: tuple[float, float], text: str, size: float, color: str = _INK) -> None:
    """One line of text that starts at a place; bold where it is a title."""
    weight = "bold" if size > 10 else "normal"
    axes.text(*at, text, size=size, color=color, weight=weight, va="center_baseline", parse_math=False)


def _title(axes: Axes, panel: _Panel, coverage: Coverage) -> None:
    kind = panel.kind
    _write(axes, (_MARGIN, panel.y + 14), kind_name(kind.name), 11)
    told = [f"{kind.known:,} known"]
    told += [f"{kind.exercised(split):,} in {clean(split, 20)}" for split in coverage.splits]
    told += [f"{len(kind.missing):,} in none"]
    _write(axes, (_MARGIN + 160, panel.y + 14), "   ".join(told), 8.5, _GREY)


def _legend(axes: Axes, coverage: Coverage, scale: _Scale) -> None:
    rows = ", ".join(f"{one.rows:,} {clean(name, 20)}" for name, one in coverage.splits.items())
    _write(axes, (_MARGIN, 24), "What the rows exercise", 15)
    _write(axes, (_MARGIN + 290, 25), f"rows: {rows}" if rows else "no rows", 9.5, _GREY)
    x = _swatches(axes, scale)
    for split, (_, said) in _MARKS.items():
        _stamp(axes, split, [(x, 62)], [_INK])
        _write(axes, (x + 12, 62), said, 8.5)
        x += 40 + 6.2 * len(said)
    _cells(axes, [_Box(_MARGIN, 80, 43, _SMALL - 2, "name", 0, (), missing=True)], scale)
    _write(axes, (_MARGIN + 52, 86), "no row of any split exercises it", 8.5)


def _swatches(axes: Axes, scale: _Scale) -> float:
    """The colours' meaning; gives where they end."""
    _write(axes, (_MARGIN, 62), "rows of train", 8.5)
    x = _MARGIN + 90.0
    steps = [0, *dict.fromkeys(round(scale.most ** (step / 4)) for step in range(5))]
    boxes = [_Box(x + 46 * at, 54, 43, 15, f"{rows:,}", rows, ()) for at, rows in enumerate(steps)]
    _cells(axes, boxes, scale)
    return x + 46 * len(boxes) + 24
