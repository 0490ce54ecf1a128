"""Curves as SVG, drawn by matplotlib. Owns how they look; chooses no point.

The same curves give the same bytes (with one version of matplotlib): no date, no person's settings.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from touchstone.errors import UsageError

from .curves import Line, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1b1b"
"""What is no curve."""
COLOURS = ("#0072b2", "#d55e00", "#00875f", "#b0589a", "#7a6ad8", "#8a6d00", "#c0392b", "#5f7a8a")
"""Told apart from white and from black paper, and most of them from each other by those who see fewer colours."""
_MARKS = "osD^vPX*"
_WIDTH, _HEIGHT = 4.8, 2.9
"""Inches: so narrow that the letters can still be read on a telephone."""
_ENTRY = 0.19
"""Inches of a line of the legend."""


def draw(panels: Sequence[Panel], *, paper: bool) -> str:
    """The panels below each other; on white paper, or on none. Raises UsageError where matplotlib is not installed."""
    out = io.BytesIO()
    with _settings(str([panel.title for panel in panels])):
        figure = _figure(panels)
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=not paper)
    return out.getvalue().decode("utf-8")


@contextmanager
def _settings(salt: str) -> Iterator[None]:
    """matplotlib's own defaults, whatever a person's matplotlibrc says; texts in SVG stay text."""
    try:
        import matplotlib
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]', or leave --html and --markdown out"
        raise UsageError("curves want matplotlib, which is not installed", where="compare", hint=hint) from error
    defaults: Any = matplotlib.rcParamsDefault  # its keys are typed one by one
    ours: Any = {**defaults, "svg.hashsalt": salt, "svg.fonttype": "none", "font.size": 9}
    ours |= dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)
    ours.pop("backend", None)
    with matplotlib.rc_context(ours), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a name in another script
        warnings.filterwarnings("ignore", category=matplotlib.MatplotlibDeprecationWarning)  # of old settings
        yield


def _figure(panels: Sequence[Panel]) -> Figure:
    from matplotlib.figure import Figure

    heights = [_HEIGHT + _ENTRY * sum(bool(line.label) for line in panel.lines) for panel in panels]
    figure = Figure(figsize=(_WIDTH, sum(heights)), facecolor="white")
    top = sum(heights)
    for panel, height in zip(panels, heights, strict=True):
        top -= height
        legend = height - _HEIGHT
        place = (0.62, top + legend + 0.72, _WIDTH - 0.8, _HEIGHT - 1.05)
        left, bottom, width, tall = place
        axes = figure.add_axes((left / _WIDTH, bottom / sum(heights), width / _WIDTH, tall / sum(heights)))
        _panel(axes, panel)
    return figure


def _panel(axes: Axes, panel: Panel) -> None:
    from matplotlib.ticker import MaxNLocator

    shown = [(line.label, _line(axes, line, panel)) for line in panel.lines]
    axes.set_title(panel.title, loc="left", fontweight="bold", fontsize=10, parse_math=False)
    axes.set_xlabel(panel.across)
    axes.set_ylabel(panel.up)
    axes.grid(color=INK, alpha=0.15, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.margins(x=0.03)
    named = [(label, handle) for label, handle in shown if label]
    legend = axes.legend(
        [handle for _, handle in named],
        [label for label, _ in named],
        loc="upper left",
        bbox_to_anchor=(-0.14, -0.26),
        frameon=False,
        fontsize=8.5,
        borderaxespad=0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _line(axes: Axes, line: Line, panel: Panel) -> Any:
    colour, mark = COLOURS[line.colour % len(COLOURS)], _MARKS[line.colour % len(_MARKS)]
    shift = _shift(line, panel)
    xs, ys = [point.x + shift for point in line.points], [point.y for point in line.points]
    few = line.dashed or len(line.points) < 8
    (handle,) = axes.plot(
        xs,
        ys,
        color=colour,
        linestyle="--" if line.dashed else "-",
        linewidth=1.4,
        marker=mark,
        markevery=None if few else max(1, len(xs) // 6),
        markersize=4,
    )
    _spans(axes, line, shift, colour)
    return handle


def _spans(axes: Axes, line: Line, shift: float, colour: str) -> None:
    for point in line.points:
        if point.interval:
            at, span = point.x + shift, (point.interval.low, point.interval.high)
            axes.vlines(at, *span, color=colour, linewidth=1.1)


def _shift(line: Line, panel: Panel) -> float:
    """Intervals of several lines at one place stand beside each other."""
    if not any(point.interval for point in line.points):
        return 0
    widest = max(point.x for one in panel.lines for point in one.points)
    return (line.colour - (len(panel.lines) - 1) / 2) * widest * 0.012
