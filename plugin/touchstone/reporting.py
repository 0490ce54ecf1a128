"""A past run, reported again from its records. Reads; runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

from . import report
from .conclusion import Conclusion
from .store import find_run


def rendered(runs: Path, name: str | None, style: str, *, width: int, color: bool) -> str:
    """The report of a run as text, and its files written anew. Raises UsageError where there is no such run."""
    conclusion = Conclusion.read(find_run(runs, name))
    conclusion.write()
    match style:
        case "markdown":
            return report.markdown(conclusion.summary)
        case "json":
            return json.dumps(report.as_json(conclusion.summary), indent=1, ensure_ascii=False)
    return report.terminal(conclusion.summary, width=width, color=color)
