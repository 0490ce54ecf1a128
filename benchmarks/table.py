"""What the benchmarks print: one Markdown table, and the machine that it is true of."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    what: str
    ours: str
    theirs: str
    """The baseline, in the same unit; a dash where the goal is absolute."""
    figure: float
    goal: float
    unit: str
    """Of figure and goal: `x`, `s`, `ms`, `MB`, `$`, `%`, `points` (of percent), or what is counted."""
    least: bool = False
    """Whether the goal is the least that will do, not the most."""

    @property
    def met(self) -> bool:
        """Whether it is no more than the goal; or no less."""
        return self.figure >= self.goal if self.least else self.figure <= self.goal


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line of the table without a figure."""

    name: str
    what: str
    why: str


HEAD = (
    "| benchmark | what | touchstone | baseline | figure | goal | met |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | --- |"
)


def line(figure: Figure | LeftOut) -> str:
    """One line, printed as soon as it is known."""
    if isinstance(figure, LeftOut):
        return f"| {figure.name} | {figure.what} | - | - | left out: {figure.why} | - | - |"
    cells = (figure.name, figure.what, figure.ours, figure.theirs, _shown(figure.figure, figure.unit))
    goal = f"at {'least' if figure.least else 'most'} {_shown(figure.goal, figure.unit)}"
    return f"| {' | '.join(cells)} | {goal} | {'yes' if figure.met else 'no'} |"


def machine() -> str:
    """Where the figures come from, without a name that would tell whose machine it is."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{cores} cores ({_processor()}), Python {platform.python_version()}, load {load:.1f} at the start"


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
        return next(names, platform.machine())


def _shown(value: float, unit: str) -> str:
    digits = {"x": 2, "$": 3, "s": 1, "points": 1, "%": 1}.get(unit, 0)
    return f"{value:.{digits}f} {unit}"
