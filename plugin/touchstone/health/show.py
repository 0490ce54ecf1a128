"""Findings for a terminal and for programs. Hostile text is made harmless, and keys in errors are blotted out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ..models.keys import without_keys
from ..records import SCHEMA
from ..report.text import clean
from .finding import Finding

_MARKS = {"ok": "ok", "absent": "-", "broken": "!!"}
_LONGEST = 500


def as_text(findings: Sequence[Finding], then: Sequence[str]) -> str:
    """A line a finding, by section; keys that are not set share one."""
    lines = []
    for section, found in itertools.groupby(findings, lambda one: one.section):
        lines += [section, *_lines(section, list(found)), ""]
    return "\n".join([*lines, *(["next", *(f"  {_clean(line)}" for line in then)] if then else ["nothing to do"])])


def as_json(findings: Sequence[Finding], then: Sequence[str]) -> str:
    """`findings`, `broken` (how many) and `next`."""
    broken = sum(one.state == "broken" for one in findings)
    told = [{key: _clean(value) for key, value in asdict(one).items()} for one in findings]
    data = {"v": SCHEMA, "findings": told, "broken": broken, "next": [_clean(line) for line in then]}
    return json.dumps(data, indent=1)


def _lines(section: str, found: Sequence[Finding]) -> Iterator[str]:
    unset = [one.name for one in found if section == "keys" and one.state == "absent"]
    shown = [one for one in found if one.name not in unset]
    width = max((len(_clean(one.name)) for one in shown), default=0)
    for one in shown:
        yield f"  {_MARKS[one.state]:<2} {_clean(one.name):<{width}}  {_clean(one.says)}".rstrip()
    if unset:
        yield f"  -  not set: {', '.join(unset)}"


def _clean(text: str) -> str:
    return clean(without_keys(text), _LONGEST)
