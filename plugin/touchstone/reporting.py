"""A past run, reported again from its records. Reads; runs nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from . import report
from .comparing import beside, resolve, review
from .conclusion import Conclusion
from .places import Places
from .report.spreadsheet import as_csv
from .store import find_run


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
    conclusion = Conclusion.read(find_run(places.state / "runs", name))
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
