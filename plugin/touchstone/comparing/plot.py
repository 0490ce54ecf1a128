"""A history as SVG, drawn by matplotlib. Owns how it looks; chooses no point.

The same history gives the same bytes (with one version of matplotlib): no date, no person's settings.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..report.text import clean, crop
from ..wholefile import replace_file
from .history import History, Line
from .wording import SHOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 4.6, 2.2
"""Inches of one eval's panel."""
_ACROSS = 2
_INK, _BLUE, _RED, _GREEN = "#1b1b1b", "#0072b2", "#b3261e", "#00704a"
_TOLD = "at each commit that changed the baseline, with 95 % interval; a triangle: a change that the paired test shows"
_DATES = 4
"""Dates below a panel."""


def save(found: History, path: Path) -> None:
    """Write the plot. Raises UsageError for a suffix other than .svg, where matplotlib is not installed, and where the
    file cannot be written.
    """
    if path.suffix.lower() != ".svg":
        raise UsageError("a plot is an .svg file", where=str(path), hint=f"--svg {path.stem}.svg")
    data = draw(found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise UsageError(f"cannot be written: {error}", where=str(path), hint="name another file") from None


def draw(found: History) -> bytes:
    """The plot: a panel an eval. Raises UsageError where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]', or leave --svg out"
        raise UsageError("a plot wants matplotlib, which is not installed", where="--svg", hint=hint) from error
    defaults: Any = matplotlib.rcParamsDefault  # its keys are typed one by one
    ours: Any = {**defaults, "svg.hashsalt": "touchstone", "svg.fonttype": "none", "font.size": 9}
    ours.pop("backend", None)
    out = io.BytesIO()
    with matplotlib.rc_context(ours), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a name in another script
        warnings.filterwarnings("ignore", category=matplotlib.MatplotlibDeprecationWarning)  # of old settings
        _figure(found).savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _figure(found: History) -> Figure:
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(found.lines))
    down = -(-len(found.lines) // across)
    figure = Figure(figsize=(across * _WIDTH, down * _HEIGHT), facecolor="white", layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True).flat
    for axes in panels:
        axes.set_axis_off()
    for axes, line in zip(figure.axes, found.lines, strict=False):
        axes.set_axis_on()
        _panel(axes, line, found.score)
    figure.supxlabel(_TOLD, fontsize=8, color=_INK)
    return figure


def _panel(axes: Axes, line: Line, score: str) -> None:
    """Commits at even distances: weeks without one say nothing."""
    points = line.points
    xs, means = list(range(len(points))), [100 * point.found.mean for point in points]
    below = [mean - 100 * point.found.interval.low for mean, point in zip(means, points, strict=True)]
    above = [100 * point.found.interval.high - mean for mean, point in zip(means, points, strict=True)]
    axes.errorbar(xs, means, yerr=[below, above], color=_BLUE, marker="o", markersize=4, capsize=2, linewidth=1.2)
    for x, mean, point in zip(xs, means, points, strict=True):
        change = point.change
        if change is not None and change.adjusted < SHOWN:
            up = change.found.mean > 0
            axes.plot([x], [mean], marker="^" if up else "v", color=_GREEN if up else _RED, markersize=9)
    name = clean(line.eval, 60) if score == "passed" else f"{clean(line.eval, 60)}: {clean(score, 60)}"
    axes.set_title(crop(name, 44), loc="left", fontweight="bold", fontsize=10, color=_INK, parse_math=False)
    axes.set_ylim(0, 102)
    axes.set_ylabel("per cent")
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    step = max(1, -(-len(points) // _DATES))
    axes.set_xlim(-0.5, len(points) - 0.5)
    names = [f"{point.commit.date}\n{point.commit.short}" for point in points]
    axes.set_xticks(xs[::step], names[::step], fontsize=8)
