"""What people and programs read after a run. Text in, text out: prints nothing, writes nothing, decides nothing."""

from .beside import Beside
from .data import as_json, json_schema
from .github import markdown
from .summary import GateResult, RunInfo, Summary, headline, summarise

__all__ = [
    "Beside",
    "GateResult",
    "RunInfo",
    "Summary",
    "as_json",
    "headline",
    "json_schema",
    "markdown",
    "summarise",
    "terminal",
]


def terminal(summary: Summary, width: int = 80, *, color: bool = False, beside: Beside | None = None) -> str:
    """The whole report for a terminal, no line longer than `width` columns (at least 40).

    Without `color` it is plain text, its own words and lines in ASCII. With it, `NO_COLOR` is still obeyed.
    """
    from .console import draw

    return draw(summary, width, color, beside)
