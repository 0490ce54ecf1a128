"""`touchstone audit`: what is wrong with golden labels and with those who gave them. Finds; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...report.text import plural
from .batches import batched
from .contradictions import contradictions
from .finding import Finding, Kind, Severity, worst_first
from .material import Case, Material
from .raters import empty_judges, empty_labels, peeking
from .speed import too_fast
from .unusable import unusable

__all__ = ["Audit", "Case", "Finding", "Kind", "Material", "Severity", "audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """All that was found in an eval's golden set."""

    of: Literal["people", "judges", "nothing"]
    """Whose verdicts were audited: the judges' where nobody has rated."""
    outputs: int
    labels: int
    raters: int
    summary: tuple[str, ...]
    """Lines that hold whether anything was found or not."""
    findings: tuple[Finding, ...]
    """Raters and batches first, then contradicted labels, then what cannot be used; the worst of each first."""
    notes: tuple[str, ...]
    """What could not be told."""


def audit(material: Material) -> Audit:
    """Everything to look at."""
    said = [*empty_labels(material), *too_fast(material)]
    habits = [one for one in said if isinstance(one, Finding)]
    habits += [*empty_judges(material), *peeking(material), *batched(material)]
    found = [*worst_first(habits), *contradictions(material), *worst_first(list(unusable(material)))]
    notes = tuple(one for one in said if isinstance(one, str))
    raters = len(material.by_rater)
    return Audit(_of(material), len(material.cases), material.labels, raters, _summary(material), tuple(found), notes)


def _of(material: Material) -> Literal["people", "judges", "nothing"]:
    if material.labels:
        return "people"
    return "judges" if material.truth and material.judges else "nothing"


def _summary(material: Material) -> tuple[str, ...]:
    """How many labels, and how many of them execution contradicts."""
    if not material.labels:
        instead = "the judges' confident contradictions of execution are audited instead"
        what = instead if _of(material) == "judges" else "there is nothing to audit"
        return (f"nobody has rated these {plural(len(material.cases), 'output')} yet: {what}",)
    counted = (
        f"{plural(material.labels, 'label')} by {plural(len(material.by_rater), 'rater')}"
        f" on {plural(len(material.cases), 'output')}"
    )
    return counted, *_beside_execution(material)


def _beside_execution(material: Material) -> list[str]:
    """Of what people passed, how much execution fails, and the other way round."""
    both = [
        (said.value >= material.passes_at, seen >= 1)
        for every in material.by_rater.values()
        for said in every
        if (seen := material.seen(said.case)) is not None
    ]
    if not both:
        return []
    passed, failed = [seen for said, seen in both if said], [seen for said, seen in both if not said]
    return [
        f"beside execution: {plural(len(passed), 'label')} of a pass, {passed.count(False)} of which it fails;"
        f" {plural(len(failed), 'label')} of a fail, {failed.count(True)} of which it passes"
    ]
