"""A past run, reported again from its records. Reads; runs nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from . import report
from .conclusion import Conclusion
from .store import find_run


def rendered(runs: Path, name: str | None, style: str, color: bool) -> str:
    """The report of a run as text, and its files written anew. Raises UsageError where there is no such run."""
    conclusion = Conclusion.read(find_run(runs, name))
    conclusion.write()
    match style:
        case "markdown":
            return report.markdown(conclusion.summary)
        case "json":
            return json.dumps(report.as_json(conclusion.summary), indent=1, ensure_ascii=False)
    width = min(max(shutil.get_terminal_size().columns, 80), 120)
    return report.terminal(conclusion.summary, width=width, color=color)
