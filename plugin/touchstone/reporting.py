"""A past run, reported again from its records. Reads, and writes reports; runs nothing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import report
from .comparing import beside, resolve, review
from .conclusion import Conclusion
from .errors import UsageError
from .places import Places
from .records import Message
from .report.spreadsheet import as_csv
from .store import find_run, write_text
from .wholefile import replace_file

PAGE = "report.html"
"""A run's page, in its folder."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a report is shown."""

    style: str = "terminal"
    """terminal, markdown, json or csv."""
    width: int = 80
    color: bool = False


def rendered(
    places: Places, name: str | None, shown: Shown, *, against: str | None = None, run_configs: Sequence[str] = ()
) -> str:
    """The report of a run as text, and its files written anew. Raises UsageError where there is no such run, or nothing
    that `against` (a run, a file, `git:REF` or a ref) could mean.
    """
    conclusion = Conclusion.read(find_run(places.state / "runs", name), brief=shown.style != "csv")
    if shown.style == "csv":
        return as_csv(conclusion.info.id, conclusion.records)
    other = compared(places, conclusion, against, run_configs) if against is not None else None
    conclusion.write(other)
    match shown.style:
        case "markdown":
            return report.markdown(conclusion.summary, other)
        case "json":
            return json.dumps(report.as_json(conclusion.summary, other), indent=1, ensure_ascii=False)
    return report.terminal(conclusion.summary, width=shown.width, color=shown.color, beside=other)


def compared(places: Places, run: Conclusion, against: str, run_configs: Sequence[str] = ()) -> report.Beside:
    """The run beside what `against` names, for its reports. Raises UsageError."""
    return beside(review(run, resolve(places, against), run_configs))


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
    seen = (record for record in conclusion.records if record.outcome.kind != "skipped")
    keys = {record.request for record in seen if record.request}
    with warnings.catch_warnings(), suppress(UsageError):
        warnings.simplefilter("ignore")  # the run has said already that its cache is away
        return _held(keys, places)
    return {}


def _held(keys: set[str], places: Places) -> dict[str, tuple[Message, ...]]:
    from .archive import Archive
    from .caches import open_stores

    archive = Archive(open_stores(places.cache, places.state).cache, places.recordings)
    try:
        return archive.asked(keys)
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
