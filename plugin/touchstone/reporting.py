"""A past run, reported again from its records. Reads, and writes reports; runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

from . import report
from .conclusion import Conclusion
from .errors import UsageError
from .places import Places
from .records import Message
from .store import find_run, write_text
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
    text = page(conclusion, places)
    if out is not None:
        written(out, text)
        return out
    write_text(conclusion.folder / PAGE, text)
    return conclusion.folder / PAGE


def page(conclusion: Conclusion, places: Places) -> str:
    """The page of a run, with the prompts that the recordings and the cache still hold."""
    from .report.page import page as page_

    prompts = _asked(conclusion, places)
    return page_(conclusion.summary, conclusion.records, prompts, places.shown(conclusion.folder))


def _asked(conclusion: Conclusion, places: Places) -> dict[str, tuple[Message, ...]]:
    """What was asked. Where a store is damaged, a run's end is not the place to fail: the page says what it lacks."""
    from .archive import Archive

    seen = (record for record in conclusion.records if record.outcome.kind != "skipped")
    keys = {record.request for record in seen if record.request}
    archive = Archive(places.state / "cache", places.recordings)
    try:
        return archive.asked(keys)
    except UsageError:
        return {}
    finally:
        archive.cache.close()


def written(path: Path, text: str) -> None:
    """Put a report there, whole or not at all. Raises UsageError where that cannot be done."""
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), hint=f"say a file: --out {path / PAGE}")
    try:
        replace_file(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"the report cannot be written: {error.strerror or error}", where=str(path)) from error
