"""A compared sweep in words: what to type next for each job, what was left out, what the tables' marks mean.

Names come from files: they are cleaned here, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from shlex import quote

from touchstone.comparing import wording
from touchstone.report.text import clean, listed, plural

from .roster import Roster
from .steps import NAME, standing, step
from .whole import Whole
from .worth import Worth, running

Name = Callable[[str], str]
SHOWN = wording.SHOWN


def next_steps(whole: Whole) -> Iterator[tuple[str, str]]:
    """(what is lacking, what to type) of each job and run-config that cannot be held against the others yet."""
    found = whole.roster
    for one in found.learners:
        if command := step(found, one):
            why = f": {clean(one.entry.why, 200)}" if one.entry and one.entry.why else ""
            yield f"{clean(one.job.name, NAME)}: {standing(one)}{why}", command
    yield from _unmeasured(found, whole.worth)
    yield from _baseless(found)


def _unmeasured(found: Roster, worth: Worth | None) -> Iterator[tuple[str, str]]:
    lacking = tuple(name for name in found.run_configs if worth is None or name not in worth.measured)
    if lacking:
        where = f"the run {clean(worth.run, 60)}" if worth else "no run"
        has = "has no sample of" if worth else "has a sample of"
        yield f"{where} {has} {listed(lacking)}", running(found.run_configs)


def _baseless(found: Roster) -> Iterator[tuple[str, str]]:
    """Of jobs that begin with the same model, and learn by the same prompt, once."""
    alone = {(one.job.base, one.job.prompt): one.untuned for one in found.learners if not one.base}
    for (base, prompt), others in alone.items():
        there = f"; with another prompt: {listed(others)}" if others else ""
        what = f"no untuned run-config of {clean(base, NAME)} has the prompt {clean(prompt, 60)}, so no gain is known"
        sweep = quote(clean(found.sweep.name, NAME))
        yield f"{what}{there}", f"touchstone tune compare {sweep} --base {others[0] if others else 'NAME'}"


def left_out(worth: Worth) -> Iterator[str]:
    """What of the run says nothing here, and why."""
    for one in worth.comparisons:
        for found in one.left_out:
            yield from wording.left_out(one, found)
    for notice in worth.summary.skipped:
        yield f"skipped: {listed(notice.run_configs)}: {clean(notice.why)} ({plural(notice.samples, 'sample')})"


def sentences(worth: Worth) -> Iterator[str]:
    """Each gain in words."""
    for one in worth.comparisons:
        yield from wording.sentences(one, worth.tests)


def title(whole: Whole) -> str:
    """What all of it is about."""
    return f"sweep {clean(whole.roster.sweep.name, 60)}, {plural(len(whole.roster.learners), 'job')}"


def took() -> str:
    """What the columns of the first table are."""
    return (
        "rows: learnt from. tokens: trained on, over all epochs, prompts included. Losses: the last ones. "
        "~: as estimated before. A dash: not known."
    )


def scored(whole: Whole, name: Name = clean) -> str:
    """What the columns of the second table are; `name` makes names fit to stand in it."""
    worth = whole.worth
    if worth is None:
        return ""
    legend = [f"run {name(worth.run)}", "per cent of samples passed, with 95 % interval"]
    if worth.gains:
        bases = f"over {name(whole.roster.bases[0])}" if len(whole.roster.bases) == 1 else "over the job's base"
        legend.append(f"gain: points {bases}, with 95 % interval, paired by row")
        legend.append(f"* p < {SHOWN:g}, by Holm's method among {plural(worth.tests, 'comparison')}")
    legend += ["! some samples erred"] if any(one.errors for one in worth.summary.results.values()) else []
    return "; ".join(legend)
