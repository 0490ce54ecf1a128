"""A prompt file of ours as messages of Nunjucks's. Pure: parses, and renders none.

Taken are files of plain `system` and `user` blocks, or none. A line's end behind a block's tag goes, as it does here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jinja2 import TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

_BLOCK = re.compile(r"\{%-?\s*block\s+(\w+)\s*-?%\}(.*?)\{%-?\s*endblock(?:\s+\w+)?\s*-?%\}", re.DOTALL)
_GIVEN = re.compile(r"""\{% set (\w+) = (?:\1 \| default\(""\)|input\["\1"\] \| default\(""\)|"") %\}\n""")
"""Lines that the import puts before what it takes."""
_TAG = re.compile(r"(\{%.*?%\}|\{#.*?#\})(\n?)", re.DOTALL)
_FILTERS = """
abs batch capitalize center default d dictsort e escape first float forceescape groupby indent int join last length
list lower random reject rejectattr replace reverse round safe select selectattr slice sort string striptags sum
title trim truncate upper urlencode urlize wordcount tojson
"""
_TESTS = """
callable defined divisibleby eq even equalto escaped ge gt lower lt mapping ne none number odd string undefined upper
iterable
"""
_OTHERS = (nodes.Block, nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport, nodes.Macro, nodes.CallBlock)


@dataclass(frozen=True, slots=True)
class Told:
    """A prompt file in Nunjucks's words."""

    messages: tuple[tuple[str, str], ...] = ()
    """(role, template)."""
    names: frozenset[str] = frozenset()
    """Variables that they read."""
    problem: str = ""
    """Why there is none."""


def told(text: str) -> Told:
    """The messages of a prompt file; none, with the problem, where Nunjucks cannot have it."""
    blocks = {match[1]: match[2] for match in _BLOCK.finditer(text)}
    around = _BLOCK.sub("", text)
    parts: Mapping[str, str] = blocks or {"user": text}
    if blocks and (around.strip() or not blocks.keys() <= {"system", "user"}):
        return Told(problem="has more than a system and a user block")
    names: set[str] = set()
    messages = []
    for role in (role for role in ("system", "user") if role in parts):
        source = _GIVEN.sub("", parts[role]).strip()
        try:
            tree = ImmutableSandboxedEnvironment().parse(source)
        except (TemplateError, RecursionError) as error:
            return Told(problem=f"cannot be read: {error}")
        if problem := _problem(tree):
            return Told(problem=problem)
        # What a line of the import's gave a meaning is a variable of that very name, or none.
        names |= meta.find_undeclared_variables(tree) - {match[1] for match in _GIVEN.finditer(parts[role])}
        ours = _TAG.sub(_ended, source)
        messages.append((role, re.sub(r"\|\s*tojson\b", "| dump", ours)))
    return Told(tuple(one for one in messages if one[1]), frozenset(names))


def _ended(match: re.Match[str]) -> str:
    """A tag without the line's end that goes with it here, or without the `+` that keeps it."""
    tag, end = match[1], match[2]
    return f"{tag[:-3]}{tag[-2:]}{end}" if tag[-3] == "+" else tag


def _problem(tree: nodes.Template) -> str:
    if next(tree.find_all(_OTHERS), None) is not None:
        return "is made of other templates or macros"
    unknown = _unknown(tree)
    if unknown:
        return f"Nunjucks knows no {', '.join(sorted(unknown))}"
    calls = [node.node for node in tree.find_all(nodes.Call)]
    if any(not (isinstance(one, nodes.Name) and one.name == "range") for one in calls):
        return "calls a method of Python's"
    return ""


def _unknown(tree: nodes.Template) -> set[str]:
    filters: Iterable[nodes.Filter] = tree.find_all(nodes.Filter)
    tests: Iterable[nodes.Test] = tree.find_all(nodes.Test)
    found = {f"filter {one.name}" for one in filters if one.name not in _FILTERS.split()}
    return found | {f"test {one.name}" for one in tests if one.name not in _TESTS.split()}
