"""Templates of Nunjucks as ones of Jinja2, which are nearly the same. Pure: compiles, and renders none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..templates import literal

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_WORDS = (
    (re.compile(r"!=="), "!="),
    (re.compile(r"==="), "=="),
    (re.compile(r"&&"), " and "),
    (re.compile(r"\|\|"), " or "),
    (re.compile(r"\belseif\b"), "elif"),
    (re.compile(r"\|\s*dump\b"), "| tojson"),
)
_OF_FILES = (nodes.Block, nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
_RAW = re.compile(r"\{% raw %\}((?:(?!endraw).)*)\{% endraw %\}", re.DOTALL)
_NAME = re.compile(r"\{\{-?\s*([A-Za-z_]\w*(?:\.\w+)*)\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Text for a block of a prompt file."""

    text: str
    names: frozenset[str] = frozenset()
    """Variables that it reads."""
    problem: str = ""
    """Why it is no template here; its text is then what it was, escaped."""


def template(text: str) -> Template:
    """The same template here; as plain text, with the problem, where Jinja2 cannot have it."""
    ours = _TAG.sub(lambda match: _tag(match[0]), text.replace("\r\n", "\n").replace("\r", "\n"))
    environment = ImmutableSandboxedEnvironment()
    try:
        tree = environment.parse(ours)
        environment.from_string(ours)
    except (TemplateError, RecursionError, SyntaxError, ValueError) as error:
        return Template(literal(text), problem=f"no template of Jinja2's: {error}")
    if next(tree.find_all(_OF_FILES), None) is not None:
        return Template(literal(text), problem="a template that is made of others")
    names = meta.find_undeclared_variables(tree) - set(environment.globals)
    return Template(ours, frozenset(names))


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """The value with each `{{ name }}` in its texts filled in; names that are not known stay as they stand."""
    if isinstance(value, str):
        raw = _RAW.fullmatch(value)
        return raw[1] if raw else _NAME.sub(lambda match: _said(match, known), value)
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    return {key: filled(one, known) for key, one in value.items()} if isinstance(value, dict) else value


def open_in(value: Any, known: Mapping[str, Any]) -> bool:
    """Whether a template is still in it once it is filled in."""
    if isinstance(value, str):
        return not _RAW.fullmatch(value) and _TAG.search(_NAME.sub(lambda m: _rest(m, known), value)) is not None
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(open_in(one, known) for one in inner)


def _rest(match: re.Match[str], known: Mapping[str, Any]) -> str:
    return match[0] if _said(match, known) == match[0] else ""


def _said(match: re.Match[str], known: Mapping[str, Any]) -> str:
    found: Any = known
    for part in match[1].split("."):
        if not isinstance(found, Mapping) or part not in found:
            return match[0]
        found = found[part]
    # Braces in what is filled in are not a template: they were text where they came from.
    return found if isinstance(found, str) else match[0] if isinstance(found, dict | list) else _plain(found)


def _plain(value: Any) -> str:
    """As JavaScript writes it."""
    return (
        {True: "true", False: "false", None: ""}.get(value, str(value))
        if not isinstance(value, float)
        else f"{value:g}"
    )


def _tag(tag: str) -> str:
    """One tag in Jinja2's words. Nunjucks keeps the line's end behind a tag, so ours must say that it stays."""
    if tag.startswith("{#"):
        return f"{tag[:-2]}+#}}" if not tag.endswith(("-#}", "+#}")) else tag
    parts = _QUOTED.split(tag)
    ours = "".join(part if number % 2 else _in_words(part) for number, part in enumerate(parts))
    return f"{ours[:-2]}+%}}" if ours.startswith("{%") and not ours.endswith(("-%}", "+%}")) else ours


def _in_words(part: str) -> str:
    for pattern, word in _WORDS:
        part = pattern.sub(word, part)
    return part
