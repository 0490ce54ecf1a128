"""How far a job is from a run-config, and what to type next. Words alone; names are cleaned, whoever wrote them."""

from __future__ import annotations

from shlex import quote

from touchstone.report.text import clean, crop

from .roster import Learner, Roster

NAME = 80
"""Characters of a job's name."""
_SHORT = 24
"""Of a run-config's, where it is one of many figures."""


def standing(one: Learner) -> str:
    """The run-configs of a job, or how far it is from having one."""
    if one.entry is None or not one.entry.submitted:
        return "not submitted"
    if one.entry.state != "succeeded":
        far = f" {one.entry.step}/{one.entry.steps}" if one.entry.step and one.entry.steps else ""
        return f"{one.entry.state}{far}"
    more = f" +{len(one.run_configs) - 1}" if len(one.run_configs) > 1 else ""
    return crop(one.run_configs[0], _SHORT) + more if one.run_configs else "not registered"


def step(found: Roster, one: Learner) -> str:
    """What to type next for a job that has no run-config; empty for one that has."""
    sweep, job = quote(clean(found.sweep.name, NAME)), quote(clean(one.job.name, NAME))
    if one.entry is None or not one.entry.submitted:
        return f"touchstone tune submit {sweep} --job {job}"
    if one.entry.in_vain:
        return f"touchstone tune submit {sweep} --job {job} --again"
    if not one.entry.ended:
        return f"touchstone tune wait {sweep} --job {job}"
    return "" if one.run_configs else f"touchstone tune register {sweep} {job}"
