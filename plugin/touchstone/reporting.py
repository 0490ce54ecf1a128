"""A past run, reported again from its records. Reads, and writes reports; runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

from . import report
from .conclusion import Conclusion
from .errors import UsageError
from .places import Places
from .store import find_run
from .wholefile import replace_file

PAGE = "report.html"
"""A run's page, in its folder."""


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


def paged(places: Places, name: str | None, out: Path | None = None) -> Path:
    """Write the page of a run; returns where: `out`, else in the run's folder.

    Raises UsageError where there is no such run, or where it cannot be written.
    """
    conclusion = Conclusion.read(find_run(places.state / "runs", name))
    return write_page(conclusion, places, out)


def write_page(conclusion: Conclusion, places: Places, out: Path | None = None) -> Path:
    """As `paged`, of a run that is at hand."""
    path = out or conclusion.folder / PAGE
    written(path, page(conclusion, places))
    return path


def page(conclusion: Conclusion, places: Places) -> str:
    """The page of a run, with the prompts that the recordings and the cache still hold."""
    from .archive import Archive
    from .report.page import page as page_

    keys = {record.request for record in conclusion.records if record.request}
    prompts = Archive(places.state / "cache", places.recordings).asked(keys)
    return page_(conclusion.summary, conclusion.records, prompts, places.shown(conclusion.folder))


def written(path: Path, text: str) -> None:
    """Put a report there, whole or not at all. Raises UsageError where that cannot be done."""
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), hint=f"say a file: --out {path / PAGE}")
    try:
        replace_file(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"the report cannot be written: {error.strerror or error}", where=str(path)) from error
